// Registering one device: the place is looked for, and what it makes known is filled in.
import { ask, own, send } from "/static/js/asking.js";

const LOOK_AFTER_MS = 150;
const form = document.getElementById("adopt");
const where = document.getElementById("where");
const choices = document.getElementById("places");
const fields = form?.elements;
const written = new Set(); // fields that a person wrote: no proposal goes over them

// -- where it hangs ---------------------------------------------------------------------------

let looking = null;
function lookSoon() {
  clearTimeout(looking);
  fields.place.value = "";
  looking = setTimeout(look, LOOK_AFTER_MS);
}

async function look() {
  const words = where.value.trim();
  if (!words) {
    close();
    return;
  }
  const [ok, found] = await ask("GET", `/api/v1/places?limit=8&q=${encodeURIComponent(words)}`).catch(() => [false]);
  if (!ok || words !== where.value.trim()) return;
  choices.replaceChildren(...found.map(choiceOf));
  if (!found.length) choices.append(Object.assign(document.createElement("li"), { textContent: form.dataset.none }));
  open();
}

function choiceOf(place) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "choice";
  button.textContent = [own(place.name), ...place.residents.map((one) => one.name)].join(" · ");
  button.addEventListener("click", () => choose(place));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function open() {
  choices.hidden = false;
  where.setAttribute("aria-expanded", "true");
}

function close() {
  choices.hidden = true;
  where.setAttribute("aria-expanded", "false");
}

async function choose(place) {
  where.value = own(place.name);
  fields.place.value = place.path;
  close();
  const nobody = fields.resident.options[0];
  fields.resident.replaceChildren(nobody, ...place.residents.map((one) => new Option(one.name, one.id)));
  if (place.residents.length === 1 || fields.family.value === "button") {
    fields.resident.value = place.residents[0]?.id ?? "";
  }
  fields.family.focus();
  await propose();
}

// -- proposals --------------------------------------------------------------------------------

async function propose() {
  const asked = new URLSearchParams({ address: fields.address.value, family: fields.family.value, place: fields.place.value });
  const [ok, found] = await ask("GET", `/api/v1/strangers/proposal?${asked}`).catch(() => [false]);
  if (!ok) return;
  const values = { id: found.id, name_zh: found.name.zh, name_en: found.name.en };
  for (const [name, value] of Object.entries(values)) if (!written.has(name)) fields[name].value = value;
}

function guessDriver() {
  const ecosystem = fields.address.value.split(":")[0];
  if (!fields.driver.value) fields.driver.value = ecosystem;
}

// -- done -------------------------------------------------------------------------------------

async function adopt(event) {
  event.preventDefault();
  clearTimeout(looking);
  const given = Object.fromEntries(new FormData(form));
  given.unheard = given.unheard === "yes";
  await send(form, "/api/v1/strangers/adopt", given, (body) => {
    location.assign(`/d/${encodeURIComponent(given.code || body.id)}?new=1`);
  });
}

if (form) {
  form.addEventListener("submit", adopt);
  form.addEventListener("input", (event) => {
    event.target.removeAttribute("aria-invalid");
    if (event.isTrusted) written.add(event.target.name);
  });
  where.addEventListener("input", lookSoon);
  where.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "Enter" || choices.hidden) return;
    event.preventDefault();
    choices.querySelector("button")?.click();
  });
  fields.family.addEventListener("change", propose);
  fields.address.addEventListener("change", () => {
    guessDriver();
    propose();
  });
}
