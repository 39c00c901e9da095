// The console: open cases follow the live feed, people act by key or button.
import { merge, remember } from "/static/js/cards.js";
import { Live, timeText, turnClocks } from "/static/js/live.js";
import { Outbox } from "/static/js/outbox.js";
import { Presence } from "/static/js/presence.js";
import { Bell } from "/static/js/sound.js";

const LOST_AFTER_MS = 4000; // two pings; with the look every half second: seen within 5 s
const REFRESH_MS = 60;
const TOAST_MS = 6000;
const PATIENCE_MS = 1000; // so long a form waits for the word before it lets the act go its way
const KEYS = { a: "answer", t: "call", d: "dispatch", r: "arrive", n: "note", c: "close" };
const ASKS = new Set(["dispatch", "deal", "note", "close", "release", "hand_over", "shelve"]);
// What could overwrite another person's doing says from which state of the case it began.
const REPLACES = new Set(["dispatch", "deal", "close", "release", "hand_over", "shelve"]);
const HOUR_MS = 3600000;
const KEYS_OFF = "hub-keys-off";

const byId = (id) => document.getElementById(id);
const texts = JSON.parse(byId("texts").textContent);
const quiet = document.body.dataset.quiet === "1";
const title = document.title;
const list = byId("cases");
let chosen = null;
let order = []; // of the cards before they were made anew
let asked = null;

// -- what comes -------------------------------------------------------------------------------

let refreshing = null;
function refresh() {
  refreshing ??= setTimeout(() => {
    refreshing = null;
    window.htmx.trigger("#cases", "refresh");
  }, REFRESH_MS);
}

function onEvent(kind, body) {
  if (kind === "reset") location.reload();
  if (kind === "presence") presence.hear(body.cases);
  if (kind === "case" || kind === "notice" || isOfTest(kind, body)) refresh();
  if (kind === "case" && (body.what === "raised" || body.what === "again")) bell?.ring(body.severity);
}

// A test of a button begins, ends, or has had its press.
function isOfTest(kind, body) {
  return kind === "device" && ("test" in body || "test_press" in (body.points ?? {}));
}

function endTests() {
  for (const test of document.querySelectorAll(".banner[data-until]")) {
    test.hidden = Number(test.dataset.until) <= live.nowMs();
  }
}

function onState(state, before) {
  byId("feed").dataset.state = state;
  byId("lost").hidden = state !== "lost";
  byId("hub-dead").hidden = state !== "hub";
  if (state === "lost") byId("lost-since").textContent = timeText(live.heardMs);
  if (before === "lost") {
    refresh();
    outbox.send();
  }
}

const live = new Live({ after: document.body.dataset.after, lostAfterMs: LOST_AFTER_MS, onEvent, onState });
const presence = new Presence({ texts });
const outbox = new Outbox({
  me: document.body.dataset.me ?? "",
  texts,
  onChange: showOutbox,
  onRefused: showRefused,
});
const bell = quiet ? null : new Bell({ banner: byId("sound-off"), button: byId("sound-on"), isWaiting: () => Number(byId("summary")?.dataset.alarm ?? 0) > 0 });

// How long until the plan's next step: counted down, so that whoever looks knows who is told next.
function turnSteps() {
  for (const one of document.querySelectorAll("time[data-due]")) {
    const leftS = Math.ceil((Number(one.dataset.due) - live.nowMs()) / 1000);
    const minutes = Math.floor(leftS / 60);
    const text = minutes >= 60 ? timeText(Number(one.dataset.due)) : `${minutes}:${String(leftS % 60).padStart(2, "0")}`;
    one.textContent = leftS > 0 ? text : texts.now;
  }
  for (const one of document.querySelectorAll("[data-limit]")) {
    one.parentElement.classList.toggle("late", live.nowMs() > Number(one.dataset.limit));
  }
}

function afterRefresh() {
  const raised = Number(byId("summary")?.dataset.raised ?? 0);
  document.title = raised ? `(${raised}) ${title}` : title;
  turnClocks(live);
  turnSteps();
  showPicked();
  showOutbox(outbox.items);
  presence.show();
  hold();
}

// The list is merged card by card: whoever stands on one stays there.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  order = all().map((one) => one.dataset.case);
  if (byId("whole") || event.detail.target !== list || event.detail.xhr.status !== 200) return;
  event.detail.shouldSwap = false;
  const known = new Set(order);
  const fresh = merge(list, event.detail.xhr.responseText).filter((one) => !known.has(one.dataset.case));
  sayNew(fresh);
  afterRefresh();
});

