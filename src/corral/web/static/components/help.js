// The sheet of keyboard shortcuts: all that work on the page from which it was opened.
import { html } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { keyLabels, shortcuts } from '../lib/keys.js';
import { Dialog } from './dialog.js';

export function Help({ onClose }) {
  return html`<${Dialog} title=${t('help.title')} onClose=${onClose}>
    <dl class="shortcuts">${shortcuts.value.map(({ keys, label }) => html`
      <div><dt>${label}</dt><dd>${keyLabels(keys).map((key) => html`<kbd>${key}</kbd>`)}</dd></div>`)}</dl>
  <//>`;
}
