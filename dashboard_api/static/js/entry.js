// One entry of the register: what was changed is sent, and who was first is told.
import { ask, own, reasonOf, send } from "/static/js/asking.js";

const LOOK_AFTER_MS = 200;
const byId = (id) => document.getElementById(id);
const form = byId("entry");
const before = form && Object.fromEntries(new FormData(form));

function say(text) {
  byId("wrong").textContent = text;
  byId("wrong").hidden = !text;
}

async function attempt(method, path) {
  try {
    const [ok, body] = await ask(method, path);
    if (ok) return true;
    say(reasonOf(body));
  } catch {
    say(byId("wrong").dataset.lost);
  }
  return false;
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { kind, key, newest } = form.dataset;
  const now = Object.fromEntries(new FormData(form));
  const changed = Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== before[name]));
  for (const one of form.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
  if (!key) {
    const { id, ...fields } = now;
    const filled = Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
    await send(form, "/api/v1/register/residents", { id, fields: filled }, (done) => location.assign(`/residents/${encodeURIComponent(done.key)}`));
    return;
  }
  if (!Object.keys(changed).length) {
    say(form.dataset.same);
    return;
  }
  const path = `/api/v1/register/${kind}/${encodeURIComponent(key)}`;
  await send(form, path, { fields: changed, newest_edit: Number(newest) }, () => location.reload(), "PATCH");
});

byId("remove")?.addEventListener("click", async (event) => {
  if (!confirm(event.target.dataset.sure)) return;
  const path = `/api/v1/register/residents/${encodeURIComponent(form.dataset.key)}`;
  if (await attempt("DELETE", path)) location.reload();
});

document.addEventListener("click", async (event) => {
  const id = event.target.closest("[data-undo]")?.dataset.undo;
  if (id && (await attempt("POST", `/api/v1/register/edits/${id}/undo`))) location.reload();
});

// Places are looked for while one types.
let looking = null;
form?.elements.place?.addEventListener("input", (event) => {
  clearTimeout(looking);
  looking = setTimeout(async () => {
    const [ok, found] = await ask("GET", `/api/v1/places?limit=12&q=${encodeURIComponent(event.target.value)}`).catch(() => [false]);
    if (ok) byId("near-places").replaceChildren(...found.map((one) => new Option(own(one.name), one.path)));
  }, LOOK_AFTER_MS);
});
