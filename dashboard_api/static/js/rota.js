// The rota's page: read a file, swap, note an absence, remove.
import { reasonOf } from "/static/js/asking.js";

const form = document.getElementById("import");
const wrong = document.getElementById("wrong");

async function post(place, method, path, body, type) {
  place.hidden = true;
  try {
    const answer = await fetch(path, { method, headers: body === undefined ? {} : { "Content-Type": type }, body });
    if (answer.ok) {
      location.reload();
      return;
    }
    place.textContent = reasonOf(await answer.json());
  } catch {
    place.textContent = wrong.dataset.lost;
  }
  place.hidden = false;
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  post(form.querySelector(".wrong"), "POST", "/api/v1/rota", form.elements.file.files[0], "text/csv");
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const row = button.closest("[data-shift]");
  const path = `/api/v1/rota/${row.dataset.shift}`;
  const field = (name) => row.querySelector(`[data-field=${name}]`).value.trim();
  if (button.dataset.do === "remove") post(wrong, "DELETE", path);
  if (button.dataset.do === "swap") post(wrong, "POST", `${path}/swap`, JSON.stringify({ person: field("person") }), "application/json");
  if (button.dataset.do === "absence") post(wrong, "POST", `${path}/absence`, JSON.stringify({ reason: field("reason") }), "application/json");
});
