// Labels: printed from here; devices without a code are given one.
import { ask, reasonOf } from "/static/js/asking.js";

const form = document.getElementById("labels");
const wrong = form.querySelector(".wrong");
document.getElementById("print")?.addEventListener("click", () => window.print());

document.getElementById("give-codes")?.addEventListener("click", async ({ currentTarget: button }) => {
  button.setAttribute("aria-busy", "true");
  wrong.hidden = true;
  try {
    const [ok, body] = await ask("POST", "/api/v1/labels/codes", { devices: button.dataset.devices.split(" ") });
    if (ok) return void location.reload();
    wrong.textContent = reasonOf(body);
  } catch {
    wrong.textContent = form.dataset.lost;
  }
  wrong.hidden = false;
  button.removeAttribute("aria-busy");
});
