// The models of the server: found, fetched, made, looked at, loaded and deleted.
import { Icon } from '../components/icon.js';
import { Menu } from '../components/menu.js';
import { cls, html, useEffect, useMemo, useRef, useState } from '../lib/html.js';
import { formatAgo, formatBytes, formatNumber, t } from '../lib/i18n.js';
import { useShortcut } from '../lib/keys.js';
import { usePolling } from '../lib/live.js';
import { loadModels, loaded, models, modelsError } from '../lib/store.js';
import { stylesheets } from '../lib/style.js';
import { busy, copy, isPinned, pin, remove, unload } from './models/actions.js';
import { Create } from './models/create.js';
import { Details } from './models/details.js';
import { Load } from './models/load.js';
import { Pulls, startPull } from './models/pulls.js';

export const title = () => t('nav.models');
await stylesheets(import.meta.url, '../components/work.css', 'models.css');

const REFRESH_MS = 5000;
const MODEL_FILE = /\.(gguf|safetensors|json|model|jinja)$/i;

export const address = (name) => `#/models/${encodeURIComponent(name)}`;

export default function Models({ route }) {
  const [creating, setCreating] = useState(null);
  const [loading, setLoading] = useState('');
  usePolling(loadModels, REFRESH_MS);
  const drop = useFileDrop((files) => setCreating({ files }));
  const shown = route.parts[0];
  return html`<div class=${cls('page models', { dropping: drop.over })} ...${drop.handlers}>
    <header class="page-head"><h1 class="grow">${t('nav.models')} <${Total} /></h1>
      <button type="button" onClick=${() => setCreating({ files: [] })}><${Icon} name="plus" size=${16} />${t('models.create')}</button>
      <${UploadButton} onFiles=${(files) => setCreating({ files })} /></header>
    <${PullForm} />
    <${Pulls} />
    <${List} onLoad=${setLoading} />
    ${drop.over && html`<div class="drop-hint" aria-hidden="true"><${Icon} name="upload" size=${28} /><span>${t('models.dropHere')}</span></div>`}
    ${creating && html`<${Create} ...${creating} onClose=${() => setCreating(null)} />`}
    ${loading && html`<${Load} name=${loading} onClose=${() => setLoading('')} />`}
    ${shown && html`<${Details} key=${shown} name=${shown} onClose=${() => { location.hash = '#/models'; }}
      onCreate=${(modelfile) => { location.hash = '#/models'; setCreating({ files: [], modelfile }); }} />`}
  </div>`;
}

function Total() {
  if (!models.value?.length) return null;
  const bytes = models.value.reduce((sum, model) => sum + model.size, 0);
  return html`<span class="muted small total">${t('models.count', { n: models.value.length })} · ${formatBytes(bytes)}</span>`;
}

// Files dragged over the page, and dropped anywhere on it.
function useFileDrop(onFiles) {
  const depth = useRef(0);
  const [over, setOver] = useState(false);
  const move = (step) => (event) => {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    depth.current = Math.max(0, depth.current + step);
    setOver(depth.current > 0);
  };
  const onDrop = (event) => {
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    const files = [...event.dataTransfer.files].filter((file) => MODEL_FILE.test(file.name));
    if (files.length) onFiles(files);
  };
  return { over, handlers: { onDragEnter: move(1), onDragLeave: move(-1), onDragOver: move(0), onDrop } };
}

function UploadButton({ onFiles }) {
  const input = useRef();
  const chosen = (event) => {
    const files = [...event.currentTarget.files];
    event.currentTarget.value = '';
    if (files.length) onFiles(files);
  };
  return html`<button type="button" onClick=${() => input.current.click()}><${Icon} name="upload" size=${16} />${t('models.upload')}</button>
    <input ref=${input} type="file" multiple hidden accept=".gguf,.safetensors,.json,.model,.jinja" aria-label=${t('models.upload')} onChange=${chosen} />`;
}

function PullForm() {
  const [name, setName] = useState('');
  const [insecure, setInsecure] = useState(false);
  const submit = (event) => {
    event.preventDefault();
    startPull(name.trim(), insecure);
    setName('');
  };
  // Plain HTTP makes sense for a registry that is named with its port alone.
  const hasHost = /^[^/]+:\d+\//.test(name);
  return html`<form class="pull-form row" onSubmit=${submit}>
    <input class="grow" value=${name} onInput=${(event) => setName(event.currentTarget.value)} required spellcheck=${false}
      autocapitalize="off" aria-label=${t('models.pullName')} placeholder=${t('models.pullPlaceholder')} />
    ${hasHost && html`<label class="check nowrap"><input type="checkbox" checked=${insecure}
      onChange=${(event) => setInsecure(event.currentTarget.checked)} />${t('models.insecure')}</label>`}
    <button class="primary"><${Icon} name="download" size=${16} />${t('models.pull')}</button>
  </form>`;
}

// The list

const contextOf = (model) => model.details.context_length ?? 0;
const COLUMNS = [
  { key: 'name', value: (model) => model.name },
  { key: 'state', value: (model) => (loaded.value.some(({ name }) => name === model.name) ? 0 : 1) },
  { key: 'size', number: true, value: (model) => -model.size },
  { key: 'parameters', number: true, value: (model) => -parseFloat(model.details.parameter_size) * scale(model.details.parameter_size) || 0 },
  { key: 'quantization', value: (model) => model.details.quantization_level },
  { key: 'context', number: true, value: (model) => -contextOf(model) },
  { key: 'modified', value: (model) => -new Date(model.modified_at) },
];
const scale = (text) => ({ K: 1e3, M: 1e6, B: 1e9 })[text.slice(-1)] ?? 1;

