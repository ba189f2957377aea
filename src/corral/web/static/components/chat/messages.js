// The messages of the shown branch. A long chat is drawn where it is looked at: messages stand in groups, and a group
// that is far from the window is only as high as it was.
import { html, useCallback, useLayoutEffect, useMemo, useRef, useState } from '../../lib/html.js';
import { t } from '../../lib/i18n.js';
import { IconButton } from '../icon.js';
import { Message } from './message.js';

const GROUP = 8;
const NEAR_PX = 800;
const MESSAGE_PX = 130;
const STUCK_PX = 40;

// `target` is a message to show first; without it the end is.
export function Messages({ conversation, target }) {
  const box = useRef();
  const stuck = useRef(!target);
  const [isAway, setAway] = useState(false);
  const path = conversation.path.value;
  const groups = useMemo(() => grouped(path), [path]);
  const watch = useNearness(box);
  const toEnd = () => { if (box.current) box.current.scrollTop = box.current.scrollHeight; };

  useLayoutEffect(() => {
    const found = document.getElementById(`m-${target}`);
    found?.scrollIntoView({ block: 'center' });
    found?.classList.add('found');
  }, [target]);
  // Follows the end while it is in sight, whatever grows there.
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => stuck.current && toEnd());
    observer.observe(box.current.firstElementChild);
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
      <div class="column">${groups.map((messages, index) => html`<${Group} key=${index} messages=${messages} watch=${watch} conversation=${conversation}
        isLast=${index === groups.length - 1} isFirst=${target ? messages.some(({ id }) => id === target) : index >= groups.length - 2} />`)}</div>
    </div>
    ${isAway && html`<${IconButton} class="to-end" name="arrowDown" label=${t('chat.toEnd')} onClick=${toEnd} />`}`;
}

// `isFirst`: drawn from the beginning. The last group always is: it is where things happen.
function Group({ messages, watch, conversation, isLast, isFirst }) {
  const element = useRef();
  const height = useRef(0);
  const [isNear, setNear] = useState(isFirst);
  const isDrawn = isNear || isLast;
  useLayoutEffect(() => watch(element.current, (entry) => {
    if (!entry.isIntersecting && element.current.firstElementChild) height.current = entry.boundingClientRect.height;
    setNear(entry.isIntersecting);
  }), []);
  useLayoutEffect(() => {
    element.current.style.height = isDrawn ? '' : `${height.current || messages.length * MESSAGE_PX}px`;
  });
  return html`<div class="group" ref=${element}>${isDrawn && messages.map((message, index) => html`<${Message} key=${message.id} message=${message}
    conversation=${conversation} isLast=${isLast && index === messages.length - 1} />`)}</div>`;
}

function grouped(path) {
  const groups = [];
  for (let start = 0; start < path.length; start += GROUP) groups.push(path.slice(start, start + GROUP));
  return groups;
}

// A function that tells a listener whenever its element comes near the window of `box`, or leaves it.
function useNearness(box) {
  const observer = useRef(null);
  const listeners = useRef(new Map());
  useLayoutEffect(() => () => observer.current?.disconnect(), []);
  return useCallback((element, listener) => {
    observer.current ??= new IntersectionObserver((entries) => {
      for (const entry of entries) listeners.current.get(entry.target)?.(entry);
    }, { root: box.current, rootMargin: `${NEAR_PX}px 0px` });
    listeners.current.set(element, listener);
    observer.current.observe(element);
    return () => {
      listeners.current.delete(element);
      observer.current.unobserve(element);
    };
  }, []);
}
