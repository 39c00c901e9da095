// Logging in and out, and the menu.
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

// What the crew's app has kept of the work. Asked for only now: nothing holds up the log-in.
async function forget() {
  const { forgetWork } = await import("/static/js/crew/store.js");
  await forgetWork();
}

async function logOut() {
  await fetch("/api/v1/session", { method: "DELETE" });
  await forget().catch(() => {}); // a browser without a disk of its own keeps nothing anyway
  location.assign("/login");
}

// On a phone the menu is wider than the screen: the page that is open stands in sight.
document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// The further pages are put away by a look elsewhere or by Escape.
const more = document.querySelector(".more-pages");
document.addEventListener("click", (event) => more?.open && !more.contains(event.target) && (more.open = false));
more?.addEventListener("focusout", (event) => event.relatedTarget && !more.contains(event.relatedTarget) && (more.open = false));
more?.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  more.open = false;
  more.querySelector("summary").focus();
});

// What is wider than the screen can be moved by the arrow keys, too.
function letScroll() {
  for (const one of document.querySelectorAll(".scroll, .diff")) {
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
  }
}
letScroll();
addEventListener("resize", letScroll);

form?.addEventListener("submit", logIn);
document.getElementById("log-out")?.addEventListener("click", logOut);
