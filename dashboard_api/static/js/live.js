// One live feed for a page: tells what comes, and how alive it is.
//
// "live": pings come and the hub runs; "hub": pings come but say that the hub is silent;
// "lost": no ping for `lostAfterMs`. EventSource comes back by itself with the last id it saw,
// except after an answer that is not a stream (503, 401): then it is opened anew here.

const KINDS = ["case", "device", "round", "notice", "health", "presence", "reset"];
const REOPEN_MS = 2000;
const LOOK_MS = 500;

export class Live {
  constructor({ after, lostAfterMs, onEvent, onState }) {
    this.lastId = after;
    this.lostAfterMs = lostAfterMs;
    this.onEvent = onEvent;
    this.onState = onState;
    this.state = "connecting";
    this.heardMs = Date.now();
    this.liveMs = Date.now();
    this.ahead = 0; // server's clock minus ours
    this.open();
    setInterval(() => this.look(), LOOK_MS);
    document.addEventListener("visibilitychange", () => this.look());
  }

  open() {
    this.source?.close();
    this.source = new EventSource(`/api/v1/live?after=${encodeURIComponent(this.lastId)}`);
    for (const kind of KINDS) this.source.addEventListener(kind, (event) => this.hear(kind, event));
    this.source.addEventListener("ping", (event) => this.ping(event));
    this.source.addEventListener("error", () => this.failed(this.source));
  }

  failed(source) {
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(() => source === this.source && this.open(), REOPEN_MS);
    }
  }

  hear(kind, event) {
    this.lastId = event.lastEventId || this.lastId;
    this.heardMs = Date.now();
    this.onEvent(kind, JSON.parse(event.data));
  }

  ping(event) {
    this.lastId = event.lastEventId || this.lastId;
    const { now_ms: nowMs, live } = JSON.parse(event.data);
    this.heardMs = Date.now();
    if (live) this.liveMs = this.heardMs;
    this.ahead = nowMs - this.heardMs;
    this.turn(live ? "live" : "hub");
  }

  look() {
    if (Date.now() - this.heardMs > this.lostAfterMs) this.turn("lost");
  }

  turn(state) {
    const before = this.state;
    this.state = state;
    if (before !== state) this.onState(state, before);
  }

  nowMs() {
    return Date.now() + this.ahead;
  }
}

const two = (number) => String(number).padStart(2, "0");

export function clockText(spanMs) {
  const seconds = Math.max(0, Math.floor(spanMs / 1000));
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

// The site's own time, wherever the browser is.
export function timeText(atMs) {
  return new Date(atMs).toLocaleTimeString("en-GB", {
    hour12: false,
    timeZone: document.body.dataset.zone || undefined,
  });
}

export function turnClocks(live) {
  for (const clock of document.querySelectorAll("time[data-since]")) {
    clock.textContent = clockText(live.nowMs() - Number(clock.dataset.since));
  }
}
