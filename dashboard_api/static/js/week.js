// The last seven days of one device: figures as lines, states as steps, events as marks.
import uPlot from "/static/vendor/uplot/uPlot.esm.js";

const DAY_MS = 86400000;
const HEIGHT = 150;
const EVERY = "1h"; // a week of hours is 168 windows: no more than the screen has room for

const place = document.getElementById("week");
const said = document.getElementById("week-said");
const names = document.getElementById("week-names").content;
const zone = document.body.dataset.zone;
const dayText = (atMs) => new Date(atMs).toLocaleDateString("en-CA", { timeZone: zone });
const ink = getComputedStyle(document.documentElement);
const colour = (name) => ink.getPropertyValue(name).trim();

const nameOf = (point) => names.querySelector(`[data-point="${CSS.escape(point)}"]`)?.textContent ?? point;
const wordOf = (value) => names.querySelector(`[data-word="${CSS.escape(String(value))}"]`)?.textContent ?? String(value);

async function load() {
  const toMs = Number(document.body.dataset.now);
  const query = new URLSearchParams({ from: toMs - Number(place.dataset.days) * DAY_MS, to: toMs, every: EVERY });
  try {
    const answer = await fetch(`/api/v1/devices/${encodeURIComponent(place.dataset.device)}/readings?${query}`);
    if (!answer.ok) throw new Error(answer.statusText);
    show((await answer.json()).readings, toMs);
  } catch {
    said.textContent = place.dataset.lost;
  }
}

function show(readings, toMs) {
  if (!readings.length) {
    said.textContent = place.dataset.none;
    return;
  }
  const points = Map.groupBy ? Map.groupBy(readings, (one) => one.point) : grouped(readings);
  points.delete("alive"); // a sign of life says nothing that the others do not
  for (const [point, rows] of points) draw(point, rows, toMs);
  fill(points);
}

function grouped(readings) {
  const found = new Map();
  for (const one of readings) found.set(one.point, [...(found.get(one.point) ?? []), one]);
  return found;
}

// Words (open, closed, sos) stand in the order in which they came up.
function draw(point, rows, toMs) {
  const words = [];
  const number = (value) => {
    if (typeof value === "number") return value;
    if (!words.includes(value)) words.push(value);
    return words.indexOf(value);
  };
  const xs = rows.map((row) => row.at_ms / 1000);
  const ys = rows.map((row) => number(row.mean ?? row.value));
  const isWord = words.length > 0;
  const figure = document.createElement("div");
  document.getElementById("week-charts").append(figure);
  const range = [toMs / 1000 - (Number(place.dataset.days) * DAY_MS) / 1000, toMs / 1000];
  const chart = new uPlot(
    {
      title: nameOf(point),
      width: figure.clientWidth || 400,
      height: HEIGHT,
      tzDate: (atS) => uPlot.tzDate(new Date(atS * 1000), zone),
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { range: () => range }, y: isWord ? { range: () => [-0.5, words.length - 0.5] } : {} },
      axes: [
        { stroke: colour("--muted"), grid: { stroke: colour("--line") }, values: (_u, ticks) => ticks.map((one) => dayText(one * 1000).slice(5)), space: 70 },
        { stroke: colour("--muted"), grid: { stroke: colour("--line") }, size: 70, splits: isWord ? () => words.map((_one, index) => index) : undefined, values: isWord ? (_u, ticks) => ticks.map((one) => wordOf(words[one])) : undefined },
      ],
      series: [{}, { stroke: colour("--link"), width: 2, points: { show: isWord || rows.length < 3, size: 6 }, paths: isWord ? () => null : undefined }],
    },
    [xs, ys],
    figure,
  );
  new ResizeObserver(() => chart.setSize({ width: figure.clientWidth, height: HEIGHT })).observe(figure);
}

function fill(points) {
  const body = document.querySelector("#week-table tbody");
  for (const [point, rows] of points) {
    const days = new Map();
    for (const row of rows) days.set(dayText(row.at_ms), [...(days.get(dayText(row.at_ms)) ?? []), row]);
    for (const [day, of] of days) body.append(line(day, point, of));
  }
  document.getElementById("week-table").hidden = false;
}

function line(day, point, rows) {
  const least = rows.every((one) => one.min !== null) ? Math.min(...rows.map((one) => one.min)) : "–";
  const most = rows.every((one) => one.max !== null) ? Math.max(...rows.map((one) => one.max)) : "–";
  const count = rows.reduce((sum, one) => sum + one.count, 0);
  const row = document.createElement("tr");
  for (const text of [day, nameOf(point), count, least, most, wordOf(rows.at(-1).value)]) {
    const cell = document.createElement("td");
    cell.textContent = text;
    row.append(cell);
  }
  return row;
}

load();
