// The chat.
import { html } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { models } from '../lib/store.js';

export const title = () => t('nav.chat');

export default function Chat() {
  return html`<div class="page"><h1>${t('nav.chat')}</h1>
    <ul>${(models.value ?? []).map((model) => html`<li>${model.name}</li>`)}</ul></div>`;
}
