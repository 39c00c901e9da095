// The service worker: keeps the app without any data, and sends what waits when no page is open.
// VERSION, FILES, LANGUAGES and RETRY_MS_MAX stand above, written by the hub.
import { sendAll } from "/static/js/crew/send.js";
import { openStore } from "/static/js/crew/store.js";

const KEPT = "crew-";
const CACHE = `${KEPT}${VERSION}`;
const CHOICE = "crew-language"; // a cache of its own: the choice lives longer than a version
const SEND = "crew-send";
const page = (language) => `/crew/shell/${language}`;
const isOurs = (path) => path === "/crew" || path.startsWith("/crew/");

// `reload`: past the browser's own cache, so that a version is of one piece.
async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll([...FILES, ...LANGUAGES.map(page)].map((path) => new Request(path, { cache: "reload" })));
}

async function clear() {
  for (const name of await caches.keys()) {
    if (name.startsWith(KEPT) && name !== CACHE && name !== CHOICE) await caches.delete(name);
  }
  await clients.claim();
}

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(clear()));
self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

// -- what is asked for ------------------------------------------------------------------------

// In the language that was chosen on this phone; before any choice the hub's own answer goes first.
async function pageFor(request) {
  const chosen = await (await (await caches.open(CHOICE)).match("/crew/language"))?.text();
  if (!LANGUAGES.includes(chosen)) {
    const answer = await fetch(request).catch(() => null);
    if (answer) return answer;
  }
  const cache = await caches.open(CACHE);
  return (await cache.match(page(LANGUAGES.includes(chosen) ? chosen : LANGUAGES[0]))) ?? fetch(request);
}

async function fileFor(request) {
  return (await (await caches.open(CACHE)).match(request, { ignoreSearch: true })) ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin || request.method !== "GET") return;
  if (request.mode === "navigate" && isOurs(pathname)) event.respondWith(pageFor(request));
  else if (FILES.includes(pathname)) event.respondWith(fileFor(request));
});

// -- sending while no page is open ------------------------------------------------------------

async function send() {
  const store = await openStore();
  try {
    const { stop } = await sendAll({ store, longestMs: RETRY_MS_MAX, atOnce: true });
    if (stop === "lost") throw new Error("nobody answers"); // the browser asks again later
  } finally {
    store.close();
  }
}

self.addEventListener("sync", (event) => {
  if (event.tag === SEND) event.waitUntil(send());
});
