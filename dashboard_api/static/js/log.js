// The daily log: it is printed, and remarks are added.
import { ask, reasonOf } from "/static/js/asking.js";

const form = document.getElementById("remark");
const wrong = document.getElementById("remark-wrong");

async function add(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.hasAttribute("aria-busy")) return; // a second tap would be a second remark
  button.setAttribute("aria-busy", "true");
  wrong.hidden = true;
  try {
    const { grid, day } = form.dataset;
    const [ok, body] = await ask("POST", "/api/v1/log/remarks", { grid, day, text: form.elements.text.value });
    if (ok) return void location.reload();
    wrong.textContent = reasonOf(body);
  } catch {
    wrong.textContent = form.dataset.lost;
  }
  wrong.hidden = false;
  button.removeAttribute("aria-busy");
}

form.addEventListener("submit", add);
document.getElementById("print").addEventListener("click", () => window.print());
