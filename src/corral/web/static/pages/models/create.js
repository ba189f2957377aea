// A model from a Modelfile: written with its errors shown at once, files uploaded meanwhile.
import { Dialog } from '../../components/dialog.js';
import { Editor } from '../../components/editor.js';
import { Icon, IconButton } from '../../components/icon.js';
import { toast } from '../../components/toast.js';
import { ndjson, post } from '../../lib/api.js';
import { html, useEffect, useId, useRef, useState } from '../../lib/html.js';
import { formatBytes, t } from '../../lib/i18n.js';
import { loadModels, models } from '../../lib/store.js';
import { Meter, Speed } from './pulls.js';
import { upload } from './upload.js';

const QUANTIZATIONS = ['', 'q4_K_M', 'q5_K_M', 'q6_K', 'q8_0', 'f16'];
const PAUSE_MS = 250;
// Stands for a file that is still on its way, while the Modelfile is only looked through.
const ON_ITS_WAY = `sha256:${'0'.repeat(64)}`;

export function Create({ files, modelfile, onClose }) {
  const [name, setName] = useState(() => nameFor(files));
  const [text, setText] = useState(() => modelfile ?? beginning(files));
  const [quantize, setQuantize] = useState('');
  const uploads = useUploads(files);
  const draft = useDraft(text, uploads.list);
  const making = useMaking();
  const ids = [useId(), useId()];
  const blocked = !draft || draft.problems.length > 0 || uploads.list.some(({ digest }) => !digest) || making.running;
  const submit = async (event) => {
    event.preventDefault();
    if (await making.run(name.trim(), text, digests(uploads.list), quantize)) onClose();
  };
  return html`<${Dialog} title=${t('create.title')} onClose=${onClose} wide>
    <form class="create" onSubmit=${submit}>
      <div class="two">
        <div><label for=${ids[0]}>${t('create.name')}</label>
          <input id=${ids[0]} value=${name} required autofocus spellcheck=${false} autocapitalize="off" onInput=${(event) => setName(event.currentTarget.value)} /></div>
        <div><label for=${ids[1]}>${t('create.quantize')}</label>
          <select id=${ids[1]} value=${quantize} onChange=${(event) => setQuantize(event.currentTarget.value)}>
            ${QUANTIZATIONS.map((value) => html`<option value=${value}>${value || t('create.asItIs')}</option>`)}</select></div>
      </div>
      <${Files} uploads=${uploads} />
      <label>Modelfile</label>
      <${Editor} label="Modelfile" value=${text} onInput=${setText} problems=${draft?.problems ?? []} />
      <${Notes} draft=${draft} />
      <${Steps} making=${making} />
      <div class="actions"><button type="button" onClick=${onClose}>${t('cancel')}</button>
        <button class="primary" disabled=${blocked}>${t('create.action')}</button></div>
    </form>
  <//>`;
}

const nameFor = (files) => (files.length ? files[0].name.replace(/\.\w+$/, '').toLowerCase().replace(/[^\w.-]+/g, '-') : '');

function beginning(files) {
  if (files.length) return files.length === 1 ? `FROM ./${files[0].name}\n` : 'FROM .\n';
  const base = models.peek()?.find((model) => model.capabilities?.includes('completion'))?.name ?? 'pocket';
  return `FROM ${base}\nSYSTEM """You answer in one short sentence."""\nPARAMETER temperature 0.7\n`;
}

const digests = (list) => Object.fromEntries(list.map(({ file, digest }) => [file.name, digest || ON_ITS_WAY]));

// Files on their way to the server; those that are removed, or left when the dialog closes, are withdrawn.
function useUploads(first) {
  const [list, setList] = useState([]);
  const life = useRef(new Map());
  const change = (file, changes) => setList((all) => all.map((one) => (one.file === file ? { ...one, ...changes } : one)));
  const send = async (file) => {
    const controller = new AbortController();
    life.current.set(file, controller);
    try {
      const { digest } = await upload(file, { signal: controller.signal, onProgress: (sent) => change(file, { sent }) });
      change(file, { digest, sent: file.size });
    } catch (error) {
      if (error.name !== 'AbortError') change(file, { error: error.message });
    }
  };
  const add = (files) => {
    setList((all) => [...all, ...files.map((file) => ({ file, sent: 0, digest: '', error: '' }))]);
    files.forEach(send);
  };
  const remove = (file) => {
    life.current.get(file)?.abort();
    setList((all) => all.filter((one) => one.file !== file));
  };
  useEffect(() => {
    add(first);
    return () => life.current.forEach((controller) => controller.abort());
  }, []);
  return { list, add, remove };
}

