// Who may use the server: its API keys, for those whose own key may see them.
import { copyText } from '../components/copy.js';
import { Dialog, confirm } from '../components/dialog.js';
import { Icon, IconButton } from '../components/icon.js';
import { toast } from '../components/toast.js';
import { apiKey, del, get, post, signInWanted, signOut } from '../lib/api.js';
import { cls, html, useEffect, useId, useState } from '../lib/html.js';
import { formatAgo, formatNumber, t } from '../lib/i18n.js';
import { stylesheets } from '../lib/style.js';

export const title = () => t('nav.keys');
await stylesheets(import.meta.url, '../components/work.css', 'keys.css');

const SCOPES = ['infer', 'read', 'manage', 'admin'];

export default function Keys() {
  const [state, setState] = useState({ keys: null, failure: null });
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState(null);
  const load = () => get('/api/keys', { quiet: true }).then(({ keys }) => setState({ keys, failure: null }), (failure) => setState({ keys: null, failure }));
  useEffect(() => { load(); }, [apiKey.value]);
  const revoke = async (name) => {
    if (!await confirm({ title: t('keys.revokeTitle', { name }), text: t('keys.revokeText'), action: t('keys.revoke'), danger: true })) return;
    await del(`/api/keys/${encodeURIComponent(name)}`).then(() => toast(t('keys.revoked', { name })), (error) => toast(error.message, { error: true }));
    load();
  };
  return html`<div class="page keys">
    <header class="page-head"><h1 class="grow">${t('nav.keys')}</h1>
      ${apiKey.value && html`<button type="button" onClick=${signOut}>${t('keys.signOut')}</button>`}
      ${state.keys && html`<button type="button" class="primary" onClick=${() => setMaking(true)}><${Icon} name="plus" size=${16} />${t('keys.make')}</button>`}</header>
    ${state.failure && (state.failure.offline ? html`<p class="notice bad" role="alert">${state.failure.message}</p>`
      : html`<${Refused} message=${state.failure.message} />`)}
    ${secret && html`<${Secret} name=${secret.name} value=${secret.key} onClose=${() => setSecret(null)} />`}
    ${state.keys?.length === 0 && html`<p class="muted">${t('keys.none')}</p>`}
    ${state.keys?.length > 0 && html`<${Table} keys=${state.keys} onRevoke=${revoke} />`}
    ${making && html`<${Make} onClose=${() => setMaking(false)} onMade=${(made) => { setMaking(false); setSecret(made); load(); }} />`}
  </div>`;
}

// On this machine too: a page that could make keys could make itself one that outlives it.
function Refused({ message }) {
  return html`<div class="card refused">
    <h2>${t('keys.refusedTitle')}</h2>
    <p>${t('keys.refusedText')}</p>
    <pre tabindex="0"><code>corral keys create admin --scope admin,infer,read,manage</code></pre>
    <p class="muted small">${message}</p>
    <button type="button" class="primary" onClick=${() => { signInWanted.value = { message: t('keys.signInText'), path: '/api/keys' }; }}>
      <${Icon} name="key" size=${16} />${t('signIn.action')}</button></div>`;
}

// The only time that the secret is seen.
function Secret({ name, value, onClose }) {
  return html`<div class="card secret" role="status">
    <div class="row"><h2 class="grow">${t('keys.secretTitle', { name })}</h2><${IconButton} name="x" label=${t('close')} onClick=${onClose} /></div>
    <p>${t('keys.secretText')}</p>
    <div class="row"><code class="grow">${value}</code><button type="button" onClick=${() => copyText(value)}><${Icon} name="copy" size=${16} />${t('copy')}</button></div></div>`;
}

function Table({ keys, onRevoke }) {
  return html`<div class="table-wrap"><table class="data"><thead><tr><th scope="col">${t('models.col.name')}</th><th scope="col">${t('keys.scopes')}</th>
      <th scope="col">${t('keys.limits')}</th><th scope="col" class="number">${t('keys.requests')}</th><th scope="col" class="number">${t('keys.tokens')}</th>
      <th scope="col">${t('keys.lastUsed')}</th><th scope="col">${t('keys.expires')}</th><th><span class="hidden-text">${t('models.actions')}</span></th></tr></thead>
    <tbody>${keys.map((key) => html`<${Row} key=${key.name + key.created_at} entry=${key} onRevoke=${onRevoke} />`)}</tbody></table></div>`;
}

