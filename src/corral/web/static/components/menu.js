// A button with a menu: arrow keys move, Enter chooses, Escape closes.
import { cls, html, useEffect, useLayoutEffect, useRef, useState } from '../lib/html.js';
import { Icon, IconButton } from './icon.js';

const EDGE_PX = 8;
const GAP_PX = 4;

// `items` are { label, icon, onSelect, danger, checked, disabled }, or null for a line between groups.
export function Menu({ label, icon = 'more', items, button, class: extra }) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef();
  const list = useRef();
  useLayoutEffect(() => {
    if (!isOpen) return;
    place(list.current, root.current);
    list.current.querySelector('[role^=menuitem]:not([disabled])')?.focus({ preventScroll: true });
  }, [isOpen]);
  useEffect(() => {
    if (!isOpen) return undefined;
    const away = (event) => !root.current.contains(event.target) && setOpen(false);
    // What moves the button leaves the menu behind.
    const moved = (event) => event.target.contains?.(root.current) && setOpen(false);
    const resized = () => setOpen(false);
    addEventListener('pointerdown', away);
    addEventListener('scroll', moved, true);
    addEventListener('resize', resized);
    return () => {
      removeEventListener('pointerdown', away);
      removeEventListener('scroll', moved, true);
      removeEventListener('resize', resized);
    };
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    root.current.querySelector('button')?.focus();
  };
  const choose = (item) => {
    close();
    item.onSelect();
  };
  const attributes = {
    'aria-haspopup': 'menu', 'aria-expanded': String(isOpen),
    onClick: (event) => { event.stopPropagation(); setOpen(!isOpen); },
  };
  return html`<div class=${cls('menu', extra)} ref=${root} onKeyDown=${(event) => isOpen && onKey(event, list.current, close)}>
    ${button ? button(attributes) : html`<${IconButton} name=${icon} label=${label} ...${attributes} />`}
    ${isOpen && html`<div class="menu-list" role="menu" popover="manual" aria-label=${label} ref=${list}>
      ${items.filter((item) => item !== false).map((item) => item
        ? html`<button type="button" role=${item.checked === undefined ? 'menuitem' : 'menuitemradio'} tabindex="-1"
            aria-checked=${item.checked === undefined ? undefined : String(item.checked)} disabled=${item.disabled}
            class=${cls({ danger: item.danger })} onClick=${(event) => { event.stopPropagation(); choose(item); }}>
            ${item.icon && html`<${Icon} name=${item.icon} size=${16} />`}<span>${item.label}</span>
            ${item.checked && html`<${Icon} name="check" size=${16} />`}</button>`
        : html`<hr />`)}
    </div>`}
  </div>`;
}

function onKey(event, list, close) {
  const items = [...list.querySelectorAll('[role^=menuitem]:not([disabled])')];
  const here = items.indexOf(document.activeElement);
  const moves = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 };
  if (event.key in moves) items.at(moves[event.key] % items.length)?.focus();
  else if (event.key === 'Escape' || event.key === 'Tab') close();
  else return;
  if (event.key !== 'Tab') event.preventDefault();
  event.stopPropagation();
}

// The list lies above everything, so that nothing around the button cuts it, and within the window.
function place(list, around) {
  list.showPopover?.();
  const { left, right, top, bottom } = around.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const isWide = left + width > innerWidth - EDGE_PX;
  const isLow = bottom + GAP_PX + height > innerHeight - EDGE_PX;
  list.style.left = `${Math.max(EDGE_PX, isWide ? right - width : left)}px`;
  list.style.top = `${Math.max(EDGE_PX, isLow ? top - GAP_PX - height : bottom + GAP_PX)}px`;
}
