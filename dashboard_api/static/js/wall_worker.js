// The watchdog, in a worker of its own: if the wall's page does not move any more it says so in the
// page's place, on a canvas that it can draw on without the page; and it tells the hub what the
// screen shows, so that the hub hears of a frozen screen too.
//
// Fonts are looked up through the page's own thread. A text that was never drawn before cannot be
// drawn while that thread stands, and the frame is lost with it: so every sign that may be needed is
// drawn once, beside the canvas, while the page still moves, and again after a change of size.

const LOOK_MS = 500;
const SIGNS = "0123456789:";
const HARDLY_SEEN = "rgba(13, 23, 32, 0.01)";
const BACK = "#0d1720e6";
const CARD = "#2a0d10";
const ROSE = "#ff8d8d";

let pen = null;
let setUp = null;
let news = null; // what the page said last
let movedMs = Date.now();
let saidMs = 0;
let drawn = "";

const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB", { hour12: false, timeZone: setUp.words.zone || undefined });
const frozenMs = () => {
  const still = Date.now() - movedMs; // the page says every second that it moves
  return still > setUp.frozenAfterMs ? still : 0;
};

function font(share, weight) {
  pen.font = `${weight} ${Math.round(pen.canvas.height * share)}px ${setUp.family}`;
}

function write(word, since, colours, left) {
  const { width, height } = pen.canvas;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = colours[0];
  font(0.19, 800);
  pen.fillText(word, left + width / 2, height * 0.44, width * 0.8);
  pen.fillStyle = colours[1];
  font(0.09, 400);
  pen.fillText(since, left + width / 2, height * 0.62, width * 0.8);
}

// Called in every frame that is drawn at all, so that the canvas is never empty: one that has shown
// nothing yet is not part of the picture, and only the page could make it so.
function paint() {
  const { notLive, since } = setUp.words;
  const { width, height } = pen.canvas;
  pen.clearRect(0, 0, width, height);
  if (!drawn) {
    pen.fillStyle = HARDLY_SEEN;
    pen.fillRect(0, 0, 1, 1);
    write(notLive, since.replace("{time}", SIGNS), [CARD, CARD], -2 * width);
    return;
  }
  pen.fillStyle = BACK;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = CARD;
  pen.fillRect(width * 0.1, height * 0.27, width * 0.8, height * 0.46);
  pen.strokeStyle = ROSE;
  pen.lineWidth = height * 0.01;
  pen.strokeRect(width * 0.1, height * 0.27, width * 0.8, height * 0.46);
  write(notLive, since.replace("{time}", drawn), [ROSE, "#ffffff"], 0);
}

function look() {
  if (!pen) return;
  const before = drawn;
  drawn = frozenMs() && news ? clock(news.live ? movedMs : news.sinceMs) : "";
  if (drawn !== before) requestAnimationFrame(paint);
  say();
}

async function say() {
  if (!setUp.screen || !news || Date.now() - saidMs < setUp.beatEveryMs) return;
  saidMs = Date.now();
  const body = JSON.stringify({
    page: news.page,
    live: news.live,
    data_ms: news.dataMs || null,
    frozen_ms: frozenMs(),
    edition: news.edition,
    size: setUp.size,
  });
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/api/v1/screens/beat", { method: "POST", headers, body });
    const newest = answer.ok ? (await answer.json()).edition : news.edition;
    if (newest !== news.edition || answer.status === 401 || answer.status === 403) postMessage({ kind: "reload" });
  } catch {
    // nobody there: the page says so itself, and the next beat tries again
  }
}

function resize({ width, height, ratio }) {
  pen.canvas.width = width;
  pen.canvas.height = height;
  setUp.size = `${Math.round(width / ratio)}x${Math.round(height / ratio)}@${ratio}`;
  requestAnimationFrame(paint);
}

function beat(data) {
  const stoodMs = frozenMs();
  movedMs = Date.now();
  news = data;
  if (stoodMs) postMessage({ kind: "reload" }); // who stood still begins afresh
}

addEventListener("message", ({ data }) => {
  if (data.kind === "start") {
    setUp = data;
    pen = data.canvas.getContext("2d");
    resize(data);
  } else if (data.kind === "size") {
    resize(data);
  } else {
    beat(data);
  }
});
setInterval(look, LOOK_MS);
