// A floor plan: looked at, it follows the live feed; when devices are placed, marks are dragged or
// moved by the arrow keys.
import { ask, reasonOf } from "/static/js/asking.js";
import { Live } from "/static/js/live.js";

const LOST_AFTER_MS = 4000;
const STEP = 0.005;
const LARGE_STEP = 0.05;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const byId = (id) => document.getElementById(id);
const floor = byId("floor");
const path = `/api/v1/floor_plans/${floor.dataset.plan}`;
const placing = floor.dataset.mode === "place";

const live = new Live({
  after: document.body.dataset.after,
  lostAfterMs: LOST_AFTER_MS,
  onEvent: (kind) => {
    if (kind === "reset" || (kind === "case" && !placing)) location.reload();
  },
  onState: (state) => (byId("feed").dataset.state = state),
});
addEventListener("pagehide", () => live.source.close());

const clamp = (value) => Math.min(1, Math.max(0, value));

function say(text) {
  byId("wrong").textContent = text;
  byId("wrong").hidden = !text;
}

async function attempt(method, where, given) {
  say("");
  try {
    const [ok, body] = await ask(method, where, given);
    if (ok) return true;
    say(reasonOf(body));
  } catch {
    say(byId("wrong").dataset.lost);
  }
  return false;
}

function spotOf(event) {
  const box = floor.createSVGPoint();
  box.x = event.clientX;
  box.y = event.clientY;
  const at = box.matrixTransform(floor.getScreenCTM().inverse());
  return { x: clamp(at.x / Number(floor.dataset.width)), y: clamp(at.y / Number(floor.dataset.height)) };
}

function show(mark, { x, y }) {
  mark.dataset.nowX = x;
  mark.dataset.nowY = y;
  const circle = mark.querySelector("circle");
  circle.setAttribute("cx", x * Number(floor.dataset.width));
  circle.setAttribute("cy", y * Number(floor.dataset.height));
}

const before = (mark) => ({ x: Number(mark.dataset.x), y: Number(mark.dataset.y) });
const now = (mark) => ({ x: Number(mark.dataset.nowX ?? mark.dataset.x), y: Number(mark.dataset.nowY ?? mark.dataset.y) });

async function keep(device, spot, mark = null) {
  const ok = await attempt("PUT", `${path}/marks/${encodeURIComponent(device)}`, spot);
  if (ok && !mark) location.reload();
  if (ok && mark) {
    mark.dataset.x = spot.x;
    mark.dataset.y = spot.y;
    byId("said").textContent = byId("said").dataset.kept;
  }
  if (!ok && mark) show(mark, before(mark));
}

if (placing) {
  let held = null;
  floor.addEventListener("pointerdown", (event) => {
    const mark = event.target.closest("[data-device]");
    if (!mark) return;
    held = mark;
    floor.setPointerCapture(event.pointerId);
    mark.focus();
  });
  floor.addEventListener("pointermove", (event) => held && show(held, spotOf(event)));
  floor.addEventListener("pointerup", (event) => {
    const mark = held;
    held = null;
    if (mark) {
      const spot = now(mark);
      if (spot.x !== before(mark).x || spot.y !== before(mark).y) keep(mark.dataset.device, spot, mark);
      return;
    }
    const device = byId("device").value;
    if (device && event.target.closest("#floor")) keep(device, spotOf(event));
  });
  floor.addEventListener("keydown", (event) => {
    const mark = event.target.closest("[data-device]");
    if (!mark) return;
    const move = MOVES[event.key];
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const spot = now(mark);
    if (move) {
      show(mark, { x: clamp(spot.x + move[0] * step), y: clamp(spot.y + move[1] * step) });
      byId("said").textContent = byId("said").dataset.moved;
    } else if (event.key === "Enter") keep(mark.dataset.device, spot, mark);
    else if (event.key === "Escape") show(mark, before(mark));
    else if (event.key === "Delete") attempt("DELETE", `${path}/marks/${encodeURIComponent(mark.dataset.device)}`).then((ok) => ok && location.reload());
    else return;
    event.preventDefault();
  });
  // By keyboard a device that was chosen is put into the middle, and moved from there.
  byId("choose").addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("device").value) keep(byId("device").value, { x: 0.5, y: 0.5 });
  });
  byId("remove").addEventListener("click", async (event) => {
    if (!confirm(event.target.dataset.sure)) return;
    const answer = await fetch(path, { method: "DELETE" }).catch(() => null);
    if (answer?.ok) location.assign("/map");
    else say(byId("wrong").dataset.lost);
  });
}

document.addEventListener("click", async (event) => {
  const id = event.target.closest("[data-undo]")?.dataset.undo;
  if (id && (await attempt("POST", `/api/v1/floor_plans/edits/${id}/undo`))) location.reload();
});
