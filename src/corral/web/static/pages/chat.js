// The chat: the list of chats, the one that is open, and its settings.
import { Composer } from '../components/chat/composer.js';
import { ChatList } from '../components/chat/list.js';
import { Messages } from '../components/chat/messages.js';
import { Panel } from '../components/chat/panel.js';
import { Icon, IconButton } from '../components/icon.js';
import { toast } from '../components/toast.js';
import { Conversation, runningConversation } from '../lib/conversation.js';
import { newId, onChange, place, shelf } from '../lib/chats.js';
import { cls, html, useEffect, useState } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { useShortcut } from '../lib/keys.js';
import { canChat, models, modelsError, setSettings, settings } from '../lib/store.js';
import { stylesheets } from '../lib/style.js';

export const title = () => t('nav.chat');

await stylesheets(import.meta.url, 'chat.css');

const POLL_MS = 20_000;
const BUSY_POLL_MS = 2000;

export default function Chat({ route }) {
  const id = route.parts[0] ?? '';
  const { conversation, error } = useConversation(id);
  const [isListOpen, setListOpen] = useState(false);
  const [isPanelOpen, setPanelOpen] = useState(false);
  useShortcut('n', t('chat.new'), () => { location.hash = '#/chat'; });
  useShortcut('mod+b', t('chat.key.list'), () => setListOpen(!isListOpen));
  useShortcut('mod+.', t('chat.settings'), () => setPanelOpen(!isPanelOpen));
  useEffect(() => setListOpen(false), [id]);
  return html`<div class=${cls('chat', { 'list-open': isListOpen })}>
    <${ChatList} current=${conversation?.id} open=${() => setListOpen(false)} onClose=${() => setListOpen(false)} />
    <section class="talk" aria-label=${t('nav.chat')}>
      <${Head} conversation=${conversation} openList=${() => setListOpen(true)} panel=${[isPanelOpen, setPanelOpen]} />
      ${error && html`<div class="empty"><p>${error.message}</p><a class="button" href="#/chat">${t('chat.new')}</a></div>`}
      ${!conversation && !error && html`<div class="empty"><span class="spinner"></span></div>`}
      ${conversation && html`<${Talk} key=${conversation.id} conversation=${conversation} target=${route.query.get('message') ?? ''} />`}
    </section>
    ${isPanelOpen && conversation && html`<${Panel} conversation=${conversation} onClose=${() => setPanelOpen(false)} />`}
  </div>`;
}

// The conversation at this address; without an id a new one, which gets its address with its first message.
function useConversation(id) {
  const [state, setState] = useState({ address: null, conversation: null, error: null });
  const show = (conversation, error = null) => setState({ address: id, conversation, error });
  const where = place.value.name;
  // While the next one is on its way, nothing may be sent to the last.
  const isHere = id === state.address || (id && state.conversation?.id === id);
  const conversation = isHere ? state.conversation : null;
  useEffect(() => {
    let left = false;
    if (id && state.conversation?.id === id) show(state.conversation);
    else if (!id) show(new Conversation(newId(), null, { model: preferredModel() }));
    else if (runningConversation(id)) show(runningConversation(id));
    else shelf().find(id).then((chat) => left || show(new Conversation(id, chat)), (error) => left || show(null, error));
    return () => { left = true; };
  }, [id, where]);
  useEffect(() => conversation && follow(conversation), [conversation]);
  // The models may be known later than the chat.
  useEffect(() => {
    if (conversation && !conversation.settings.model && preferredModel()) conversation.change({ settings: { ...conversation.settings, model: preferredModel() } });
  }, [conversation, models.value, modelsError.value]);
  return { conversation, error: isHere ? state.error : null };
}

function preferredModel() {
  const known = (models.peek() ?? []).filter(canChat).map(({ name }) => name);
  const wanted = settings.peek().model;
  if (isListForbidden()) return wanted;
  return known.includes(wanted) ? wanted : (known[0] ?? '');
}

// Whoever may use models but not list them must know their names.
const isListForbidden = () => models.value === null && modelsError.value?.status === 403;

