// Where a message is written: text, files by button, paste or drop, and how full the context window is.
import { cls, html, useComputed, useEffect, useLayoutEffect, useRef, useState } from '../../lib/html.js';
import { formatBytes, formatNumber, t } from '../../lib/i18n.js';
import { useShortcut } from '../../lib/keys.js';
import { contextOf, factsOf, settings } from '../../lib/store.js';
import { Icon, IconButton } from '../icon.js';
import { toast } from '../toast.js';
import { MAX_FILES, readFile } from './files.js';

export function Composer({ conversation, model }) {
  const [text, setText] = useState('');
  const [files, setFiles] = useState([]);
  const [isOver, setOver] = useState(false);
  const area = useRef();
  const picker = useRef();
  const isLive = useComputed(() => Boolean(conversation.live.value)).value;
  const facts = factsOf(model);
  const media = files.filter((file) => file.data);
  const unseen = media.find((file) => facts && !facts.capabilities.includes(file.kind.startsWith('audio/') ? 'audio' : 'vision'));
  const isReady = model && !isLive && !unseen && (text.trim() || files.length > 0);

  useEffect(() => area.current.focus(), [conversation]);
  useLayoutEffect(() => {
    area.current.style.height = 'auto';
    area.current.style.height = `${Math.min(area.current.scrollHeight + 2, innerHeight * 0.4)}px`;
  }, [text]);
  useShortcut('/', t('chat.key.write'), () => area.current.focus());
  useShortcut('Escape', t('chat.stop'), () => (conversation.live.peek() ? conversation.stop() : false));

  const add = async (chosen) => {
    for (const file of chosen.slice(0, MAX_FILES - files.length)) {
      try {
        const read = await readFile(file);
        setFiles((before) => [...before, read]);
      } catch (error) {
        toast(error.message, { error: true });
      }
    }
    if (chosen.length > MAX_FILES - files.length) toast(t('chat.file.many', { n: MAX_FILES }), { error: true });
  };
  const submit = (event) => {
    event?.preventDefault();
    // What is on the screen may be older than what was just sent.
    if (!isReady || conversation.live.peek()) return;
    const data = {};
    if (media.length) data.images = media;
    const texts = files.filter((file) => !file.data);
    if (texts.length) data.files = texts;
    setText('');
    setFiles([]);
    conversation.send(text.trim(), data);
  };
  const onKeyDown = (event) => {
    if (event.key !== 'Enter' || event.isComposing || event.shiftKey) return;
    if (settings.peek().enterSends || event.ctrlKey || event.metaKey) submit(event);
  };
  const onPaste = (event) => {
    const pasted = [...event.clipboardData.files];
    if (pasted.length) {
      event.preventDefault();
      add(pasted);
    }
  };
  const drag = {
    onDragOver: (event) => { event.preventDefault(); setOver(true); },
    onDragLeave: () => setOver(false),
    onDrop: (event) => { event.preventDefault(); setOver(false); add([...event.dataTransfer.files]); },
  };
  return html`<form class=${cls('composer', { over: isOver })} onSubmit=${submit} ...${drag}>
    ${files.length > 0 && html`<ul class="chips">${files.map((file, index) => html`<li class="chip" key=${file.name + index}>
      ${file.data && !file.kind.startsWith('audio/') ? html`<img src=${`data:${file.kind};base64,${file.data}`} alt="" />` : html`<${Icon} name="file" size=${14} />`}
      <span class="cut">${file.name}</span><span class="muted small">${formatBytes(file.size)}</span>
      <${IconButton} class="small" name="x" size=${13} label=${t('chat.file.remove', { name: file.name })} onClick=${() => setFiles(files.filter((one) => one !== file))} />
    </li>`)}</ul>`}
    ${unseen && html`<div class="notice"><${Icon} name="warning" size=${15} /><span>${t(unseen.kind.startsWith('audio/') ? 'chat.cannot.hear' : 'chat.cannot.see', { model })}</span></div>`}
    <textarea ref=${area} rows="1" value=${text} placeholder=${t('chat.placeholder')} aria-label=${t('chat.placeholder')}
      onInput=${(event) => setText(event.currentTarget.value)} onKeyDown=${onKeyDown} onPaste=${onPaste}></textarea>
    <div class="row">
      <${IconButton} name="attach" label=${t('chat.attach')} onClick=${() => picker.current.click()} />
      <input ref=${picker} type="file" multiple hidden onChange=${(event) => { add([...event.currentTarget.files]); event.currentTarget.value = ''; }} />
      <${Gauge} conversation=${conversation} model=${model} />
      <span class="grow"></span>
      ${isLive ? html`<button type="button" class="primary round" aria-label=${t('chat.stop')} title=${t('chat.stop')} onClick=${() => conversation.stop()}><${Icon} name="stop" /></button>`
        : html`<button class="primary round" aria-label=${t('chat.send')} title=${t('chat.send')} disabled=${!isReady}><${Icon} name="send" /></button>`}
    </div>
  </form>`;
}

// How much of the context window is used, and how fast the answer comes.
function Gauge({ conversation, model }) {
  const live = conversation.live.value;
  const stats = conversation.path.value.findLast(({ data }) => data?.stats)?.data.stats;
  const most = conversation.settings.options?.num_ctx || contextOf(model);
  const used = (stats ? stats.prompt_tokens + stats.tokens : 0) + (live?.tokens ?? 0);
  const seconds = live?.firstAt ? (performance.now() - live.firstAt) / 1000 : 0;
  const speed = seconds > 0.3 ? live.tokens / seconds : 0;
  if (!most || !used) return null;
  const share = Math.min(1, used / most);
  const label = t('chat.context', { used: formatNumber(used), most: formatNumber(most) });
  return html`<span class="gauge small muted" title=${label}>
    <span class=${cls('meter', { full: share > 0.9 })} role="meter" aria-label=${t('chat.contextLabel')} aria-valuemin="0" aria-valuemax=${most} aria-valuenow=${used}>
      <span ref=${(bar) => { if (bar) bar.style.width = `${share * 100}%`; }}></span></span>
    <span class="nowrap">${label}</span>
    ${speed > 0 && html`<span class="nowrap">${t('chat.speed', { speed: formatNumber(speed, { maximumFractionDigits: 0 }) })}</span>`}
  </span>`;
}
