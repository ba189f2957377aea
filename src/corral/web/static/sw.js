// Keeps the files of the UI, so that it opens without the server. Answers of the API are never kept.
// The server writes the version and the list of files into this file as it sends it.
const CACHE = 'corral-{version}';
const FILES = "{files}";

self.addEventListener('install', (event) => {
  // The API is none of our business. Without this a browser that knows it asks us all the same, and loses what a
  // page that is being left sends last.
  const network = ['/api/*', '/v1/*'].map((pathname) => ({ condition: { urlPattern: { pathname } }, source: 'network' }));
  event.waitUntil(Promise.all([fill(), event.addRoutes?.(network)]));
});
self.addEventListener('activate', (event) => event.waitUntil(forgetOthers()));
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin) return;
  if (event.request.mode === 'navigate' && url.pathname === '/') event.respondWith(home(event.request));
  else if (url.pathname.startsWith('/ui/{version}/')) event.respondWith(kept(event.request));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((name) => `/ui/{version}/${name}`));
  await cache.put('/', await page());
  await self.skipWaiting();
}

function page() {
  return fetch('/', { headers: { accept: 'text/html' }, cache: 'no-store' });
}

async function forgetOthers() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('corral-') && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

// The page comes from the server where that answers: a new version shows at once.
async function home(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) return answer;
  } catch {
    // No server: the page says so itself.
  }
  return (await caches.match('/')) ?? Response.error();
}

async function kept(request) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}