// Keeps a conversation up to date with what others do to it. Returns how to stop.
function follow(conversation) {
  const leave = () => {
    conversation.forget();
    location.replace('#/chat');
  };
  const refresh = () => conversation.refresh().catch((error) => {
    if (error.status !== 404) return;
    toast(t('chat.gone', { title: conversation.meta.peek().title || t('chat.untitled') }));
    leave();
  });
  const stop = onChange((message) => {
    if (message.id !== conversation.id) return;
    if (message.kind === 'removed') leave();
    else if (!message.own) refresh();
  });
  const seen = () => document.visibilityState === 'visible' && refresh();
  let timer = 0;
  const poll = () => {
    if (document.visibilityState === 'visible') refresh();
    timer = setTimeout(poll, conversation.isBusyElsewhere() ? BUSY_POLL_MS : POLL_MS);
  };
  timer = setTimeout(poll, BUSY_POLL_MS);
  document.addEventListener('visibilitychange', seen);
  return () => {
    stop();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}

function Head({ conversation, openList, panel: [isOpen, setOpen] }) {
  const title = conversation?.meta.value.title;
  return html`<header class="chat-head">
    <${IconButton} name="menu" class="only-narrow" label=${t('chat.list')} onClick=${openList} />
    <h1 class="cut" title=${title}>${title || t('chat.new')}</h1>
    ${conversation && html`<${ModelPicker} conversation=${conversation} />`}
    <${IconButton} name="sliders" label=${t('chat.settings')} aria-pressed=${String(isOpen)} onClick=${() => setOpen(!isOpen)} />
  </header>`;
}

function ModelPicker({ conversation }) {
  const { model } = conversation.settings;
  const known = (models.value ?? []).filter(canChat).map(({ name }) => name);
  const choose = (event) => {
    const chosen = event.currentTarget.value.trim();
    setSettings({ model: chosen });
    conversation.change({ settings: { ...conversation.settings, model: chosen } });
  };
  if (isListForbidden()) {
    return html`<input class="model" aria-label=${t('chat.model')} placeholder=${t('chat.modelName')} title=${modelsError.value.message}
      value=${model} onChange=${choose} spellcheck=${false} autocapitalize="off" />`;
  }
  return html`<select class="model" aria-label=${t('chat.model')} value=${model} onChange=${choose}>
    ${!model && html`<option value="">${t('chat.model')}</option>`}
    ${model && !known.includes(model) && html`<option value=${model}>${model}</option>`}
    ${known.map((name) => html`<option key=${name} value=${name} selected=${name === model}>${name}</option>`)}</select>`;
}

function Talk({ conversation, target }) {
  const isEmpty = conversation.path.value.length === 0;
  const error = conversation.error.value;
  const { model } = conversation.settings;
  const isMissing = models.value && model && !models.value.some(({ name }) => name === model);
  useEffect(() => {
    // Its address, once there is something to come back to.
    if (!isEmpty && !location.hash.startsWith(`#/chat/${conversation.id}`)) location.replace(`#/chat/${conversation.id}`);
  }, [isEmpty]);
  return html`${isEmpty ? html`<${Welcome} />` : html`<${Messages} conversation=${conversation} target=${target} />`}
    <div class="foot">
      ${error && html`<div class="notice bad" role="alert"><${Icon} name="warning" size=${15} /><span>${t('chat.unsaved', { error: error.message })}
        ${' '}<button type="button" class="link" onClick=${() => conversation.keep({})}>${t('retry')}</button></span></div>`}
      ${isMissing && html`<div class="notice"><${Icon} name="warning" size=${15} /><span>${t('chat.modelGone', { model })}</span></div>`}
      <${Composer} conversation=${conversation} model=${model} />
    </div>`;
}

function Welcome() {
  const none = models.value && !models.value.some(canChat);
  return html`<div class="welcome"><span class="boot-mark" aria-hidden="true"></span>
    <h2>${t(none ? 'chat.noModels' : 'chat.welcome')}</h2>
    ${none ? html`<p class="muted">${t('chat.noModelsHint')} <code>corral pull pocket</code></p>
      <a class="button primary" href="#/models">${t('nav.models')}</a>` : html`<p class="muted keys">${t('chat.welcomeHint')}</p>`}</div>`;
}
