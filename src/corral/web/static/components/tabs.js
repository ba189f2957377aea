// Tabs: arrow keys move between them, only the chosen one's body is drawn.
import { html, useId, useRef, useState } from '../lib/html.js';

// `tabs` are { key, label, body() }.
export function Tabs({ tabs, label, initial }) {
  const [chosen, setChosen] = useState(initial ?? tabs[0].key);
  const list = useRef();
  const id = useId();
  const current = tabs.find(({ key }) => key === chosen) ?? tabs[0];
  const onKeyDown = (event) => {
    const here = tabs.indexOf(current);
    const moves = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const next = tabs.at(moves[event.key] % tabs.length);
    setChosen(next.key);
    list.current.querySelector(`[data-key="${next.key}"]`).focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} ref=${list} onKeyDown=${onKeyDown}>
      ${tabs.map((tab) => html`<button type="button" role="tab" key=${tab.key} id=${`${id}-${tab.key}`} data-key=${tab.key}
        aria-selected=${String(tab === current)} aria-controls=${`${id}-panel`} tabindex=${tab === current ? 0 : -1}
        onClick=${() => setChosen(tab.key)}>${tab.label}</button>`)}</div>
    <div class="tab-panel" role="tabpanel" id=${`${id}-panel`} aria-labelledby=${`${id}-${current.key}`}>${current.body()}</div>`;
}
