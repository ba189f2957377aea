// Files for a message: images and sound for models that see and hear, texts for all.
import { formatBytes, t } from '../../lib/i18n.js';

export const MAX_FILES = 16;
const MAX_MEDIA = 20e6;
const MAX_TEXT = 2e6;

// What the server can read, by how such files begin.
const KINDS = [
  ['image/png', /^\x89PNG/], ['image/jpeg', /^\xff\xd8\xff/], ['image/gif', /^GIF8/], ['image/bmp', /^BM/],
  ['image/webp', /^RIFF[^]{4}WEBP/], ['audio/wav', /^RIFF[^]{4}WAVE/], ['audio/mpeg', /^(ID3|\xff[\xe0-\xff])/], ['audio/flac', /^fLaC/],
];

// { name, size, kind, data } of an image or a sound, `data` in base64; { name, size, text } of any text. What is neither
// or too large is an error that says so; nothing is made smaller behind the user's back.
export async function readFile(file) {
  const bytes = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const kind = KINDS.find(([, start]) => start.test(String.fromCharCode(...bytes)))?.[0];
  const name = file.name || t('chat.file.pasted');
  const most = kind ? MAX_MEDIA : MAX_TEXT;
  if (file.size > most) throw new Error(t('chat.file.large', { name, size: formatBytes(file.size), most: formatBytes(most) }));
  if (kind) return { name, size: file.size, kind, data: await base64(file) };
  try {
    return { name, size: file.size, text: new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()) };
  } catch {
    throw new Error(t('chat.file.unknown', { name }));
  }
}

const base64 = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});
