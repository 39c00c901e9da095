// Registering a device that nobody knew: what is wrong is said in the form, in the page's language.
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const done = document.getElementById("adopted");

function reasonOf(body) {
  return body[`reason_${language}`] ?? body.detail;
}

async function adopt(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const wrong = form.querySelector(".wrong");
  const given = Object.fromEntries(new FormData(form));
  wrong.hidden = true;
  let answer;
  let body;
  try {
    answer = await fetch("/api/v1/strangers/adopt", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(given),
    });
    body = await answer.json();
  } catch {
    wrong.textContent = form.dataset.lost;
    wrong.hidden = false;
    return;
  }
  if (answer.status === 401) location.assign("/login?next=/strangers");
  else if (answer.ok) leave(form.closest("article"), body.id);
  else {
    wrong.textContent = reasonOf(body);
    wrong.hidden = false;
    for (const part of body.errors ?? []) form.elements[part.field]?.setAttribute("aria-invalid", "true");
  }
}

// The article goes, the menu's count is one less, and what was done is said.
function leave(article, id) {
  article.remove();
  const count = document.getElementById("waiting");
  const left = Math.max(0, Number(count?.textContent ?? 0) - 1);
  if (count) {
    count.textContent = left;
    count.hidden = !left;
  }
  done.textContent = `${done.dataset.text} ${id}`;
  done.hidden = false;
}

for (const form of document.querySelectorAll("form.adopt")) {
  form.addEventListener("submit", adopt);
  form.addEventListener("input", (event) => event.target.removeAttribute("aria-invalid"));
}
