// One work order: acts of people, with parts and photos.
import { ask, reasonOf } from "/static/js/asking.js";
import { idsOf, photosOf } from "/static/js/sending.js";

const form = document.getElementById("order");
const wrong = form?.querySelector(".wrong");
const named = idsOf();

// "CR2032 × 2, screws" → [{name: "CR2032", count: 2}, {name: "screws", count: 1}]
function partsOf(text) {
  return text.split(/[,，、;；]/).map((one) => one.trim()).filter(Boolean).map((one) => {
    const found = /^(.*?)\s*[×xX*]\s*(\d{1,3})$/.exec(one);
    return found ? { name: found[1], count: Number(found[2]) } : { name: one, count: 1 };
  });
}

async function bodyOf(act) {
  const { text, parts, code, photos } = form.elements;
  const body = {};
  if (text.value.trim()) body.text = text.value;
  if (photos.files.length) body.photos = await photosOf(photos.files);
  if (act === "done" && parts.value.trim()) body.parts = partsOf(parts.value);
  // What looks like a sentence is why nothing was scanned.
  if (act === "on_site" && code.value.trim()) body[/\s|[\u4e00-\u9fff]/.test(code.value.trim()) ? "reason" : "code"] = code.value;
  return named(act, body);
}

async function act(button) {
  if (form.hasAttribute("aria-busy")) return; // a second tap would be a second act
  form.setAttribute("aria-busy", "true");
  wrong.hidden = true;
  try {
    const [ok, body, status] = await ask("POST", `/api/v1/orders/${form.dataset.order}/${button.dataset.act}`, await bodyOf(button.dataset.act));
    if (ok && status === 200) return void location.reload();
    wrong.textContent = status === 202 ? form.dataset.waiting : reasonOf(body);
  } catch (error) {
    wrong.textContent = error instanceof TypeError ? form.dataset.lost : error.message;
  }
  wrong.hidden = false;
  form.removeAttribute("aria-busy");
}

for (const button of form?.querySelectorAll("[data-act]") ?? []) button.addEventListener("click", () => act(button));
form?.addEventListener("submit", (event) => event.preventDefault());
