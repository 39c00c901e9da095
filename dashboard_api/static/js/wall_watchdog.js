// The page's side of the watchdog: hands the worker a canvas over everything and tells it every
// second that this page moves. A page that froze and moves again begins afresh.

const SPAWN_MS = 5000; // a worker that failed is started again after so long

export class Watchdog {
  constructor({ canvas, screen, beatEveryMs, frozenAfterMs, words, onUpdate }) {
    this.canvas = canvas;
    this.setUp = { screen, beatEveryMs, frozenAfterMs, words };
    this.onUpdate = onUpdate;
    this.worker = null;
    // A browser that cannot do it still follows the feed; the hub takes its screen for a dark one.
    if (canvas.transferControlToOffscreen) this.start();
  }

  start() {
    this.worker = new Worker("/static/js/wall_worker.js", { type: "module" });
    this.worker.addEventListener("message", ({ data }) => data.kind === "reload" && this.onUpdate());
    this.worker.addEventListener("error", () => setTimeout(() => this.restart(), SPAWN_MS));
    const canvas = this.canvas.transferControlToOffscreen();
    const family = getComputedStyle(document.body).fontFamily;
    this.worker.postMessage({ kind: "start", canvas, family, ...this.size(), ...this.setUp }, [canvas]);
  }

  // A canvas can be handed over once: a new worker gets a new one.
  restart() {
    this.worker.terminate();
    const fresh = this.canvas.cloneNode();
    this.canvas.replaceWith(fresh);
    this.canvas = fresh;
    this.start();
  }

  size() {
    const { innerWidth, innerHeight, devicePixelRatio } = window;
    return { width: innerWidth * devicePixelRatio, height: innerHeight * devicePixelRatio, ratio: devicePixelRatio };
  }

  beat(news) {
    this.worker?.postMessage({ kind: "beat", ...news });
  }

  resize() {
    this.worker?.postMessage({ kind: "size", ...this.size() });
  }
}
