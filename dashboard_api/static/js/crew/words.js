// What the page says, in its language; the words come with the page.
import { timeText } from "/static/js/live.js";

export const texts = JSON.parse(document.getElementById("texts").textContent);
export const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

export const own = (words) => words?.[language] ?? "";

export function say(name, words = {}) {
  return texts[name].replace(/\{(\w+)\}/g, (_all, key) => words[key] ?? "");
}

// Hours and minutes; of another day with the day.
export function clock(atMs) {
  if (!atMs) return "–";
  const time = timeText(atMs).slice(0, 5);
  const day = (ms) => new Date(ms).toLocaleDateString("sv-SE", { timeZone: document.body.dataset.zone || undefined });
  return day(atMs) === day(Date.now()) ? time : `${day(atMs).slice(5)} ${time}`;
}

export function valueText({ name, value }) {
  const point = texts.points[name] ?? { name, unit: "" };
  const said = typeof value === "boolean" ? texts[value ? "yes" : "no"] : (texts.values[value] ?? String(value));
  return `${point.name} ${said}${point.unit ? ` ${point.unit}` : ""}`;
}
