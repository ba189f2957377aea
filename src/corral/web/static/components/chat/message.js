// One message: what it says, what it brings along, its branches, and what can be done with it.
import { Fragment, cls, html, useComputed, useState } from '../../lib/html.js';
import { formatNumber, formatSeconds, t } from '../../lib/i18n.js';
import { CopyButton } from '../copy.js';
import { Icon, IconButton } from '../icon.js';
import { MarkdownView } from './markdown-view.js';
import { ToolCalls, ToolResult } from './tools.js';

export function Message({ message, conversation, isLast }) {
  // Only the message that grows is drawn again with every piece.
  const isLive = useComputed(() => conversation.live.value?.id === message.id).value;
  const live = isLive ? conversation.live.value : null;
  const shown = live ? { ...message, content: live.content, data: { ...message.data, thinking: live.thinking, tool_calls: live.calls } } : message;
  const Body = { user: Question, tool: ToolResult }[message.role] ?? Answer;
  return html`<article class=${cls('message', message.role)} id=${`m-${message.id}`} aria-label=${t(`chat.by.${message.role}`)}
      aria-busy=${live ? 'true' : undefined}>
    <${Body} message=${shown} live=${live} conversation=${conversation} isLast=${isLast} />
  </article>`;
}

function Branches({ message, conversation }) {
  const siblings = conversation.siblings(message);
  if (siblings.length < 2) return null;
  const place = siblings.indexOf(message.id);
  const go = (step) => conversation.choose(siblings[place + step]);
  return html`<span class="branches" role="group" aria-label=${t('chat.branches')}>
    <${IconButton} class="small" name="chevronLeft" size=${14} label=${t('chat.branch.before')} disabled=${place === 0} onClick=${() => go(-1)} />
    <span class="small muted">${place + 1}/${siblings.length}</span>
    <${IconButton} class="small" name="chevronRight" size=${14} label=${t('chat.branch.after')} disabled=${place === siblings.length - 1} onClick=${() => go(1)} />
  </span>`;
}

function Question({ message, conversation }) {
  const [draft, setDraft] = useState(null);
  const { files = [], images = [] } = message.data ?? {};
  const submit = (event) => {
    event?.preventDefault();
    setDraft(null);
    if (draft.trim()) conversation.edit(message, draft.trim());
  };
  if (draft !== null) {
    return html`<form class="editing" onSubmit=${submit}>
      <textarea rows=${Math.min(12, draft.split('\n').length + 1)} value=${draft} aria-label=${t('chat.edit')}
        ref=${(area) => area && !area.dataset.seen && (area.dataset.seen = '1') && area.focus()}
        onInput=${(event) => setDraft(event.currentTarget.value)}
        onKeyDown=${(event) => event.key === 'Escape' ? setDraft(null) : event.key === 'Enter' && (event.ctrlKey || event.metaKey) && submit(event)}></textarea>
      <div class="actions"><button type="button" onClick=${() => setDraft(null)}>${t('cancel')}</button><button class="primary">${t('chat.editSend')}</button></div>
    </form>`;
  }
  return html`<div class="bubble">
      ${images.length > 0 && html`<div class="pictures">${images.map((image) => html`<${Picture} image=${image} />`)}</div>`}
      ${files.map((file) => html`<details class="file"><summary><${Icon} name="file" size=${14} />${file.name}</summary><pre>${file.text}</pre></details>`)}
      ${message.content && html`<div class="plain">${message.content}</div>`}
    </div>
    <div class="tools"><${Branches} message=${message} conversation=${conversation} />
      <${IconButton} class="small" name="edit" size=${15} label=${t('chat.edit')} onClick=${() => setDraft(message.content)} />
      <${CopyButton} text=${message.content} /></div>`;
}

function Picture({ image }) {
  if (image.kind?.startsWith('audio/')) return html`<span class="badge">♪ ${image.name}</span>`;
  return html`<img src=${`data:${image.kind};base64,${image.data}`} alt=${image.name} title=${image.name} loading="lazy" />`;
}

