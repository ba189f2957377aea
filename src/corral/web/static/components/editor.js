// A text area with line numbers, in which lines that have a problem are marked.
import { cls, html, useId, useRef } from '../lib/html.js';
import { t } from '../lib/i18n.js';

// `problems` are { line, message }; line 0 is none in particular. `rows` is how many lines are seen.
export function Editor({ value, onInput, label, problems = [], rows = 12 }) {
  const area = useRef();
  const gutter = useRef();
  const id = useId();
  const lines = value.split('\n');
  const bad = new Set(problems.map(({ line }) => line));
  const follow = () => { gutter.current.scrollTop = area.current.scrollTop; };
  const goTo = (line) => {
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    area.current.focus();
    area.current.setSelectionRange(start, start + lines[line - 1].length);
  };
  return html`<div class="editor">
      <div class="gutter" ref=${gutter} aria-hidden="true">${lines.map((_, index) => html`<span class=${cls({ bad: bad.has(index + 1) })}>${index + 1}</span>`)}</div>
      <textarea ref=${area} value=${value} rows=${rows} wrap="off" spellcheck=${false} autocapitalize="off" autocomplete="off" aria-label=${label}
        aria-invalid=${problems.length ? 'true' : 'false'} aria-describedby=${id} onScroll=${follow}
        onInput=${(event) => onInput(event.currentTarget.value)} onKeyDown=${indent}></textarea></div>
    <ul class="problems" id=${id} aria-live="polite">${problems.map(({ line, message }) => html`<li class="error-text small">
      ${line > 0 && line <= lines.length && html`<button type="button" class="link" onClick=${() => goTo(line)}>${t('editor.line', { line })}</button> `}${message}</li>`)}</ul>`;
}

// Tab leaves the field as everywhere, so that the keyboard never gets caught; Ctrl+] indents.
function indent(event) {
  if (event.key !== ']' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  document.execCommand('insertText', false, '  ');
}
