// Keyboard shortcuts: components say which they answer, the help sheet lists them.
import { signal, useEffect, useRef } from './html.js';

const mac = /mac|iphone|ipad/i.test(navigator.platform);

// The shortcuts that work now: [{ keys, label }].
export const shortcuts = signal([]);

const TYPING = 'input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable=true]';

// `keys` is such as 'mod+k', 'shift+?', 'n' or 'Escape'; `label` a text for the help sheet. Shortcuts without mod or
// alt rest while somebody types, and all but those of the dialog itself while one is open.
export function useShortcut(keys, label, action) {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    const entry = { keys, label, run: (event) => latest.current(event) };
    shortcuts.value = [...shortcuts.peek(), entry];
    return () => { shortcuts.value = shortcuts.peek().filter((one) => one !== entry); };
  }, [keys, label]);
}

addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  const name = nameOf(event);
  const free = name.includes('mod+') || name.includes('alt+') || name === 'Escape';
  if (!free && event.target.closest?.(TYPING)) return;
  const found = shortcuts.peek().findLast((entry) => entry.keys === name);
  if (found && found.run(event) !== false) event.preventDefault();
});

function nameOf(event) {
  const mod = mac ? event.metaKey : event.ctrlKey;
  // Shift is part of a sign such as "?", so it counts only for letters and named keys.
  const shift = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key));
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return `${mod ? 'mod+' : ''}${event.altKey ? 'alt+' : ''}${shift ? 'shift+' : ''}${key}`;
}

// The keys as people know them.
export function keyLabels(keys) {
  const names = { mod: mac ? '⌘' : 'Ctrl', alt: mac ? '⌥' : 'Alt', shift: mac ? '⇧' : 'Shift', Escape: 'Esc' };
  return keys.split('+').map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