// For those who listen to the page instead of looking at it.
function sayNew(fresh) {
  const names = fresh.filter((one) => one.dataset.state === "raised").map((one) => byId(`title-${one.dataset.case}`).textContent);
  if (names.length && byId("heard")) byId("heard").textContent = `${texts.new_case} ${names.join(", ")}`;
}

document.body.addEventListener("htmx:afterSettle", afterRefresh);
document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.assign("/login");
});
setInterval(() => {
  turnClocks(live);
  turnSteps();
  endTests();
}, 1000);

// -- choosing ---------------------------------------------------------------------------------

const all = () => [...document.querySelectorAll("article[data-case]")];
const only = () => (byId("whole") ? all()[0] : null); // the page of one case

// Whoever worked on a card goes on there after it was made anew; if it is gone, on the next one.
function hold() {
  const lost = document.activeElement === document.body && !document.querySelector("dialog[open]");
  if (chosen && lost && !only()) heir()?.focus({ preventScroll: true });
  mark();
}

function heir() {
  const cases = all();
  const mine = cases.find((one) => one.dataset.case === chosen);
  if (mine) return mine;
  const after = order.slice(order.indexOf(chosen) + 1);
  return cases.find((one) => after.includes(one.dataset.case)) ?? cases.at(-1);
}

function mark() {
  for (const one of all()) one.toggleAttribute("data-chosen", one.dataset.case === chosen);
  presence.at(only()?.dataset.case ?? chosen ?? "", byId("ask").open ? (asked?.name ?? "") : "");
}

function step(by) {
  const cases = all();
  if (!cases.length) return;
  const at = cases.findIndex((one) => one.dataset.case === chosen);
  const next = cases[Math.min(cases.length - 1, Math.max(0, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("focusin", (event) => {
  const found = event.target.closest?.("article[data-case]");
  if (found) chosen = found.dataset.case;
  mark();
});

// A click beside the cards lets go of the one that was chosen.
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest("article[data-case], dialog, .toast")) return;
  chosen = null;
  mark();
});

// Only answering finds its case by itself: the first that waits. All else is done to the chosen one.
function caseFor(act) {
  const cases = all();
  const mine = only() ?? cases.find((one) => one.dataset.case === chosen);
  if (act !== "answer") return mine;
  const waiting = cases.filter((one) => one.dataset.state === "raised");
  return waiting.includes(mine) ? mine : waiting[0];
}

const offered = (name, found) => Boolean(byId(`${name}-${found.dataset.case}`));
const cardOf = (caseId) => all().find((one) => one.dataset.case === caseId);

// -- acting -----------------------------------------------------------------------------------

let toastEnds = null;
function toast(text, bad = false) {
  const place = byId("toast");
  place.textContent = text;
  place.classList.toggle("bad", bad);
  place.hidden = !text;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => (place.hidden = true), TOAST_MS);
}

const actName = (item) => `${texts.acts[item.act] ?? item.act} ${item.caseId}`;

// What waits, on its card and, when it cannot get out, in a banner with a way to give it up.
function showOutbox(items) {
  for (const place of document.querySelectorAll("[data-pending]")) {
    const mine = items.filter((one) => one.caseId === place.dataset.pending);
    place.textContent = mine.map((one) => `${texts.acts[one.act] ?? one.act}: ${texts.states[one.state]}`).join(" · ");
    place.hidden = !mine.length;
  }
  for (const button of document.querySelectorAll("[data-act]")) {
    const busy = items.some((one) => one.caseId === button.dataset.case && one.act === button.dataset.act);
    if (busy) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
  const stuck = items.filter((one) => one.state === "offline" || one.state === "logged_out");
  const banner = byId("outbox");
  if (!banner) return;
  banner.hidden = !stuck.length;
  byId("outbox-count").textContent = stuck.length;
  byId("outbox-list").replaceChildren(...stuck.map(stuckLine));
}

function stuckLine(item) {
  const line = document.createElement("li");
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "act", textContent: texts.give_up });
  button.addEventListener("click", () => outbox.giveUp(item.key));
  line.append(`${timeText(item.atMs)} ${actName(item)}: ${texts.states[item.state]} `, button);
  return line;
}

function showRefused(item, reason) {
  const place = byId("refused-list");
  if (!place) return toast(`${actName(item)}: ${reason}`, true);
  const line = document.createElement("li");
  const said = [item.body.to, item.body.outcome, item.body.text, item.body.reason].filter(Boolean).join(" · ");
  line.textContent = `${timeText(item.atMs)} ${actName(item)}${said ? ` (${said})` : ""}: ${reason}`;
  place.append(line);
  byId("refused").hidden = false;
  return undefined;
}

