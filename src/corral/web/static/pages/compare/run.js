// One answer of one model under way, with its times; several run side by side.
import { ndjson } from '../../lib/api.js';

// Streams an answer into `onChange(state)`. `state` is { text, thinking, phase, first, seconds, tokens, rate, error };
// `first` and `seconds` are since the request, as this browser saw it; tokens and rate as the server counted them.
export async function answer(body, signal, onChange) {
  const began = performance.now();
  const state = { text: '', thinking: '', phase: 'waiting', first: null, seconds: null, tokens: null, prompt: null, rate: null, load: null, error: '' };
  const elapsed = () => (performance.now() - began) / 1000;
  const told = () => onChange({ ...state });
  told();
  try {
    for await (const records of ndjson('/api/chat', body, { signal })) {
      for (const record of records) take(state, record, elapsed);
      told();
    }
    state.phase = 'done';
  } catch (error) {
    state.phase = error.name === 'AbortError' ? 'stopped' : 'failed';
    if (state.phase === 'failed') state.error = error.message;
  }
  state.seconds = elapsed();
  told();
}

function take(state, record, elapsed) {
  const { content = '', thinking = '' } = record.message ?? {};
  if (content || thinking) state.first ??= elapsed();
  state.text += content;
  state.thinking += thinking;
  state.phase = 'writing';
  if (!record.done) return;
  state.tokens = record.eval_count ?? 0;
  state.prompt = record.prompt_eval_count ?? 0;
  state.load = (record.load_duration ?? 0) / 1e9;
  state.rate = record.eval_duration ? state.tokens / (record.eval_duration / 1e9) : null;
}

// The whole comparison as Markdown. `entries` are { model, state }.
export function asMarkdown({ prompt, system, options }, entries, { t, number }) {
  const quote = (text) => text.split('\n').map((line) => `> ${line}`).join('\n');
  const settings = Object.entries(options).map(([name, value]) => `\`${name}\` ${value}`).join(', ');
  const head = [`**${t('compare.prompt')}**`, quote(prompt), ...(system ? [`**${t('compare.system')}**`, quote(system)] : []), ...(settings ? [settings] : [])];
  const cell = (value, digits) => (value === null ? '' : number(value, digits));
  const table = [
    `| ${t('operate.col.model')} | ${t('compare.first')} (s) | ${t('compare.rate')} | ${t('compare.tokens')} | ${t('compare.total')} (s) |`,
    '|---|---:|---:|---:|---:|',
    ...entries.map(({ model, state }) => `| ${model} | ${cell(state.first, 2)} | ${cell(state.rate, 1)} | ${cell(state.tokens, 0)} | ${cell(state.seconds, 1)} |`),
  ];
  const answers = entries.flatMap(({ model, state }) => [`### ${model}`, state.text.trim() || state.error || '–']);
  return `${[...head, table.join('\n'), ...answers].join('\n\n')}\n`;
}
