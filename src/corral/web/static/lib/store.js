// State that several pages share: settings of this browser, the models, and whether the server answers.
import { ApiError, get, reachable } from './api.js';
import { batch, effect, signal } from './html.js';

const SETTINGS = 'corral.settings';
const DEFAULTS = { theme: 'auto', language: 'auto', keepChats: 'server', enterSends: true, presets: [], model: '' };

export const settings = signal({ ...DEFAULTS, ...stored() });
// As /api/tags lists them; null: not asked yet.
export const models = signal(null);
// Why the models could not be asked for the last time; null: they could.
export const modelsError = signal(null);
// As /api/ps lists them.
export const loaded = signal([]);
export const version = signal('');
// Whether the server offers fine-tuning.
export const tuning = signal(false);

function stored() {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS) ?? '{}');
  } catch {
    return {};
  }
}

export function setSettings(changes) {
  settings.value = { ...settings.peek(), ...changes };
  try {
    localStorage.setItem(SETTINGS, JSON.stringify(settings.value));
  } catch {
    // Without storage they hold as long as the page.
  }
}

effect(() => {
  const { theme } = settings.value;
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
});

// Other tabs of this browser follow.
addEventListener('storage', (event) => {
  if (event.key === SETTINGS) settings.value = { ...DEFAULTS, ...stored() };
});

export async function loadModels() {
  const [tags, ps] = await Promise.all([get('/api/tags'), get('/api/ps')]).catch((error) => {
    modelsError.value = error;
    throw error;
  });
  batch(() => {
    modelsError.value = null;
    models.value = tags.models ?? [];
    loaded.value = ps.models ?? [];
  });
}

// What not every server can do. Where a key is wanted first, it is there.
export async function loadOffers() {
  tuning.value = await get('/api/tune', { quiet: true }).then(() => true, (error) => [401, 403].includes(error.status));
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8000;
const PULSE_MS = 15000;

// Asks now and then whether the server answers, and often while it does not. `back` is called when it does again.
export function watchServer(back) {
  let delay = FIRST_RETRY_MS;
  let timer = 0;
  const ask = async () => {
    clearTimeout(timer);
    const was = reachable.peek();
    try {
      version.value = (await get('/api/version')).version;
      if (!was) back();
      delay = FIRST_RETRY_MS;
      timer = setTimeout(ask, PULSE_MS);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      timer = setTimeout(ask, delay);
      delay = Math.min(delay * 2, LAST_RETRY_MS);
    }
  };
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && ask());
  addEventListener('online', ask);
  // Another request may notice first.
  reachable.subscribe((value) => {
    if (!value) timer = (clearTimeout(timer), setTimeout(ask, FIRST_RETRY_MS));
  });
  ask();
  return ask;
}

// What is loaded may have changed: an answer has loaded its model, or a context window is known now.
export const refreshLoaded = () => get('/api/ps', { quiet: true }).then(({ models: found }) => { loaded.value = found ?? []; }, () => {});

// What /api/tags says of a model: { capabilities, details }; null where it is not there.
export const factsOf = (name) => models.value?.find((model) => model.name === name || model.name === `${name}:latest`) ?? null;

// The context window in tokens: as it is loaded, else the most that the model can.
export const contextOf = (name) => loaded.value.find((model) => model.name === name)?.context_length
  ?? factsOf(name)?.details?.context_length ?? 0;

export const canChat = (model) => model.capabilities?.includes('completion') ?? true;
