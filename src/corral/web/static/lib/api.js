// The server's HTTP API: JSON calls and streamed answers. Errors are thrown as ApiError with the server's words.
import { signal } from './html.js';
import { t } from './i18n.js';

const KEY = 'corral.key';

// The API key that requests carry; empty: none.
export const apiKey = signal(read(KEY));
// Set when the server asks for a key: { message, path }, `path` being what the key should open. The shell shows the sign-in dialog while it is.
export const signInWanted = signal(null);
// How the last request to the server went: false when it could not be reached.
export const reachable = signal(true);

function read(name) {
  try {
    return sessionStorage.getItem(name) ?? localStorage.getItem(name) ?? '';
  } catch {
    return '';
  }
}

// A key is forgotten with the tab, unless the user wants this browser to `keep` it.
export function setApiKey(value, { keep = false } = {}) {
  apiKey.value = value;
  try {
    for (const store of [sessionStorage, localStorage]) store.removeItem(KEY);
    if (value) (keep ? localStorage : sessionStorage).setItem(KEY, value);
  } catch {
    // Without storage the key holds as long as the page.
  }
}

export const signOut = () => setApiKey('');

export class ApiError extends Error {
  // `status` is 0 where the server could not be reached; `retryAfter` is seconds; `body` the decoded answer.
  constructor(message, { status = 0, retryAfter = 0, body = null } = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.retryAfter = retryAfter;
    this.body = body;
  }

  get offline() {
    return this.status === 0;
  }
}

// The raw Response of a request that went well. `body` is sent as JSON unless it is a Blob, a string or bytes.
// Options: `signal`, `headers`, `keepalive`, and `quiet` to leave the sign-in dialog closed on 401.
export async function send(method, path, body, { signal, headers = {}, keepalive = false, quiet = false } = {}) {
  const init = { method, signal, keepalive, headers: { ...headers }, cache: 'no-store', credentials: 'omit' };
  if (apiKey.value) init.headers.authorization = `Bearer ${apiKey.value}`;
  if (body !== undefined && body !== null) {
    const raw = typeof body === 'string' || body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
    init.body = raw ? body : JSON.stringify(body);
    if (!raw) init.headers['content-type'] = 'application/json';
  }
  let answer;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    reachable.value = false;
    throw new ApiError(t('server.unreachable'));
  }
  reachable.value = true;
  if (!answer.ok) throw await failure(answer, quiet);
  return answer;
}

async function failure(answer, quiet) {
  const text = await answer.text().catch(() => '');
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every answer is JSON: its text is the message.
  }
  const said = body?.error?.message ?? body?.error ?? text.trim();
  const message = said || `${answer.status} ${answer.statusText}`;
  const error = new ApiError(String(message), {
    status: answer.status, body, retryAfter: Number(answer.headers.get('retry-after')) || 0,
  });
  if (answer.status === 401 && !quiet) signInWanted.value = { message: error.message };
  return error;
}

async function json(method, path, body, options) {
  const text = await (await send(method, path, body, options)).text();
  return text ? JSON.parse(text) : null;
}

export const get = (path, options) => json('GET', path, undefined, options);
export const post = (path, body = {}, options) => json('POST', path, body, options);
export const patch = (path, body, options) => json('PATCH', path, body, options);
export const del = (path, body, options) => json('DELETE', path, body, options);

// The JSON objects of an NDJSON answer, as batches of what has arrived together. A record with `error` ends it.
export async function* ndjson(path, body, options) {
  const answer = await send('POST', path, body, options);
  for await (const lines of textLines(answer)) {
    const records = lines.filter(Boolean).map((line) => JSON.parse(line));
    const bad = records.find((record) => record.error !== undefined);
    if (bad) {
      const before = records.slice(0, records.indexOf(bad));
      if (before.length) yield before;
      throw new ApiError(String(bad.error?.message ?? bad.error), { status: answer.status, body: bad });
    }
    if (records.length) yield records;
  }
}

// The events of an SSE answer as { event, data }, `data` being text.
export async function* sse(method, path, body, options) {
  const answer = await send(method, path, body, options);
  let event = 'message';
  let data = [];
  for await (const lines of textLines(answer)) {
    for (const line of lines) {
      if (line === '') {
        if (data.length) yield { event, data: data.join('\n') };
        event = 'message';
        data = [];
      } else if (line.startsWith('event:')) event = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
    }
  }
}

// Lists of whole lines, each list what one read brought.
export async function* textLines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split('\n');
      rest = lines.pop();
      if (lines.length) yield lines.map((line) => line.replace(/\r$/, ''));
    }
    if (rest) yield [rest];
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    reachable.value = false;
    throw new ApiError(t('server.unreachable'));
  } finally {
    // Leaving early closes the connection, so that the server stops working for nobody.
    reader.cancel().catch(() => {});
  }
}
