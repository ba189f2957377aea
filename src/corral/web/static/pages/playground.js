// Any endpoint of the server tried out: its body, the answer as it comes, and the same request as a program.
import { CopyButton } from '../components/copy.js';
import { confirm } from '../components/dialog.js';
import { Editor } from '../components/editor.js';
import { Icon } from '../components/icon.js';
import { Tabs } from '../components/tabs.js';
import { apiKey } from '../lib/api.js';
import { cls, html, useEffect, useId, useMemo, useRef, useState } from '../lib/html.js';
import { formatBytes, formatSeconds, t } from '../lib/i18n.js';
import { useShortcut } from '../lib/keys.js';
import { loadModels, models } from '../lib/store.js';
import { stylesheets } from '../lib/style.js';
import { snippets } from './playground/code.js';
import { exampleFor, loadEndpoints } from './playground/endpoints.js';
import { prettyText, sendRequest, writtenText } from './playground/send.js';

export const title = () => t('nav.playground');
await stylesheets(import.meta.url, '../components/work.css', 'playground.css');

const FIRST = 'POST /api/chat';
const NO_FIELDS = {};

export default function Playground() {
  const [endpoints, setEndpoints] = useState(null);
  const [error, setError] = useState('');
  useEffect(() => {
    Promise.all([loadEndpoints(), models.peek() ?? loadModels()]).then(([list]) => setEndpoints(list), (failure) => setError(failure.message));
  }, []);
  return html`<div class="page playground">
    <header class="page-head"><h1 class="grow">${t('nav.playground')}</h1><a class="small" href="/docs" target="_blank" rel="noopener">${t('play.docs')}</a></header>
    ${error && html`<p class="notice bad">${error}</p>`}
    ${endpoints && html`<${Bench} endpoints=${endpoints} />`}</div>`;
}

