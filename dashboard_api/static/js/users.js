// Users and tokens: what is made up is shown once; everything else is seen on the page made anew.
import { ask, reasonOf, send } from "/static/js/asking.js";

const byId = (id) => document.getElementById(id);

function say(text) {
  byId("wrong").textContent = text;
  byId("wrong").hidden = !text;
}

function show(done) {
  if (!done.secret) return location.reload();
  byId("secret").hidden = false;
  byId("secret-name").textContent = done.name;
  byId("secret-text").textContent = done.secret;
  byId("secret").scrollIntoView({ block: "center" });
  return undefined;
}

async function attempt(method, path, given) {
  say("");
  try {
    const [ok, body] = await ask(method, path, given);
    if (ok) return show(body);
    say(reasonOf(body));
  } catch {
    say(byId("wrong").dataset.lost);
  }
  return undefined;
}

const pathOf = (row) =>
  row.dataset.user ? `/api/v1/users/${encodeURIComponent(row.dataset.user)}` : `/api/v1/tokens/${encodeURIComponent(row.dataset.token)}`;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  const row = button?.closest("tr");
  if (!row) return;
  const wish = button.dataset.do;
  if (wish === "remove" && confirm(button.dataset.sure)) attempt("DELETE", pathOf(row));
  if (wish === "password") attempt("PATCH", pathOf(row), { new_password: true });
  if (wish === "pin") attempt("PATCH", pathOf(row), { pin: row.querySelector("[data-field=pin]").value.trim() });
});

document.addEventListener("change", (event) => {
  const row = event.target.closest("tr[data-user]");
  if (row && event.target.dataset.field === "role") attempt("PATCH", pathOf(row), { role: event.target.value });
});

for (const [id, path] of [["new-user", "/api/v1/users"], ["new-token", "/api/v1/tokens"]]) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.target, path, Object.fromEntries(new FormData(event.target)), show);
  });
}
