// One job: how far it is, its curves, its data, what came of it.
import { Chart } from '../../components/chart.js';
import { confirm } from '../../components/dialog.js';
import { Icon } from '../../components/icon.js';
import { Tabs } from '../../components/tabs.js';
import { toast } from '../../components/toast.js';
import { apiKey, del, get, post, send } from '../../lib/api.js';
import { html, useEffect, useMemo, useRef, useState } from '../../lib/html.js';
import { formatAgo, formatNumber, formatSeconds, t } from '../../lib/i18n.js';
import { useFollowed } from '../../lib/live.js';
import { loadModels } from '../../lib/store.js';
import { DataReport, PlanFacts } from './data.js';

const ENDED = ['stopped', 'succeeded', 'draft', 'failed'];
const KINDS = { succeeded: 'good', draft: 'warn', stopped: 'warn', failed: 'bad' };

export function StateBadge({ state }) {
  return html`<span class=${`badge ${KINDS[state] ?? ''}`}>${state === 'running' && html`<span class="spinner" aria-hidden="true"></span>`}${t(`tune.state.${state}`)}</span>`;
}

export function JobView({ id }) {
  const [job, setJob] = useState(null);
  const [error, setError] = useState('');
  const events = useEvents(id, job, setJob);
  const load = () => get(`/api/tune/${id}`).then(setJob, (failure) => setError(failure.message));
  useEffect(() => { load(); }, [id]);
  const act = async (action) => {
    await post(`/api/tune/${id}/${action}`).then((answer) => setJob((before) => ({ ...before, ...answer })), (failure) => toast(failure.message, { error: true }));
    if (action === 'publish') loadModels().catch(() => {});
  };
  if (error) return html`<p class="notice bad">${error}</p>`;
  if (!job) return null;
  return html`<div class="job">
    <div class="row wrap job-head"><h2 class="grow cut">${job.name || job.model} <${StateBadge} state=${job.state} /></h2><${Actions} job=${job} act=${act} /></div>
    <p class="muted small">${t('tune.from', { base: job.model })} · ${t(`tune.preset.${job.preset}`)} · ${job.files.map((file) => file.name).join(', ')} · ${formatAgo(job.created_at)}</p>
    <${Progress} job=${job} />
    ${job.error && html`<p class="notice bad"><${Icon} name="warning" size=${16} />${job.error.message}${job.error.hint && ` – ${job.error.hint}`}</p>`}
    ${job.reason && html`<p class="notice">${job.reason}</p>`}
    ${job.gate && html`<${Gate} gate=${job.gate} />`}
    <${Curves} events=${events} />
    <${Tabs} label=${job.name || job.id} tabs=${tabsOf(job, events)} />
  </div>`;
}

// The events so far, in order; goes on while the job does.
function useEvents(id, job, setJob) {
  const [events, setEvents] = useState([]);
  const position = useRef(0);
  const ended = useRef(false);
  ended.current = Boolean(job && ENDED.includes(job.state));
  const all = useRef(false);
  useFollowed(() => (ended.current && all.current ? null : `/api/tune/${id}/events?from=${position.current}`), (records) => {
    const state = records.findLast(({ event }) => event === 'state');
    const fresh = records.filter((record) => record.position > position.current);
    if (fresh.length) {
      position.current = fresh.at(-1).position;
      setEvents((before) => [...before, ...fresh]);
    }
    if (state) {
      all.current = ENDED.includes(state.state);
      if (all.current) loadModels().catch(() => {});
    }
    const job = { ...latest(fresh), ...state?.job };
    if (Object.keys(job).length) setJob((before) => (before ? { ...before, ...job } : before));
  }, { deps: [id, job && !ENDED.includes(job.state)] });
  return events;
}

// What events change in the record of the job, between two looks at the whole.
function latest(events) {
  const out = {};
  for (const event of events) {
    if (event.event === 'step') out.progress = event;
    else if (event.event === 'plan') out.plan = event;
    else if (event.event === 'data') out.data = event.report;
  }
  return out;
}

function Actions({ job, act }) {
  const remove = async () => {
    const sure = await confirm({ title: t('tune.deleteTitle'), text: t('tune.deleteText'), action: t('delete'), danger: true });
    if (sure) await del(`/api/tune/${job.id}`).then(() => { location.hash = '#/tune'; }, (error) => toast(error.message, { error: true }));
  };
  const running = ['queued', 'running'].includes(job.state);
  return html`${running && html`<button type="button" onClick=${() => act('stop')}><${Icon} name="stop" size=${16} />${t('tune.stop')}</button>`}
    ${['stopped', 'failed'].includes(job.state) && html`<button type="button" onClick=${() => act('resume')}><${Icon} name="play" size=${16} />${t('tune.resume')}</button>`}
    ${job.state === 'draft' && html`<button type="button" onClick=${() => act('publish')}>${t('tune.publish')}</button>`}
    ${job.published && html`<a class="button" href=${`#/models/${encodeURIComponent(job.published)}`}>${t('tune.open')}</a>
      <a class="button primary" href=${`#/chat?model=${encodeURIComponent(job.published)}`}>${t('models.chat')}</a>`}
    ${job.progress && html`<${ReportLink} id=${job.id} />`}
    <button type="button" class="danger" onClick=${remove}>${t('delete')}</button>`;
}

