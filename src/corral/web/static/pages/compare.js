// One prompt to two to four models, side by side.
import { copyText } from '../components/copy.js';
import { Icon, IconButton } from '../components/icon.js';
import { cls, html, signal, useEffect, useId, useMemo, useState } from '../lib/html.js';
import { formatNumber, formatSeconds, t } from '../lib/i18n.js';
import { useShortcut } from '../lib/keys.js';
import { loadModels, models, modelsError, setSettings, settings } from '../lib/store.js';
import { stylesheets } from '../lib/style.js';
import { answer, asMarkdown } from './compare/run.js';

export const title = () => t('nav.compare');
await stylesheets(import.meta.url, '../components/work.css', 'compare.css');

const MOST = 4;
const OPTIONS = [
  { name: 'temperature', step: '0.1', min: '0' }, { name: 'seed', step: '1' },
  { name: 'num_predict', step: '1' }, { name: 'num_ctx', step: '1', min: '1' },
];

// Kept while the UI is open: a look at another page loses nothing, and what runs goes on.
const states = signal([]);
const asked = signal({ prompt: '', system: '', options: {} });
let life = null;

const number = (value, digits) => formatNumber(value, { maximumFractionDigits: digits });

export default function Compare() {
  const able = useMemo(() => (models.value ?? []).filter((model) => model.capabilities?.includes('completion')), [models.value]);
  const [chosen, choose] = useChosen(able);
  const [prompt, setPrompt] = useState(asked.peek().prompt);
  const [system, setSystem] = useState(asked.peek().system);
  const [options, setOptions] = useState(asked.peek().options);
  const [inTurn, setInTurn] = useState(false);
  const running = states.value.some((state) => state && !isOver(state));
  useShortcut('Escape', t('compare.stop'), () => (running ? stop() : false));
  const start = () => {
    if (running || !prompt.trim()) return;
    asked.value = { prompt, system, options };
    run(chosen, { prompt, system, options: numbers(options) }, inTurn);
  };
  const onKeyDown = (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    start();
  };
  return html`<div class="page compare" onKeyDown=${onKeyDown}>
    <header class="page-head"><h1 class="grow">${t('nav.compare')}</h1>
      <button type="button" disabled=${!states.value.some((state) => state?.text)} onClick=${() => copyText(markdown(chosen))}>
        <${Icon} name="copy" size=${16} />${t('compare.copy')}</button></header>
    <form class="ask" onSubmit=${(event) => { event.preventDefault(); start(); }}>
      <textarea rows="3" value=${prompt} aria-label=${t('compare.prompt')} placeholder=${t('compare.placeholder')} onInput=${(event) => setPrompt(event.currentTarget.value)}></textarea>
      <details class="more"><summary>${t('compare.options')}</summary>
        <${Options} system=${system} setSystem=${setSystem} options=${options} setOptions=${setOptions} /></details>
      <div class="row wrap"><label class="check small"><input type="checkbox" checked=${inTurn} onChange=${(event) => setInTurn(event.currentTarget.checked)} />${t('compare.inTurn')}</label>
        <span class="grow"></span>
        ${/* Keys, for the button that stops must not turn into the one that submits while it is being clicked. */ ''}
        ${running ? html`<button type="button" key="stop" class="primary" onClick=${stop}><${Icon} name="stop" size=${16} />${t('compare.stop')}</button>`
          : html`<button key="run" class="primary" disabled=${!prompt.trim() || chosen.length < 1}><${Icon} name="play" size=${16} />${t('compare.run')}</button>`}</div>
    </form>
    ${models.value === null && modelsError.value && html`<p class="notice bad" role="alert">${modelsError.value.message}</p>`}
    ${able.length === 0 && models.value ? html`<p class="muted">${t('compare.noModels')}</p>` : html`
    <div class=${`columns of-${chosen.length}`}>${chosen.map((name, index) => html`<${Column} key=${index} index=${index} name=${name} able=${able} state=${states.value[index]}
        onChoose=${(model) => choose(chosen.map((one, at) => (at === index ? model : one)))} busy=${running}
        onRemove=${chosen.length > 2 ? () => { states.value = states.peek().toSpliced(index, 1); choose(chosen.toSpliced(index, 1)); } : null} />`)}
      ${chosen.length < MOST && able.length > 0 && html`<button type="button" class="add quiet" disabled=${running} onClick=${() => choose([...chosen, next(able, chosen)])}>
        <${Icon} name="plus" size=${16} />${t('compare.add')}</button>`}</div>`}
  </div>`;
}

