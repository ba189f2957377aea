// A text in Markdown: finished, or growing while it is written.
import { html, useLayoutEffect, useRef } from '../../lib/html.js';
import { Growing, rendered } from '../../lib/markdown.js';

export function MarkdownView({ text, growing }) {
  const element = useRef();
  const view = useRef(null);
  useLayoutEffect(() => {
    if (growing) {
      view.current ??= new Growing(element.current);
      view.current.show(text);
    } else {
      view.current = null;
      element.current.replaceChildren(rendered(text));
    }
  }, [text, growing]);
  return html`<div class="md" ref=${element}></div>`;
}
