// Markdown of models, which are not to be trusted: parsed by marked, cleaned by DOMPurify, never run.
// Code is coloured and formulas are set after the text is in the page; both libraries come when first needed.
import { copyText } from '../components/copy.js';
import { Marked } from '../vendor/marked.js';
import DOMPurify from '../vendor/purify.js';
import { t } from './i18n.js';

const TAGS = ('a b blockquote br code del details em h1 h2 h3 h4 h5 h6 hr i img input kbd li mark ol p pre s span '
  + 'strong sub summary sup table tbody td th thead tr u ul').split(' ');
const ATTRIBUTES = ['href', 'title', 'alt', 'src', 'align', 'class', 'start', 'type', 'checked', 'disabled', 'open', 'data-tex', 'data-display'];
// Other classes would let a text look like a part of the page.
const CLASSES = /^(language-[\w+#.-]+|math)$/;

const purify = DOMPurify();
purify.addHook('uponSanitizeAttribute', (node, data) => {
  if (data.attrName === 'class') data.attrValue = data.attrValue.split(/\s+/).filter((word) => CLASSES.test(word)).join(' ');
  if (data.attrName === 'type' && data.attrValue !== 'checkbox') data.keepAttr = false;
});
purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.nodeName === 'A') {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
  } else if (node.nodeName === 'IMG' && !/^data:image\/(png|jpeg|gif|webp|bmp);/i.test(node.getAttribute('src') ?? '')) node.remove();
  else if (node.nodeName === 'INPUT') {
    node.setAttribute('disabled', '');
    node.setAttribute('aria-label', t(node.hasAttribute('checked') ? 'chat.task.done' : 'chat.task.open'));
  }
});
const CLEAN = { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, ALLOW_DATA_ATTR: false, RETURN_DOM_FRAGMENT: true };

const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const formula = ({ tex, display }) => `<span class="math" data-tex="${escape(tex)}"${display ? ' data-display="1"' : ''}>${escape(tex)}</span>`;

const BLOCKS = [/^\$\$([\s\S]+?)\$\$[ \t]*(?:\n|$)/, /^\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/];
const INLINE = [
  [/^\$\$([^$]+?)\$\$/, true], [/^\\\[([\s\S]+?)\\\]/, true], [/^\\\(([\s\S]+?)\\\)/, false],
  // A price is no formula: nothing blank inside the signs, no digit behind them.
  [/^\$(?!\s)((?:\\.|[^$\\\n])+?)(?<![\s\\])\$(?![\d\w])/, false],
];
const math = {
  extensions: [
    {
      name: 'mathBlock', level: 'block', renderer: (token) => `<p>${formula(token)}</p>\n`,
      start: (source) => source.match(/(?:^|\n)(?:\$\$|\\\[)/)?.index,
      tokenizer(source) {
        const match = BLOCKS.map((rule) => rule.exec(source)).find(Boolean);
        return match && { type: 'mathBlock', raw: match[0], tex: match[1].trim(), display: true };
      },
    },
    {
      name: 'math', level: 'inline', renderer: formula,
      start: (source) => source.match(/\$|\\[([]/)?.index,
      tokenizer(source) {
        for (const [rule, display] of INLINE) {
          const match = rule.exec(source);
          if (match) return { type: 'math', raw: match[0], tex: match[1].trim(), display };
        }
        return undefined;
      },
    },
  ],
};

const marked = new Marked({ gfm: true, async: false }, math, {
  renderer: {
    // Nothing is fetched from elsewhere: an image of another host becomes a link to it.
    image({ href, text }) {
      return /^data:image\//i.test(href) ? `<img src="${escape(href)}" alt="${escape(text)}">` : `<a href="${escape(href)}">${escape(text || href)}</a>`;
    },
  },
});

const fragment = (tokens) => purify.sanitize(marked.parser(tokens), CLEAN);
const normal = (text) => text.replace(/\r\n?/g, '\n');

// The text as nodes, finished.
export function rendered(text) {
  const nodes = fragment(marked.lexer(normal(text)));
  finish(nodes);
  return nodes;
}

// Shows a text that grows. What is complete is rendered once; only the last block is, again and again.
export class Growing {
  constructor(element) {
    this.element = element;
    this.clear();
  }

  clear() {
    this.element.textContent = '';
    this.tail = this.element.appendChild(document.createElement('div'));
    this.tail.className = 'tail';
    this.settled = '';
    this.code = null;
  }

  // `text` is all there is so far.
  show(text) {
    const source = normal(text);
    if (!source.startsWith(this.settled)) this.clear();
    const tokens = marked.lexer(source.slice(this.settled.length));
    const last = tokens.findLastIndex((token) => token.type !== 'space');
    if (last > 0) this.settle(tokens.splice(0, last));
    if (tokens.length === 1 && tokens[0].type === 'code' && this.code?.isConnected) this.code.textContent = tokens[0].text;
    else this.draw(tokens);
  }

  settle(tokens) {
    const nodes = fragment(tokens);
    finish(nodes);
    this.element.insertBefore(nodes, this.tail);
    this.settled += tokens.map((token) => token.raw).join('');
    this.code = null;
  }

  draw(tokens) {
    const nodes = fragment(tokens);
    setFormulas(nodes);
    this.code = tokens.length === 1 && tokens[0].type === 'code' ? nodes.querySelector('pre > code') : null;
    this.tail.replaceChildren(nodes);
  }
}

function finish(nodes) {
  for (const code of nodes.querySelectorAll('pre > code')) frameCode(code);
  setFormulas(nodes);
}

// A bar above the code: its language, and a button that copies it.
function frameCode(code) {
  const language = [...code.classList].find((word) => word.startsWith('language-'))?.slice(9) ?? '';
  const pre = code.parentNode;
  const block = document.createElement('div');
  const bar = document.createElement('div');
  const name = document.createElement('span');
  const copy = document.createElement('button');
  block.className = 'code-block';
  bar.className = 'code-bar';
  name.textContent = language;
  copy.type = 'button';
  copy.className = 'quiet';
  copy.textContent = t('copy');
  copy.onclick = () => copyText(code.textContent);
  // Wide code scrolls sideways, by keyboard too.
  pre.tabIndex = 0;
  pre.setAttribute('aria-label', language || t('chat.code'));
  pre.setAttribute('role', 'region');
  bar.append(name, copy);
  pre.replaceWith(block);
  block.append(bar, pre);
  if (language) import('./highlight.js').then(({ colour }) => colour(code, language)).catch(() => {});
}

const set = new Map();
const MOST_SET = 300;
let katex = null;

function setFormulas(nodes) {
  const found = [...nodes.querySelectorAll('.math')];
  if (!found.length) return;
  if (katex) found.forEach(setFormula);
  else loadKatex().then(() => found.forEach(setFormula), () => {});
}

async function loadKatex() {
  const [{ default: library }, { stylesheets }] = await Promise.all([import('../vendor/katex/katex.js'), import('./style.js')]);
  await stylesheets(import.meta.url, '../vendor/katex/katex.css');
  katex = library;
}

// KaTeX builds nodes here and sets their styles one by one, which needs no inline styles in the page's policy.
function setFormula(span) {
  const { tex, display } = span.dataset;
  const key = `${display ?? ''} ${tex}`;
  if (!set.has(key)) {
    if (set.size >= MOST_SET) set.delete(set.keys().next().value);
    const made = document.createElement('span');
    katex.render(tex, made, { displayMode: Boolean(display), throwOnError: false, trust: false, maxExpand: 500, maxSize: 20 });
    set.set(key, made);
  }
  span.replaceChildren(...set.get(key).cloneNode(true).childNodes);
}
