// The form of an override: its figures are those of the chosen rule; and the ending of one.
import { ask, reasonOf, send } from "/static/js/asking.js";

const byId = (id) => document.getElementById(id);
const form = byId("override-form");

if (form) {
  const choices = JSON.parse(byId("override-choices").content.textContent);
  const labels = Object.fromEntries(
    [...byId("override-labels").content.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.textContent]),
  );
  const parts = byId("override-parts");
  const [bySet, byOff] = form.querySelectorAll("[name=how]");

  function showRule() {
    const choice = choices[form.elements.rule.value];
    byOff.disabled = choice.grave || false;
    byId("override-grave").hidden = !choice.grave;
    if (choice.grave || choice.parts.length) bySet.checked = true;
    bySet.disabled = choice.parts.length === 0;
    if (bySet.disabled && !byOff.disabled) byOff.checked = true;
    parts.replaceChildren(...choice.parts.map(field));
    showHow();
  }

  function field(part) {
    const box = document.createElement("div");
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.id = `override-${part.path.replace(".", "-")}`;
    input.dataset.path = part.path;
    input.dataset.number = typeof part.value === "number" ? "1" : "";
    input.autocomplete = "off";
    input.placeholder = parts.dataset.now.replace("{n}", part.value);
    label.htmlFor = input.id;
    label.textContent = labels[part.key] ?? part.key;
    box.append(label, input);
    return box;
  }

  function showHow() {
    parts.hidden = byOff.checked;
  }

  // {"when.still_for": "48h"} becomes {when: {still_for: "48h"}}; hours go together.
  function setOf(choice) {
    const found = {};
    for (const input of parts.querySelectorAll("input")) {
      const text = input.value.trim();
      if (!text) continue;
      const [first, second] = input.dataset.path.split(".");
      const value = input.dataset.number && !Number.isNaN(Number(text)) ? Number(text) : text;
      if (second) found[first] = { ...found[first], [second]: value };
      else found[first] = value;
    }
    if (found.during) {
      for (const part of choice.parts) {
        const [first, second] = part.path.split(".");
        if (first === "during") found.during[second] ??= part.value;
      }
      if (choice.days.length) found.during.days = choice.days;
    }
    return found;
  }

  function given() {
    const choice = choices[form.elements.rule.value];
    const wish = { rule: choice.rule, reason: form.elements.reason.value, until: form.elements.until.value };
    const kind = byId("override-kind")?.value ?? "device";
    const name = (byId("override-name") ?? form.elements.device).value.trim();
    const names = name.split(/\s*[,，、]\s*/).filter(Boolean);
    if (names.length) wish[kind] = names.length > 1 ? names : names[0];
    if (byOff.checked) wish.off = true;
    else wish.set = setOf(choice);
    return wish;
  }

  form.elements.rule.addEventListener("change", showRule);
  for (const one of [bySet, byOff]) one.addEventListener("change", showHow);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const one of form.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
    await send(form, "/api/v1/overrides", given(), () => {
      location.hash = "overrides";
      location.reload();
    });
    const named = byId("override-name");
    if (named && form.elements.device?.getAttribute("aria-invalid")) named.focus();
    else form.querySelector("[aria-invalid]")?.focus();
  });
  showRule();
}

for (const button of document.querySelectorAll("[data-end-override]")) {
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    const [ok, body] = await ask("POST", `/api/v1/overrides/${encodeURIComponent(button.dataset.endOverride)}/end`);
    if (ok) location.reload();
    else {
      button.removeAttribute("aria-busy");
      button.insertAdjacentText("afterend", ` ${reasonOf(body)}`);
    }
  });
}