function Files({ uploads }) {
  const input = useRef();
  const chosen = (event) => {
    uploads.add([...event.currentTarget.files]);
    event.currentTarget.value = '';
  };
  return html`<div class="files">
    ${uploads.list.map(({ file, sent, digest, error }) => html`<div class="file" key=${file.name}>
      <div class="row small"><${Icon} name="file" size=${16} /><span class="grow cut mono" title=${file.name}>${file.name}</span>
        ${error ? html`<span class="error-text">${error}</span>` : digest ? html`<span class="muted">${formatBytes(file.size)}</span><span class="badge good">${t('create.uploaded')}</span>`
          : html`<${Speed} completed=${sent} total=${file.size} />`}
        <${IconButton} name="x" size=${14} class="small" label=${t('create.removeFile', { name: file.name })} onClick=${() => uploads.remove(file)} /></div>
      ${!digest && !error && html`<${Meter} value=${sent} total=${file.size} label=${file.name} />`}
    </div>`)}
    <button type="button" class="quiet" onClick=${() => input.current.click()}><${Icon} name="upload" size=${16} />${t('create.addFiles')}</button>
    <input ref=${input} type="file" multiple hidden aria-label=${t('create.addFiles')} onChange=${chosen} /></div>`;
}

// What the server says of the Modelfile as it is written: null until it has.
function useDraft(text, list) {
  const [draft, setDraft] = useState(null);
  const names = list.map(({ file }) => file.name).join('\n');
  useEffect(() => {
    const life = new AbortController();
    const timer = setTimeout(() => {
      post('/api/modelfile', { modelfile: text, files: digests(list) }, { signal: life.signal })
        .then(setDraft, (error) => life.signal.aborted || setDraft({ problems: [{ line: 0, message: error.message }] }));
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      life.abort();
    };
  }, [text, names]);
  return draft;
}

function Notes({ draft }) {
  const notes = [...(draft?.notes ?? []), ...(draft?.missing_base ? [t('create.missingBase', { name: draft.missing_base })] : [])];
  return notes.map((note) => html`<p class="field-note">${note}</p>`);
}

// The work itself: its steps as they are told.
function useMaking() {
  const [state, setState] = useState({ steps: [], running: false, error: '' });
  const life = useRef(null);
  useEffect(() => () => life.current?.abort(), []);
  const run = async (name, modelfile, files, quantize) => {
    life.current = new AbortController();
    setState({ steps: [], running: true, error: '' });
    try {
      const { request, problems } = await post('/api/modelfile', { modelfile, files });
      if (problems.length) throw new Error(problems[0].message);
      const body = { ...request, model: name, ...(quantize && { quantize }) };
      for await (const records of ndjson('/api/create', body, { signal: life.current.signal })) {
        setState((before) => ({ ...before, steps: records.reduce(withStep, before.steps) }));
      }
      toast(t('create.done', { name }));
      await loadModels().catch(() => {});
      return true;
    } catch (error) {
      setState((before) => ({ ...before, running: false, error: error.name === 'AbortError' ? '' : error.message }));
      return false;
    }
  };
  return { ...state, run };
}

// Each step once, the last one with how far it is.
const withStep = (steps, { status, total, completed }) => {
  const others = steps.at(-1)?.status === status ? steps.slice(0, -1) : steps;
  return [...others, { status, total, completed }];
};

function Steps({ making: { steps, running, error } }) {
  if (!steps.length && !error) return null;
  return html`<div class="steps small" aria-live="polite">
    ${steps.map(({ status, total, completed }, index) => html`<div class="row" key=${index}>
      ${running && index === steps.length - 1 ? html`<span class="spinner" aria-hidden="true"></span>` : html`<${Icon} name="check" size=${14} />`}
      <span class="grow cut">${status}</span>${total > 0 && html`<${Meter} value=${completed ?? 0} total=${total} label=${status} />`}</div>`)}
    ${error && html`<p class="notice bad">${error}</p>`}</div>`;
}