byId("refused-seen")?.addEventListener("click", () => {
  byId("refused-list").replaceChildren();
  byId("refused").hidden = true;
});

// An act goes out at once; whoever waits for it in a form waits a second, and it goes on by itself.
async function send(caseId, name, body = {}) {
  const { key, word } = outbox.add(caseId, name, body);
  const patience = new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
  const said = await Promise.race([word, patience]);
  if (said === null) outbox.letGo(key);
  refresh();
  return said ?? "";
}

async function act(name, caseId) {
  if (ASKS.has(name)) ask(name, caseId);
  else if (name === "call") openCard(caseId);
  else {
    const wrong = await send(caseId, name);
    if (wrong) toast(wrong, true);
  }
}

// The resident's numbers, notes, neighbours: asked for when somebody looks, and that is kept.
async function openCard(caseId) {
  const dialog = byId("card");
  if (only() && byId("resident-card")) {
    byId("resident-card").scrollIntoView({ block: "start" });
    byId("open-card")?.click();
    return;
  }
  byId("card-body").textContent = texts.states.sending;
  dialog.showModal();
  try {
    const answer = await fetch(`/fragments/card/${encodeURIComponent(caseId)}`);
    if (answer.status === 401) return location.assign("/login");
    const html = await answer.text();
    if (answer.ok) byId("card-body").innerHTML = html;
    else byId("card-body").textContent = texts.lost;
  } catch {
    byId("card-body").textContent = texts.lost;
  }
  return undefined;
}

byId("card-close")?.addEventListener("click", () => byId("card").close());
byId("card")?.addEventListener("close", hold);

// Who was called, and whether they were reached, is a note of the case.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-called]");
  if (!button) return;
  button.disabled = true;
  const wrong = await send(button.dataset.case, "note", { text: button.dataset.called });
  if (wrong) toast(wrong, true);
  else toast(button.dataset.called);
  button.disabled = Boolean(wrong) === false;
});

function ask(name, caseId, again = null) {
  asked = { name, caseId, version: Number(cardOf(caseId)?.dataset.version) || null };
  const dialog = byId("ask");
  byId("ask-form").reset();
  byId("ask-wrong").hidden = true;
  for (const [field, text] of Object.entries(again ?? {})) byId("ask-form").elements[field].value = text;
  const about = caseId ? (byId(`title-${caseId}`)?.textContent ?? caseId) : `${picked.size} ${texts.chosen}`;
  byId("ask-title").textContent = `${texts.acts[name]} · ${about}`;
  for (const part of dialog.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(name);
  dialog.showModal();
  mark();
}

// An emergency is over when somebody has spoken with the person; the hub refuses it otherwise.
function owesCall(caseId) {
  const found = cardOf(caseId);
  return found?.dataset.severity === "emergency" && !found.dataset.calledBack;
}

function missing(name, body, caseId) {
  if (name === "hand_over" && !body.to) return texts.need_service;
  if (name === "shelve" && !body.reason) return texts.need_reason;
  if (name === "close" && body.outcome && !body.called_back && owesCall(caseId)) return texts.need_called_back;
  if (name === "dispatch" && !body.to) return texts.need_to;
  if ((name === "close" || name === "deal") && !body.outcome) return texts.need_outcome;
  if (name === "deal" && !body.text) return texts.need_done;
  if (name === "note" && !body.text) return texts.need_text;
  return "";
}

function asBody(name) {
  const given = Object.fromEntries(new FormData(byId("ask-form")));
  const body = {};
  if (given.text?.trim()) body.text = given.text.trim();
  if (name === "dispatch" && given.to?.trim()) body.to = given.to.trim();
  if (name === "shelve") {
    if (given.reason?.trim()) body.reason = given.reason.trim();
    body.until_ms = live.nowMs() + Number(given.hours) * HOUR_MS;
  }
  if (name === "hand_over" && given.service?.trim()) body.to = given.service.trim();
  if ((name === "close" || name === "deal") && given.outcome) body.outcome = given.outcome;
  if (name === "close") body.called_back = given.called_back === "on";
  return body;
}

byId("ask-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, caseId, version } = asked;
  const body = asBody(name);
  let wrong = missing(name, body, caseId);
  if (!wrong) {
    byId("ask-save").setAttribute("aria-busy", "true");
    if (caseId && version && REPLACES.has(name)) body.expected_version = version;
    wrong = caseId ? await send(caseId, name, body) : await sendMany(name, body);
    byId("ask-save").removeAttribute("aria-busy");
    // Told who was first, this person may still want it so: then they have seen it.
    asked.version = null;
  }
  byId("ask-wrong").textContent = wrong;
  byId("ask-wrong").hidden = !wrong;
  if (!wrong) byId("ask").close();
});
byId("ask-cancel").addEventListener("click", () => byId("ask").close());
byId("ask").addEventListener("close", hold);

