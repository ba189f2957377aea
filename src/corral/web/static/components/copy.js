// Copying text, with a word that it was done.
import { html } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { IconButton } from './icon.js';
import { toast } from './toast.js';

// Over plain HTTP from another machine browsers have no clipboard, but still the old command.
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copiedByCommand(text)) return toast(t('copyFailed'), { error: true });
  }
  return toast(t('copied'));
}

function copiedByCommand(text) {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden-text';
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}

export function CopyButton({ text, label = t('copy') }) {
  return html`<${IconButton} name="copy" size=${16} class="small" label=${label}
    onClick=${() => copyText(typeof text === 'function' ? text() : text)} />`;
}
