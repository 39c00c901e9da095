// The crew's app: what the hub says and what waits to be sent, shown together, with or without network.
import { Live } from "/static/js/live.js";
import { drafts } from "/static/js/crew/drafts.js";
import { dueMs, expected, expectedRound, ownerOf, WAITING, REFUSED } from "/static/js/crew/queue.js";
import { showRoute, showWork } from "/static/js/crew/list_view.js";
import { showOrder } from "/static/js/crew/order_view.js";
import { showRound } from "/static/js/crew/round_view.js";
import { showWaiting } from "/static/js/crew/waiting_view.js";
import { scan } from "/static/js/crew/scan.js";
import { sendAll } from "/static/js/crew/send.js";
import { openStore } from "/static/js/crew/store.js";
import { deviceOf } from "/static/js/crew/work.js";
import { clock, language, say } from "/static/js/crew/words.js";

const LOST_AFTER_MS = 8000; // a phone on the move: two pings and a pause
const REFRESH_MS = 250;
const TOAST_MS = 5000;
const PAUSE_MS = 1000; // doubled with every try that nobody answered
const SLOW_LOOK_MS = 60000;
const HOUR_MS = 3600000;
const byId = (id) => document.getElementById(id);
const bounds = Object.fromEntries(Object.entries(byId("main").dataset).map(([name, text]) => [name, Number(text)]));

// -- the state --------------------------------------------------------------------------------

const store = await openStore();
const state = {
  work: null, // as the hub last said it
  acts: [],
  heard: {}, // what devices said since, by id
  feed: "connecting",
  loggedOut: false,
};

const me = () => state.work?.who ?? null;
const owner = () => (me() ? ownerOf(me()) : null);
const mineOf = (acts) => acts.filter((act) => act.owner === owner());

// What the views look at: the hub's work with what waits on top of it.
function seen() {
  const acts = mineOf(state.acts);
  const orders = (state.work?.orders ?? []).map((one) => {
    const { order, ...more } = one;
    const news = state.heard[order.device];
    const heard = news && news.heard_ms >= (more.heard_ms ?? 0) ? { heard_ms: news.heard_ms, points: news.points } : {};
    return expected({ ...order, ...more, ...heard, changed: state.work.at_ms }, acts);
  });
  return {
    ...state,
    me: me(),
    acts,
    strangers: state.acts.filter((act) => act.owner !== owner()),
    orders,
    rounds: (state.work?.rounds ?? []).map((round) => expectedRound(round, acts)),
    bounds,
  };
}

// -- showing it -------------------------------------------------------------------------------

const VIEWS = { "": showWork, route: showRoute, round: showRound, waiting: showWaiting, order: showOrder };
const START = location.pathname === "/crew/round" ? "round" : "";

function wayOf(hash) {
  const [name, key] = hash.replace(/^#\/?/, "").split("/");
  return name in VIEWS && name ? { name, key: key && decodeURIComponent(key) } : { name: hash ? "" : START };
}

let held = false; // a finger is down: what is under it must not move
let stale = false;
document.addEventListener("pointerdown", () => (held = true));
for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, () => setTimeout(release));

function release() {
  held = false;
  if (stale) show();
}

let shown = "";
function show() {
  stale = held;
  if (held) return;
  const way = wayOf(location.hash);
  const all = seen();
  showState(all);
  for (const link of document.querySelectorAll("#menu a[data-view]")) {
    link.toggleAttribute("aria-current", link.dataset.view === (way.name === "order" ? "" : way.name));
    if (link.hasAttribute("aria-current")) link.setAttribute("aria-current", "page");
  }
  VIEWS[way.name]({ ...all, place: byId("main"), key: way.key, api });
  const here = JSON.stringify(way);
  if (shown && shown !== here) {
    scrollTo(0, 0);
    byId("main").focus({ preventScroll: true });
  }
  shown = here;
}

function showState({ acts, work, loggedOut, feed }) {
  const waiting = acts.filter((act) => act.state === WAITING).length;
  const refused = acts.filter((act) => act.state === REFUSED).length;
  const lost = feed !== "live";
  byId("feed").dataset.state = feed;
  byId("count-waiting").textContent = waiting + refused;
  byId("count-waiting").hidden = !(waiting + refused);
  byId("count-waiting").classList.toggle("bad", Boolean(refused));
  byId("offline").hidden = !lost || loggedOut || feed === "connecting";
  byId("offline-text").textContent = say("offline", { at: work ? clock(work.at_ms) : "–" });
  byId("hub-dead").hidden = feed !== "hub";
  byId("logged-out").hidden = !loggedOut;
  byId("who").textContent = me() ? (me().actor === me().account ? me().actor : `${me().actor} · ${me().account}`) : "";
}

let toastEnds = null;
function toast(text, bad = false) {
  byId("toast").textContent = text;
  byId("toast").classList.toggle("bad", bad);
  byId("toast").hidden = false;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => (byId("toast").hidden = true), TOAST_MS);
}

// -- what the hub says ------------------------------------------------------------------------

