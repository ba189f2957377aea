// Colours for code. Each language is loaded when it is first seen.
import hljs from '../vendor/highlight/core.js';

const FILES = new Set(('bash cpp csharp css diff dockerfile go ini java json kotlin lua makefile markdown php python r ruby '
  + 'rust sql typescript xml yaml').split(' '));
const ALIASES = {
  c: 'cpp', 'c++': 'cpp', h: 'cpp', cc: 'cpp', 'c#': 'csharp', cs: 'csharp', console: 'bash', sh: 'bash', shell: 'bash', zsh: 'bash',
  golang: 'go', htm: 'xml', html: 'xml', svg: 'xml', vue: 'xml', js: 'typescript', javascript: 'typescript', jsx: 'typescript', mjs: 'typescript',
  ts: 'typescript', tsx: 'typescript', json5: 'json', jsonc: 'json', kt: 'kotlin', make: 'makefile', md: 'markdown', patch: 'diff', py: 'python',
  python3: 'python', rb: 'ruby', rs: 'rust', scss: 'css', less: 'css', toml: 'ini', yml: 'yaml', docker: 'dockerfile', postgresql: 'sql', mysql: 'sql',
};
// Colouring takes time that grows with the text; longer ones stay plain.
const MOST = 100_000;

// `code` holds plain text; an unknown language leaves it so.
export async function colour(code, language) {
  const name = ALIASES[language.toLowerCase()] ?? language.toLowerCase();
  const text = code.textContent;
  if (!FILES.has(name) || text.length > MOST) return;
  if (!hljs.getLanguage(name)) {
    hljs.registerLanguage(name, (await import(`../vendor/highlight/${name}.js`)).default);
  }
  code.innerHTML = hljs.highlight(text, { language: name, ignoreIllegals: true }).value;
}
