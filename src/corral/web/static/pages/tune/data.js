// What was found in the data of a job: counts, what was left out and why, and how the model sees the first rows.
import { Icon } from '../../components/icon.js';
import { cls, html, useState } from '../../lib/html.js';
import { formatBytes, formatNumber, formatSeconds, t } from '../../lib/i18n.js';

const share = (value) => formatNumber(value, { style: 'percent', maximumFractionDigits: 0 });

export function DataReport({ report }) {
  const facts = [
    [t('tune.rows'), formatNumber(report.rows ?? 0)], [t('tune.used'), formatNumber(report.used ?? 0)],
    [t('tune.heldOut'), formatNumber(report.held_out_rows ?? 0)], [t('tune.duplicates'), report.duplicates && formatNumber(report.duplicates)],
    [t('tune.tokens'), report.tokens && formatNumber(report.tokens)], [t('tune.trainedTokens'), report.trained_tokens && `${formatNumber(report.trained_tokens)} (${share(report.trained_share ?? 0)})`],
    [t('tune.lengths'), report.lengths?.max && t('tune.lengthsAre', report.lengths)],
    [t('tune.overLong'), report.over_long && `${formatNumber(report.over_long)} (${share(report.over_long_share)})`],
  ];
  return html`<dl class="facts">${facts.filter(([, value]) => value).map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
    ${report.notes?.length > 0 && html`<ul class="small notes">${report.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
    ${report.dropped?.length > 0 && html`<h3>${t('tune.dropped')}</h3><ul class="small notes">${report.dropped.map(({ reason, rows, places }) => html`
      <li><b>${formatNumber(rows)}</b> ${reason} <span class="muted">${places.join(', ')}</span></li>`)}</ul>`}
    ${report.samples?.length > 0 && html`<${Samples} samples=${report.samples} />`}`;
}

// Rows as the model sees them; what it learns to write stands out, the rest it only reads.
function Samples({ samples }) {
  const [at, setAt] = useState(0);
  const sample = samples[Math.min(at, samples.length - 1)];
  return html`<div class="row"><h3 class="grow">${t('tune.samples')}</h3><span class="muted small">${sample.place} · ${at + 1} / ${samples.length}</span>
      <button type="button" class="icon-button small" aria-label=${t('tune.previous')} disabled=${at === 0} onClick=${() => setAt(at - 1)}><${Icon} name="chevronLeft" size=${16} /></button>
      <button type="button" class="icon-button small" aria-label=${t('tune.next')} disabled=${at + 1 >= samples.length} onClick=${() => setAt(at + 1)}><${Icon} name="chevronRight" size=${16} /></button></div>
    <p class="field-note">${t('tune.samplesNote')}</p>
    <pre class="sample" tabindex="0">${sample.spans.map(([text, trained]) => html`<span class=${cls({ trained })}>${text}</span>`)}</pre>`;
}

export function PlanFacts({ plan }) {
  const options = Object.entries(plan.options ?? {});
  const facts = [
    [t('tune.device'), plan.device], [t('tune.steps'), formatNumber(plan.steps)], [t('operate.memory'), formatBytes(plan.memory_bytes)],
    [t('tune.duration'), formatSeconds(plan.duration_s)],
  ];
  return html`<dl class="facts">${facts.map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
    ${options.length > 0 && html`<details class="small"><summary class="muted">${t('tune.allOptions')}</summary>
      <dl class="facts">${options.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${String(value)}</dd></div>`)}</dl></details>`}`;
}
