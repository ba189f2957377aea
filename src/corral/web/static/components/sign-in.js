// Asks for an API key when the server wants one.
import { get, setApiKey, signInWanted } from '../lib/api.js';
import { html, useId, useState } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { Dialog } from './dialog.js';

// `done` is called once a key has been accepted.
export function SignIn({ message, done }) {
  const [value, setValue] = useState('');
  const [error, setError] = useState('');
  const id = useId();
  const submit = async (event) => {
    event.preventDefault();
    setApiKey(value.trim());
    try {
      await get('/api/tags', { quiet: true });
      signInWanted.value = null;
      done();
    } catch (failure) {
      setError(failure.message);
    }
  };
  return html`<${Dialog} title=${t('signIn.title')} onClose=${() => { signInWanted.value = null; }}>
    <form onSubmit=${submit}>
      <p class="dialog-text">${message}</p>
      <label for=${id}>${t('signIn.key')}</label>
      <input id=${id} type="password" autocomplete="current-password" autofocus value=${value}
        onInput=${(event) => setValue(event.currentTarget.value)} placeholder="corral-…" required />
      ${error && html`<p class="error-text" role="alert">${error}</p>`}
      <div class="actions"><button class="primary">${t('signIn.action')}</button></div>
    </form>
  <//>`;
}
