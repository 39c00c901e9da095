// Sends what waits, in order, each act once: in a page, and in the service worker when no page is open.
import { REFUSED, WAITING, after, nextOf, ownerOf, verdictOf } from "/static/js/crew/queue.js";

const ANSWER_WAIT_MS = 30000;
const LOCK = "crew-send";
const API = "/api/v1";

// Only one of all tabs and the worker sends. Where a browser has no locks (no https), the act's id
// keeps the hub from taking it twice all the same.
async function alone(work) {
  if (!navigator.locks) return work();
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? work() : { stop: "busy" }));
}

// Whose acts may go now; null: nobody is logged in. Throws when the hub cannot be reached.
async function whoAsks(ask) {
  const answer = await ask(`${API}/crew/who`, { signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new TypeError(`the hub says ${answer.status}`);
  return answer.json();
}

// A body that is no JSON is not from the hub (a hotel's log-in page, a proxy): as if nobody answered.
async function post(ask, path, headers, body) {
  try {
    const answer = await ask(path, { method: "POST", headers, body, signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
    const wait = Number(answer.headers.get("Retry-After"));
    return verdictOf(answer.status, await answer.json(), wait > 0 ? wait : null);
  } catch {
    return { kind: "lost" };
  }
}

async function sendPhotos(store, ask, act) {
  let sent = act.sent;
  for (const key of act.photos.filter((one) => !sent[one])) {
    const photo = await store.photo(key);
    if (!photo) continue;
    const verdict = await post(ask, `${API}/photos`, { "Content-Type": photo.type }, photo);
    if (verdict.kind !== "done") return [act, verdict];
    sent = { ...sent, [key]: verdict.body.id };
    await store.keepAct({ ...act, sent });
  }
  return [{ ...act, sent }, null];
}

async function sendOne(store, ask, waiting) {
  const [act, stopped] = await sendPhotos(store, ask, waiting);
  if (stopped) return [act, stopped];
  const photos = act.photos.map((key) => act.sent[key]).filter(Boolean);
  const body = { ...act.body, id: act.id, ...(photos.length ? { photos } : {}) };
  return [act, await post(ask, act.path, { "Content-Type": "application/json" }, JSON.stringify(body))];
}

async function pass({ store, ask, nowMs, chance, longestMs, told, atOnce }) {
  const acts = await store.acts();
  if (!acts.some((act) => act.state === WAITING)) return {};
  if (atOnce) for (const act of acts) if (act.state === WAITING && act.next_ms) await store.keepAct({ ...act, next_ms: 0 });
  const who = await whoAsks(ask).catch(() => undefined);
  if (who === undefined) return { stop: "lost" };
  if (who === null) return { stop: "log_in" };
  for (;;) {
    const next = nextOf(await store.acts(), ownerOf(who), nowMs());
    if (!next) return {};
    const [act, verdict] = await sendOne(store, ask, next);
    const left = after(act, verdict, { nowMs: nowMs(), longestMs, chance: chance() });
    await (left ? store.keepAct(left) : store.removeAct(act));
    told(act, verdict, left?.state === REFUSED);
    if (verdict.kind === "lost" || verdict.kind === "log_in") return { stop: verdict.kind };
  }
}

// `told(act, verdict)` hears of every answer. What comes back: { stop: "lost" | "log_in" | "busy" } or {}.
export function sendAll({ store, longestMs, ask = fetch.bind(self), nowMs = Date.now, chance = Math.random, told = () => {}, atOnce = false }) {
  return alone(() => pass({ store, ask, nowMs, chance, longestMs, told, atOnce }));
}
