// The style sheets of a page, loaded with its module.
const loaded = new Map();

// Resolves when all are there, so that nothing is drawn without them; `names` are relative to `base`.
export const stylesheets = (base, ...names) => Promise.all(names.map((name) => stylesheet(new URL(name, base).href)));

function stylesheet(url) {
  if (!loaded.has(url)) loaded.set(url, load(url));
  return loaded.get(url);
}

const load = (url) => new Promise((resolve) => {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = url;
  link.onload = link.onerror = resolve;
  document.head.append(link);
});
