// The text of /metrics as numbers.

// { name: [{ labels: {..}, value }] } of the text format. Source: prometheus.io, "Exposition formats".
export function parseMetrics(text) {
  const series = {};
  for (const line of text.split('\n')) {
    if (!line || line.startsWith('#')) continue;
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!found) continue;
    const [, name, labels, value] = found;
    (series[name] ??= []).push({ labels: labels ? parseLabels(labels) : {}, value: number(value) });
  }
  return series;
}

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES = { n: '\n', '\\': '\\', '"': '"' };

const parseLabels = (text) => Object.fromEntries(
  [...text.matchAll(LABEL)].map(([, name, value]) => [name, value.replace(/\\(.)/g, (whole, char) => ESCAPES[char] ?? whole)]),
);

const number = (text) => ({ '+Inf': Infinity, '-Inf': -Infinity, NaN })[text] ?? Number(text);

// All values of a name whose labels match `wanted`, added up.
export const total = (series, name, wanted = {}) => (series[name] ?? [])
  .filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
  .reduce((sum, { value }) => sum + value, 0);

// What a counter has grown by between two looks; a server that started anew counts from zero.
export const grown = (before, after, name, wanted) => {
  const now = total(after, name, wanted);
  const then = before ? total(before, name, wanted) : now;
  return now >= then ? now - then : now;
};

// The share `q` of the observations of a histogram between two looks lies below this; null without observations.
export function quantile(before, after, name, q) {
  const bounds = [...new Set((after[`${name}_bucket`] ?? []).map(({ labels }) => labels.le))]
    .map((le) => [number(le), le]).sort(([a], [b]) => a - b);
  const counts = bounds.map(([bound, le]) => [bound, grown(before, after, `${name}_bucket`, { le })]);
  const all = counts.at(-1)?.[1] ?? 0;
  if (!all) return null;
  const rank = q * all;
  const index = counts.findIndex(([, count]) => count >= rank);
  const [bound, count] = counts[index];
  const [lower, below] = index ? counts[index - 1] : [0, 0];
  if (bound === Infinity) return lower;
  return lower + ((bound - lower) * (rank - below)) / (count - below);
}
