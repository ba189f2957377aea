// Where chats are kept: on the server, or in this browser alone. Both shelves answer the same calls.
//   list({ query, folder, cursor }) → { chats, cursor, folders } · find(id, revision) → chat, null when unchanged
//   create(chat) · change(id, change) → summaries; change throws ApiError 409 when somebody else was quicker · remove(id)
//   exported(id, form) → Blob · imported(file) → { imported, skipped }
import { ApiError, del, get, patch, post, send } from './api.js';
import { signal } from './html.js';
import { t } from './i18n.js';
import { settings } from './store.js';

// 'server' or 'browser', and why where it is not the user's wish: 'key'.
export const place = signal({ name: settings.peek().keepChats, why: '' });
settings.subscribe(({ keepChats }) => { if (place.peek().name !== keepChats) place.value = { name: keepChats, why: '' }; });

export const shelf = () => (place.value.name === 'browser' ? browserShelf : serverShelf);

// Other tabs of this browser hear of changes: { kind: 'changed' | 'removed' | 'list', id, revision }.
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('corral.chats') : null;
const listeners = new Set();
if (channel) channel.onmessage = ({ data }) => listeners.forEach((listener) => listener(data));

export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function announce(message) {
  channel?.postMessage(message);
  listeners.forEach((listener) => listener({ ...message, own: true }));
}

const address = (id) => `/api/chats/${encodeURIComponent(id)}`;

export const serverShelf = {
  async list({ query = '', folder = null, cursor = '' } = {}) {
    const asked = new URLSearchParams(query ? { q: query } : { cursor, ...(folder === null ? {} : { folder }) });
    try {
      return await get(`/api/chats?${asked}`, { quiet: true });
    } catch (error) {
      return this.elsewhere(error, () => browserShelf.list({ query, folder, cursor }));
    }
  },

  // Who may use the models without a key, but has no shelf, keeps chats in the browser.
  async elsewhere(error, instead) {
    if (![401, 403].includes(error.status)) throw error;
    await get('/api/tags');
    place.value = { name: 'browser', why: 'key' };
    return instead();
  },

  async find(id, revision = 0) {
    const answer = await send('GET', address(id), undefined, { headers: revision ? { 'if-none-match': `"${revision}"` } : {} })
      .catch((error) => { if (error.status !== 304) throw error; });
    return answer ? answer.json() : null;
  },

  create: (chat) => post('/api/chats', chat),
  change: (id, change, options) => patch(address(id), change, options),
  // Somebody else may have been quicker.
  remove: (id) => del(address(id)).catch((error) => { if (error.status !== 404) throw error; }),

  async exported(id, form) {
    const asked = new URLSearchParams({ format: form, ...(id ? { id } : {}) });
    return (await send('GET', `/api/chats/export?${asked}`)).blob();
  },

  imported: (file) => post('/api/chats/import', file),
};

let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('corral', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('chats', { keyPath: 'id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function store(mode, work) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction('chats', mode);
    let result;
    transaction.oncomplete = () => resolve(result);
    // Without an error it was we who gave up: the chat has been changed elsewhere, as it has where its id is taken.
    transaction.onabort = () => {
      const { name = '', message = 'changed elsewhere' } = transaction.error ?? {};
      reject(new ApiError(message, { status: !name || name === 'ConstraintError' ? 409 : 507 }));
    };
    work(transaction.objectStore('chats'), (value) => { result = value; }, transaction);
  });
}

const summary = ({ messages, ...rest }) => rest;
const newest = (a, b) => b.pinned - a.pinned || b.updated_at - a.updated_at;

function foldersOf(chats) {
  const counts = new Map();
  for (const { folder } of chats) if (folder) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  return [...counts].sort().map(([name, number]) => ({ name, chats: number }));
}

function matched(chat, words) {
  const has = (text) => words.every((word) => text.toLowerCase().includes(word));
  const message = chat.messages.findLast(({ content }) => has(content));
  if (!message && !has(chat.title)) return [];
  return [{ ...summary(chat), match: message && { message: message.id, text: message.content.slice(0, 160) } }];
}

// The chats of an export as JSON; undefined: it is none.
function chatsIn(text) {
  try {
    return JSON.parse(text).chats;
  } catch {
    return undefined;
  }
}

export const browserShelf = {
  all: () => store('readonly', (chats, done) => { chats.getAll().onsuccess = ({ target }) => done(target.result); }),

  async list({ query = '', folder = null } = {}) {
    const chats = (await this.all()).sort(newest);
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = folder === null ? chats : chats.filter((chat) => chat.folder === folder);
    return { chats: words.length ? chats.flatMap((chat) => matched(chat, words)) : chosen.map(summary), cursor: '', folders: foldersOf(chats) };
  },

  async find(id, revision = 0) {
    const chat = await store('readonly', (chats, done) => { chats.get(id).onsuccess = ({ target }) => done(target.result); });
    if (!chat) throw new ApiError(`there is no chat "${id}"`, { status: 404 });
    return chat.revision === revision ? null : chat;
  },

  create(chat) {
    const now = Date.now() / 1000;
    const whole = { title: '', folder: '', pinned: false, settings: {}, head: '', messages: [], ...chat, revision: 1, created_at: now, updated_at: now };
    return store('readwrite', (chats, done) => { chats.add(whole); done(summary(whole)); });
  },

  change(id, { revision, messages = [], remove = [], ...fields }) {
    return store('readwrite', (chats, done, transaction) => {
      chats.get(id).onsuccess = ({ target: { result: chat } }) => {
        if (chat?.revision !== revision) return transaction.abort();
        const kept = new Map(chat.messages.filter((one) => !remove.includes(one.id)).map((one) => [one.id, one]));
        for (const message of messages) kept.set(message.id, { created_at: Date.now() / 1000, ...kept.get(message.id), ...message });
        const touched = messages.length || remove.length;
        const changed = { ...chat, ...fields, messages: [...kept.values()], revision: revision + 1, updated_at: touched ? Date.now() / 1000 : chat.updated_at };
        chats.put(changed);
        return done(summary(changed));
      };
    });
  },

  remove: (id) => store('readwrite', (chats) => chats.delete(id)),

  async exported(id) {
    const chats = id ? [await this.find(id)] : await this.all();
    return new Blob([JSON.stringify({ corral_chats: 1, chats })], { type: 'application/json' });
  },

  async imported(file) {
    const chats = chatsIn(await file.text());
    if (!Array.isArray(chats)) throw new Error(t('chat.noExport'));
    const held = new Set((await this.all()).map(({ id }) => id));
    const fresh = chats.filter(({ id }) => !held.has(id));
    for (const chat of fresh) await this.create({ ...chat, id: chat.id || newId() });
    return { imported: fresh.length, skipped: chats.length - fresh.length };
  },
};

// Ids are made here, so that a chat has its address before it is kept; over plain HTTP there is no randomUUID.
export const newId = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