// -- many lesser cases at once ------------------------------------------------------------------

const picked = new Set();

// Cards are made anew with every change: what was chosen stays so while it is there.
function showPicked() {
  const boxes = [...document.querySelectorAll("[data-pick]")];
  const there = new Set(boxes.map((one) => one.dataset.pick));
  for (const id of picked) if (!there.has(id)) picked.delete(id);
  for (const box of boxes) box.checked = picked.has(box.dataset.pick);
  byId("picked").hidden = !picked.size;
  byId("picked-count").textContent = picked.size;
}

async function sendMany(name, body = {}) {
  try {
    const answer = await fetch("/api/v1/cases/bulk", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, act: name, ids: [...picked] }),
    });
    if (answer.status === 401) return texts.logged_out;
    const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
    const done = await answer.json();
    if (!answer.ok) return done[`reason_${language}`] ?? done.detail;
    for (const one of done.cases) if (one.ok) picked.delete(one.id);
    const why = done.cases.filter((one) => one.reason).map((one) => `${one.id}: ${one.reason[language]}`);
    const text = texts.bulk_done.replace("{done}", done.done).replace("{refused}", done.refused);
    toast([text, ...why.slice(0, 3)].join(" · "), done.refused > 0);
    return "";
  } catch {
    return texts.lost;
  } finally {
    showPicked();
    refresh();
  }
}

document.addEventListener("change", (event) => {
  if (event.target.closest("#filter")) event.target.form.requestSubmit();
  const id = event.target.dataset?.pick;
  if (!id) return;
  if (event.target.checked) picked.add(id);
  else picked.delete(id);
  showPicked();
});
document.querySelector("#filter .unfold")?.addEventListener("click", (event) => {
  const folded = byId("filter").classList.toggle("folded");
  event.target.setAttribute("aria-expanded", String(!folded));
});
byId("pick-all").addEventListener("click", () => {
  for (const box of document.querySelectorAll("[data-pick]")) picked.add(box.dataset.pick);
  showPicked();
});
byId("pick-none").addEventListener("click", () => {
  picked.clear();
  showPicked();
});
byId("picked").addEventListener("click", async (event) => {
  const name = event.target.closest("[data-bulk]")?.dataset.bulk;
  if (!name) return;
  if (ASKS.has(name)) {
    ask(name, "");
    return;
  }
  const wrong = await sendMany(name);
  if (wrong) toast(wrong, true);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) act(button.dataset.act, button.dataset.case);
});

// -- keys -------------------------------------------------------------------------------------

// Who speaks to the computer, or hits keys by chance, can switch the single keys off.
let keysOff = localStorage.getItem(KEYS_OFF) === "1";

function showKeys() {
  const button = byId("keys-off");
  if (button) button.textContent = keysOff ? texts.keys_on : texts.keys_off;
}

byId("keys-off")?.addEventListener("click", () => {
  keysOff = !keysOff;
  localStorage.setItem(KEYS_OFF, keysOff ? "1" : "");
  showKeys();
});

function openCase() {
  const found = cardOf(chosen);
  found?.querySelector("[data-open-case]")?.click();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (keysOff || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  if (key === "o") openCase();
  if (key === "/" && byId("q")) {
    event.preventDefault();
    byId("q").focus();
  }
  if (!(key in KEYS) || !all().length) return;
  event.preventDefault();
  const found = caseFor(KEYS[key]);
  if (!found) {
    if (KEYS[key] !== "answer") toast(texts.choose);
    return;
  }
  if (!offered(KEYS[key], found)) return;
  if (!only()) found.focus({ preventScroll: false });
  act(KEYS[key], found.dataset.case);
});

// -- the beginning ----------------------------------------------------------------------------

addEventListener("beforeunload", (event) => {
  if (outbox.items.some((one) => one.state === "offline")) event.preventDefault();
});
if (!byId("whole")) remember(list);
showKeys();
afterRefresh();
outbox.send();
document.removeEventListener("click", window.early?.keep);
for (const { act: name, case: caseId } of window.early?.acts ?? []) act(name, caseId);
