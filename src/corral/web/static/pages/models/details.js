// All about one model, in tabs.
import { CopyButton } from '../../components/copy.js';
import { Dialog } from '../../components/dialog.js';
import { Tabs } from '../../components/tabs.js';
import { post } from '../../lib/api.js';
import { html, useEffect, useMemo, useState } from '../../lib/html.js';
import { formatBytes, formatNumber, t } from '../../lib/i18n.js';
import { models } from '../../lib/store.js';
import { copy, remove } from './actions.js';
import { Plan } from './load.js';

export function Details({ name, onClose, onCreate }) {
  const [shown, setShown] = useState(null);
  const [error, setError] = useState('');
  useEffect(() => {
    post('/api/show', { model: name }).then(setShown, (failure) => setError(failure.message));
  }, [name]);
  return html`<${Dialog} title=${name} onClose=${onClose} wide>
    ${error && html`<p class="error-text">${error}</p>`}
    ${shown && html`<${Tabs} label=${name} tabs=${tabsOf(name, shown)} />
      <div class="actions wrap">
        <button type="button" class="danger" onClick=${async () => await remove(name) && onClose()}>${t('delete')}</button>
        <button type="button" onClick=${() => copy(name)}>${t('models.copy')}</button>
        <button type="button" onClick=${() => onCreate(basedOn(name, shown))}>${t('models.buildOn')}</button>
        <a class="button primary" href=${`#/chat?model=${encodeURIComponent(name)}`}>${t('models.chat')}</a></div>`}
  <//>`;
}

// A Modelfile to begin with: this model as the base, its own words beneath.
function basedOn(name, shown) {
  const system = shown.system ? `\nSYSTEM """${shown.system}"""` : '\n# SYSTEM """You are a helpful assistant."""';
  return `FROM ${name}${system}\n# PARAMETER temperature 0.7\n`;
}

const tabsOf = (name, shown) => [
  { key: 'overview', label: t('models.tab.overview'), body: () => html`<${Overview} name=${name} shown=${shown} />` },
  { key: 'metadata', label: t('models.tab.metadata'), body: () => html`<${Metadata} info=${shown.model_info} />` },
  ...[['template', shown.template], ['modelfile', shown.modelfile], ['license', licence(shown.license)]].filter(([, text]) => text)
    .map(([key, text]) => ({ key, label: t(`models.tab.${key}`), body: () => html`<${Text} text=${text} />` })),
  ...(shown.tuned ? [{ key: 'card', label: t('models.tab.card'), body: () => html`<${Card} card=${shown.tuned} />` }] : []),
  { key: 'memory', label: t('models.tab.memory'), body: () => html`<${Memory} name=${name} />` },
];

const licence = (value) => (Array.isArray(value) ? value.join('\n\n') : value);

function Overview({ name, shown }) {
  const { details } = shown;
  const listed = models.value?.find((model) => model.name === name);
  const facts = [
    [t('models.fact.family'), details.family],
    [t('models.col.parameters'), details.parameter_size],
    [t('models.col.quantization'), details.quantization_level],
    [t('models.col.size'), listed && formatBytes(listed.size)],
    [t('models.col.context'), listed?.details.context_length && formatNumber(listed.details.context_length)],
    [t('models.fact.embedding'), listed?.details.embedding_length && formatNumber(listed.details.embedding_length)],
    [t('models.fact.base'), details.parent_model],
    [t('models.col.modified'), new Date(shown.modified_at).toLocaleString()],
    [t('models.fact.digest'), listed && html`<code>${listed.digest.slice(0, 12)}</code>`],
  ];
  return html`<p class="row wrap">${(shown.capabilities ?? []).map((one) => html`<span class="badge good">${one}</span>`)}</p>
    <dl class="facts">${facts.filter(([, value]) => value).map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
    ${shown.system && html`<h3>${t('models.tab.system')}</h3><${Text} text=${shown.system} />`}
    ${shown.parameters && html`<h3>${t('models.tab.parameters')}</h3><${Text} text=${shown.parameters} />`}
    ${shown.messages?.length > 0 && html`<h3>${t('models.tab.messages')}</h3>
      <${Text} text=${shown.messages.map(({ role, content }) => `${role}: ${content}`).join('\n')} />`}`;
}

function Text({ text }) {
  return html`<div class="text-box"><${CopyButton} text=${text} /><pre tabindex="0">${text}</pre></div>`;
}

function Metadata({ info }) {
  const [words, setWords] = useState('');
  const rows = useMemo(() => Object.entries(info ?? {}).filter(([key]) => key.includes(words.toLowerCase())), [info, words]);
  return html`<input type="search" value=${words} placeholder=${t('models.filter')} aria-label=${t('models.filter')}
      onInput=${(event) => setWords(event.currentTarget.value)} />
    <div class="table-wrap metadata"><table class="data"><tbody>${rows.map(([key, value]) => html`
      <tr><th scope="row"><code>${key}</code></th><td><code>${value === null ? '…' : typeof value === 'object' ? JSON.stringify(value) : String(value)}</code></td></tr>`)}
    </tbody></table></div>`;
}

function Card({ card }) {
  return html`<${Text} text=${typeof card === 'string' ? card : JSON.stringify(card, null, 2)} />`;
}

function Memory({ name }) {
  const [plan, setPlan] = useState(null);
  useEffect(() => {
    post('/api/plan', { model: name }).then(setPlan, (error) => setPlan({ failure: error.message }));
  }, [name]);
  return html`<${Plan} plan=${plan} />`;
}
