// Rounds: the list of a walk is printed, and a walk is begun.
import { ask, reasonOf } from "/static/js/asking.js";

const round = document.getElementById("round");
document.getElementById("print")?.addEventListener("click", () => window.print());

async function start() {
  const wrong = round.querySelector(".wrong");
  const given = Object.fromEntries(Object.entries({ grid: round.dataset.grid, ground: round.dataset.ground }).filter(([, value]) => value));
  wrong.hidden = true;
  try {
    const [ok, body] = await ask("POST", "/api/v1/rounds", given);
    if (ok) return void location.reload();
    wrong.textContent = reasonOf(body);
  } catch {
    wrong.textContent = round.dataset.lost;
  }
  wrong.hidden = false;
}

document.getElementById("start")?.addEventListener("click", start);
