// Loading a model with a look ahead: what it would take, and whether it fits.
import { Dialog } from '../../components/dialog.js';
import { post } from '../../lib/api.js';
import { cls, html, useEffect, useId, useState } from '../../lib/html.js';
import { formatBytes, formatNumber, t } from '../../lib/i18n.js';
import { load } from './actions.js';

const KEEP_ALIVES = ['', '5m', '1h', '24h', '-1'];
const PAUSE_MS = 250;

export function Load({ name, onClose }) {
  const [context, setContext] = useState('');
  const [keepAlive, setKeepAlive] = useState('');
  const plan = usePlan(name, context);
  const ids = [useId(), useId()];
  const submit = (event) => {
    event.preventDefault();
    onClose();
    load(name, keepAlive === '-1' ? -1 : keepAlive || undefined, context ? { num_ctx: Number(context) } : undefined);
  };
  return html`<${Dialog} title=${t('models.loadTitle', { name })} onClose=${onClose} wide>
    <form onSubmit=${submit}>
      <div class="two">
        <div><label for=${ids[0]}>${t('models.context')}</label>
          <input id=${ids[0]} type="number" min="1" step="1" value=${context} autofocus placeholder=${plan?.num_ctx ?? ''}
            onInput=${(event) => setContext(event.currentTarget.value)} />
          ${plan?.trained_num_ctx > 0 && html`<p class="field-note">${t('models.trained', { count: formatNumber(plan.trained_num_ctx) })}</p>`}</div>
        <div><label for=${ids[1]}>${t('models.keepAlive')}</label>
          <select id=${ids[1]} value=${keepAlive} onChange=${(event) => setKeepAlive(event.currentTarget.value)}>
            ${KEEP_ALIVES.map((value) => html`<option value=${value}>${t(`models.keep.${value || 'default'}`)}</option>`)}</select></div>
      </div>
      <${Plan} plan=${plan} />
      <div class="actions"><button type="button" onClick=${onClose}>${t('cancel')}</button>
        <button class="primary" disabled=${plan && !plan.fits}>${t('models.load')}</button></div>
    </form>
  <//>`;
}

// What /api/plan says; null until it has; `failure` where it could not be asked.
function usePlan(name, context) {
  const [plan, setPlan] = useState(null);
  useEffect(() => {
    const life = new AbortController();
    const timer = setTimeout(() => {
      const options = context ? { num_ctx: Number(context) } : {};
      post('/api/plan', { model: name, options }, { signal: life.signal })
        .then(setPlan, (error) => life.signal.aborted || setPlan({ fits: true, failure: error.message }));
    }, context ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      life.abort();
    };
  }, [name, context]);
  return plan;
}

const PARTS = ['weights', 'context', 'compute', 'extras', 'repack', 'cache'];

export function Plan({ plan }) {
  if (!plan) return html`<p class="muted plan">${t('models.planning')}</p>`;
  if (plan.failure) return html`<p class="notice bad plan">${plan.failure}</p>`;
  return html`<section class="plan" aria-live="polite">
    ${plan.error && html`<p class="notice bad">${plan.error}${plan.hint && ` (${plan.hint})`}</p>`}
    ${plan.unloads_others && html`<p class="notice">${t('models.unloadsOthers')}</p>`}
    ${plan.places.map((place) => html`<${Place} key=${place.name} place=${place} />`)}
    ${plan.memory && html`<dl class="facts">
      <div><dt>${t('models.context')}</dt><dd>${formatNumber(plan.num_ctx)} × ${t('models.slots', { n: plan.slots })}</dd></div>
      ${plan.blocks_on_devices > 0 && html`<div><dt>${t('models.blocks')}</dt><dd>${plan.blocks_on_devices} / ${plan.blocks}</dd></div>`}
      ${PARTS.filter((part) => plan.memory[part]).map((part) => html`
        <div><dt>${t(`models.part.${part}`)}</dt><dd>${formatBytes(plan.memory[part])}</dd></div>`)}
      <div class="sum"><dt>${t('models.part.total')}</dt><dd>${formatBytes(plan.memory.total)}</dd></div></dl>`}
    ${plan.reasons.length > 0 && html`<ul class="reasons small muted">${plan.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}
  </section>`;
}

function Place({ place }) {
  const used = place.total - place.free;
  const percent = (bytes) => `${(100 * Math.max(0, bytes)) / place.total}%`;
  const text = t('models.place', { takes: formatBytes(place.takes), free: formatBytes(place.free), total: formatBytes(place.total) });
  return html`<div class="place"><div class="row small"><span class="grow">${place.name === 'system' ? t('models.system') : place.name}</span>
      <span class="muted">${text}</span></div>
    <div class=${cls('meter stacked', { full: place.takes > place.free })} role="img" aria-label=${text}>
      <span class="used" style=${{ width: percent(used) }}></span><span style=${{ width: percent(Math.min(place.takes, place.free)) }}></span></div></div>`;
}
