// The site's plan follows the live feed; floor plans are added, made small enough in the browser.
import { reasonOf } from "/static/js/asking.js";
import { Live } from "/static/js/live.js";

const LOST_AFTER_MS = 4000;
const REFRESH_MS = 200;
const BYTES_MAX = 1_000_000; // a body may have 1 MiB
const SIDES_PX = [2600, 2000, 1500, 1000];
const byId = (id) => document.getElementById(id);

let refreshing = null;
function onEvent(kind) {
  if (kind === "reset") location.reload();
  if (kind !== "case") return;
  refreshing ??= setTimeout(() => {
    refreshing = null;
    window.htmx.trigger("#plan", "refresh");
  }, REFRESH_MS);
}

const live = new Live({
  after: document.body.dataset.after,
  lostAfterMs: LOST_AFTER_MS,
  onEvent,
  onState: (state, before) => {
    byId("feed").dataset.state = state;
    if (before === "lost") onEvent("case");
  },
});
addEventListener("pagehide", () => live.source.close());

// -- floor plans ------------------------------------------------------------------------------

// A scan of 20 MB becomes a picture that every phone can show; what a camera wrote beside it is gone.
async function smallEnough(file) {
  const whole = await createImageBitmap(file);
  for (const side of SIDES_PX) {
    const scale = Math.min(1, side / Math.max(whole.width, whole.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(whole.width * scale));
    canvas.height = Math.max(1, Math.round(whole.height * scale));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(whole, 0, 0, canvas.width, canvas.height);
    for (const kind of ["image/png", "image/jpeg"]) {
      const made = await new Promise((resolve) => canvas.toBlob(resolve, kind, 0.85));
      if (made && made.size <= BYTES_MAX) return made;
    }
  }
  return null;
}

function say(form, text) {
  const wrong = form.querySelector(".wrong");
  wrong.textContent = text;
  wrong.hidden = !text;
}

byId("new-plan")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const file = form.elements.file.files[0];
  const button = form.querySelector("[type=submit]");
  say(form, "");
  if (!file) return say(form, form.dataset.noPicture);
  button.setAttribute("aria-busy", "true");
  try {
    const picture = await smallEnough(file).catch(() => undefined);
    if (picture === undefined) return say(form, form.dataset.noPicture);
    if (picture === null) return say(form, form.dataset.tooLarge);
    const query = new URLSearchParams({ name: form.elements.name.value.trim() || file.name, place: form.elements.place.value });
    const answer = await fetch(`/api/v1/floor_plans?${query}`, { method: "POST", headers: { "Content-Type": picture.type }, body: picture });
    const body = await answer.json();
    if (answer.ok) location.assign(`/map/${body.id}?mode=place`);
    else say(form, reasonOf(body));
  } catch {
    say(form, form.dataset.lost);
  } finally {
    button.removeAttribute("aria-busy");
  }
  return undefined;
});

document.addEventListener("click", async (event) => {
  const id = event.target.closest("[data-restore]")?.dataset.restore;
  if (!id) return;
  const answer = await fetch(`/api/v1/floor_plans/${id}/restore`, { method: "POST" }).catch(() => null);
  if (answer?.ok) location.reload();
  else {
    byId("wrong").textContent = byId("wrong").dataset.lost;
    byId("wrong").hidden = false;
  }
});
