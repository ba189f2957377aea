// Asks for an API key when the server wants one.
import { apiKey, get, setApiKey, signInWanted } from '../lib/api.js';
import { html, useId, useState } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { Dialog } from './dialog.js';

// `done` is called once a key has been accepted. `path` is what it must open; else any key will do that the server knows.
export function SignIn({ message, path, done }) {
  const [value, setValue] = useState('');
  const [keep, setKeep] = useState(false);
  const [error, setError] = useState('');
  const id = useId();
  const submit = async (event) => {
    event.preventDefault();
    const before = apiKey.peek();
    setApiKey(value.trim(), { keep });
    try {
      await get(path ?? '/api/tags', { quiet: true });
    } catch (failure) {
      // A key without the scope to list models is a key all the same.
      if (path || failure.status !== 403) {
        setApiKey(before);
        setError(failure.message);
        return;
      }
    }
    signInWanted.value = null;
    done();
  };
  return html`<${Dialog} title=${t('signIn.title')} onClose=${() => { signInWanted.value = null; }}>
    <form onSubmit=${submit}>
      <p class="dialog-text">${message}</p>
      <label for=${id}>${t('signIn.key')}</label>
      <input id=${id} type="password" autocomplete="current-password" autofocus value=${value}
        onInput=${(event) => setValue(event.currentTarget.value)} placeholder="corral-…" required />
      <label class="check"><input type="checkbox" checked=${keep} onChange=${(event) => setKeep(event.currentTarget.checked)} />${t('signIn.keep')}</label>
      <p class="field-note">${t('signIn.keepNote')}</p>
      ${error && html`<p class="error-text" role="alert">${error}</p>`}
      <div class="actions"><button class="primary">${t('signIn.action')}</button></div>
    </form>
  <//>`;
}
