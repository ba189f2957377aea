// The pulls that run in the server, whoever began them: this page, another one, or the command line.
import { Icon, IconButton } from '../../components/icon.js';
import { toast } from '../../components/toast.js';
import { del, post } from '../../lib/api.js';
import { cls, html, signal, useRef, useState } from '../../lib/html.js';
import { formatBytes, formatSeconds, t } from '../../lib/i18n.js';
import { useFollowed } from '../../lib/live.js';
import { loadModels } from '../../lib/store.js';

const NEWS_MS = 60_000;

// As /api/pulls lists them.
const pulls = signal([]);

export async function startPull(model, insecure = false) {
  try {
    await post('/api/pulls', { model, insecure });
  } catch (error) {
    toast(error.message, { error: true });
  }
}

async function endPull(model) {
  try {
    await del('/api/pulls', { model });
  } catch (error) {
    toast(error.message, { error: true });
  }
}

export function Pulls() {
  useFollowed(() => '/api/pulls?follow=1', (records) => {
    const before = doneOnes(pulls.peek());
    pulls.value = records.at(-1).pulls;
    if (doneOnes(pulls.peek()) !== before) loadModels().catch(() => {});
  });
  const shown = pulls.value.filter(isNews);
  if (!shown.length) return null;
  return html`<section class="pulls" aria-label=${t('models.pulls')}>
    ${shown.map((pull) => html`<${Pull} key=${pull.model} pull=${pull} />`)}</section>`;
}

// What went well is soon old: the model stands in the list below.
const isNews = (pull) => pull.result !== 'done' || Date.now() - new Date(pull.ended_at) < NEWS_MS;

const doneOnes = (list) => list.filter((pull) => pull.result === 'done').map((pull) => pull.model).join('\n');

const sum = (layers, field) => layers.reduce((total, layer) => total + layer[field], 0);

function Pull({ pull }) {
  const [isOpen, setOpen] = useState(false);
  const running = pull.result === 'running';
  const total = sum(pull.layers, 'total');
  const completed = sum(pull.layers, 'completed');
  return html`<article class="card pull">
    <div class="row">
      <span class="grow cut mono" title=${pull.model}>${pull.model}</span>
      <${Result} pull=${pull} />
      ${running ? html`<${IconButton} name="stop" class="small" label=${t('models.stopPull', { name: pull.model })} onClick=${() => endPull(pull.model)} />`
        : html`${pull.result !== 'done' && html`<button type="button" onClick=${() => startPull(pull.model)}>
              <${Icon} name="refresh" size=${16} />${t('retry')}</button>`}
            <${IconButton} name="x" class="small" label=${t('models.dismiss', { name: pull.model })} onClick=${() => endPull(pull.model)} />`}
    </div>
    ${running && html`<${Meter} value=${completed} total=${total} label=${pull.model} />
      <div class="row small muted"><span class="grow cut">${pull.status}</span><${Speed} completed=${completed} total=${total} /></div>`}
    ${pull.error && html`<p class="error-text small">${pull.error}${pull.hint && html`<br /><span class="muted">${pull.hint}</span>`}</p>`}
    ${running && pull.layers.length > 1 && html`<button type="button" class="link small" aria-expanded=${String(isOpen)}
      onClick=${() => setOpen(!isOpen)}>${t('models.layers', { n: pull.layers.length })}</button>`}
    ${running && isOpen && html`<div class="layers">${pull.layers.map((layer) => html`<${Layer} key=${layer.digest} ...${layer} />`)}</div>`}
  </article>`;
}

function Result({ pull }) {
  if (pull.result === 'running') return html`<span class="spinner" aria-hidden="true"></span>`;
  const kind = { done: 'good', failed: 'bad', stopped: 'warn' }[pull.result];
  return html`<span class=${`badge ${kind}`}>${t(`models.pull.${pull.result}`)}</span>`;
}

function Layer({ digest, total, completed }) {
  return html`<div class="layer small">
    <span class="mono muted">${digest.slice(7, 19)}</span>
    <${Meter} value=${completed} total=${total} label=${digest.slice(7, 19)} />
    <span class="number muted">${formatBytes(completed)} / ${formatBytes(total)}</span></div>`;
}

export function Meter({ value, total, label }) {
  const percent = total ? Math.min(100, (100 * value) / total) : 0;
  return html`<div class=${cls('meter', { waiting: !total })} role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${total ? Math.round(percent) : undefined}><span style=${{ width: `${percent}%` }}></span></div>`;
}

const WINDOW_MS = 5000;

// Bytes a second over the last few seconds, and how long it will take.
export function Speed({ completed, total }) {
  const seen = useRef([]);
  const now = performance.now();
  seen.current = [...seen.current.filter(([when]) => now - when < WINDOW_MS), [now, completed]];
  const [[when, bytes]] = seen.current;
  const speed = now > when ? Math.max(0, (completed - bytes) / ((now - when) / 1000)) : 0;
  const left = speed ? (total - completed) / speed : 0;
  return html`<span class="number nowrap">${formatBytes(completed)} / ${formatBytes(total)}${speed > 0 && html`
    <span> · ${formatBytes(speed)}/s${left >= 1 && ` · ${formatSeconds(left)}`}</span>`}</span>`;
}