const isOver = ({ phase }) => ['done', 'stopped', 'failed'].includes(phase);
const numbers = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== '').map(([name, value]) => [name, Number(value)]));
const next = (able, chosen) => (able.find(({ name }) => !chosen.includes(name)) ?? able[0]).name;

// The models that were compared last, where they are still there; at least two columns.
function useChosen(able) {
  const [names, setNames] = useState(settings.peek().compared ?? []);
  useEffect(() => { if (models.peek() === null) loadModels().catch(() => {}); }, []);
  const known = names.filter((name) => able.some((model) => model.name === name));
  while (able.length && known.length < 2) known.push(next(able, known));
  const choose = (list) => {
    setNames(list);
    setSettings({ compared: list });
  };
  return [known, choose];
}

function markdown(chosen) {
  const entries = chosen.map((model, index) => ({ model, state: states.peek()[index] })).filter(({ state }) => state);
  const { prompt, system, options } = asked.peek();
  return asMarkdown({ prompt, system, options: numbers(options) }, entries, { t, number });
}

// All at once, or one after the other, so that they do not share the machine.
async function run(chosen, { prompt, system, options }, inTurn) {
  life = new AbortController();
  const { signal: abort } = life;
  states.value = chosen.map(() => null);
  const messages = [...(system.trim() ? [{ role: 'system', content: system }] : []), { role: 'user', content: prompt }];
  const jobs = chosen.map((model, index) => () => answer({ model, messages, options }, abort, (state) => {
    // Columns may have been taken away meanwhile, with a new run begun.
    if (life?.signal === abort) states.value = states.peek().map((one, at) => (at === index ? state : one));
  }));
  if (!inTurn) await Promise.all(jobs.map((job) => job()));
  else for (const job of jobs) if (!abort.aborted) await job();
}

function stop() {
  life?.abort();
}

function Options({ system, setSystem, options, setOptions }) {
  const id = useId();
  return html`<label for=${`${id}s`}>${t('compare.system')}</label>
    <textarea id=${`${id}s`} rows="2" value=${system} onInput=${(event) => setSystem(event.currentTarget.value)}></textarea>
    <div class="options">${OPTIONS.map(({ name, ...rest }) => html`<div key=${name}><label for=${id + name}>${name}</label>
      <input id=${id + name} type="number" ...${rest} value=${options[name] ?? ''} placeholder=${t('compare.default')}
        onInput=${(event) => setOptions({ ...options, [name]: event.currentTarget.value })} /></div>`)}</div>`;
}

function Column({ index, name, able, state, onChoose, onRemove, busy }) {
  return html`<section class="card column" aria-label=${name}>
    <div class="row"><select value=${name} disabled=${busy} aria-label=${t('compare.model', { n: index + 1 })} onChange=${(event) => onChoose(event.currentTarget.value)}>
        ${able.map((model) => html`<option value=${model.name}>${model.name}</option>`)}</select>
      ${onRemove && html`<${IconButton} name="x" size=${16} label=${t('compare.remove', { name })} disabled=${busy} onClick=${onRemove} />`}</div>
    <${Numbers} state=${state} />
    ${state?.thinking && html`<details class="thinking small muted"><summary>${t('compare.thinking')}</summary><div>${state.thinking}</div></details>`}
    <div class=${cls('answer', { muted: !state?.text })} aria-live="off">${state?.text || (state?.phase === 'waiting' ? t('compare.waiting') : '')}</div>
    ${state?.phase === 'stopped' && html`<p class="small muted">${t('compare.stopped')}</p>`}
    ${state?.error && html`<p class="notice bad">${state.error}</p>`}
  </section>`;
}

function Numbers({ state }) {
  const show = (value, format) => (value === null || value === undefined ? '–' : format(value));
  const facts = [
    [t('compare.first'), show(state?.first, seconds)], [t('compare.rate'), show(state?.rate, (value) => number(value, 1))],
    [t('compare.tokens'), show(state?.tokens, (value) => number(value, 0))], [t('compare.total'), show(state?.seconds, seconds)],
  ];
  return html`<dl class="numbers">${facts.map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const seconds = (value) => (value < 1 ? `${number(value * 1000, 0)} ms` : formatSeconds(value));
