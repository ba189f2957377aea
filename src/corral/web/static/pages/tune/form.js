// A new job: base, data, options; looked at before anything is trained.
import { Icon, IconButton } from '../../components/icon.js';
import { toast } from '../../components/toast.js';
import { del, get, ndjson, post, send } from '../../lib/api.js';
import { cls, html, useEffect, useId, useRef, useState } from '../../lib/html.js';
import { formatBytes, t } from '../../lib/i18n.js';
import { models } from '../../lib/store.js';
import { DataReport, PlanFacts } from './data.js';

const PRESETS = ['quick', 'balanced', 'thorough'];
const FORMATS = ['', 'messages', 'sharegpt', 'alpaca', 'completion', 'text'];
const DEVICES = ['auto', 'cpu', 'cuda'];
const NUMBERS = ['epochs', 'max_steps', 'learning_rate', 'rank', 'alpha', 'dropout', 'batch_size', 'micro_batch_size', 'max_length',
  'warmup_ratio', 'weight_decay', 'eval_fraction', 'early_stop', 'seed'];
const QUANTIZATIONS = ['', 'q4_K_M', 'q5_K_M', 'q6_K', 'q8_0', 'f16'];

export function NewJob() {
  const able = (models.value ?? []).filter((model) => model.capabilities?.includes('completion'));
  const [form, setForm] = useState({ model: '', name: '', format: '', preset: 'balanced', device: 'auto', quantize: '', merge: false, options: {}, files: [], validation: [] });
  const [look, setLook] = useState(null);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const set = (changes) => { setForm((before) => ({ ...before, ...changes })); setLook(null); };
  const body = request(form);
  const during = async (work) => {
    setBusy(true);
    setError('');
    await work().catch((failure) => setError([failure.message, failure.body?.hint].filter(Boolean).join(' – ')));
    setBusy(false);
  };
  const check = () => during(async () => {
    setLook({});
    for await (const records of ndjson('/api/tune/plan', body)) {
      const failed = records.find(({ event }) => event === 'failed');
      if (failed) throw Object.assign(new Error(failed.message), { body: failed });
      setLook((before) => records.reduce(seen, before));
    }
  });
  const start = (event) => {
    event.preventDefault();
    during(async () => { location.hash = `#/tune/${(await post('/api/tune', { ...body, stream: undefined })).id}`; });
  };
  const ready = form.model && form.files.length > 0 && !busy;
  return html`<form class="new-job" onSubmit=${start}>
    <div class="two columns">
      <div><${Basics} form=${form} set=${set} able=${able} /><${Advanced} form=${form} set=${set} /></div>
      <div><${DataFiles} form=${form} set=${set} /></div></div>
    ${error && html`<p class="notice bad" role="alert"><${Icon} name="warning" size=${16} />${error}</p>`}
    <div class="actions"><button type="button" disabled=${!ready} onClick=${check}>${busy && look ? html`<span class="spinner" aria-hidden="true"></span>` : ''}${t('tune.check')}</button>
      <button class="primary" disabled=${!ready || !form.name.trim()}><${Icon} name="play" size=${16} />${t('tune.start')}</button></div>
    ${look?.plan && html`<section class="card"><h2>${t('tune.plan')}</h2><${PlanFacts} plan=${look.plan} /></section>`}
    ${look?.notes?.map((note) => html`<p class="field-note">${note}</p>`)}
    ${look?.report && html`<section class="card"><h2>${t('tune.data')}</h2><${DataReport} report=${look.report} /></section>`}
  </form>`;
}

function seen(look, event) {
  if (event.event === 'data') return { ...look, report: event.report };
  if (event.event === 'plan') return { ...look, plan: event };
  return event.event === 'note' ? { ...look, notes: [...(look.notes ?? []), event.text] } : look;
}

function request({ model, name, format, preset, device, quantize, merge, options, files, validation }) {
  const hyperparameters = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== '').map(([key, value]) => [key, Number(value)]));
  return {
    model, name: name.trim(), files, preset, device, hyperparameters,
    ...(validation.length && { validation_files: validation }), ...(format && { format }), ...(merge && { merge, ...(quantize && { quantize }) }),
  };
}

function Basics({ form, set, able }) {
  const id = useId();
  return html`<label for=${`${id}b`}>${t('tune.base')}</label>
    <select id=${`${id}b`} value=${form.model} onChange=${(event) => set({ model: event.currentTarget.value })}><option value="" disabled>${t('tune.choose')}</option>${able.map(({ name }) => html`<option value=${name}>${name}</option>`)}</select>
    <label for=${`${id}n`}>${t('tune.name')}</label>
    <input id=${`${id}n`} value=${form.name} placeholder="me/helper" spellcheck=${false} autocapitalize="off" onInput=${(event) => set({ name: event.currentTarget.value })} />
    <fieldset><legend>${t('tune.preset')}</legend><div class="presets">${PRESETS.map((preset) => html`<label class=${cls('card preset', { chosen: form.preset === preset })} key=${preset}>
      <input type="radio" name="preset" value=${preset} checked=${form.preset === preset} onChange=${() => set({ preset })} /><span><b>${t(`tune.preset.${preset}`)}</b>
      <span class="small muted">${t(`tune.preset.${preset}.note`)}</span></span></label>`)}</div></fieldset>`;
}

