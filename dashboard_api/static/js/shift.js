// The page of a shift: take over with what is open, end it and see what goes back.
import { ask, reasonOf, send } from "/static/js/asking.js";

const HOUR_MS = 3600000;
const BACK = "given-back";
const byId = (id) => document.getElementById(id);
const form = byId("sign-on");
const mine = byId("mine");
const loadedMs = performance.now();
const nowMs = () => Number(document.body.dataset.now) + Math.round(performance.now() - loadedMs);

// What is open belongs to the role and grid: the page is made anew for others.
for (const name of ["role", "grid"]) {
  byId(name).addEventListener("change", () => {
    location.assign(`/shift?${new URLSearchParams({ role: byId("role").value, grid: byId("grid").value })}`);
  });
}

function done(body) {
  sessionStorage.setItem(BACK, JSON.stringify(body.given_back ?? []));
  location.assign("/shift");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  const wish = {
    role: given.get("role"),
    person: given.get("person"),
    pin: given.get("pin"),
    until_ms: nowMs() + Number(given.get("hours")) * HOUR_MS,
    confirmed: given.getAll("confirmed"),
  };
  if (given.get("grid") !== "-") wish.grid = given.get("grid");
  if (form.dataset.takesOver) wish.takes_over = Number(form.dataset.takesOver);
  send(form, "/api/v1/shifts", wish, done);
  byId("pin").value = "";
});

byId("end")?.addEventListener("click", async () => {
  const wrong = mine.querySelector(".wrong");
  byId("end").setAttribute("aria-busy", "true");
  try {
    const [ok, body] = await ask("POST", `/api/v1/shifts/${mine.dataset.shift}/end`);
    if (ok) return done(body);
    wrong.textContent = reasonOf(body);
  } catch {
    wrong.textContent = mine.dataset.lost;
  }
  wrong.hidden = false;
  byId("end").removeAttribute("aria-busy");
});

const back = JSON.parse(sessionStorage.getItem(BACK) ?? "[]");
sessionStorage.removeItem(BACK);
if (back.length) {
  byId("back").hidden = false;
  byId("back").querySelector("span").textContent = back.join(", ");
}