let live = null;
let refreshing = null;
let leaving = false; // an answer on its way while somebody logs out is not kept any more

async function refresh() {
  clearTimeout(refreshing);
  refreshing = null;
  let answer;
  try {
    answer = await fetch("/api/v1/crew/work");
    if (answer.status === 401) return void loggedOut();
    if (!answer.ok) throw new Error(`the hub says ${answer.status}`);
    await take(await answer.json());
  } catch {
    if (!live) state.feed = "lost"; // else the feed knows it better
    show();
  }
}

const refreshSoon = () => (refreshing ??= setTimeout(refresh, REFRESH_MS));

async function take(work) {
  if (state.work && ownerOf(state.work.who) !== ownerOf(work.who)) {
    await store.forgetWork(); // somebody else's: his acts stay, and are sent when he is back
    drafts.forget();
  }
  if (leaving) return;
  state.work = work;
  state.heard = {};
  state.loggedOut = false;
  await store.keep("work", work);
  if (!live) listen(work.after);
  show();
  sayAtHand();
  adoptLanguage(work.who.language);
}

function loggedOut() {
  state.loggedOut = true;
  show();
}

function listen(after) {
  live = new Live({ after, lostAfterMs: LOST_AFTER_MS, onEvent: hear, onState: turned });
}

function hear(kind, body) {
  if (kind === "device" && body.points) {
    state.heard[body.id] = { heard_ms: body.heard_ms, points: body.points };
    show();
  } else if (kind === "case" || kind === "round" || kind === "reset") refreshSoon();
}

function turned(now, before) {
  state.feed = now;
  if (before === "lost") {
    refreshSoon();
    sendNow(true);
  }
  show();
}

// A grid's duty phone says that somebody has it at hand.
let atHand = null;
function sayAtHand() {
  clearInterval(atHand);
  const { phone } = state.work;
  if (!phone) return;
  const tell = () => fetch(`/api/v1/grids/${encodeURIComponent(phone.grid)}/phone`, { method: "POST" }).catch(() => {});
  tell();
  atHand = setInterval(tell, phone.every_ms);
}

// -- sending ----------------------------------------------------------------------------------

let sending = null;
let passing = false;
let wanted = null; // somebody asked while a pass was under way: { atOnce }
let lost = 0; // tries in a row that nobody answered

async function sendNow(atOnce = false) {
  if (passing) return void (wanted = { atOnce: atOnce || wanted?.atOnce });
  clearTimeout(sending);
  sending = null;
  passing = true;
  try {
    await sendAndPlan(atOnce);
  } finally {
    passing = false;
  }
  const asked = wanted;
  wanted = null;
  if (asked) await sendNow(asked.atOnce);
}

async function sendAndPlan(atOnce) {
  const { stop } = await sendAll({ store, longestMs: bounds.retryMsMax, told: answered, atOnce });
  lost = stop === "lost" ? lost + 1 : 0;
  if (stop === "log_in") state.loggedOut = true;
  await readActs();
  const due = owner() ? dueMs(state.acts, owner()) : null;
  if (due === null || stop === "log_in") return;
  const pause = stop === "lost" || stop === "busy" ? Math.min(bounds.retryMsMax, PAUSE_MS * 2 ** Math.min(lost, 10)) : 0;
  sending ??= setTimeout(sendNow, Math.max(pause, due - Date.now(), 200));
}

// The hub's word on an act: what it says of the order is shown at once.
function answered(act, verdict, refused) {
  const order = verdict.kind === "done" ? verdict.body.order : null;
  const known = order && state.work?.orders.find((one) => one.order.id === order.id);
  if (known) known.order = order;
  const round = verdict.kind === "done" && act.group.startsWith("round:") ? verdict.body : null;
  if (round?.stops && state.work) state.work.rounds = state.work.rounds.map((one) => (one.id === round.id ? round : one)).filter((one) => !one.ended_ms);
  if (refused) toast(`${act.about} · ${say(`act_${act.act}`)}: ${verdict.why[language]}`, true);
  if (verdict.kind === "done") refreshSoon();
}

async function readActs() {
  state.acts = await store.acts();
  show();
}

const newId = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

// What views may do.
const api = {
  toast,
  newId,
  show,
  store,
  // Keeps an act and sends it as soon as it can; false: it could not be kept.
  async act({ act, group, path, about, body = {}, photos = [], ...more }) {
    if (state.acts.length >= bounds.actsMax) return toast(say("too_many_waiting"), true), false;
    const made = { ...body, made_at_ms: Date.now() };
    try {
      await store.addAct({
        id: newId(), owner: owner(), by: me().actor, act, group, path, about, body: made, photos,
        sent: {}, tries: 0, next_ms: 0, state: WAITING, why: null, ...more,
      });
    } catch {
      return toast(say("phone_full"), true), false;
    }
    await readActs();
    toast(say(state.feed === "live" ? "kept_sending" : "kept_for_later"));
    wakeLater();
    sendNow();
    return true;
  },
  orderAct(order, act, body = {}, photos = []) {
    // A signature is for the work that was looked at: sent later, it signs no other.
    const looked = act === "sign" && !order.waiting ? { expected_version: order.version } : {};
    return api.act({ act, group: `order:${order.id}`, path: `/api/v1/orders/${order.id}/${act}`, about: order.id, body: { ...body, ...looked }, photos });
  },
  async putAside(act) {
    await store.removeAct(act);
    await readActs();
  },
  sendNow: () => sendNow(true),
  scan,
  async ask(path, given) {
    const answer = await fetch(path, given === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) });
    if (answer.status === 401) loggedOut();
    const body = await answer.json();
    if (answer.ok) return body;
    throw new Error(body[`reason_${language}`] ?? body.detail);
  },
  refresh,
};