function Answer({ message, live, conversation, isLast }) {
  const data = message.data ?? {};
  const state = live ? 'streaming' : data.state;
  const elsewhere = !live && state === 'streaming' && conversation.isBusyElsewhere();
  const waits = live && !live.content && !live.thinking && !live.calls.length;
  return html`
    <div class="who small muted">${data.model}</div>
    ${data.thinking && html`<${Thinking} text=${data.thinking} live=${live} seconds=${data.thinking_s} />`}
    ${waits && html`<div class="row muted small"><span class="spinner"></span>${t('chat.waiting')}</div>`}
    <${MarkdownView} text=${message.content} growing=${Boolean(live)} />
    ${data.tool_calls?.length > 0 && html`<${ToolCalls} message=${message} conversation=${conversation} asks=${isLast && !live} />`}
    ${elsewhere && html`<div class="row muted small"><span class="spinner"></span>${t('chat.elsewhere')}</div>`}
    <${Notices} message=${message} state=${elsewhere || live ? '' : state} conversation=${conversation} isLast=${isLast} />
    ${!live && html`<div class="tools"><${Branches} message=${message} conversation=${conversation} />
      <${CopyButton} text=${message.content} />
      <${IconButton} class="small" name="refresh" size=${15} label=${t('chat.regenerate')} onClick=${() => conversation.regenerate(message)} />
      <${Stats} stats=${data.stats} /></div>`}`;
}

function Thinking({ text, live, seconds }) {
  const isThinking = live && !live.content && !live.calls.length;
  const words = isThinking ? t('chat.thinking') : t('chat.thought', { time: formatSeconds(Math.max(0.1, seconds ?? (live ? (live.thoughtAt - live.firstAt) / 1000 : 0))) });
  return html`<details class="thinking"><summary>${isThinking ? html`<span class="spinner"></span>` : html`<${Icon} name="brain" size=${15} />`}${words}</summary>
    <div class="plain muted">${text}</div></details>`;
}

function Stats({ stats }) {
  if (!stats?.tokens) return null;
  const parts = [
    t('chat.tokens', { n: stats.tokens }),
    stats.per_second > 0 && t('chat.speed', { speed: formatNumber(stats.per_second, { maximumFractionDigits: stats.per_second < 10 ? 1 : 0 }) }),
    stats.first_s > 0 && t('chat.first', { time: formatSeconds(Math.max(0.1, stats.first_s)) }),
  ];
  return html`<span class="stats small muted">${parts.filter(Boolean).join(' · ')}</span>`;
}

// What the reader must know about an answer: that something was cut, broken off, or failed.
function Notices({ message, state, conversation, isLast }) {
  const { stats, error } = message.data ?? {};
  const resume = html`<button type="button" class="link" onClick=${() => conversation.resume(message)}>${t('chat.resume')}</button>`;
  const again = html`<button type="button" class="link" onClick=${() => conversation.regenerate(message)}>${t('retry')}</button>`;
  return html`<${Fragment}>
    ${stats?.limit > 0 && html`<div class="notice"><${Icon} name="warning" size=${15} /><span>${stats.dropped
      ? t('chat.cut.messages', { n: stats.dropped, limit: formatNumber(stats.limit) }) : t('chat.cut.prompt', { limit: formatNumber(stats.limit) })}</span></div>`}
    ${state === 'done' && stats?.reason === 'length' && html`<div class="notice"><${Icon} name="warning" size=${15} /><span>${t('chat.cut.answer')} ${isLast && resume}</span></div>`}
    ${['stopped', 'streaming'].includes(state) && html`<div class="notice quiet" role="status"><${Icon} name="stop" size=${15} /><span>${t('chat.stopped')} ${isLast && message.content && resume}</span></div>`}
    ${state === 'failed' && html`<div class="notice bad" role="alert"><${Icon} name="warning" size=${15} /><span>${error} ${isLast && again}${isLast && message.content && html` ${resume}`}</span></div>`}
  <//>`;
}
