// Short notes that go away by themselves, and are read out.
import { cls, html, signal } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { IconButton } from './icon.js';

const SHOWN_MS = 5000;
const toasts = signal([]);
let last = 0;

// `action` is { label, run }; an error stays longer.
export function toast(text, { error = false, action = null } = {}) {
  const id = ++last;
  toasts.value = [...toasts.peek().slice(-3), { id, text, error, action }];
  setTimeout(() => dismiss(id), error || action ? 2 * SHOWN_MS : SHOWN_MS);
}

function dismiss(id) {
  toasts.value = toasts.peek().filter((one) => one.id !== id);
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(({ id, text, error, action }) => html`
      <div key=${id} class=${cls('toast', { error })}><span>${text}</span>
        ${action && html`<button type="button" class="link" onClick=${() => { dismiss(id); action.run(); }}>${action.label}</button>`}
        <${IconButton} name="x" size=${14} label=${t('close')} onClick=${() => dismiss(id)} /></div>`)}
  </div>`;
}
