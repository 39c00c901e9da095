// The wall's two charts. Their elements outlive the tiles that are made anew around them, so each is
// made once; the figures stand as JSON beside it.

const BAR = "#8fb0c7";
const LINE = "#ffffff";
const TEXT = "#a9bac7";
const RULE = "#33475a";
const HATCH = { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [3, 5], rotation: -Math.PI / 4, color: BAR };
const LEAST_SHARE = 0.02; // of the chart's height: so much is hatched of what nobody knows

const charts = new Map(); // id → {chart, drawn}

const remPx = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

function axes(labels, everyLabel) {
  const fontSize = Math.round(1.46 * remPx());
  const axisLabel = { color: TEXT, fontSize, margin: Math.round(0.6 * remPx()) };
  const hidden = { show: false };
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: Math.round(5 * remPx()), right: Math.round(remPx()), top: Math.round(remPx()), bottom: Math.round(2.8 * remPx()) },
    xAxis: {
      type: "category",
      data: labels,
      axisTick: hidden,
      axisLine: { lineStyle: { color: RULE } },
      axisLabel: { ...axisLabel, interval: (index) => everyLabel(index) },
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      splitNumber: 3,
      splitLine: { lineStyle: { color: RULE } },
      axisLabel,
    },
  };
}

const bars = (data, more = {}) => ({ type: "bar", data, itemStyle: { color: BAR }, barCategoryGap: "25%", ...more });

// hours: [[hour, cases], …], the present one last
function day(hours) {
  const labels = hours.map(([hour]) => hour);
  return {
    ...axes(labels, (index) => labels[index] % 6 === 0),
    series: [bars(hours.map(([, count]) => count))],
  };
}

// hours: [[hour, uses, unknown, missing, usual], …]; what is not known is hatched on top
function use(hours) {
  const highest = Math.max(1, ...hours.map(([, uses, , missing, usual]) => Math.max((uses ?? 0) + missing, usual ?? 0)));
  const hatched = hours.map(([, , unknown, missing]) => (unknown ? Math.max(missing, highest * LEAST_SHARE) : null));
  const unsure = { color: "transparent", borderColor: BAR, borderWidth: 1, decal: HATCH };
  const line = { type: "line", data: hours.map((hour) => hour[4]), step: "middle", symbol: "none", lineStyle: { color: LINE, width: Math.max(2, 0.2 * remPx()) } };
  const shown = axes(hours.map(([hour]) => hour), (index) => index % 3 === 0);
  return {
    ...shown,
    series: [
      bars(hours.map(([, uses]) => uses), { stack: "uses" }),
      bars(hatched, { stack: "uses", itemStyle: unsure }),
      line,
    ],
  };
}

const OPTIONS = { "chart-day": day, "chart-use": use };

export function drawCharts() {
  if (!window.echarts) return;
  for (const data of document.querySelectorAll(".chart-data")) {
    draw(data.dataset.for, data.dataset.values);
  }
}

function draw(id, values) {
  const element = document.getElementById(id);
  if (!element.clientWidth || !element.clientHeight) return;
  let known = charts.get(id);
  if (!known || known.chart.getDom() !== element) {
    known?.chart.dispose();
    known = { chart: window.echarts.init(element), drawn: "" };
    charts.set(id, known);
  }
  if (known.drawn === values) return; // most refreshes change nothing here
  known.chart.resize();
  known.chart.setOption(OPTIONS[id](JSON.parse(values)), { notMerge: true });
  known.drawn = values;
}

// The window has another size: everything is drawn anew.
export function forgetSizes() {
  for (const known of charts.values()) known.drawn = "";
}
