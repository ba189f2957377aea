// The chats beside the one that is open: search, folders, and what can be done with each.
import { announce, onChange, place, serverShelf, shelf } from '../../lib/chats.js';
import { cls, html, useEffect, useRef, useState } from '../../lib/html.js';
import { formatAgo, t } from '../../lib/i18n.js';
import { useShortcut } from '../../lib/keys.js';
import { setSettings } from '../../lib/store.js';
import { ask, confirm } from '../dialog.js';
import { Icon, IconButton } from '../icon.js';
import { Menu } from '../menu.js';
import { toast } from '../toast.js';

const TYPED_MS = 150;
const HEARD_MS = 250;

export function ChatList({ current, open, onClose }) {
  const [query, setQuery] = useState('');
  const [folder, setFolder] = useState(null);
  const { page, error, more, again } = useChats(query, folder);
  const search = useRef();
  const picker = useRef();
  useShortcut('mod+k', t('chat.key.search'), () => search.current.focus());
  const failed = (action) => (...args) => Promise.resolve(action(...args)).catch((failure) => toast(failure.message, { error: true }));
  const take = failed(async (event) => {
    const { imported, skipped } = await shelf().imported(event.currentTarget.files[0]);
    announce({ kind: 'list' });
    toast(t('chat.imported', { n: imported }) + (skipped ? ` ${t('chat.skipped', { n: skipped })}` : ''));
  });
  return html`<aside class="chat-list" aria-label=${t('chat.list')}>
    <div class="row head"><a class="button primary grow" href="#/chat" onClick=${onClose}><${Icon} name="plus" size=${16} />${t('chat.new')}</a>
      <${Menu} label=${t('chat.more')} items=${shelfItems(failed, () => picker.current.click())} />
      <${IconButton} name="x" class="only-narrow" label=${t('close')} onClick=${onClose} /></div>
    <input ref=${picker} type="file" accept=".json,.md" hidden aria-hidden="true" onChange=${take} />
    <div class="search"><${Icon} name="search" size=${15} />
      <input ref=${search} type="search" value=${query} placeholder=${t('chat.search')} aria-label=${t('chat.search')}
        onInput=${(event) => setQuery(event.currentTarget.value)} onKeyDown=${(event) => event.key === 'Escape' && setQuery('')} /></div>
    ${page.folders.length > 0 && !query && html`<div class="folders" role="group" aria-label=${t('chat.folders')}>
      ${[{ name: null }, ...page.folders].map(({ name, chats }) => html`<button type="button" class="chip" aria-pressed=${String(folder === name)}
        onClick=${() => setFolder(name)}>${name ?? t('chat.all')}${chats !== undefined && html` <span class="muted">${chats}</span>`}</button>`)}</div>`}
    ${place.value.why === 'key' && html`<p class="notice small">${t('chat.onlyBrowser')}</p>`}
    ${error && html`<div class="notice bad small" role="alert"><span>${error.message} <button type="button" class="link" onClick=${again}>${t('retry')}</button></span></div>`}
    <ul class="chats">${page.chats.map((chat) => html`<${Entry} key=${chat.id} chat=${chat} isCurrent=${chat.id === current} open=${open} failed=${failed} folders=${page.folders} />`)}</ul>
    ${!page.chats.length && !error && page.isThere && html`<p class="muted small nothing">${query ? t('chat.nothing') : t('chat.none')}</p>`}
    ${page.cursor && html`<button type="button" class="quiet" onClick=${more}>${t('chat.showMore')}</button>`}
  </aside>`;
}

