// Who is on the air: the page follows by itself, so that whoever presses a device sees it come up.
import { ask, reasonOf } from "/static/js/asking.js";

const REFRESH_MS = 1000;
const SCAN_MS = 200;
const box = document.getElementById("on-air");
const find = document.getElementById("find");
const wrong = document.getElementById("find-wrong");
const byHand = document.getElementById("by-hand");
const camera = document.getElementById("camera");
const scan = document.getElementById("scan");

// -- who spoke --------------------------------------------------------------------------------

let shown = "";
let held = false; // a finger is down: what is under it must not move

async function refresh() {
  if (document.hidden || held) return;
  try {
    const answer = await fetch(`/fragments/strangers${location.search}`);
    if (answer.status === 401) location.assign("/login?next=/strangers");
    const text = await answer.text();
    if (answer.ok && text !== shown && !held) show(text);
  } catch {
    // the next look tries again; what is shown keeps the times at which it was so
  }
}

function show(text) {
  const focused = document.activeElement?.id;
  const opened = document.getElementById("others")?.open;
  box.innerHTML = text;
  shown = text;
  if (opened) document.getElementById("others")?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  const count = document.getElementById("waiting");
  const waiting = box.querySelectorAll(":scope > article").length;
  if (count) {
    count.textContent = waiting;
    count.hidden = !waiting;
  }
}

document.addEventListener("pointerdown", () => (held = true));
for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, () => setTimeout(() => (held = false)));
setInterval(refresh, REFRESH_MS);

box.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-ignore], [data-ours]");
  if (!button) return;
  const { ignore, ours } = button.dataset;
  try {
    await ask("POST", "/api/v1/strangers/ignore", { address: ignore ?? ours, ignored: Boolean(ignore) });
    held = false;
    await refresh();
  } catch {
    say(find.dataset.lost);
  }
});

// -- what stands on it ------------------------------------------------------------------------

function say(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

async function look(text) {
  say("");
  byHand.hidden = true;
  if (!text.trim()) return;
  try {
    const [ok, body] = await ask("GET", `/api/v1/strangers/find?text=${encodeURIComponent(text.trim())}`);
    if (!ok) say(reasonOf(body));
    else go(body);
  } catch {
    say(find.dataset.lost);
  }
}

function go(found) {
  if (found.page) location.assign(found.page);
  else if (found.strangers.length) location.assign(`/adopt?address=${encodeURIComponent(found.strangers[0].address)}`);
  else {
    say(find.dataset.none);
    byHand.querySelector("a").href = `/adopt?address=${encodeURIComponent(found.addresses[0] ?? "")}`;
    byHand.hidden = false;
  }
}

find.addEventListener("submit", (event) => {
  event.preventDefault();
  look(find.elements.text.value);
});

// -- the camera -------------------------------------------------------------------------------

const canScan = "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);
scan.hidden = !canScan;
document.getElementById("no-camera").hidden = canScan;

function stop() {
  for (const track of camera.srcObject?.getTracks() ?? []) track.stop();
  camera.srcObject = null;
  camera.hidden = true;
}

async function watch(detector) {
  if (!camera.srcObject) return;
  const codes = await detector.detect(camera).catch(() => []);
  if (codes.length) {
    stop();
    find.elements.text.value = codes[0].rawValue;
    look(codes[0].rawValue);
  } else setTimeout(() => watch(detector), SCAN_MS);
}

scan.addEventListener("click", async () => {
  if (camera.srcObject) {
    stop();
    return;
  }
  try {
    camera.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    camera.hidden = false;
    camera.play().catch(stop); // resolves with its first picture: the detector waits for it too
    watch(new window.BarcodeDetector());
  } catch {
    stop();
    document.getElementById("no-camera").hidden = false;
  }
});
