// A rule's page: its lines are checked, tried on the past, saved and put back; its tests are run.
import { ask, own, reasonOf } from "/static/js/asking.js";

const LOOK_MS = 400;
const byId = (id) => document.getElementById(id);
const form = byId("rule-form");

function testLine(one, texts) {
  const line = document.createElement("li");
  line.className = one.passed ? "passed" : "failed";
  const mark = document.createElement("strong");
  mark.textContent = `${one.passed ? "✓" : "✗"} ${one.passed ? texts.passed : texts.failed}`;
  line.append(mark, ` ${one.story}`);
  if (one.differences.length) {
    const why = document.createElement("pre");
    why.textContent = one.differences.join("\n");
    line.append(why);
  }
  return line;
}

function textsOf(template) {
  if (!template) return { passed: "", failed: "" };
  const found = [...template.content.querySelectorAll("[data-key]")];
  return Object.fromEntries(found.map((one) => [one.dataset.key, one.textContent]));
}

const texts = textsOf(byId("rule-texts"));
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");

// -- its tests as it is in force ----------------------------------------------------------------

const runTests = byId("run-tests");
runTests?.addEventListener("click", async () => {
  runTests.setAttribute("aria-busy", "true");
  try {
    const [ok, body] = await ask("GET", `/api/v1/rules/${encodeURIComponent(runTests.dataset.rule)}/tests`);
    if (ok) byId("tests").replaceChildren(...body.map((one) => testLine(one, texts)));
    else byId("tests-said").append(reasonOf(body));
  } catch {
    byId("tests-said").append(runTests.dataset.lost);
  } finally {
    runTests.removeAttribute("aria-busy");
  }
});

// -- its lines ----------------------------------------------------------------------------------

for (const button of document.querySelectorAll("[data-undo]")) {
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    const path = `/api/v1/rules/${encodeURIComponent(button.dataset.rule)}/undo`;
    const [ok, body] = await ask("POST", path, { edit: Number(button.dataset.undo) });
    if (ok) location.reload();
    else {
      button.removeAttribute("aria-busy");
      button.insertAdjacentText("afterend", ` ${reasonOf(body)}`);
    }
  });
}

if (form) begin();

