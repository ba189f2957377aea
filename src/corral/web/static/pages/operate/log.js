// The end of the server's log, as it is written; and the requests that are told in it.
import { Icon, IconButton } from '../../components/icon.js';
import { cls, html, signal, useLayoutEffect, useRef, useState } from '../../lib/html.js';
import { t } from '../../lib/i18n.js';
import { useFollowed } from '../../lib/live.js';

const KEPT = 1000;
const LEVELS = ['debug', 'info', 'warning', 'error'];
const RANKS = { TRACE: 0, DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3, CRITICAL: 3 };
// What this UI asks again and again would hide all else.
const OWN = /^\/(metrics|openapi\.json|ui\/|api\/(ps|tags|version|logs|captures|pulls|keys|tune|chats)\b)/;

// As /api/logs has them, oldest first; kept while the UI is open.
export const lines = signal([]);
export const refusal = signal('');

export const isOwn = (line) => line.method === 'GET' && OWN.test(line.path ?? '');

// Keeps `lines` current while the page is seen.
export function useLog() {
  useFollowed(() => {
    const last = lines.peek().at(-1)?.number ?? 0;
    return `/api/logs?follow=1&lines=${KEPT}&after=${last}`;
  }, (records) => {
    refusal.value = '';
    // Numbers begin anew with a server that was started again.
    const kept = records.length && records[0].number <= (lines.peek().at(-1)?.number ?? 0) ? [] : lines.peek();
    lines.value = [...kept, ...records].slice(-KEPT);
  }, { failed: (error) => { if (error.status) refusal.value = error.message; } });
}

export function Log() {
  const [level, setLevel] = useState('info');
  const [words, setWords] = useState('');
  const [own, setOwn] = useState(false);
  const box = useRef();
  const [following, setFollowing] = useState(true);
  const wanted = words.toLowerCase();
  const shown = lines.value.filter((line) => (RANKS[line.level] ?? 1) >= LEVELS.indexOf(level) && (own || !isOwn(line))
    && (!wanted || `${line.msg} ${line.source} ${line.request_id ?? ''} ${line.key ?? ''}`.toLowerCase().includes(wanted)));
  useLayoutEffect(() => { if (following) box.current.scrollTop = box.current.scrollHeight; }, [shown.length, shown.at(-1)?.number, following]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    setFollowing(scrollHeight - scrollTop - clientHeight < 24);
  };
  return html`<section class="log" aria-labelledby="log-title">
    <div class="row wrap section-head"><h2 id="log-title" class="grow">${t('operate.log')}</h2>
      <label class="check small"><input type="checkbox" checked=${own} onChange=${(event) => setOwn(event.currentTarget.checked)} />${t('operate.ownRequests')}</label>
      <select value=${level} onChange=${(event) => setLevel(event.currentTarget.value)} aria-label=${t('operate.level')}>
        ${LEVELS.map((one) => html`<option value=${one}>${t(`operate.level.${one}`)}</option>`)}</select>
      <input type="search" value=${words} onInput=${(event) => setWords(event.currentTarget.value)} placeholder=${t('models.filter')} aria-label=${t('operate.filterLog')} />
      ${!following && html`<${IconButton} name="arrowDown" label=${t('operate.toEnd')} onClick=${() => setFollowing(true)} />`}</div>
    ${refusal.value && html`<p class="notice"><${Icon} name="key" size=${16} />${refusal.value}</p>`}
    <div class="log-lines mono" ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-live="off" aria-label=${t('operate.log')}>
      ${shown.map((line) => html`<${Line} key=${line.number} line=${line} />`)}
      ${!shown.length && html`<p class="muted">${t('operate.noLines')}</p>`}</div>
  </section>`;
}

function Line({ line }) {
  return html`<div class=${cls('log-line', line.level.toLowerCase())}>
    <time class="muted" datetime=${line.time} title=${line.time}>${line.time.slice(11, 23)}</time>
    <span class="level">${line.level}</span>
    <span class="message">${line.msg}${line.trace && html`<details><summary>${t('operate.trace')}</summary><pre>${line.trace}</pre></details>`}</span>
    <span class="muted source" title=${line.request_id ?? ''}>${line.source.replace('corral.', '')}${line.key ? ` · ${line.key}` : ''}</span></div>`;
}

// Requests

const SHOWN = 100;
// A request that failed before it reached its model is told without one.
const isToModel = (line) => line.model || (line.method === 'POST' && line.status >= 400);

// Those to models first of all; with what was captured of them where that is on.
export function Requests({ captures }) {
  const [all, setAll] = useState(false);
  const [open, setOpen] = useState('');
  const rows = lines.value.filter((line) => line.status !== undefined && (all ? !isOwn(line) : isToModel(line))).slice(-SHOWN).reverse();
  const captured = new Map(captures.requests.map((record) => [record.request_id, record]));
  return html`<section aria-labelledby="requests-title">
    <div class="row wrap section-head"><h2 id="requests-title" class="grow">${t('operate.requests')}</h2>
      <label class="check small"><input type="checkbox" checked=${all} onChange=${(event) => setAll(event.currentTarget.checked)} />${t('operate.allRequests')}</label></div>
    <p class="field-note capture-note">${captures.refusal ? t('operate.captureRefused', { why: captures.refusal }) : t(`operate.capture.${captures.mode}`)}</p>
    ${rows.length ? html`<div class="table-wrap short" tabindex="0" role="group" aria-labelledby="requests-title"><table class="data requests"><thead><tr>
        <th scope="col">${t('operate.col.time')}</th><th scope="col">${t('operate.col.path')}</th><th scope="col">${t('operate.col.model')}</th>
        <th scope="col" class="number">${t('operate.col.status')}</th><th scope="col" class="number">${t('operate.col.first')}</th>
        <th scope="col" class="number">${t('operate.col.duration')}</th><th scope="col" class="number">${t('operate.col.tokens')}</th>
        <th scope="col">${t('operate.col.key')}</th><th><span class="hidden-text">${t('operate.body')}</span></th></tr></thead>
      <tbody>${rows.map((line) => html`<${Request} key=${line.number} line=${line} record=${captured.get(line.request_id)}
        isOpen=${open === line.number} onOpen=${() => setOpen(open === line.number ? '' : line.number)} />`)}</tbody></table></div>`
      : html`<p class="muted small">${t('operate.noRequests')}</p>`}
  </section>`;
}

const milliseconds = (value) => (value === undefined ? '' : value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);

function Request({ line, record, isOpen, onOpen }) {
  return html`<tr><td class="muted nowrap" title=${line.request_id}>${line.time.slice(11, 19)}</td>
      <td><code>${line.method} ${line.path}</code></td><td class="cut model">${line.model ?? ''}</td>
      <td class="number"><span class=${cls('badge', line.status >= 500 ? 'bad' : line.status >= 400 ? 'warn' : 'good')}>${line.status}</span></td>
      <td class="number">${milliseconds(line.first_token_ms)}</td><td class="number">${milliseconds(line.duration_ms)}</td>
      <td class="number">${line.model ? `${line.prompt_tokens} → ${line.completion_tokens}` : ''}</td><td>${line.key ?? ''}</td>
      <td>${record && html`<button type="button" class="link small" aria-expanded=${String(isOpen)} onClick=${onOpen}>${t('operate.body')}</button>`}</td></tr>
    ${isOpen && record && html`<tr><td colspan="9"><pre class="captured">${JSON.stringify(record.body, null, 2)}</pre></td></tr>`}`;
}