function Bench({ endpoints }) {
  const [id, setId] = useState(FIRST);
  const endpoint = endpoints.find((one) => one.id === id) ?? endpoints[0];
  const draft = useDraft(endpoint);
  const sending = useSending();
  const { request, problem } = draft;
  const send = async () => {
    if (!request || sending.running) return;
    const sure = endpoint.method !== 'DELETE' || await confirm({ title: t('play.sureTitle'), text: `${endpoint.method} ${draft.path}`, action: t('play.send'), danger: true });
    if (sure) sending.start(request);
  };
  useShortcut('mod+Enter', t('play.send'), send);
  return html`<div class="bench">
    <section class="request" aria-label=${t('play.request')}>
      <label for="endpoint">${t('play.endpoint')}</label>
      <select id="endpoint" value=${endpoint.id} onChange=${(event) => setId(event.currentTarget.value)}>
        ${[...new Set(endpoints.map(({ tag }) => tag))].map((tag) => html`<optgroup label=${tag}>${endpoints.filter((one) => one.tag === tag).map((one) => html`
          <option value=${one.id}>${one.id}</option>`)}</optgroup>`)}</select>
      <p class="field-note">${endpoint.summary.replaceAll('`', '')}</p>
      <div class="row address"><code class="method">${endpoint.method}</code>
        <input class="mono" value=${draft.path} spellcheck=${false} aria-label=${t('play.path')} onInput=${(event) => draft.setPath(event.currentTarget.value)} />
        ${sending.running ? html`<button type="button" class="primary" onClick=${sending.stop}><${Icon} name="stop" size=${16} />${t('play.stop')}</button>`
          : html`<button type="button" class="primary" disabled=${!request} onClick=${send}><${Icon} name="play" size=${16} />${t('play.send')}</button>`}</div>
      ${endpoint.kind === 'json' && html`<${Editor} label=${t('play.body')} value=${draft.text} onInput=${draft.setText} problems=${problem ? [problem] : []} rows=${14} />
        <${Fields} endpoint=${endpoint} />`}
      ${(endpoint.kind === 'bytes' || endpoint.kind === 'form') && html`<${FileBody} draft=${draft} endpoint=${endpoint} />`}
    </section>
    <${Answer} answer=${sending.answer} />
    <section class="programs" aria-labelledby="code-title"><h2 id="code-title">${t('play.code')}</h2>
      ${draft.shown && html`<${Tabs} label=${t('play.code')} tabs=${snippets(draft.shown).map(({ key, label, code }) => ({ key, label, body: () => html`<${Code} text=${code} />` }))} />`}</section>
  </div>`;
}

// What will be sent: `request` is null while it is not whole. `shown` is the same for the programs, which name a file instead.
function useDraft(endpoint) {
  const [kept, setKept] = useState(null);
  const state = kept?.id === endpoint.id ? kept : beginning(endpoint);
  const set = (changes) => setKept({ ...state, ...changes });
  const { text, path, file, fields } = state;
  const sent = useMemo(() => {
    const read = endpoint.kind === 'json' ? decoded(text) : { body: null };
    const url = new URL(path || '/', location.origin).href;
    const common = { method: endpoint.method, url, kind: endpoint.kind, body: read.body };
    const whole = !read.problem && !path.includes('{') && (file || !['bytes', 'form'].includes(endpoint.kind));
    return {
      problem: read.problem,
      request: whole ? { ...common, blob: file, form: endpoint.kind === 'form' ? formOf(fields, file) : null } : null,
      shown: read.problem ? null : { ...common, file: file?.name ?? 'FILE', fields, streams: endpoint.streams(read.body), needsKey: Boolean(apiKey.value) },
    };
  }, [endpoint.id, text, path, file, fields, apiKey.value]);
  return {
    ...sent, path, text, file, fields, setText: (value) => set({ text: value }), setPath: (value) => set({ path: value }),
    setFile: (value) => set({ file: value }), setFields: (value) => set({ fields: value }),
  };
}

function beginning(endpoint) {
  const example = exampleFor(endpoint, models.peek() ?? []);
  return {
    id: endpoint.id, path: endpoint.path, file: null,
    text: endpoint.kind === 'json' ? JSON.stringify(example, null, 2) : '',
    fields: endpoint.kind === 'form' ? { model: example.model } : NO_FIELDS,
  };
}

function formOf(fields, file) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) form.set(name, value);
  if (file) form.set('file', file);
  return form;
}

// The value of a JSON text, or where it is at fault.
function decoded(text) {
  try {
    return { body: JSON.parse(text) };
  } catch (error) {
    const position = Number(/position (\d+)/.exec(error.message)?.[1] ?? firstNoToken(text));
    return { problem: { line: text.slice(0, position).split('\n').length, message: error.message } };
  }
}

const TOKEN = /\s*(?:[{}[\]:,]|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|true\b|false\b|null\b)/y;

// Browsers do not always say where a text is no JSON: here, where it has a word that JSON does not know.
function firstNoToken(text) {
  TOKEN.lastIndex = 0;
  let end = 0;
  while (TOKEN.test(text)) end = TOKEN.lastIndex;
  return end + /^\s*/.exec(text.slice(end))[0].length;
}

function useSending() {
  const [answer, setAnswer] = useState(null);
  const life = useRef(null);
  const frame = useRef(0);
  useEffect(() => () => life.current?.abort(), []);
  const start = (request) => {
    life.current = new AbortController();
    // Drawn once a frame, however quickly pieces come.
    sendRequest(request, life.current.signal, (state) => {
      cancelAnimationFrame(frame.current);
      frame.current = requestAnimationFrame(() => setAnswer(state));
    });
  };
  return { answer, running: answer?.running ?? false, start, stop: () => life.current?.abort() };
}

function Fields({ endpoint: { fields } }) {
  if (!fields.length) return null;
  return html`<details class="fields small"><summary>${t('play.fields', { n: fields.length })}</summary>
    <dl>${fields.map(({ name, description, required }) => html`<div key=${name}><dt><code>${name}</code>${required && html` <span class="badge">${t('play.required')}</span>`}</dt>
      <dd class="muted">${description.replaceAll('`', '')}</dd></div>`)}</dl></details>`;
}

function FileBody({ draft, endpoint }) {
  const id = useId();
  const others = endpoint.kind === 'form' ? endpoint.fields.filter(({ name }) => name !== 'file') : [];
  return html`<label for=${id}>${t('play.file')}</label>
    <input id=${id} type="file" onChange=${(event) => draft.setFile(event.currentTarget.files[0] ?? null)} />
    ${others.map(({ name }) => html`<label for=${id + name}>${name}</label>
      <input id=${id + name} value=${draft.fields[name] ?? ''} onInput=${(event) => draft.setFields({ ...draft.fields, [name]: event.currentTarget.value })} />`)}`;
}

function Code({ text }) {
  return html`<div class="text-box"><${CopyButton} text=${text} /><pre tabindex="0"><code>${text}</code></pre></div>`;
}

function Answer({ answer }) {
  if (!answer) return html`<section class="answer" aria-label=${t('play.answer')}><p class="muted nothing">${t('play.nothing')}</p></section>`;
  const { status, headers, text, bytes, first, total, error, running, cut } = answer;
  const written = writtenText(text);
  const body = prettyText(text, headers);
  const tabs = [
    ...(written ? [{ key: 'text', label: t('play.text'), body: () => html`<${Code} text=${written} />` }] : []),
    { key: 'body', label: t('play.raw'), body: () => html`<${Code} text=${body} />` },
    { key: 'headers', label: t('play.headers', { n: headers.length }), body: () => html`<${Code} text=${headers.map(([name, value]) => `${name}: ${value}`).join('\n')} />` },
  ];
  return html`<section class="answer" aria-label=${t('play.answer')}>
    <div class="row wrap facts-line" role="status">
      ${status > 0 && html`<span class=${cls('badge', status < 300 ? 'good' : status < 500 ? 'warn' : 'bad')}>${status}</span>`}
      ${running && html`<span class="spinner" aria-hidden="true"></span>`}
      <span class="muted small">${t('play.first')} <b>${time(first)}</b></span><span class="muted small">${t('play.total')} <b>${time(total)}</b></span>
      <span class="muted small">${t('play.size')} <b>${formatBytes(bytes)}</b></span></div>
    ${error && html`<p class="notice bad">${error}</p>`}
    ${status > 0 && html`<${Tabs} key=${written ? 'text' : 'raw'} label=${t('play.answer')} tabs=${tabs} />`}
    ${cut && html`<p class="field-note">${t('play.cut')}</p>`}
  </section>`;
}

const time = (value) => (value === null ? '–' : value < 1 ? `${Math.round(value * 1000)} ms` : formatSeconds(value));
