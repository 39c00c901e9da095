// A checklist is gone through: one answer for each question, what failed with a remark and a photo.
import { ask, reasonOf } from "/static/js/asking.js";
import { idsOf, photosOf } from "/static/js/sending.js";

const form = document.getElementById("inspection");
const wrong = form.querySelector(".wrong");
const named = idsOf();

form.addEventListener("change", (event) => {
  const question = event.target.closest(".question");
  if (event.target.type === "radio") question.querySelector(".more").hidden = event.target.value !== "failed";
});

async function answerOf(question) {
  const { item } = question.dataset;
  const answer = form.elements[item].value;
  if (answer !== "failed") return { item, answer };
  const note = question.querySelector("[data-note]").value.trim();
  const photos = await photosOf(question.querySelector("[data-photo]").files);
  return { item, answer, ...(note && { note }), ...(photos.length && { photos }) };
}

async function bodyOf() {
  const answers = [];
  for (const question of form.querySelectorAll(".question")) answers.push(await answerOf(question));
  const code = form.elements.code?.value.trim();
  const { inspection, subject } = form.dataset;
  return named("inspect", { inspection, subject, answers, ...(code && { code }) });
}

function complain(text) {
  wrong.textContent = text;
  wrong.hidden = false;
  form.removeAttribute("aria-busy");
}

async function send(event) {
  event.preventDefault();
  if (form.hasAttribute("aria-busy")) return;
  const open = [...form.querySelectorAll(".question")].find((one) => !form.elements[one.dataset.item].value);
  if (open) {
    open.querySelector("input").focus();
    return complain(form.dataset.missing);
  }
  form.setAttribute("aria-busy", "true");
  wrong.hidden = true;
  try {
    const [ok, body, status] = await ask("POST", "/api/v1/inspections", await bodyOf());
    if (ok && status === 200) return location.assign(body.orders.length ? `/orders/${body.orders[0]}` : "/inspections");
    complain(status === 202 ? form.dataset.waiting : reasonOf(body));
  } catch (error) {
    complain(error instanceof TypeError ? form.dataset.lost : error.message);
  }
}

form.addEventListener("submit", send);
form.querySelector("[type=submit]").disabled = false; // without this script nothing would be sent