function begin() {
  const area = byId("rule-text");
  const said = byId("rule-said");
  const base = area.value;
  const path = `/api/v1/rules/${encodeURIComponent(form.dataset.rule)}`;
  let trial = null;

  function clear() {
    said.textContent = "";
    said.classList.remove("wrong");
    byId("mistakes").replaceChildren();
    byId("draft-tests").replaceChildren();
    byId("other-diff").hidden = true;
    byId("save-anyway")?.setAttribute("hidden", "");
    area.removeAttribute("aria-invalid");
  }

  function say(text, wrong = false) {
    said.textContent = text;
    said.classList.toggle("wrong", wrong);
  }

  // A line of the text is chosen, so that the eye finds it.
  function goTo(line, column) {
    const lines = area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const from = before + Math.min(column - 1, lines[line - 1]?.length ?? 0);
    area.focus();
    area.setSelectionRange(from, before + (lines[line - 1]?.length ?? 0));
    area.scrollTop = Math.max(0, (line - 4) * (area.scrollHeight / lines.length));
  }

  function mistakeLine(one) {
    const line = document.createElement("li");
    const near = one.nearest ? `; ${fill(texts.mean, { word: one.nearest })}` : "";
    if (one.block_line === null) {
      line.textContent = `${one.file}:${one.line}:${one.column}: ${one.what}${near}`;
      return line;
    }
    const place = document.createElement("button");
    place.type = "button";
    place.className = "quiet";
    place.textContent = fill(texts.at, { line: one.block_line, column: one.column });
    place.addEventListener("click", () => goTo(one.block_line, one.column));
    line.append(place, ` ${one.what}${near}`);
    return line;
  }

  function showMistakes(mistakes) {
    byId("mistakes").replaceChildren(...mistakes.map(mistakeLine));
    if (!mistakes.length) return;
    area.setAttribute("aria-invalid", "true");
    const first = mistakes.find((one) => one.block_line !== null);
    if (first) goTo(first.block_line, first.column);
  }

  function showProblem(body) {
    say(reasonOf(body), true);
    if (body.mistakes) showMistakes(body.mistakes);
    if (body.tests) {
      byId("draft-tests").replaceChildren(...body.tests.map((one) => testLine(one, texts)));
      byId("save-anyway")?.removeAttribute("hidden");
    }
    if (body.code === "changed_since") {
      say(texts.other, true);
      byId("other-diff").textContent = body.diff;
      byId("other-diff").hidden = false;
    }
  }

  async function busy(button, job) {
    button.setAttribute("aria-busy", "true");
    clear();
    try {
      await job();
    } catch {
      say(form.dataset.lost, true);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  async function check() {
    const [ok, body] = await ask("POST", `${path}/check`, { text: area.value });
    if (!ok) {
      showProblem(body);
      return;
    }
    if (body.mistakes.length) {
      showMistakes(body.mistakes);
      return;
    }
    const { added, changed } = body.diff;
    const news = [];
    if (changed.length) news.push(fill(texts.changes, { names: changed.join(", ") }));
    if (added.length) news.push(fill(texts.adds, { names: added.join(", ") }));
    const words = Object.values(body.words).map(own).join(" ");
    say(`${area.value === base ? texts.same : texts.right} ${words} ${news.join("; ")}`);
    byId("draft-tests").replaceChildren(...body.tests.map((one) => testLine(one, texts)));
  }

  async function save(anyway) {
    const wish = { text: area.value, base, although_tests_fail: anyway };
    const [ok, body, status] = await ask("PUT", path, wish);
    if (status === 202) say(texts.waiting);
    else if (!ok) showProblem(body);
    else {
      sessionStorage.setItem("rule-saved", form.dataset.rule);
      location.hash = "edit";
      location.reload();
    }
  }

  byId("check").addEventListener("click", () => busy(byId("check"), check));
  byId("save-anyway")?.addEventListener("click", () => busy(byId("save-anyway"), () => save(true)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("save")) busy(byId("save"), () => save(false));
  });
  byId("reset").addEventListener("click", () => {
    area.value = base;
    clear();
    byId("reset").hidden = true;
    area.focus();
  });
  area.addEventListener("input", () => {
    byId("reset").hidden = area.value === base;
  });
  // The next line begins as far in as this one.
  area.addEventListener("keydown", (event) => {
    if (event.key === "s" && (event.ctrlKey || event.metaKey) && byId("save")) {
      event.preventDefault();
      form.requestSubmit();
    }
    if (event.key !== "Enter" || event.isComposing || event.shiftKey) return;
    event.preventDefault();
    const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
    area.setRangeText(`\n${line.match(/^ */)[0]}`, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  });
  window.addEventListener("beforeunload", (event) => {
    if (area.value !== base && sessionStorage.getItem("rule-saved") !== form.dataset.rule) event.preventDefault();
  });
  if (sessionStorage.getItem("rule-saved") === form.dataset.rule) {
    sessionStorage.removeItem("rule-saved");
    say(texts.saved);
  }

  // -- on the past ------------------------------------------------------------------------------

  byId("try").addEventListener("click", () => busy(byId("try"), tryIt));
  byId("stop").addEventListener("click", async () => {
    if (trial) await ask("DELETE", `/api/v1/rules/trials/${trial}`);
  });

  async function tryIt() {
    byId("trial").replaceChildren();
    const given = area.value === base ? {} : { text: area.value };
    const [ok, body] = await ask("POST", `${path}/try`, given);
    if (!ok) {
      showProblem(body);
      return;
    }
    trial = body.id;
    byId("stop").hidden = false;
    byId("trial-progress").hidden = false;
    byId("trial").textContent = texts.judging;
    try {
      await follow();
    } finally {
      byId("stop").hidden = true;
      byId("trial-progress").hidden = true;
      trial = null;
    }
  }

  async function follow() {
    for (;;) {
      const [ok, body] = await ask("GET", `/api/v1/rules/trials/${trial}`);
      if (!ok || body.state !== "running") {
        byId("trial").replaceChildren(...(ok ? outcome(body) : [reasonOf(body)]));
        return;
      }
      const bar = byId("trial-progress");
      if (body.about) {
        bar.max = body.about;
        bar.value = Math.min(body.done, body.about);
      }
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }
}

function outcome(body) {
  if (body.state === "stopped") return [texts.stopped];
  if (body.state === "failed") return [fill(texts.trial_failed, { why: body.why })];
  const found = body.result;
  const span = document.createElement("p");
  span.textContent = fill(texts.span, { from: moment(found.from_ms), to: moment(found.to_ms) });
  const parts = [span];
  if (found.shorter) parts.push(paragraph(texts.shorter));
  parts.push(table(found));
  for (const what of found.unknown) parts.push(paragraph(fill(texts.unknown, { what: own(what) })));
  if (!found.only_here_count && !found.only_in_force_count && !found.moved_count) {
    parts.push(paragraph(texts.no_difference));
  }
  parts.push(...list(texts.only_here, found.only_here, found.only_here_count, alertWords));
  parts.push(...list(texts.only_in_force, found.only_in_force, found.only_in_force_count, alertWords));
  parts.push(...list(texts.moved, found.moved, found.moved_count, (one) => `${alertWords(one.here)} (${texts.in_force}: ${spanOf(one.in_force)})`));
  return parts;
}

function table(found) {
  const made = document.createElement("table");
  made.className = "outcome";
  const rows = [["", texts.this, texts.in_force]];
  for (const key of ["opened", "calls", "at_night", "woken"]) rows.push([texts[key], found.here[key], found.in_force[key]]);
  rows.forEach((row, number) => {
    const line = made.insertRow();
    row.forEach((text, column) => {
      const cell = document.createElement(number + column && (number === 0 || column === 0) ? "th" : "td");
      if (cell.tagName === "TH") cell.scope = number === 0 ? "col" : "row";
      cell.textContent = text;
      line.append(cell);
    });
  });
  return made;
}

function list(title, alerts, count, words) {
  if (!count) return [];
  const head = document.createElement("h3");
  head.textContent = `${title}: ${count}`;
  const made = document.createElement("ul");
  for (const one of alerts) {
    const line = document.createElement("li");
    line.textContent = words(one);
    made.append(line);
  }
  if (count > alerts.length) made.append(paragraph(fill(texts.more, { n: count - alerts.length })));
  return [head, made];
}

function paragraph(text) {
  const made = document.createElement("p");
  made.className = "muted";
  made.textContent = text;
  return made;
}

const zone = document.body.dataset.zone || undefined;
const form24 = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});

// "2026-03-02 22:31:00", at the site.
function moment(ms) {
  const part = Object.fromEntries(form24.formatToParts(new Date(ms)).map((one) => [one.type, one.value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second}`;
}

const spanOf = (one) => `${moment(one.opened_ms)} – ${one.closed_ms === null ? texts.still_open : moment(one.closed_ms)}`;
const alertWords = (one) => `${one.device ?? one.key}: ${spanOf(one)}`;
