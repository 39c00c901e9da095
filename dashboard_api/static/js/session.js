// Logging in and out.
const form = document.getElementById("login");
const wrong = document.getElementById("login-wrong");

function say(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

async function logIn(event) {
  event.preventDefault();
  say("");
  let answer;
  try {
    answer = await fetch("/api/v1/session", { method: "POST", body: new URLSearchParams(new FormData(form)) });
  } catch {
    say(form.dataset.lost);
    return;
  }
  if (answer.ok) location.assign(form.dataset.next);
  else if (answer.status === 401 || answer.status === 422) say(form.dataset.wrong);
  else say(answer.status === 429 ? form.dataset.many : form.dataset.lost);
}

async function logOut() {
  await fetch("/api/v1/session", { method: "DELETE" });
  location.assign("/login");
}

form?.addEventListener("submit", logIn);
document.getElementById("log-out")?.addEventListener("click", logOut);