// Where the browser can, it wakes the worker when the network is back though no page is open.
async function wakeLater() {
  const registration = await navigator.serviceWorker?.ready;
  await registration?.sync?.register("crew-send").catch(() => {});
}

// -- the scanner of the menu --------------------------------------------------------------------

async function scanAny() {
  const found = await scan({ title: say("scan"), about: say("scan_any") });
  if (!found) return;
  const { orders } = seen();
  const device = deviceOf(found.code, state.work?.codes ?? {});
  const order = orders.find((one) => one.device === device && device);
  if (order) {
    location.hash = `#/order/${encodeURIComponent(order.id)}`;
    if (["open", "accepted"].includes(order.state)) await api.orderAct(order, "on_site", { code: found.code });
  } else if (state.feed === "live") location.assign(`/d/${encodeURIComponent(codeText(found.code))}`);
  else toast(say("no_order_here"), true);
}

const codeText = (text) => /\/d\/([^/?#\s]+)/.exec(text)?.[1] ?? text.trim();

// -- language, log-out, versions --------------------------------------------------------------

async function chooseLanguage(chosen) {
  const cache = "caches" in self ? await caches.open("crew-language") : null;
  await cache?.put("/crew/language", new Response(chosen));
  await store.keep("language", { chosen, told: false });
  await tellLanguage();
  location.reload();
}

async function tellLanguage() {
  const choice = await store.kept("language");
  if (!choice || choice.told) return false;
  const answer = await fetch(`/language/${choice.chosen}?back=/crew/manifest.webmanifest`).catch(() => null);
  if (answer) await store.keep("language", { ...choice, told: true });
  return true;
}

// Another page of the hub may have changed it since. The worker gives the page that is noted here.
async function adoptLanguage(theirs) {
  if ((await tellLanguage()) || !("caches" in self)) return; // told just now: what the hub said is older
  const cache = await caches.open("crew-language");
  const noted = await (await cache.match("/crew/language"))?.text();
  if (noted === theirs) return;
  await cache.put("/crew/language", new Response(theirs));
  if (theirs !== language) location.reload();
}

async function logOut() {
  const waiting = mineOf(state.acts).filter((act) => act.state === WAITING).length;
  if (waiting && !confirm(say("log_out_waiting", { count: waiting }))) return;
  leaving = true;
  try {
    await fetch("/api/v1/session", { method: "DELETE" });
  } catch {
    leaving = false;
    return void toast(say("log_out_offline"), true);
  }
  await store.forgetWork();
  location.assign("/login?next=/crew");
}

async function install() {
  if (!navigator.serviceWorker) return void (byId("insecure").hidden = false);
  const registration = await navigator.serviceWorker.register("/crew/worker.js", { scope: "/crew", type: "module" });
  const hadOne = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener("controllerchange", () => hadOne && location.reload());
  if (registration.waiting) registration.waiting.postMessage("take over"); // before anybody has begun anything
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming?.addEventListener("statechange", () => {
      if (coming.state === "installed" && navigator.serviceWorker.controller) byId("new-version").hidden = false;
    });
  });
  byId("take-version").addEventListener("click", () => registration.waiting?.postMessage("take over"));
}

// -- beginning --------------------------------------------------------------------------------

addEventListener("hashchange", show);
addEventListener("online", () => {
  state.feed = live?.state ?? "connecting";
  refreshSoon();
  sendNow(true);
});
addEventListener("offline", () => {
  state.feed = "lost";
  show();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  refreshSoon();
  sendNow(true);
});
setInterval(() => !document.hidden && state.feed !== "live" && refresh(), SLOW_LOOK_MS);
store.onChange(readActs);
byId("scan-any").addEventListener("click", scanAny);
byId("log-out").addEventListener("click", logOut);
byId("language").addEventListener("click", () => chooseLanguage(language === "zh" ? "en" : "zh"));
byId("send-again").addEventListener("click", () => api.sendNow());
navigator.storage?.persist?.().catch(() => {});

const before = await store.kept("work");
if (before && Date.now() - before.at_ms < bounds.keepH * HOUR_MS) state.work = before;
await drafts.open(store);
if (!navigator.onLine) state.feed = "lost";
await readActs();
await refresh();
install().catch(() => (byId("insecure").hidden = false));
sendNow(true);