function Advanced({ form, set }) {
  const id = useId();
  const choice = (name, values, label) => html`<div><label for=${id + name}>${label}</label>
    <select id=${id + name} value=${form[name]} onChange=${(event) => set({ [name]: event.currentTarget.value })}>
      ${values.map((value) => html`<option value=${value}>${value || t(`tune.${name}.default`)}</option>`)}</select></div>`;
  return html`<details class="advanced"><summary>${t('tune.options')}</summary>
    <div class="options">${choice('format', FORMATS, t('tune.format'))}${choice('device', DEVICES, t('tune.device'))}
      ${NUMBERS.map((name) => html`<div key=${name}><label for=${id + name}>${name}</label><input id=${id + name} type="number" step="any" min="0" value=${form.options[name] ?? ''}
        placeholder=${t('tune.ofPreset')} onInput=${(event) => set({ options: { ...form.options, [name]: event.currentTarget.value } })} /></div>`)}</div>
    <label class="check"><input type="checkbox" checked=${form.merge} onChange=${(event) => set({ merge: event.currentTarget.checked })} />${t('tune.merge')}</label>
    ${form.merge && choice('quantize', QUANTIZATIONS, t('create.quantize'))}</details>`;
}

// Files of examples: those that the server has, and new ones.
function DataFiles({ form, set }) {
  const [files, setFiles] = useState([]);
  const [sending, setSending] = useState([]);
  const input = useRef();
  const load = () => get('/v1/files?purpose=fine-tune').then(({ data }) => setFiles(data), (error) => toast(error.message, { error: true }));
  useEffect(() => { load(); }, []);
  const add = async (list) => {
    setSending(list.map(({ name }) => name));
    const made = [];
    for (const file of list) await uploaded(file).then(({ id }) => made.push(id), (error) => toast(`${file.name}: ${error.message}`, { error: true }));
    setSending([]);
    set({ files: [...form.files, ...made] });
    await load();
  };
  const remove = async (file) => {
    await del(`/v1/files/${file.id}`).catch((error) => toast(error.message, { error: true }));
    set({ files: form.files.filter((id) => id !== file.id), validation: form.validation.filter((id) => id !== file.id) });
    load();
  };
  const onDrop = (event) => {
    event.preventDefault();
    add([...event.dataTransfer.files]);
  };
  const role = (id) => (form.files.includes(id) ? 'train' : form.validation.includes(id) ? 'validate' : '');
  const assign = (id, value) => set({
    files: [...form.files.filter((one) => one !== id), ...(value === 'train' ? [id] : [])],
    validation: [...form.validation.filter((one) => one !== id), ...(value === 'validate' ? [id] : [])],
  });
  return html`<div class="data-files" onDragOver=${(event) => event.preventDefault()} onDrop=${onDrop}>
    <div class="row"><h2 class="grow">${t('tune.files')}</h2><button type="button" onClick=${() => input.current.click()}><${Icon} name="upload" size=${16} />${t('models.upload')}</button></div>
    <input ref=${input} type="file" multiple hidden aria-label=${t('tune.files')} onChange=${(event) => { add([...event.currentTarget.files]); event.currentTarget.value = ''; }} />
    <p class="field-note">${t('tune.filesNote')}</p>
    ${sending.map((name) => html`<p class="row small muted" key=${name}><span class="spinner" aria-hidden="true"></span>${name}</p>`)}
    ${files.map((file) => html`<div class="row file" key=${file.id}><${Icon} name="file" size=${16} /><span class="grow cut" title=${file.filename}>${file.filename}</span><span class="muted small nowrap">${formatBytes(file.bytes)}</span>
      <select value=${role(file.id)} aria-label=${t('tune.role', { name: file.filename })} onChange=${(event) => assign(file.id, event.currentTarget.value)}>
        ${['', 'train', 'validate'].map((value) => html`<option value=${value}>${t(`tune.role.${value || 'none'}`)}</option>`)}</select>
      <${IconButton} name="trash" size=${16} class="small" label=${t('tune.removeFile', { name: file.filename })} onClick=${() => remove(file)} /></div>`)}
    ${!files.length && !sending.length && html`<p class="muted nothing">${t('tune.noFiles')}</p>`}</div>`;
}

async function uploaded(file) {
  const form = new FormData();
  form.set('purpose', 'fine-tune');
  form.set('file', file);
  // The type with its boundary is the browser's to write: the form goes out as a blob of its own.
  const wrapped = new Response(form);
  const answer = await send('POST', '/v1/files', await wrapped.clone().blob(), { headers: { 'content-type': wrapped.headers.get('content-type') } });
  return answer.json();
}
