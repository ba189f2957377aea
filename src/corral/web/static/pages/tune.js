// Fine-tuning: the jobs, a new one, one of them.
import { Icon } from '../components/icon.js';
import { get } from '../lib/api.js';
import { html, useState } from '../lib/html.js';
import { formatAgo, formatNumber, t } from '../lib/i18n.js';
import { usePolling } from '../lib/live.js';
import { stylesheets } from '../lib/style.js';
import { NewJob } from './tune/form.js';
import { JobView, StateBadge } from './tune/job.js';

export const title = () => t('nav.tune');
await stylesheets(import.meta.url, '../components/work.css', '../vendor/uplot.css', 'tune.css');

const LOOK_MS = 3000;
const NEW = 'new';

export default function Tune({ route }) {
  const [id] = route.parts;
  return html`<div class="page tune">
    <header class="page-head"><h1 class="grow">${id ? html`<a href="#/tune" class="up">${t('nav.tune')}</a><${Icon} name="chevronRight" size=${16} />${id === NEW ? t('tune.new') : t('tune.job')}` : t('nav.tune')}</h1>
      ${!id && html`<a class="button primary" href=${`#/tune/${NEW}`}><${Icon} name="plus" size=${16} />${t('tune.new')}</a>`}</header>
    ${!id ? html`<${List} />` : id === NEW ? html`<${NewJob} />` : html`<${JobView} key=${id} id=${id} />`}</div>`;
}

function List() {
  const [jobs, setJobs] = useState(null);
  const [error, setError] = useState('');
  usePolling(async (signal) => { setJobs((await get('/api/tune', { signal })).jobs); setError(''); }, LOOK_MS, { failed: (failure) => setError(failure.message) });
  if (error) return html`<p class="notice bad">${error}</p>`;
  if (!jobs) return null;
  if (!jobs.length) return html`<div class="empty"><p>${t('tune.none')}</p><a class="button primary" href=${`#/tune/${NEW}`}>${t('tune.new')}</a></div>`;
  return html`<div class="table-wrap"><table class="data"><thead><tr><th scope="col">${t('models.col.name')}</th><th scope="col">${t('tune.base')}</th><th scope="col">${t('models.col.state')}</th>
      <th scope="col" class="number">${t('tune.steps')}</th><th scope="col" class="number">${t('tune.heldOutLoss')}</th><th scope="col">${t('tune.begun')}</th></tr></thead>
    <tbody>${jobs.map((job) => html`<tr key=${job.id}><th scope="row"><a href=${`#/tune/${encodeURIComponent(job.id)}`}>${job.name || job.id}</a></th><td>${job.model}</td><td><${StateBadge} state=${job.state} /></td>
      <td class="number">${job.progress ? `${job.progress.step} / ${job.progress.steps}` : ''}</td><td class="number">${losses(job.held_out_loss)}</td><td class="muted nowrap">${formatAgo(job.created_at)}</td></tr>`)}</tbody></table></div>`;
}

const losses = (held) => (held ? `${number(held.before)} → ${number(held.now)}` : '');
const number = (value) => formatNumber(value, { maximumFractionDigits: 3 });
