// A device's page: a test press is waited for live, and the device is swapped for another.
import { ask, reasonOf, send } from "/static/js/asking.js";

const LOOK_MS = 300;
const RENEWALS_MAX = 30;
const byId = (id) => document.getElementById(id);
const test = byId("test");

// -- the test press ---------------------------------------------------------------------------

const path = test && `/api/v1/devices/${encodeURIComponent(test.dataset.device)}`;
let waiting = null;

function say(text, more = "") {
  byId("test-text").textContent = text;
  byId("test-more").textContent = more;
}

function show(running) {
  test.classList.toggle("running", running);
  byId("test-begin").hidden = running;
  byId("test-end").hidden = !running;
}

async function begin() {
  byId("test-begin").setAttribute("aria-busy", "true");
  try {
    const [ok, body, status] = await ask("POST", `${path}/test`);
    if (status === 202) say(test.dataset.waiting);
    else if (!ok) say(reasonOf(body));
    else {
      say(test.dataset.wait);
      show(true);
      look(body.since_ms);
    }
  } catch {
    say(test.dataset.lost);
  } finally {
    byId("test-begin").removeAttribute("aria-busy");
  }
}

async function end() {
  try {
    const [ok, body] = await ask("DELETE", `${path}/test`);
    if (ok) over(test.dataset.stopped);
    else say(reasonOf(body));
  } catch {
    say(test.dataset.lost);
  }
}

function over(text, more = "") {
  clearTimeout(waiting);
  waiting = null;
  show(false);
  say(text, more);
}

async function look(sinceMs) {
  clearTimeout(waiting);
  try {
    const [ok, body] = await ask("GET", `${path}/commissioning?limit=1`);
    if (ok && body.test && body.test.since_ms === sinceMs) {
      if (body.test.heard_ms) {
        over(test.dataset.heard, toldOf(body.records[0], sinceMs));
        await renew(sinceMs);
        return;
      }
      if (!body.test.running) {
        over(test.dataset.late);
        return;
      }
    }
  } catch {
    byId("test-more").textContent = test.dataset.lost;
  }
  waiting = setTimeout(() => look(sinceMs), LOOK_MS);
}

// What stands around the test is of before the press: it is asked for again. The device's newest
// words are written a moment after the test's result, so the first answer may be of before it too.
async function renew(sinceMs, left = RENEWALS_MAX) {
  const answer = await fetch(location.pathname);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["device-state", "device-facts"]) byId(id).replaceWith(page.getElementById(id));
  if (left > 0 && Number(byId("device-state").dataset.heard) < sinceMs)
    setTimeout(() => renew(sinceMs, left - 1), LOOK_MS);
}

// "0.3 s after the press · −87 dBm · by gateway gw-2"
function toldOf(record, sinceMs) {
  const seconds = (spanMs) => (spanMs / 1000).toFixed(1);
  const told = [
    record.test_delay_ms > 0
      ? test.dataset.after.replace("{n}", seconds(record.test_delay_ms))
      : test.dataset.begun.replace("{n}", seconds(record.test_press_ms - sinceMs)),
  ];
  if (record.rssi !== null) told.push(`${String(record.rssi).replace("-", "−")} dBm`);
  if (record.lqi !== null) told.push(`LQI ${record.lqi}`);
  if (record.gateway) told.push(test.dataset.by.replace("{n}", record.gateway));
  return told.join(" · ");
}

if (test) {
  byId("test-begin").addEventListener("click", begin);
  byId("test-end").addEventListener("click", end);
  if (test.dataset.until) {
    show(true);
    look(Number(test.dataset.since));
  } else if (new URLSearchParams(location.search).has("new")) {
    history.replaceState(null, "", location.pathname);
    begin();
  }
}

// -- the swap ---------------------------------------------------------------------------------

const swap = byId("swap-form");
swap?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(swap));
  await send(swap, `/api/v1/devices/${encodeURIComponent(swap.dataset.device)}/swap`, given, () => {
    location.assign(`${location.pathname}?new=1`);
  });
});

// -- out of service ---------------------------------------------------------------------------

const restPath = (one) => `/api/v1/devices/${encodeURIComponent(one.dataset.device)}/out_of_service`;
const loadedMs = performance.now();
const rest = byId("rest-form");
rest?.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(rest);
  const nowMs = Number(document.body.dataset.now) + Math.round(performance.now() - loadedMs);
  const wish = { until_ms: nowMs + Number(given.get("hours")) * 3600000, reason: given.get("reason") };
  send(rest, restPath(rest), wish, () => location.reload());
});

byId("rest-end")?.addEventListener("click", async () => {
  const resting = byId("rest");
  const wrong = resting.querySelector(".wrong");
  try {
    const [ok, body] = await ask("DELETE", restPath(resting));
    if (ok) return location.reload();
    wrong.textContent = reasonOf(body);
  } catch {
    wrong.textContent = resting.dataset.lost;
  }
  wrong.hidden = false;
});
