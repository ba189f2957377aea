// What can be done with a model: one function for each, which says how it went.
import { ask, confirm } from '../../components/dialog.js';
import { toast } from '../../components/toast.js';
import { del, post } from '../../lib/api.js';
import { signal } from '../../lib/html.js';
import { t } from '../../lib/i18n.js';
import { loadModels, models } from '../../lib/store.js';

// Names of models that something is being done with.
export const busy = signal(new Set());

const FOR_EVER = -1;

async function during(name, work, done) {
  busy.value = new Set([...busy.peek(), name]);
  try {
    await work();
    if (done) toast(done);
  } catch (error) {
    toast(error.message, { error: true });
  } finally {
    busy.value = new Set([...busy.peek()].filter((one) => one !== name));
    await loadModels().catch(() => {});
  }
}

// An empty request loads a model, and unloads it with a keep-alive of 0; models that only embed have a path of their own.
const touch = (name, keepAlive, options) => {
  const capabilities = models.peek()?.find((model) => model.name === name)?.capabilities ?? [];
  const embeds = capabilities.includes('embedding') && !capabilities.includes('completion');
  const body = { model: name, ...(keepAlive !== undefined && { keep_alive: keepAlive }), ...(options && { options }) };
  return embeds ? post('/api/embed', { ...body, input: '' }) : post('/api/generate', { ...body, stream: false });
};

export const load = (name, keepAlive, options) => during(name, () => touch(name, keepAlive, options), t('models.loaded', { name }));
export const unload = (name) => during(name, () => touch(name, 0), t('models.unloaded', { name }));
export const pin = (name) => during(name, () => touch(name, FOR_EVER), t('models.pinned', { name }));

export async function copy(name) {
  const destination = await ask({ title: t('models.copyTitle', { name }), label: t('models.newName'), value: `${name.split(':')[0]}-copy`, action: t('copy') });
  if (destination) await during(name, () => post('/api/copy', { source: name, destination }), t('models.copied', { name: destination }));
}

export async function remove(name) {
  const sure = await confirm({ title: t('models.deleteTitle', { name }), text: t('models.deleteText'), action: t('delete'), danger: true });
  if (sure) await during(name, () => del('/api/delete', { model: name }), t('models.deleted', { name }));
  return sure;
}

// Whether a loaded model never goes by itself: its end is years away.
export const isPinned = (entry) => new Date(entry.expires_at) - Date.now() > 50 * 365 * 86400 * 1000;