// A link cannot carry a key: with one, the page is fetched and saved.
function ReportLink({ id }) {
  const path = `/api/tune/${id}/report`;
  if (!apiKey.value) return html`<a class="button" href=${path} target="_blank" rel="noopener">${t('tune.report')}</a>`;
  const save = async () => {
    const answer = await send('GET', path);
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(await answer.blob()), download: `${id}.html` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return html`<button type="button" onClick=${() => save().catch((error) => toast(error.message, { error: true }))}>${t('tune.report')}</button>`;
}

function Progress({ job }) {
  const { progress, plan } = job;
  if (!progress) return null;
  const { step, steps, loss, tokens_per_s: speed, epoch } = progress;
  const percent = steps ? (100 * step) / steps : 0;
  const left = progress.remaining_s ?? (plan && steps ? (plan.duration_s * (steps - step)) / steps : null);
  return html`<div class="card progress"><div class="row wrap small"><span class="grow">${t('tune.stepOf', { step, steps })} · ${t('tune.epoch', { epoch: formatNumber(epoch, { maximumFractionDigits: 2 }) })}</span>
      <span>${t('tune.loss')} <b>${formatNumber(loss, { maximumFractionDigits: 3 })}</b></span><span>${formatNumber(speed, { maximumFractionDigits: 0 })} ${t('tune.tokensPerSecond')}</span>
      ${job.state === 'running' && left !== null && html`<span>${t('tune.left', { time: formatSeconds(left) })}</span>`}</div>
    <div class="meter" role="progressbar" aria-label=${t('tune.steps')} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(percent)}><span style=${{ width: `${percent}%` }}></span></div></div>`;
}

function Gate({ gate }) {
  const loss = (value) => formatNumber(value, { maximumFractionDigits: 3 });
  return html`<div class=${`notice gate ${gate.better ? 'good' : ''}`}><${Icon} name=${gate.better ? 'check' : 'warning'} size=${16} />
    <span>${t(gate.better ? 'tune.better' : 'tune.notBetter')} ${t(gate.measured === 'held-out loss' ? 'tune.losses' : 'tune.trainedLosses', { before: loss(gate.loss_before), after: loss(gate.loss_after) })}
      ${gate.prompts > 0 && ` ${t('tune.prompts', { before: gate.passed_before, after: gate.passed_after, all: gate.prompts })}`}
      ${gate.reason && html`<br /><span class="small">${gate.reason}</span>`}</span></div>`;
}

// Loss over steps: of training as it goes, and of the examples that were held out.
function Curves({ events }) {
  const data = useMemo(() => {
    const at = new Map();
    const point = (step) => at.get(step) ?? at.set(step, { loss: null, held: null, rate: null }).get(step);
    for (const event of events) {
      if (event.event === 'step') Object.assign(point(event.step), { loss: event.loss, rate: event.learning_rate });
      if (event.event === 'eval') point(event.step).held = event.loss;
    }
    const steps = [...at.keys()].sort((a, b) => a - b);
    return { loss: [steps, steps.map((step) => at.get(step).loss), steps.map((step) => at.get(step).held)], rate: [steps, steps.map((step) => at.get(step).rate)] };
  }, [events]);
  if (!data.loss[0].length) return null;
  const digits = (value) => formatNumber(value, { maximumFractionDigits: 3 });
  const rate = (value) => value.toExponential(1);
  return html`<div class="curves"><${Chart} title=${t('tune.loss')} x="number" height=${240} data=${data.loss} format=${digits} range=${around}
      series=${[{ label: t('tune.training'), spanGaps: true }, { label: t('tune.heldOutLoss'), points: true, spanGaps: true }]} />
    <${Chart} title=${t('tune.learningRate')} x="number" height=${240} data=${data.rate} format=${rate} series=${[{ label: t('tune.learningRate'), spanGaps: true }]} /></div>`;
}

const around = (low, high) => (low === null ? [0, 1] : [Math.max(0, low - (high - low) * 0.1), high + (high - low || 1) * 0.1]);

function tabsOf(job, events) {
  const notes = events.filter(({ event }) => event === 'note');
  return [
    ...(job.data ? [{ key: 'data', label: t('tune.data'), body: () => html`<${DataReport} report=${job.data} />` }] : []),
    ...(job.plan ? [{ key: 'plan', label: t('tune.plan'), body: () => html`<${PlanFacts} plan=${job.plan} />` }] : []),
    { key: 'notes', label: t('tune.notes', { n: notes.length }), body: () => html`<ul class="small notes">${notes.map(({ text, t: when }) => html`
      <li><time class="muted">${new Date(when * 1000).toLocaleTimeString()}</time> ${text}</li>`)}</ul>` },
    { key: 'log', label: t('tune.log'), body: () => html`<${JobLog} id=${job.id} state=${job.state} />` },
  ];
}

function JobLog({ id, state }) {
  const [text, setText] = useState('');
  useEffect(() => {
    send('GET', `/api/tune/${id}/log`).then((answer) => answer.text()).then(setText, (error) => setText(error.message));
  }, [id, state]);
  return html`<div class="text-box"><pre tabindex="0">${text || t('tune.noLog')}</pre></div>`;
}
