// The wall: follows the live feed and never pretends. When the feed is dead, it says since when.
import { Live, timeText, turnClocks } from "/static/js/live.js";

const LOST_AFTER_MS = 8000; // with the look every half second: seen within 10 s
const REFRESH_MS = 200;
const REFRESH_ANYWAY_MS = 10000; // what no event tells: doors, uses, coverage

const STALE_MS = 30000; // tiles that were not made anew for so long are dead, whatever the feed says

const byId = (id) => document.getElementById(id);

let refreshing = null;
function refresh() {
  refreshing ??= setTimeout(() => {
    refreshing = null;
    window.htmx.trigger("#tiles", "refresh");
  }, REFRESH_MS);
}

function onEvent(kind) {
  if (kind === "reset") location.reload();
  else refresh();
}

function showDead() {
  const shownMs = Number(byId("wall-time").dataset.shown);
  const stale = live.nowMs() - shownMs > STALE_MS;
  const dead = live.state === "lost" || live.state === "hub" || stale;
  const since = stale ? Math.min(shownMs, live.liveMs) : live.liveMs;
  byId("not-live").hidden = !dead;
  if (dead) byId("not-live-since").textContent = timeText(since);
}

function onState(state, before) {
  showDead();
  if (state === "live" && before !== "live") refresh();
}

const live = new Live({ after: document.body.dataset.after, lostAfterMs: LOST_AFTER_MS, onEvent, onState });

function turn() {
  showDead();
  turnClocks(live);
  const clock = document.querySelector("[data-clock]");
  if (clock) clock.textContent = timeText(live.nowMs());
}

document.body.addEventListener("htmx:afterSettle", turn);
document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.assign("/login?next=/wall");
});
setInterval(turn, 1000);
setInterval(refresh, REFRESH_ANYWAY_MS);
turn();
