// The shell: navigation, pages that load when they are first shown, and what concerns all of them.
import { Help } from './components/help.js';
import { Icon, IconButton } from './components/icon.js';
import { Menu } from './components/menu.js';
import { SignIn } from './components/sign-in.js';
import { Toasts } from './components/toast.js';
import { apiKey, reachable, signInWanted, signOut } from './lib/api.js';
import { cls, html, render, signal, useRef } from './lib/html.js';
import { LANGUAGES, setLanguage, t } from './lib/i18n.js';
import { useShortcut } from './lib/keys.js';
import { loadModels, loadOffers, setSettings, settings, tuning, watchServer } from './lib/store.js';

// In the order of the navigation. A page is `pages/NAME.js`: its default export is the component, `title` says how it
// is called, and `available`, where there is one, whether it is offered at all.
const PAGES = [
  { name: 'chat', icon: 'chat' },
  { name: 'models', icon: 'cube' },
  { name: 'compare', icon: 'columns' },
  { name: 'operate', icon: 'gauge' },
  { name: 'tune', icon: 'tune', available: () => tuning.value },
  { name: 'playground', icon: 'code' },
  { name: 'keys', icon: 'key' },
];

const isOffered = ({ available }) => !available || available();

const route = signal(readRoute());
const shown = signal({ name: '', Page: null, error: '' });
const helpIsOpen = signal(false);
// Counts up when everything must be asked for again: another key, or a server that has come back.
const epoch = signal(0);

// `#/chat/ID?message=M` → { page: 'chat', parts: ['ID'], query }.
function readRoute() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [page, ...parts] = path.split('/').map(decoded);
  return { page: PAGES.some(({ name }) => name === page) ? page : 'chat', parts, query: new URLSearchParams(query) };
}

// What is no address of ours is shown as it came.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

addEventListener('hashchange', () => { route.value = readRoute(); });

async function show(name) {
  try {
    const { default: Page, title } = await import(`./pages/${name}.js`);
    if (route.peek().page !== name) return;
    shown.value = { name, Page, error: '' };
    document.title = name === 'chat' ? 'Corral' : `${title()} · Corral`;
  } catch (error) {
    shown.value = { name, Page: null, error: error.message };
  }
}

route.subscribe(({ page }) => show(page));

function App() {
  const { Page, name, error } = shown.value;
  // While the next page loads, the last one must not take its address for one of its own.
  const here = useRef(route.value);
  if (route.value.page === name) here.current = route.value;
  useShortcut('?', t('help.open'), () => { helpIsOpen.value = true; });
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t('nav.skip')}</a>
    <${Rail} />
    <main id="main" tabindex="-1" class=${`page-${name}`}>
      ${!reachable.value && html`<div class="banner" role="status"><${Icon} name="warning" size=${16} />${t('server.away')}</div>`}
      ${error && html`<div class="empty"><p>${t('page.failed')}</p><p class="muted">${error}</p>
        <button type="button" class="primary" onClick=${() => location.reload()}>${t('page.reload')}</button></div>`}
      ${Page && html`<${Page} key=${`${name}-${epoch.value}`} route=${here.current} />`}
    </main>
    <${Toasts} />
    ${helpIsOpen.value && html`<${Help} onClose=${() => { helpIsOpen.value = false; }} />`}
    ${signInWanted.value && html`<${SignIn} ...${signInWanted.value} done=${startAgain} />`}`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById('main').focus();
}

function Rail() {
  return html`<nav class="rail" aria-label=${t('nav.label')}>
    <a class="brand" href="#/chat" aria-label="Corral" title="Corral"><span class="boot-mark"></span></a>
    ${PAGES.filter(isOffered).map((page, index) => html`<${RailLink} key=${page.name} ...${page} index=${index} />`)}
    <span class="grow"></span>
    <${IconButton} name="help" label=${t('help.open')} onClick=${() => { helpIsOpen.value = true; }} class="rail-help" />
    <${Menu} label=${t('settings.label')} icon="settings" class="rail-settings" items=${settingItems()} />
  </nav>`;
}

function RailLink({ name, icon, index }) {
  const label = t(`nav.${name}`);
  const current = route.value.page === name;
  useShortcut(`alt+${index + 1}`, label, () => { location.hash = `#/${name}`; });
  return html`<a class=${cls('rail-link', { current })} href=${`#/${name}`} aria-current=${current ? 'page' : undefined}>
    <${Icon} name=${icon} size=${20} /><span>${label}</span></a>`;
}

function settingItems() {
  const { theme, language } = settings.value;
  const themes = ['auto', 'light', 'dark'].map((value) => ({
    label: t(`theme.${value}`), checked: theme === value, onSelect: () => setSettings({ theme: value }),
  }));
  const languages = [['auto', t('language.auto')], ...Object.entries(LANGUAGES)].map(([value, label]) => ({
    label, checked: language === value, onSelect: () => setSettings({ language: value }),
  }));
  const session = apiKey.value
    ? { label: t('signIn.out'), icon: 'key', onSelect: () => { signOut(); startAgain(); } }
    : { label: t('signIn.in'), icon: 'key', onSelect: () => { signInWanted.value = { message: t('signIn.text') }; } };
  return [...themes, null, ...languages, null, session];
}

function startAgain() {
  epoch.value += 1;
  loadOffers();
  loadModels().catch(() => {});
}

async function start() {
  await setLanguage(settings.peek().language);
  const root = document.getElementById('app');
  root.textContent = '';
  render(html`<${App} />`, root);
  settings.subscribe(({ language }) => setLanguage(language));
  watchServer(startAgain);
  loadOffers();
  loadModels().catch(() => {});
  navigator.serviceWorker?.register('/ui/sw.js', { scope: '/' }).catch(() => {});
}

start();