function List({ onLoad }) {
  const [words, setWords] = useState('');
  const [capability, setCapability] = useState('');
  const [sort, setSort] = useState({ key: 'modified', reverse: false });
  const search = useRef();
  useShortcut('/', t('models.filter'), () => search.current?.focus());
  const all = models.value;
  const capabilities = [...new Set((all ?? []).flatMap((model) => model.capabilities ?? []))].sort();
  const rows = useMemo(() => arranged(all ?? [], words, capability, sort), [all, loaded.value, words, capability, sort]);
  if (all === null) {
    return modelsError.value ? html`<p class="notice bad" role="alert">${modelsError.value.message}</p>` : html`<p class="muted">${t('models.asking')}</p>`;
  }
  if (!all.length) return html`<div class="empty"><p>${t('models.none')}</p>
    <button type="button" class="primary" onClick=${() => startPull('pocket')}>${t('models.getPocket')}</button></div>`;
  return html`<div class="filters row">
      <input ref=${search} type="search" value=${words} onInput=${(event) => setWords(event.currentTarget.value)}
        aria-label=${t('models.filter')} placeholder=${t('models.filter')} />
      <select value=${capability} onChange=${(event) => setCapability(event.currentTarget.value)} aria-label=${t('models.capability')}>
        <option value="">${t('models.anyCapability')}</option>
        ${capabilities.map((one) => html`<option value=${one}>${one}</option>`)}</select></div>
    <div class="table-wrap"><table class="data models-table">
      <thead><tr>${COLUMNS.map((column) => html`<${Head} key=${column.key} column=${column} sort=${sort} onSort=${setSort} />`)}
        <th><span class="hidden-text">${t('models.actions')}</span></th></tr></thead>
      <tbody>${rows.map((model) => html`<${Row} key=${model.name} model=${model} onLoad=${onLoad} />`)}</tbody>
    </table></div>
    ${!rows.length && html`<p class="muted none">${t('models.noMatch')}</p>`}`;
}

function arranged(all, words, capability, { key, reverse }) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((model) => {
    const text = `${model.name} ${model.details.family} ${model.details.quantization_level} ${(model.capabilities ?? []).join(' ')}`.toLowerCase();
    return wanted.every((word) => text.includes(word)) && (!capability || model.capabilities?.includes(capability));
  });
  const { value } = COLUMNS.find((column) => column.key === key);
  const sign = reverse ? -1 : 1;
  return found.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return sign * (x < y ? -1 : x > y ? 1 : 0) || a.name.localeCompare(b.name);
  });
}

function Head({ column: { key, number }, sort, onSort }) {
  const current = sort.key === key;
  const direction = sort.reverse ? 'descending' : 'ascending';
  return html`<th scope="col" class=${cls(`col-${key}`, { number })} aria-sort=${current ? direction : undefined}>
    <button type="button" class="quiet sort" onClick=${() => onSort({ key, reverse: current && !sort.reverse })}>
      ${t(`models.col.${key}`)}<span aria-hidden="true">${current ? (sort.reverse ? '↑' : '↓') : ''}</span></button></th>`;
}

function Row({ model, onLoad }) {
  const { details } = model;
  const entry = loaded.value.find(({ name }) => name === model.name);
  return html`<tr>
    <th scope="row" class="col-name"><a href=${address(model.name)} class="name cut" title=${model.name}>${model.name}</a>
      <span class="row wrap capabilities">${(model.capabilities ?? []).map((one) => html`<span class="badge">${one}</span>`)}</span></th>
    <td class="col-state"><${State} name=${model.name} entry=${entry} /></td>
    <td class="number col-size">${formatBytes(model.size)}</td>
    <td class="number col-parameters">${details.parameter_size}</td>
    <td class="col-quantization">${details.quantization_level}</td>
    <td class="number col-context">${contextOf(model) ? formatNumber(contextOf(model)) : ''}</td>
    <td class="nowrap muted col-modified" title=${new Date(model.modified_at).toLocaleString()}>${formatAgo(model.modified_at)}</td>
    <td class="col-actions"><div class="row">
      ${entry ? html`<button type="button" class="small-button" disabled=${busy.value.has(model.name)} onClick=${() => unload(model.name)}>${t('models.unload')}</button>`
        : html`<button type="button" class="small-button" disabled=${busy.value.has(model.name)} onClick=${() => onLoad(model.name)}>${t('models.load')}</button>`}
      <${Menu} label=${t('models.more', { name: model.name })} items=${[
        { label: t('models.chat'), icon: 'chat', onSelect: () => { location.hash = `#/chat?model=${encodeURIComponent(model.name)}`; } },
        { label: t('models.details'), icon: 'file', onSelect: () => { location.hash = address(model.name); } },
        { label: t('models.pin'), icon: 'pin', onSelect: () => pin(model.name), disabled: Boolean(entry && isPinned(entry)) },
        { label: t('models.copy'), icon: 'copy', onSelect: () => copy(model.name) },
        null,
        { label: t('delete'), icon: 'trash', danger: true, onSelect: () => remove(model.name) },
      ]} /></div></td>
  </tr>`;
}

function State({ name, entry }) {
  // Redrawn now and then, so that what is left of the time is true.
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 15000);
    return () => clearInterval(timer);
  }, []);
  if (busy.value.has(name)) return html`<span class="row muted small"><span class="spinner" aria-hidden="true"></span>${t('models.working')}</span>`;
  if (!entry) return null;
  if (isPinned(entry)) return html`<span class="badge good"><${Icon} name="pin" size=${12} />${t('models.isPinned')}</span>`;
  return html`<span class="badge good" title=${new Date(entry.expires_at).toLocaleString()}>${t('models.isLoaded')}</span>
    <span class="muted small nowrap until">${t('models.until', { when: formatAgo(entry.expires_at) })}</span>`;
}
