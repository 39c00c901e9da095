// The list of rules: the files are taken at once.
import { ask, reasonOf } from "/static/js/asking.js";

const button = document.getElementById("reload");
const said = document.getElementById("reload-said");

button?.addEventListener("click", async () => {
  button.setAttribute("aria-busy", "true");
  said.textContent = "";
  try {
    const [ok, body, status] = await ask("POST", "/api/v1/rules/reload");
    if (status === 202) said.textContent = button.dataset.waiting;
    else if (!ok) {
      const first = body.mistakes?.[0];
      const where = first ? ` ${first.file}:${first.line}:${first.column}: ${first.what}` : "";
      said.textContent = `${reasonOf(body)}${where}`;
    } else if (!body.changed) said.textContent = button.dataset.same;
    else location.reload();
  } catch {
    said.textContent = button.dataset.lost;
  } finally {
    button.removeAttribute("aria-busy");
  }
});
