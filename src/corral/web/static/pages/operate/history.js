// What /metrics said over the last minutes, as the lines of charts. Kept while the UI is open, so that coming back to the
// page shows what was there before.
import { get, send } from '../../lib/api.js';
import { batch, signal } from '../../lib/html.js';
import { grown, parseMetrics, quantile, total } from '../../lib/prometheus.js';

const WINDOW_S = 600;

// Points in order: { time, tokens, prompt, first, firstSlow, waitsLoad, waitsSlot, running, memory }; a field is null where
// there is nothing to tell.
export const points = signal([]);
// As /api/ps?verbose=1 has it.
export const status = signal({ models: [], queue: [] });

let before = null;

export async function look(abort) {
  const [text, ps] = await Promise.all([
    send('GET', '/metrics', undefined, { signal: abort }).then((answer) => answer.text()),
    get('/api/ps?verbose=1', { signal: abort }),
  ]);
  const now = { time: Date.now() / 1000, series: parseMetrics(text) };
  batch(() => {
    status.value = ps;
    points.value = [...points.peek().filter(({ time }) => time > now.time - WINDOW_S), pointOf(before, now)];
  });
  before = now;
}

const busySlots = (series) => total(series, 'corral_model_slots_in_use');

// A look after a long pause tells of that whole time: its rates would mislead.
const MAX_GAP_S = 30;

function pointOf(then, { time, series }) {
  const gap = then ? time - then.time : 0;
  const recent = gap > 0 && gap < MAX_GAP_S;
  const rate = (name) => (recent ? grown(then.series, series, name) / gap : null);
  return {
    time,
    tokens: rate('corral_written_tokens_total'),
    prompt: rate('corral_prompt_tokens_total'),
    first: recent ? quantile(then.series, series, 'corral_first_token_seconds', 0.5) : null,
    firstSlow: recent ? quantile(then.series, series, 'corral_first_token_seconds', 0.95) : null,
    waitsLoad: total(series, 'corral_queue_depth', { stage: 'load' }),
    waitsSlot: total(series, 'corral_queue_depth', { stage: 'slot' }),
    running: busySlots(series),
    memory: total(series, 'corral_model_memory_bytes'),
    server: total(series, 'process_resident_memory_bytes') || null,
  };
}

// Columns for a chart.
export const columns = (list, ...fields) => [list.map(({ time }) => time), ...fields.map((field) => list.map((point) => point[field]))];
