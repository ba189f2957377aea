// One chat while it is open: its tree of messages, the answer that is being written, and how both are kept.
import { ndjson } from './api.js';
import { requestBody } from './chat-request.js';
import { announce, newId, onChange, shelf } from './chats.js';
import { Draft } from './draft.js';
import { batch, computed, signal } from './html.js';
import { refreshLoaded } from './store.js';
import { childrenOf, lastOf, pathTo } from './tree.js';

const SAVE_MS = 1500;
const RETRY_MS = 2000;
// An answer that another tab or device is writing has been kept again within this time.
const ALIVE_MS = 8000;
// What browsers send for a page that is being closed.
const KEEPALIVE_BYTES = 60_000;

// Conversations whose answers are being written; they go on while another one is looked at.
const running = new Map();

export const runningConversation = (id) => running.get(id);

onChange(({ kind, id }) => kind === 'removed' && running.get(id)?.forget());

addEventListener('pagehide', () => running.forEach((conversation) => conversation.leave()));

export class Conversation {
  // `known` is a chat as the shelf gave it; without it the chat is new, and kept with its first message.
  constructor(id, known = null, preset = {}) {
    this.id = id;
    this.isKept = Boolean(known);
    this.revision = known?.revision ?? 0;
    this.meta = signal(metaOf(known ?? { settings: preset }));
    // Messages by id, in the order in which they were made: { id, parent, role, content, data, created_at }.
    this.nodes = signal(new Map((known?.messages ?? []).map((one) => [one.id, one])));
    this.head = signal(known?.head || lastOf(this.nodes.peek()));
    // The answer under way: { id, content, thinking, calls, tokens, firstAt, startedAt, thoughtAt }.
    this.live = signal(null);
    this.error = signal(null);
    this.unsaved = signal(false);
    // As far as is known now: what others write is overdue some time after they last kept it.
    this.now = signal(Date.now());
    this.isForgotten = false;
    this.children = computed(() => childrenOf(this.nodes.value));
    this.path = computed(() => pathTo(this.nodes.value, this.head.value));
    this.pending = null;
    this.timer = 0;
    this.flushing = null;
  }

  get settings() {
    return this.meta.value.settings;
  }

  // Whether an answer is being written by another tab or device.
  isBusyElsewhere() {
    const last = this.path.peek().at(-1);
    if (this.live.peek() || last?.data?.state !== 'streaming') return false;
    return this.now.value - (last.data.saved_at ?? 0) < ALIVE_MS;
  }

  // --- the tree

  siblings(message) {
    return this.children.value.get(message.parent) ?? [];
  }

  // Show another branch: that of `id`, down to its latest message.
  choose(id) {
    let last = id;
    for (let next = [id]; next?.length; next = this.children.peek().get(last)) last = next.at(-1);
    this.head.value = last;
    this.keep({ head: last });
  }

  put(message) {
    const nodes = new Map(this.nodes.peek());
    nodes.set(message.id, message);
    this.nodes.value = nodes;
  }

  add(parent, role, content, data = {}) {
    const message = { id: newId(), parent, role, content, data, created_at: Date.now() / 1000 };
    batch(() => {
      this.put(message);
      this.head.value = message.id;
    });
    return message;
  }

  // --- asking

  async send(content, data) {
    const question = this.add(this.head.peek(), 'user', content, data);
    const titled = this.meta.peek().title ? {} : { title: titleOf(content, data) };
    this.meta.value = { ...this.meta.peek(), ...titled };
    this.keep({ messages: [question], head: question.id, ...titled });
    await this.answer(question.id);
  }

  async edit(message, content) {
    const question = this.add(message.parent, 'user', content, message.data);
    this.keep({ messages: [question], head: question.id });
    await this.answer(question.id);
  }

  // Results of tools, one for each call of the message, and the answer to them.
  async giveResults(message, results) {
    let parent = message.id;
    const added = results.map(({ name, content }) => {
      const node = this.add(parent, 'tool', content, { tool_name: name });
      parent = node.id;
      return node;
    });
    this.keep({ messages: added, head: parent });
    await this.answer(parent);
  }

  regenerate(message) {
    return this.answer(message.parent);
  }

  // Write on where an answer was broken off.
  resume(message) {
    return this.stream({ ...message, data: { ...message.data, state: 'streaming', error: undefined } }, true);
  }

  answer(parent) {
    const message = this.add(parent, 'assistant', '', { model: this.settings.model, state: 'streaming' });
    return this.stream(message, false);
  }

  stop() {
    this.abort?.abort();
  }

