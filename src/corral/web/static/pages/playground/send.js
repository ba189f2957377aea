// Sending a request and watching its answer come.
import { apiKey } from '../../lib/api.js';

const KEPT = 500_000; // characters of an answer that are shown

// Calls `onChange(answer)` as it comes: { status, headers, text, bytes, first, total, error, running, cut }; times in seconds.
export async function sendRequest({ method, url, kind, body, blob, form }, signal, onChange) {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const state = { status: 0, headers: [], text: '', bytes: 0, first: null, total: null, error: '', running: true, cut: false };
  const told = () => onChange({ ...state });
  told();
  try {
    const answer = await fetch(url, { method, signal, cache: 'no-store', credentials: 'omit', ...bodyOf({ kind, body, blob, form }) });
    Object.assign(state, { status: answer.status, headers: [...answer.headers] });
    told();
    await read(answer, state, elapsed, told);
  } catch (error) {
    state.error = error.name === 'AbortError' ? '' : error.message;
  }
  Object.assign(state, { running: false, total: elapsed() });
  told();
}

function bodyOf({ kind, body, blob, form }) {
  const headers = apiKey.value ? { authorization: `Bearer ${apiKey.value}` } : {};
  if (kind === 'json') return { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  if (kind === 'bytes') return { headers: { ...headers, 'content-type': 'application/octet-stream' }, body: blob };
  if (kind === 'form') return { headers, body: form };
  return { headers };
}

async function read(answer, state, elapsed, told) {
  if (!answer.body) return;
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    state.first ??= elapsed();
    state.bytes += value.length;
    state.text += decoder.decode(value, { stream: true });
    if (state.text.length > KEPT) Object.assign(state, { text: state.text.slice(0, KEPT), cut: true });
    told();
  }
}

// What a model wrote, put together from the pieces of an answer in any of the dialects; empty where there is none.
export function writtenText(text) {
  return text.split('\n').map((line) => line.replace(/^data: /, '')).map(decoded).map(pieceOf).join('');
}

function decoded(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function pieceOf(record) {
  if (!record || typeof record !== 'object') return '';
  const choice = record.choices?.[0];
  const blocks = Array.isArray(record.content) ? record.content.map((block) => block.text ?? '').join('') : '';
  return record.message?.content ?? record.response ?? choice?.delta?.content ?? choice?.message?.content ?? choice?.text
    ?? (record.type === 'response.output_text.delta' ? record.delta : undefined) ?? record.delta?.text ?? blocks;
}

// JSON answers with their lines set in, others as they are.
export function prettyText(text, headers) {
  const type = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  if (!type.startsWith('application/json')) return text;
  const value = decoded(text);
  return value === null ? text : JSON.stringify(value, null, 2);
}