// The chats that match, asked for again when something has changed here or elsewhere.
function useChats(query, folder) {
  const [page, setPage] = useState({ chats: [], folders: [], cursor: '', isThere: false });
  const [error, setError] = useState(null);
  const asked = useRef(0);
  const where = place.value.name;
  const load = async (cursor = '') => {
    const number = ++asked.current;
    try {
      const found = await shelf().list({ query, folder, cursor });
      if (number !== asked.current) return;
      setError(null);
      setPage((before) => ({ ...found, chats: cursor ? [...before.chats, ...found.chats] : found.chats, isThere: true }));
    } catch (failure) {
      if (number === asked.current) setError(failure);
    }
  };
  useEffect(() => {
    const timer = setTimeout(load, query ? TYPED_MS : 0);
    return () => clearTimeout(timer);
  }, [query, folder, where]);
  useEffect(() => {
    let timer = 0;
    const soon = () => { timer ||= setTimeout(() => { timer = 0; load(); }, HEARD_MS); };
    const seen = () => document.visibilityState === 'visible' && soon();
    const stop = onChange(soon);
    document.addEventListener('visibilitychange', seen);
    return () => {
      stop();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [query, folder, where]);
  return { page, error, more: () => load(page.cursor), again: () => load() };
}

function shelfItems(failed, choose) {
  const isServer = place.value.name === 'server';
  const save = (form) => failed(async () => download(await shelf().exported(null, form), form));
  return [
    { label: t('chat.exportAll.json'), icon: 'download', onSelect: save('json') },
    isServer && { label: t('chat.exportAll.markdown'), icon: 'download', onSelect: save('markdown') },
    { label: t('chat.import'), icon: 'upload', onSelect: choose },
    null,
    ...['server', 'browser'].map((name) => ({
      label: t(`chat.keep.${name}`), checked: place.value.name === name,
      onSelect: () => { setSettings({ keepChats: name }); place.value = { name, why: '' }; location.hash = '#/chat'; },
    })),
  ];
}

function download(blob, form, name = 'corral-chats') {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.${form === 'json' ? 'json' : 'md'}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Entry({ chat, isCurrent, open, failed, folders }) {
  const title = chat.title || t('chat.untitled');
  const change = failed(async (fields) => {
    const made = await shelf().change(chat.id, { revision: chat.revision, ...fields });
    announce({ kind: 'changed', id: chat.id, revision: made.revision });
  });
  const rename = async () => {
    const name = await ask({ title: t('chat.rename'), label: t('chat.title'), value: chat.title, action: t('save') });
    if (name !== null) change({ title: name.slice(0, 200) });
  };
  const move = async () => {
    const name = await ask({ title: t('chat.move'), label: t('chat.folder'), value: chat.folder, action: t('save') });
    if (name !== null) change({ folder: name.slice(0, 80) });
  };
  const remove = failed(async () => {
    if (!(await confirm({ title: t('chat.delete'), text: t('chat.deleteText', { title }), action: t('delete'), danger: true }))) return;
    await shelf().remove(chat.id);
    announce({ kind: 'removed', id: chat.id });
  });
  const save = (form) => failed(async () => download(await shelf().exported(chat.id, form), form, title.replace(/[^\p{L}\p{N} _-]/gu, '').trim() || 'chat'));
  const items = [
    { label: t(chat.pinned ? 'chat.unpin' : 'chat.pin'), icon: 'pin', onSelect: () => change({ pinned: !chat.pinned }) },
    { label: t('chat.rename'), icon: 'edit', onSelect: rename },
    { label: t('chat.move'), icon: 'folder', onSelect: move },
    ...folders.filter(({ name }) => name !== chat.folder).slice(0, 6).map(({ name }) => ({ label: `→ ${name}`, onSelect: () => change({ folder: name }) })),
    null,
    { label: t('chat.export.json'), icon: 'download', onSelect: save('json') },
    shelf() === serverShelf && { label: t('chat.export.markdown'), icon: 'download', onSelect: save('markdown') },
    null,
    { label: t('delete'), icon: 'trash', danger: true, onSelect: remove },
  ];
  const target = chat.match ? `#/chat/${chat.id}?message=${chat.match.message}` : `#/chat/${chat.id}`;
  return html`<li class=${cls('entry', { current: isCurrent })}>
    <a href=${target} aria-current=${isCurrent ? 'page' : undefined} onClick=${() => open(chat.id)} title=${title}>
      <span class="cut">${chat.pinned && html`<${Icon} name="pin" size=${12} /> `}${title}</span>
      <span class="small muted cut">${chat.match?.text ?? [formatAgo(chat.updated_at * 1000), chat.folder].filter(Boolean).join(' · ')}</span></a>
    <${Menu} label=${t('chat.actions', { title })} items=${items} />
  </li>`;
}
