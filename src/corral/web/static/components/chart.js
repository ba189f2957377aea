// A line chart. uPlot draws on a canvas, so colours are read from the style sheet, anew when the theme changes.
import uPlot from '../vendor/uplot.js';
import { html, useEffect, useRef } from '../lib/html.js';
import { language } from '../lib/i18n.js';
import { settings } from '../lib/store.js';

const HEIGHT = 150;
const LEAST_S = 60;
const PALETTE = ['--accent', '--warn', '--code-name', '--code-number', '--danger', '--good'];
const dark = matchMedia('(prefers-color-scheme: dark)');

// `data` is [x, ...ys], `series` [{ label, format }]; `x` 'time' in seconds, or 'number'. `empty` is shown without data.
export function Chart({ title, data, series, format, x = 'time', empty = '', height = HEIGHT, range }) {
  const host = useRef();
  const plot = useRef(null);
  const names = series.map(({ label }) => label).join('\n');
  const latest = useRef();
  latest.current = { data, format, range };
  useEffect(() => {
    const element = host.current;
    // Effects run after the paint: the chart may have been taken away before it was ever seen.
    if (!element) return undefined;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, { series, x, height, latest }), latest.current.data, element);
    };
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    make();
    resized.observe(element);
    dark.addEventListener('change', make);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names, settings.value.theme, x, height]);
  useEffect(() => { plot.current?.setData(data); }, [data]);
  const last = series.map((one, index) => data[index + 1]?.findLast((value) => value !== null));
  return html`<figure class="chart" aria-label=${title}>
    <figcaption class="row"><h3>${title}</h3><span class="legend row wrap small muted">${series.map((one, index) => html`
      <span class="row" key=${one.label}>${series.length > 1 && html`<span class="swatch" style=${{ background: `var(${PALETTE[index % PALETTE.length]})` }}></span>`}
        ${series.length > 1 && one.label} <b>${last[index] == null ? '' : format(last[index])}</b></span>`)}</span></figcaption>
    <div class="plot" ref=${host} style=${{ height: `${height}px` }}></div>
    ${empty && !data[0].length && html`<p class="chart-empty muted small">${empty}</p>`}
  </figure>`;
}

function options(host, { series, x, height, latest }) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const font = `11px ${style.getPropertyValue('--font')}`;
  const axis = { stroke: colour('--muted'), font, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  return {
    width: host.clientWidth || 300, height,
    padding: [8, x === 'time' ? 30 : 10, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    scales: { x: { time: x === 'time', ...(x === 'time' && { range: period }) }, y: { range: (_, low, high) => latest.current.range?.(low, high) ?? [0, high > 0 ? high * 1.15 : 1] } },
    axes: [{ ...axis, size: 24, space: 70, ...(x === 'time' && { values: clock }) }, { ...axis, size: 56, space: 34, values: (_, ticks) => ticks.map((tick) => latest.current.format(tick)) }],
    series: [{}, ...series.map((one, index) => ({
      label: one.label, stroke: colour(PALETTE[index % PALETTE.length]), width: 1.6, spanGaps: Boolean(one.spanGaps),
      points: { show: Boolean(one.points), size: 4 },
      fill: series.length === 1 && !one.points ? `${colour(PALETTE[0])}22` : undefined,
    }))],
    hooks: { setCursor: [(chart) => tip(host, chart, latest)] },
  };
}

// At least a minute: a single moment would else stand amid days.
const period = (_, low, high) => (low === null || high - low >= LEAST_S ? [low, high] : [high - LEAST_S, high]);

const clock = (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString(language.peek()));

// The values under the pointer, beside it.
function tip(host, chart, latest) {
  const { idx, left } = chart.cursor;
  let box = host.querySelector('.chart-tip');
  if (idx == null || left < 0) return box?.remove();
  if (!box) box = host.appendChild(Object.assign(document.createElement('div'), { className: 'chart-tip small' }));
  const at = chart.data[0][idx];
  const head = chart.scales.x.time ? new Date(at * 1000).toLocaleTimeString() : at;
  const values = chart.series.slice(1).map((one, index) => [one.label, chart.data[index + 1][idx]]).filter(([, value]) => value != null);
  box.textContent = [head, ...values.map(([label, value]) => `${label} ${latest.current.format(value)}`)].join(' · ');
  const width = box.offsetWidth;
  box.style.left = `${Math.min(Math.max(0, left + 56 - width / 2), host.clientWidth - width)}px`;
  return undefined;
}
