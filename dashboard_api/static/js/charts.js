// Draws the charts of reports from the tables beside them, so that both always say the same.
//
// A figure names its table (`data-chart`) and columns (`data-plots`); a column's head says how it is
// drawn (`data-as`: bars, line, points). A cell without `data-value` is a gap; of one that is not
// wholly known that share of the height is hatched, from above (`data-unknown`: 0 to 1).
import uPlot from "/static/vendor/uplot/uPlot.esm.js";

const HEIGHT = 300;
const DARK = "#1d3b53";
const PALE = "#b3c1cc"; // a whole behind its part; both can be told apart in black and white
const LINE = "#b84a00";
const FONT = '13px "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif';

function columns(table, wanted) {
  const heads = [...table.tHead.rows[0].cells];
  return wanted
    .map((name) => heads.findIndex((head) => head.dataset.plot === name))
    .filter((place) => place >= 0)
    .map((place) => ({ place, label: heads[place].textContent.trim(), as: heads[place].dataset.as }));
}

function readColumn(rows, place) {
  return rows.map((row) => {
    const said = row.cells[place].dataset.value;
    return said === undefined ? null : Number(said);
  });
}

function unknownShare(row, chosen) {
  return Math.max(...chosen.map(({ place }) => Number(row.cells[place].dataset.unknown ?? 0)));
}

function hatching(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8 * devicePixelRatio;
  const pen = tile.getContext("2d");
  pen.strokeStyle = "#5a6875";
  pen.lineWidth = devicePixelRatio;
  const end = tile.width;
  pen.beginPath();
  for (const shift of [-end, 0, end]) {
    pen.moveTo(shift, end);
    pen.lineTo(shift + end, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

function hatch(plot, unknown) {
  const { ctx, bbox } = plot;
  const wide = bbox.width / Math.max(1, unknown.length);
  ctx.save();
  ctx.globalAlpha = 0.45;
  ctx.fillStyle = hatching(ctx);
  unknown.forEach((share, at) => {
    if (share) ctx.fillRect(bbox.left + at * wide, bbox.top, wide, Math.max(3 * devicePixelRatio, share * bbox.height));
  });
  ctx.restore();
}

function inkOf(chosen, number) {
  if (chosen[number].as !== "bars") return LINE;
  return chosen.slice(number + 1).some(({ as }) => as === "bars") ? PALE : DARK;
}

function seriesOf({ label, as }, ink) {
  if (as === "bars") {
    const paths = uPlot.paths.bars({ size: [0.8, 60] });
    return { label, paths, points: { show: false }, stroke: ink, fill: ink, width: 0 };
  }
  const line = { label, stroke: ink, width: as === "points" ? 0 : 2, dash: [7, 4], spanGaps: false };
  return { ...line, points: { show: true, size: 7, fill: "#fff", stroke: ink, width: 2 } };
}

function axisValues(names) {
  return (_plot, splits) => splits.map((at) => (Number.isInteger(at) ? (names[at] ?? "") : ""));
}

// As many names as fit: a long one needs more room.
function everyNth(names, width) {
  const longest = Math.max(...names.map((name) => [...name].reduce((sum, sign) => sum + (sign > "\u2e80" ? 14 : 8), 12)));
  return Math.max(1, Math.ceil((names.length * longest) / Math.max(width - 60, 1)));
}

function options(figure, names, chosen, unknown) {
  const width = Math.max(figure.clientWidth, 260);
  const step = everyNth(names, width);
  const series = chosen.map((one, number) => seriesOf(one, inkOf(chosen, number)));
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false, range: [-0.5, names.length - 0.5] }, y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { font: FONT, stroke: "#17222c", grid: { show: false }, splits: () => names.map((_, at) => at).filter((at) => at % step === 0), values: axisValues(names) },
      { font: FONT, stroke: "#17222c", grid: { stroke: "#d5dce2", width: 1 }, size: 62, values: (_plot, splits) => splits.map((value) => (Number.isInteger(value) ? value.toLocaleString() : "")) },
    ],
    series: [{}, ...series],
    hooks: { drawClear: [(plot) => hatch(plot, unknown)] },
  };
}

function legend(figure, chosen, someUnknown) {
  const list = document.createElement("figcaption");
  chosen.forEach(({ label, as }, number) => {
    const entry = document.createElement("span");
    entry.className = `key ${as}`;
    entry.style.setProperty("--ink", inkOf(chosen, number));
    entry.textContent = label;
    list.append(entry);
  });
  if (someUnknown) {
    const entry = document.createElement("span");
    entry.className = "key hatched";
    entry.textContent = figure.dataset.hatched;
    list.append(entry);
  }
  figure.append(list);
}

function draw(figure) {
  const table = document.getElementById(figure.dataset.chart);
  const rows = table ? [...table.tBodies[0].rows] : [];
  const chosen = table ? columns(table, figure.dataset.plots.split(",")) : [];
  figure.replaceChildren();
  if (!rows.length || !chosen.length) return;
  const names = shortened(rows.map((row) => row.cells[0].textContent.trim()));
  const unknown = rows.map((row) => unknownShare(row, chosen));
  const data = [names.map((_, at) => at), ...chosen.map(({ place }) => readColumn(rows, place))];
  legend(figure, chosen, unknown.some(Boolean));
  new uPlot(options(figure, names, chosen, unknown), data, figure);
  figure.dataset.drawn = String(rows.length);
}

// Days of one year need not all name it.
function shortened(names) {
  const year = /^\d{4}-\d{2}-/.test(names[0]) ? names[0].slice(0, 5) : "";
  return year && names.every((name) => name.startsWith(year)) ? names.map((name) => name.slice(5)) : names;
}

function drawAll() {
  document.querySelectorAll(".chart").forEach(draw);
}

let waiting = 0;
let width = innerWidth;
addEventListener("resize", () => {
  if (width === innerWidth) return; // a phone's bar that goes and comes changes the height alone
  width = innerWidth;
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawAll);
});
document.getElementById("print")?.addEventListener("click", () => print());
document.fonts.ready.then(drawAll);
