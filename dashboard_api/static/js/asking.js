// Asking the API from a form: what is wrong is said in the form, in the page's language.
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

export function reasonOf(body) {
  return body[`reason_${language}`] ?? body.detail;
}

export const own = (words) => words[language];

// [answered well, the body]; a lost connection throws. Who is logged out is sent to the log-in.
export async function ask(method, path, given) {
  const answer = await fetch(path, {
    method,
    headers: given === undefined ? {} : { "Content-Type": "application/json" },
    body: given === undefined ? undefined : JSON.stringify(given),
  });
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  return [answer.ok, await answer.json(), answer.status];
}

// Sends a form's fields; hands on what came of it, or says in the form why not.
export async function send(form, path, given, done, method = "POST") {
  const wrong = form.querySelector(".wrong");
  const button = form.querySelector("[type=submit]");
  wrong.hidden = true;
  button.setAttribute("aria-busy", "true");
  try {
    const [ok, body] = await ask(method, path, given);
    if (ok) {
      done(body);
      return;
    }
    wrong.textContent = reasonOf(body);
    for (const part of body.errors ?? []) showWrong(form.elements[part.field]);
  } catch {
    wrong.textContent = form.dataset.lost;
  } finally {
    button.removeAttribute("aria-busy");
  }
  wrong.hidden = false;
}

function showWrong(field) {
  if (!field?.setAttribute) return;
  field.setAttribute("aria-invalid", "true");
  field.closest("details")?.setAttribute("open", "");
}
