// What the server does now: models in memory, who waits, requests, charts of the last minutes, the log.
import { Chart } from '../components/chart.js';
import { Icon, IconButton } from '../components/icon.js';
import { apiKey, get } from '../lib/api.js';
import { html, useState } from '../lib/html.js';
import { formatAgo, formatBytes, formatNumber, formatSeconds, t } from '../lib/i18n.js';
import { usePolling } from '../lib/live.js';
import { version } from '../lib/store.js';
import { stylesheets } from '../lib/style.js';
import { isPinned, unload } from './models/actions.js';
import { columns, look, points, status } from './operate/history.js';
import { Log, Requests, useLog } from './operate/log.js';

export const title = () => t('nav.operate');
await stylesheets(import.meta.url, '../components/work.css', '../vendor/uplot.css', 'operate.css');

const LOOK_MS = 2000;
const CAPTURES_MS = 5000;

export default function Operate() {
  const [captures, setCaptures] = useState({ mode: 'off', requests: [], refusal: '' });
  const [error, setError] = useState('');
  usePolling(async (signal) => { await look(signal); setError(''); }, LOOK_MS, { failed: (failure) => setError(failure.message) });
  usePolling(async (signal) => setCaptures(await capturesNow(signal)), CAPTURES_MS);
  useLog();
  return html`<div class="page operate">
    <header class="page-head"><h1 class="grow">${t('nav.operate')}</h1>
      <span class="muted small">Corral ${version.value} · <a href="/metrics" target="_blank" rel="noopener">/metrics</a> · <a href="/docs" target="_blank" rel="noopener">/docs</a></span></header>
    ${error && html`<p class="notice bad"><${Icon} name="warning" size=${16} />${error}</p>`}
    <${Tiles} />
    <${Charts} />
    <${Loaded} />
    <${Queue} />
    <${Requests} captures=${captures} />
    <${Log} />
  </div>`;
}

let refused = { key: null, answer: null };

// Whoever may not read them is told so, without being asked for a key, and is not refused again and again.
async function capturesNow(signal) {
  if (refused.answer && refused.key === apiKey.peek()) return refused.answer;
  try {
    return { refusal: '', ...await get('/api/captures', { signal, quiet: true }) };
  } catch (error) {
    if (error.status !== 401 && error.status !== 403) throw error;
    refused = { key: apiKey.peek(), answer: { mode: 'off', requests: [], refusal: error.message } };
    return refused.answer;
  }
}

const rate = (value) => formatNumber(value, { maximumFractionDigits: value < 10 ? 1 : 0 });

