// The console: open cases follow the live feed, people act by key or button.
import { Live, timeText, turnClocks } from "/static/js/live.js";

const LOST_AFTER_MS = 4000; // two pings; with the look every half second: seen within 5 s
const REFRESH_MS = 60;
const TOAST_MS = 6000;
const KEYS = { a: "answer", d: "dispatch", r: "arrive", n: "note", c: "close" };
const ASKS = new Set(["dispatch", "deal", "note", "close"]);
const SENT_AS = { deal: "note" }; // a note with an outcome: it was dealt with

const byId = (id) => document.getElementById(id);
const texts = JSON.parse(byId("texts").textContent);
const quiet = document.body.dataset.quiet === "1";
const title = document.title;
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
  if (kind === "case" || kind === "notice") refresh();
  if (kind === "case" && (body.what === "raised" || body.what === "again")) ring(body.severity);
}

function onState(state, before) {
  byId("feed").dataset.state = state;
  byId("lost").hidden = state !== "lost";
  byId("hub-dead").hidden = state !== "hub";
  if (state === "lost") byId("lost-since").textContent = timeText(live.heardMs);
  if (before === "lost") refresh();
}

const live = new Live({ after: document.body.dataset.after, lostAfterMs: LOST_AFTER_MS, onEvent, onState });

function afterRefresh() {
  const raised = Number(byId("summary")?.dataset.raised ?? 0);
  document.title = raised ? `(${raised}) ${title}` : title;
  turnClocks(live);
  hold();
}

document.body.addEventListener("htmx:beforeSwap", () => (order = all().map((one) => one.dataset.case)));

document.body.addEventListener("htmx:afterSettle", afterRefresh);
document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.assign("/login");
});
setInterval(() => turnClocks(live), 1000);

// -- sound ------------------------------------------------------------------------------------

const audio = quiet ? null : new AudioContext();

function showSound() {
  byId("sound-off").hidden = !audio || audio.state === "running";
}

function ring(severity) {
  if (audio?.state !== "running") return;
  const tones = severity === "emergency" ? [880, 660, 880, 660] : [660];
  tones.forEach((pitch, index) => {
    const from = audio.currentTime + index * 0.22;
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const loudness = new GainNode(audio, { gain: 0.25 });
    tone.connect(loudness).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.2);
  });
}

byId("sound-on").addEventListener("click", async () => {
  await audio.resume();
  ring("notice");
});
audio?.addEventListener("statechange", showSound);
showSound();

// -- choosing ---------------------------------------------------------------------------------

const all = () => [...document.querySelectorAll("article[data-case]")];
const only = () => (byId("whole") ? all()[0] : null); // the page of one case

// Whoever worked on a card goes on there after it was made anew; if it is gone, on the next one.
function hold() {
  const lost = document.activeElement === document.body && !byId("ask").open;
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

async function send(caseId, act, body = {}) {
  const button = byId(`${act}-${caseId}`);
  button?.setAttribute("aria-busy", "true");
  try {
    const path = `/api/v1/cases/${encodeURIComponent(caseId)}/${SENT_AS[act] ?? act}`;
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return await word(answer);
  } catch {
    return texts.lost;
  } finally {
    button?.removeAttribute("aria-busy");
    refresh();
  }
}

// What went wrong, in words; empty when it was done.
async function word(answer) {
  if (answer.status === 401) return texts.logged_out;
  const body = await answer.json();
  if (answer.status === 202) return judgeLater(body.waiting);
  return answer.ok ? "" : body.detail;
}

// The hub has kept it and has not said yes or no: ask again until it has.
async function judgeLater(seq) {
  toast(texts.waiting);
  return word(await fetch(`/api/v1/commands/${seq}`));
}

async function act(name, caseId) {
  if (ASKS.has(name)) {
    ask(name, caseId);
    return;
  }
  const wrong = await send(caseId, name);
  if (wrong) toast(wrong, true);
}

function ask(name, caseId) {
  asked = { name, caseId };
  const dialog = byId("ask");
  byId("ask-form").reset();
  byId("ask-wrong").hidden = true;
  byId("ask-title").textContent = `${texts[name]} · ${byId(`title-${caseId}`)?.textContent ?? caseId}`;
  for (const part of dialog.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(name);
  dialog.showModal();
}

function missing(name, body) {
  if (name === "dispatch" && !body.to) return texts.need_to;
  if ((name === "close" || name === "deal") && !body.outcome) return texts.need_outcome;
  if ((name === "note" || name === "deal") && !body.text) return texts.need_text;
  return "";
}

function asBody(name) {
  const given = Object.fromEntries(new FormData(byId("ask-form")));
  const body = {};
  if (given.text?.trim()) body.text = given.text.trim();
  if (name === "dispatch" && given.to?.trim()) body.to = given.to.trim();
  if ((name === "close" || name === "deal") && given.outcome) body.outcome = given.outcome;
  if (name === "close") body.called_back = given.called_back === "on";
  return body;
}

byId("ask-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, caseId } = asked;
  const body = asBody(name);
  const wrong = missing(name, body) || (await send(caseId, name, body));
  byId("ask-wrong").textContent = wrong;
  byId("ask-wrong").hidden = !wrong;
  if (!wrong) byId("ask").close();
});
byId("ask-cancel").addEventListener("click", () => byId("ask").close());
byId("ask").addEventListener("close", hold);

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) act(button.dataset.act, button.dataset.case);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
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

afterRefresh();
