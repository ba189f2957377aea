// A button with a menu: arrow keys move, Enter chooses, Escape closes.
import { cls, html, useEffect, useLayoutEffect, useRef, useState } from '../lib/html.js';
import { Icon, IconButton } from './icon.js';

// `items` are { label, icon, onSelect, danger, checked, disabled }, or null for a line between groups.
export function Menu({ label, icon = 'more', items, button, class: extra }) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef();
  const list = useRef();
  useLayoutEffect(() => {
    if (!isOpen) return;
    keepInside(list.current);
    list.current.querySelector('[role^=menuitem]:not([disabled])')?.focus();
  }, [isOpen]);
  useEffect(() => {
    if (!isOpen) return undefined;
    const away = (event) => !root.current.contains(event.target) && setOpen(false);
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
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
    ${isOpen && html`<div class="menu-list" role="menu" aria-label=${label} ref=${list}>
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

// The list stays within the window, however close to its edge the button is.
function keepInside(list) {
  const box = list.getBoundingClientRect();
  if (box.right > innerWidth - 8) list.classList.add('to-left');
  if (box.bottom > innerHeight - 8 && box.top > box.height) list.classList.add('to-top');
}