  async stream(message, resumed) {
    this.stop();
    const abort = new AbortController();
    this.abort = abort;
    running.set(this.id, this);
    this.error.value = null;
    const draft = new Draft(message, (live) => { if (this.abort === abort) this.live.value = live; });
    draft.publish();
    this.save(draft.message('streaming'));
    const saving = setInterval(() => draft.changed() && this.save(draft.message('streaming')), SAVE_MS);
    let state = 'done';
    try {
      const body = requestBody(this.settings, pathTo(this.nodes.peek(), resumed ? message.id : message.parent));
      for await (const records of ndjson('/api/chat', body, { signal: abort.signal })) draft.take(records);
      if (!draft.done) throw new Error('the answer was broken off');
    } catch (error) {
      state = error.name === 'AbortError' ? 'stopped' : 'failed';
      draft.error = state === 'failed' ? error.message : '';
    } finally {
      clearInterval(saving);
      draft.end();
    }
    batch(() => {
      this.save(draft.message(state));
      if (this.abort === abort) {
        this.live.value = null;
        this.abort = null;
        running.delete(this.id);
      }
    });
    refreshLoaded();
  }

  // Put a message and keep it.
  save(message) {
    this.put(message);
    this.keep({ messages: [message], head: this.head.peek() });
  }

  // --- keeping

  // Changes are sent one after the other, each with the revision that the last one made.
  keep(change) {
    if (this.isForgotten) return null;
    const { messages = [], ...fields } = change;
    this.pending ??= { messages: new Map(), fields: {} };
    for (const message of messages) this.pending.messages.set(message.id, message);
    Object.assign(this.pending.fields, fields);
    this.unsaved.value = true;
    this.flushing ??= this.flush().finally(() => { this.flushing = null; });
    return this.flushing;
  }

  async flush() {
    while (this.pending) {
      const { messages, fields } = this.pending;
      this.pending = null;
      const change = { ...fields, messages: [...messages.values()] };
      try {
        const made = this.isKept
          ? await shelf().change(this.id, { ...change, revision: this.revision })
          : await shelf().create({ ...this.meta.peek(), ...change, id: this.id });
        this.isKept = true;
        this.revision = made.revision;
        announce({ kind: 'changed', id: this.id, revision: made.revision });
      } catch (error) {
        if (this.isForgotten) return;
        this.pending = merged({ messages, fields }, this.pending);
        if (!(await this.recovered(error))) return;
      }
    }
    this.unsaved.value = false;
  }

  // Whether keeping may be tried again at once. Somebody else's changes are taken over first; ours come on top.
  async recovered(error) {
    let reason = error;
    if (error.status === 409) {
      try {
        // A chat may be there although the answer that said so was lost.
        this.isKept = true;
        await this.refresh(true);
        return true;
      } catch (failure) {
        reason = failure;
      }
    }
    this.error.value = reason;
    if (reason.offline) setTimeout(() => this.pending && !this.flushing && this.keep({}), RETRY_MS);
    return false;
  }

  // It has been deleted: nothing of it is written or kept any more.
  forget() {
    this.isForgotten = true;
    this.pending = null;
    this.stop();
  }

  // Take over what has changed on the shelf; `force` even while an answer is being written.
  async refresh(force = false) {
    this.now.value = Date.now();
    if (!this.isKept || (!force && (this.live.peek() || this.pending || this.flushing))) return;
    const chat = await shelf().find(this.id, this.revision);
    if (!chat) return;
    const nodes = new Map(chat.messages.map((one) => [one.id, one]));
    const own = this.live.peek() ? pathTo(this.nodes.peek(), this.head.peek()) : [];
    for (const message of [...own, ...(this.pending?.messages.values() ?? [])]) nodes.set(message.id, message);
    batch(() => {
      this.revision = chat.revision;
      this.nodes.value = nodes;
      if (!nodes.has(this.head.peek()) || !force) this.head.value = chat.head || lastOf(nodes);
      this.meta.value = { ...metaOf(chat), ...(this.pending?.fields ?? {}) };
    });
  }

  change(fields) {
    this.meta.value = { ...this.meta.peek(), ...fields };
    if (this.isKept) this.keep(fields);
  }

  // The page is being left: what is written so far goes out with it.
  leave() {
    const live = this.live.peek();
    if (!live || !this.isKept || this.isForgotten) return;
    const node = this.nodes.peek().get(live.id);
    const message = { ...node, content: live.content, data: { ...node.data, thinking: live.thinking || undefined, state: 'stopped' } };
    const change = { revision: this.revision, messages: [message], head: this.head.peek() };
    if (JSON.stringify(change).length < KEEPALIVE_BYTES) shelf().change(this.id, change, { keepalive: true }).catch(() => {});
  }
}

const metaOf = ({ title = '', folder = '', pinned = false, settings = {} }) => ({ title, folder, pinned, settings });

function merged(older, newer) {
  if (!newer) return older;
  return { messages: new Map([...older.messages, ...newer.messages]), fields: { ...older.fields, ...newer.fields } };
}

function titleOf(content, data) {
  const line = content.trim().split('\n')[0] || data?.files?.[0]?.name || '';
  return line.length > 70 ? `${line.slice(0, 68).trimEnd()}…` : line;
}
