// The messages of the shown branch. A long chat is drawn where it is looked at: messages stand in groups, and a group
// that is far from the window is only as high as it was.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../lib/html.js';
import { t } from '../../lib/i18n.js';
import { IconButton } from '../icon.js';
import { Message } from './message.js';

const GROUP = 8;
const NEAR_PX = 1200;
const MESSAGE_PX = 130;
const STUCK_PX = 40;

// `target` is a message to show first; without it the end is.
export function Messages({ conversation, target }) {
  const box = useRef();
  const stuck = useRef(!target);
  const [isAway, setAway] = useState(false);
  const path = conversation.path.value;
  const groups = useMemo(() => grouped(path), [path]);
  const drawn = useDrawn(box, groups, target);
  const toEnd = () => { box.current.scrollTop = box.current.scrollHeight; };

  useLayoutEffect(() => {
    if (target) document.getElementById(`m-${target}`)?.scrollIntoView({ block: 'center' });
  }, [target]);
  // Follows the end while it is in sight, whatever grows there.
  useEffect(() => {
    const inner = box.current.firstElementChild;
    const observer = new ResizeObserver(() => stuck.current && toEnd());
    observer.observe(inner);
    return () => observer.disconnect();
  }, []);
  // A message of the user's own is always shown.
  useLayoutEffect(() => {
    if (conversation.live.peek() || !target) {
      stuck.current = true;
      toEnd();
    }
  }, [path.length]);
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    stuck.current = scrollHeight - scrollTop - clientHeight < STUCK_PX;
    setAway(!stuck.current);
  };

  return html`<div class="messages" ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-live="off" aria-label=${t('chat.messages')}>
      <div class="column">${groups.map((group, index) => drawn.has(index)
        ? html`<div class="group" key=${index} data-index=${index}>${group.map((message) => html`<${Message} key=${message.id} message=${message}
            conversation=${conversation} isLast=${message === path.at(-1)} />`)}</div>`
        : html`<${Gap} key=${index} index=${index} messages=${group.length} height=${drawn.heights.get(index)} />`)}</div>
    </div>
    ${isAway && html`<${IconButton} class="to-end" name="arrowDown" label=${t('chat.toEnd')} onClick=${toEnd} />`}`;
}

function Gap({ index, messages, height }) {
  const element = useRef();
  useLayoutEffect(() => { element.current.style.height = `${height ?? messages * MESSAGE_PX}px`; });
  return html`<div class="group" ref=${element} data-index=${index} aria-hidden="true"></div>`;
}

function grouped(path) {
  const groups = [];
  for (let start = 0; start < path.length; start += GROUP) groups.push(path.slice(start, start + GROUP));
  return groups;
}

// Which groups are drawn: those near the window. A Set of indexes, with the heights of all that ever were.
function useDrawn(box, groups, target) {
  const heights = useRef(new Map());
  const first = () => {
    const wanted = target ? groups.findIndex((group) => group.some(({ id }) => id === target)) : groups.length - 1;
    return new Set([wanted - 1, wanted, wanted + 1]);
  };
  const [near, setNear] = useState(first);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setNear((before) => {
      const after = new Set(before);
      for (const { target: element, isIntersecting, boundingClientRect } of entries) {
        const index = Number(element.dataset.index);
        if (element.firstElementChild) heights.current.set(index, boundingClientRect.height);
        if (isIntersecting) after.add(index);
        else after.delete(index);
      }
      return after.size === before.size && [...after].every((index) => before.has(index)) ? before : after;
    }), { root: box.current, rootMargin: `${NEAR_PX}px 0px` });
    for (const element of box.current.querySelectorAll('.group')) observer.observe(element);
    return () => observer.disconnect();
  }, [near, groups.length]);
  // The end is where things happen: it is always drawn.
  return { has: (index) => near.has(index) || index >= groups.length - 1, heights: heights.current };
}