function Row({ entry, onRevoke }) {
  const { usage } = entry;
  return html`<tr class=${cls({ revoked: entry.revoked_at })}>
    <th scope="row" title=${entry.created_at}>${entry.name}<br /><code class="muted small">${entry.hint}</code></th>
    <td><span class="row wrap">${entry.scopes.map((scope) => html`<span class="badge">${scope}</span>`)}</span></td>
    <td class="muted small">${limits(entry)}</td>
    <td class="number">${formatNumber(usage.requests)}</td>
    <td class="number">${formatNumber(usage.prompt_tokens)} → ${formatNumber(usage.completion_tokens)}</td>
    <td class="muted nowrap">${usage.last_used_at ? formatAgo(usage.last_used_at) : t('keys.never')}</td>
    <td class="muted nowrap">${entry.expires_at ? formatAgo(entry.expires_at) : t('keys.doesNot')}</td>
    <td class="number">${entry.revoked_at ? html`<span class="badge bad">${t('keys.isRevoked')}</span>`
      : html`<button type="button" class="danger small-button" onClick=${() => onRevoke(entry.name)}>${t('keys.revoke')}</button>`}</td></tr>`;
}

const limits = ({ rate, tokens, concurrency }) => [
  rate && t('keys.rateIs', { rate }), tokens && t('keys.tokensAre', { tokens }), concurrency && t('keys.concurrencyIs', { n: concurrency }),
].filter(Boolean).join(' · ') || '–';

const FIELDS = ['rate', 'tokens', 'concurrency', 'expires'];
const EXAMPLES = { rate: '60/min', tokens: '1M/day', concurrency: '4', expires: '90d' };

function Make({ onClose, onMade }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState(['infer', 'read']);
  const [values, setValues] = useState({});
  const [error, setError] = useState('');
  const id = useId();
  const submit = async (event) => {
    event.preventDefault();
    const body = { name, scopes, ...Object.fromEntries(FIELDS.filter((field) => values[field]).map((field) => [field, values[field].trim()])) };
    if (body.concurrency) body.concurrency = Number(body.concurrency);
    await post('/api/keys', body).then(onMade, (failure) => setError(failure.message));
  };
  const toggle = (scope) => setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope]);
  return html`<${Dialog} title=${t('keys.make')} onClose=${onClose}>
    <form onSubmit=${submit}>
      <label for=${id}>${t('keys.name')}</label>
      <input id=${id} value=${name} required autofocus spellcheck=${false} autocapitalize="off" onInput=${(event) => setName(event.currentTarget.value)} />
      <fieldset><legend>${t('keys.scopes')}</legend>${SCOPES.map((scope) => html`<label class="check" key=${scope}>
        <input type="checkbox" checked=${scopes.includes(scope)} onChange=${() => toggle(scope)} /><span><b>${scope}</b> <span class="muted small">${t(`keys.scope.${scope}`)}</span></span></label>`)}</fieldset>
      <div class="two">${FIELDS.map((field) => html`<div key=${field}><label for=${id + field}>${t(`keys.${field}`)}</label>
        <input id=${id + field} value=${values[field] ?? ''} placeholder=${t('keys.noLimit', { example: EXAMPLES[field] })} inputmode=${field === 'concurrency' ? 'numeric' : undefined}
          onInput=${(event) => setValues({ ...values, [field]: event.currentTarget.value })} /></div>`)}</div>
      ${error && html`<p class="error-text" role="alert">${error}</p>`}
      <div class="actions"><button type="button" onClick=${onClose}>${t('cancel')}</button><button class="primary" disabled=${!scopes.length}>${t('keys.make')}</button></div>
    </form><//>`;
}