function Tiles() {
  const last = points.value.at(-1);
  const models = status.value.models ?? [];
  const slots = models.reduce((sum, model) => sum + (model.slots ?? 0), 0);
  const tiles = [
    [t('operate.tokens'), last?.tokens == null ? '–' : rate(last.tokens)],
    [t('operate.running'), last ? `${last.running} / ${slots}` : '–'],
    [t('operate.waiting'), last ? last.waitsLoad + last.waitsSlot : '–'],
    [t('operate.loadedModels'), models.length],
    [t('operate.modelMemory'), last ? formatBytes(last.memory) : '–'],
    [t('operate.serverMemory'), last?.server ? formatBytes(last.server) : '–'],
  ];
  return html`<dl class="tiles">${tiles.map(([label, value]) => html`<div class="card tile" key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function Charts() {
  const list = points.value;
  const empty = t('operate.collecting');
  return html`<div class="charts">
    <${Chart} title=${t('operate.tokens')} data=${columns(list, 'tokens')} series=${[{ label: t('operate.tokens') }]} format=${rate} empty=${empty} />
    <${Chart} title=${t('operate.firstToken')} data=${columns(list, 'first', 'firstSlow')} format=${shortSeconds} empty=${empty}
      series=${[{ label: t('operate.median'), points: true, spanGaps: true }, { label: t('operate.slowest'), points: true, spanGaps: true }]} />
    <${Chart} title=${t('operate.requestsChart')} data=${columns(list, 'running', 'waitsSlot', 'waitsLoad')} format=${rate} empty=${empty}
      series=${[{ label: t('operate.running') }, { label: t('operate.waitSlot') }, { label: t('operate.waitLoad') }]} />
    <${Chart} title=${t('operate.memory')} data=${columns(list, 'memory', 'server')} format=${formatBytes} empty=${empty}
      series=${[{ label: t('operate.models') }, { label: t('operate.server') }]} />
  </div>`;
}

const shortSeconds = (value) => (value < 1 ? `${formatNumber(value * 1000, { maximumFractionDigits: 0 })} ms` : formatSeconds(value));

function Loaded() {
  const { models = [], loading } = status.value;
  return html`<section aria-labelledby="loaded-title"><div class="section-head"><h2 id="loaded-title">${t('operate.loadedModels')}</h2></div>
    ${loading && html`<div class="card loading"><div class="row small"><span class="spinner" aria-hidden="true"></span><span class="grow">${t('operate.loading', { name: loading.name })}</span>
      <span>${formatBytes(loading.size)}</span></div><div class="meter" role="progressbar" aria-label=${loading.name} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(loading.fraction * 100)}>
      <span style=${{ width: `${loading.fraction * 100}%` }}></span></div></div>`}
    ${models.length ? html`<div class="table-wrap"><table class="data"><thead><tr><th scope="col">${t('models.col.name')}</th>
        <th scope="col" class="number">${t('operate.memory')}</th><th scope="col" class="number">${t('models.col.context')}</th>
        <th scope="col" class="number">${t('operate.slots')}</th><th scope="col">${t('operate.expires')}</th><th scope="col">${t('operate.reason')}</th>
        <th scope="col" class="number">PID</th><th><span class="hidden-text">${t('models.actions')}</span></th></tr></thead>
      <tbody>${models.map((model) => html`<${LoadedRow} key=${model.name} model=${model} />`)}</tbody></table></div>`
      : !loading && html`<p class="muted small">${t('operate.nothingLoaded')}</p>`}</section>`;
}

function LoadedRow({ model }) {
  const onDevice = model.size_vram ? ` (${t('operate.onDevice', { share: formatNumber(model.size_vram / model.size, { style: 'percent' }) })})` : '';
  return html`<tr><th scope="row"><a title=${model.name} href=${`#/models/${encodeURIComponent(model.name)}`}>${model.name}</a></th>
    <td class="number">${formatBytes(model.size)}${onDevice}</td><td class="number">${formatNumber(model.context_length)}</td>
    <td class="number">${model.in_flight - model.waiting} / ${model.slots}</td>
    <td class="nowrap">${isPinned(model) ? t('models.isPinned') : model.in_flight ? t('operate.inUse') : formatAgo(model.expires_at)}</td>
    <td class="muted">${model.reason}</td><td class="number muted">${model.pid}</td>
    <td class="number"><${IconButton} name="x" size=${16} class="small" label=${t('operate.unload', { name: model.name })} onClick=${() => unload(model.name)} /></td></tr>`;
}

function Queue() {
  const { queue = [] } = status.value;
  return html`<section aria-labelledby="queue-title"><div class="section-head"><h2 id="queue-title">${t('operate.queue')}</h2></div>
    ${queue.length ? html`<div class="table-wrap"><table class="data"><thead><tr><th scope="col">${t('operate.position')}</th><th scope="col">${t('operate.col.model')}</th>
        <th scope="col">${t('operate.waitsFor')}</th><th scope="col" class="number">${t('operate.waited')}</th><th scope="col">${t('operate.requestId')}</th></tr></thead>
      <tbody>${queue.map((entry) => html`<tr key=${entry.request_id}><td>${entry.position}</td><td>${entry.model}</td>
        <td>${t(`operate.for.${entry.waits_for}`)}</td><td class="number">${formatSeconds(entry.waited / 1e9)}</td><td><code>${entry.request_id}</code></td></tr>`)}</tbody></table></div>`
      : html`<p class="muted small">${t('operate.nobodyWaits')}</p>`}</section>`;
}
