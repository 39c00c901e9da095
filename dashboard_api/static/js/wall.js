// The wall: follows the live feed, turns its pages, and never pretends. When the feed is dead it says
// since when; when this very page freezes, the watchdog's worker says it in its place.
import { drawCharts, forgetSizes } from "/static/js/wall_charts.js";
import { Live, timeText, turnClocks } from "/static/js/live.js";
import { Pages } from "/static/js/wall_pages.js";
import { Watchdog } from "/static/js/wall_watchdog.js";

const LOST_AFTER_MS = 7000; // with the look every second: seen within 10 s
const STALE_MS = 9000; // tiles that were not made anew for so long are dead, whatever the feed says
const REFRESH_MS = 200; // events that come together are one refresh,
const REFRESH_MIN_MS = 1000; // and a storm of them is one a second
const REFRESH_ANYWAY_MS = 4000; // what no event tells: doors, uses, coverage
const AGE_STEP_S = 5; // ages that counted every second would be all that moves
const TURN_MS = 1000;

const byId = (id) => document.getElementById(id);
const body = document.body;
const head = () => document.querySelector(".wall-head");

let refreshing = null;
let refreshedMs = 0;
function refresh() {
  const waitMs = Math.max(REFRESH_MS, refreshedMs + REFRESH_MIN_MS - Date.now());
  refreshing ??= setTimeout(() => {
    refreshing = null;
    refreshedMs = Date.now();
    window.htmx.trigger("#tiles", "refresh");
  }, waitMs);
}

// A page that is loaded while nobody answers stays an error page for good: ask first.
let reloading = false;
async function reload() {
  if (reloading) return;
  reloading = true;
  try {
    const answer = await fetch("/wall", { cache: "no-store" });
    if (answer.ok || answer.status < 500) location.reload();
  } catch {
    // nobody there: the next turn tries again
  }
  reloading = false;
}

function onEvent(kind) {
  if (kind === "reset") reload();
  else refresh();
}

const shownMs = () => Number(head()?.dataset.shown ?? 0);
const isStale = () => live.nowMs() - shownMs() > STALE_MS;
const isDead = () => live.state === "lost" || live.state === "hub" || isStale();
const deadSinceMs = () => (isStale() ? Math.min(shownMs(), live.liveMs) : live.liveMs);
const sinceText = (ms) => body.dataset.notLiveSince.replace("{time}", timeText(ms));

function showDead() {
  const dead = isDead();
  byId("not-live").hidden = !dead;
  if (dead) byId("not-live-since").textContent = sinceText(deadSinceMs());
}

function onState(state, before) {
  showDead();
  if (state === "live" && before !== "live") refresh();
}

function ageText(spanMs) {
  const seconds = Math.max(0, Math.floor(spanMs / 1000));
  const { ageNow, ageS, ageMin, ageH } = body.dataset;
  if (seconds < AGE_STEP_S) return ageNow;
  if (seconds < 60) return ageS.replace("{n}", seconds - (seconds % AGE_STEP_S));
  if (seconds < 3600) return ageMin.replace("{n}", Math.floor(seconds / 60));
  return ageH.replace("{n}", Math.floor(seconds / 3600));
}

function turnAges() {
  for (const age of document.querySelectorAll(".age[data-at]")) {
    const spanMs = live.nowMs() - Number(age.dataset.at);
    const text = ageText(spanMs);
    if (age.textContent !== text) age.textContent = text;
    age.classList.toggle("old", spanMs > Number(age.dataset.oldAfter) * 1000);
  }
}

function turnClock() {
  const now = new Date(live.nowMs());
  const zone = body.dataset.zone || undefined;
  document.querySelector("[data-clock]").textContent = timeText(now);
  document.querySelector("[data-date]").textContent = now.toLocaleDateString("sv-SE", { timeZone: zone });
}

const live = new Live({ after: body.dataset.after, lostAfterMs: LOST_AFTER_MS, onEvent, onState });
const pages = new Pages(Number(body.dataset.turnS) * 1000);
const watchdog = new Watchdog({
  canvas: byId("frozen"),
  screen: body.dataset.screen,
  beatEveryMs: Number(body.dataset.beatEveryMs),
  frozenAfterMs: Number(body.dataset.frozenAfterMs),
  words: { notLive: body.dataset.notLive, since: body.dataset.notLiveSince, zone: body.dataset.zone },
  onUpdate: reload,
});

function turn() {
  showDead();
  turnClocks(live);
  turnAges();
  turnClock();
  pages.turn(Date.now(), document.querySelector(".takeover") !== null);
  watchdog.beat({
    live: !isDead(),
    sinceMs: deadSinceMs(),
    dataMs: shownMs(),
    page: body.dataset.page,
    edition: body.dataset.edition,
  });
  if (head() && head().dataset.edition !== body.dataset.edition) reload();
}

function settle() {
  turn();
  drawCharts();
}

body.addEventListener("htmx:afterSettle", settle);
body.addEventListener("htmx:responseError", (event) => {
  if ([401, 403].includes(event.detail.xhr.status)) reload();
});
window.addEventListener("resize", () => {
  forgetSizes();
  drawCharts();
  watchdog.resize();
});
setInterval(turn, TURN_MS);
setInterval(refresh, REFRESH_ANYWAY_MS);
window.addEventListener("load", settle);
turn();
