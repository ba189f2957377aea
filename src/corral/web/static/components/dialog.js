// Modal dialogs: the browser's own element keeps the focus inside and closes on Escape.
import { html, render, useEffect, useId, useRef, useState } from '../lib/html.js';
import { t } from '../lib/i18n.js';
import { IconButton } from './icon.js';

// `onClose` is called for every way out. `wide` gives room for tables and long texts.
export function Dialog({ title, onClose, wide, children }) {
  const element = useRef();
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog.showModal();
    dialog.querySelector('[autofocus]')?.focus();
    return () => {
      dialog.close();
      before?.focus?.();
    };
  }, []);
  const outside = (event) => event.target === element.current && onClose();
  return html`<dialog ref=${element} class=${wide ? 'wide' : ''} aria-labelledby=${heading}
      onCancel=${(event) => { event.preventDefault(); onClose(); }} onMouseDown=${outside}>
    <div class="dialog-head"><h2 id=${heading}>${title}</h2>
      <${IconButton} name="x" label=${t('close')} onClick=${onClose} /></div>
    <div class="dialog-body">${children}</div>
  </dialog>`;
}

// Shows what `draw(close)` returns until it calls `close(value)`; the promise brings the value.
export function open(draw) {
  return new Promise((resolve) => {
    const host = document.body.appendChild(document.createElement('div'));
    const close = (value) => {
      render(null, host);
      host.remove();
      resolve(value);
    };
    render(draw(close), host);
  });
}

// Whether the user agrees; `danger` marks what cannot be taken back.
export const confirm = ({ title, text, action, danger = false }) => open((close) => html`
  <${Dialog} title=${title} onClose=${() => close(false)}>
    <p class="dialog-text">${text}</p>
    <div class="actions"><button type="button" onClick=${() => close(false)}>${t('cancel')}</button>
      <button type="button" autofocus class=${danger ? 'danger' : 'primary'} onClick=${() => close(true)}>${action}</button></div>
  <//>`);

// The text that the user types, or null.
export const ask = ({ title, label, value = '', action }) => open((close) => html`
  <${Asking} title=${title} label=${label} value=${value} action=${action} close=${close} />`);

function Asking({ title, label, value, action, close }) {
  const [text, setText] = useState(value);
  const id = useId();
  const submit = (event) => {
    event.preventDefault();
    close(text.trim());
  };
  return html`<${Dialog} title=${title} onClose=${() => close(null)}>
    <form onSubmit=${submit}>
      <label for=${id}>${label}</label>
      <input id=${id} autofocus value=${text} onInput=${(event) => setText(event.currentTarget.value)}
        onFocus=${(event) => event.currentTarget.select()} />
      <div class="actions"><button type="button" onClick=${() => close(null)}>${t('cancel')}</button>
        <button class="primary">${action}</button></div>
    </form>
  <//>`;
}
