// What holds for this chat: system prompt, options of the model, presets.
import { html, useEffect, useId, useState } from '../../lib/html.js';
import { t } from '../../lib/i18n.js';
import { factsOf, setSettings, settings } from '../../lib/store.js';
import { ask } from '../dialog.js';
import { IconButton } from '../icon.js';

// [name, kind, least, most]; an option that is left empty has the model's own value.
const OPTIONS = [
  ['temperature', 'number', 0, 2], ['num_ctx', 'integer', 1, 16777216], ['num_predict', 'integer', -2, 1000000],
  ['top_p', 'number', 0, 1], ['top_k', 'integer', 0, 1000], ['min_p', 'number', 0, 1],
  ['repeat_penalty', 'number', 0, 2], ['seed', 'integer', -1, 2147483647],
];
const THINK = ['', false, true, 'low', 'medium', 'high'];

export function Panel({ conversation, onClose }) {
  const chosen = conversation.settings;
  const set = (fields) => conversation.change({ settings: without({ ...chosen, ...fields }) });
  const setOption = (name, value) => set({ options: without({ ...chosen.options, [name]: value }) });
  const canThink = factsOf(chosen.model)?.capabilities?.includes('thinking') ?? true;
  const canCall = factsOf(chosen.model)?.capabilities?.includes('tools') ?? true;
  const id = useId();
  return html`<aside class="panel" aria-label=${t('chat.settings')}>
    <div class="row head"><h2 class="grow">${t('chat.settings')}</h2><${IconButton} name="x" label=${t('close')} onClick=${onClose} /></div>
    <${Presets} chosen=${chosen} apply=${(preset) => conversation.change({ settings: { model: chosen.model, ...preset } })} />
    <label for=${`${id}s`}>${t('chat.system')}</label>
    <${Field} as="textarea" id=${`${id}s`} rows="5" value=${chosen.system ?? ''} placeholder=${t('chat.systemHint')} commit=${(text) => set({ system: text.trim() })} />
    <label for=${`${id}t`}>${t('chat.think')}</label>
    <select id=${`${id}t`} disabled=${!canThink} value=${String(chosen.think ?? '')}
      onChange=${(event) => set({ think: THINK.find((one) => String(one) === event.currentTarget.value) })}>
      ${THINK.map((one) => html`<option value=${String(one)} selected=${String(chosen.think ?? '') === String(one)}>${t(`chat.think.${one === '' ? 'auto' : one}`)}</option>`)}</select>
    ${!canThink && html`<p class="field-note">${t('chat.cannot.think', { model: chosen.model })}</p>`}
    <div class="options">${OPTIONS.map((option) => html`<${Option} key=${option[0]} option=${option} value=${chosen.options?.[option[0]]} set=${setOption} />`)}</div>
    <label for=${`${id}x`}>stop</label>
    <${Field} id=${`${id}x`} value=${(chosen.options?.stop ?? []).join(' ')} placeholder=${t('chat.stopHint')}
      commit=${(text) => setOption('stop', text.split(/\s+/).filter(Boolean))} />
    <label for=${`${id}k`}>keep_alive</label>
    <${Field} id=${`${id}k`} value=${chosen.keep_alive ?? ''} placeholder="5m" commit=${(text) => set({ keep_alive: text.trim() })} />
    <${JsonField} label=${t('chat.format')} value=${chosen.format} hint='"json"' set=${(format) => set({ format })} />
    <${JsonField} label=${t('chat.tools')} value=${chosen.tools} hint='[{"type": "function", …}]' set=${(tools) => set({ tools })} check=${Array.isArray} />
    ${!canCall && chosen.tools && html`<p class="field-note">${t('chat.cannot.call', { model: chosen.model })}</p>`}
  </aside>`;
}

const isEmpty = (value) => value === undefined || value === '' || (typeof value === 'object' && !Object.keys(value).length);
const without = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)));

// A field that keeps what is being typed until it is left, whatever is drawn meanwhile.
function Field({ as: Element = 'input', value, commit, ...rest }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return html`<${Element} value=${text} onInput=${(event) => setText(event.currentTarget.value)}
    onChange=${(event) => commit(event.currentTarget.value, event.currentTarget)} ...${rest} />`;
}

function Option({ option: [name, kind, least, most], value, set }) {
  const id = useId();
  const change = (text, input) => {
    if (input.reportValidity()) set(name, text === '' ? undefined : Number(text));
  };
  return html`<div><label for=${id}>${name}</label>
    <${Field} id=${id} type="number" min=${least} max=${most} step=${kind === 'integer' ? 1 : 'any'} value=${value ?? ''} placeholder=${t('chat.ownValue')}
      title=${t(`chat.option.${name}`)} commit=${change} /></div>`;
}

function JsonField({ label, value, hint, set, check = () => true }) {
  const [error, setError] = useState('');
  const id = useId();
  const change = (typed) => {
    const text = typed.trim();
    try {
      const parsed = text ? JSON.parse(text) : undefined;
      if (parsed !== undefined && !check(parsed)) throw new Error(t('chat.notList'));
      setError('');
      set(parsed);
    } catch (failure) {
      setError(failure.message);
    }
  };
  return html`<label for=${id}>${label}</label>
    <${Field} as="textarea" id=${id} rows="2" class="mono" spellcheck=${false} placeholder=${hint} value=${value === undefined ? '' : JSON.stringify(value, null, 2)}
      commit=${change} aria-invalid=${error ? 'true' : undefined} />
    ${error && html`<p class="field-note error-text" role="alert">${error}</p>`}`;
}

// Presets hold everything but the model; they stay in this browser.
function Presets({ chosen, apply }) {
  const id = useId();
  const { presets } = settings.value;
  const [name, setName] = useState('');
  const keep = async () => {
    const title = await ask({ title: t('chat.preset.save'), label: t('chat.preset.name'), value: name, action: t('save') });
    if (!title) return;
    const { model, ...rest } = chosen;
    setSettings({ presets: [...presets.filter((one) => one.name !== title), { name: title, settings: rest }] });
    setName(title);
  };
  const choose = (event) => {
    setName(event.currentTarget.value);
    const found = presets.find((one) => one.name === event.currentTarget.value);
    apply(found?.settings ?? {});
  };
  const remove = () => {
    setSettings({ presets: presets.filter((one) => one.name !== name) });
    setName('');
  };
  return html`<label for=${id}>${t('chat.preset')}</label>
    <div class="row"><select id=${id} value=${name} onChange=${choose}><option value="">${t('chat.preset.none')}</option>
      ${presets.map((one) => html`<option value=${one.name}>${one.name}</option>`)}</select>
      <button type="button" onClick=${keep}>${t('save')}</button>
      ${name && html`<${IconButton} name="trash" label=${t('chat.preset.delete', { name })} onClick=${remove} />`}</div>`;
}
