// Which page of the wall is shown: turned by time, by arrow keys and by the buttons below; held by
// the space bar. On a wide wall the first page stands all the time and the others turn beside it.

const WIDE = "(min-aspect-ratio: 5/2)";

export class Pages {
  constructor(everyMs) {
    this.everyMs = everyMs;
    this.turnedMs = Date.now();
    this.held = false;
    this.taken = false;
    this.wide = matchMedia(WIDE);
    this.buttons = [...document.querySelectorAll("[data-turn-to]")];
    this.pause = document.getElementById("wall-pause");
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.show(button.dataset.turnTo));
    }
    this.pause.addEventListener("click", () => this.hold(!this.held));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  names() {
    const all = this.buttons.map((button) => button.dataset.turnTo);
    return this.wide.matches ? all.slice(1) : all;
  }

  // Once a second. An emergency has the whole screen; after it the first page comes first.
  turn(nowMs, taken) {
    if (this.taken && !taken) this.show(this.names()[0], nowMs);
    this.taken = taken;
    if (taken || this.held) this.turnedMs = nowMs;
    else if (nowMs - this.turnedMs >= this.everyMs) this.step(1, nowMs);
    else if (!this.names().includes(document.body.dataset.page)) this.step(1, nowMs);
  }

  step(by, nowMs = Date.now()) {
    const names = this.names();
    const at = names.indexOf(document.body.dataset.page);
    this.show(names[(Math.max(at, by > 0 ? -1 : 0) + by + names.length) % names.length], nowMs);
  }

  show(name, nowMs = Date.now()) {
    document.body.dataset.page = name;
    this.turnedMs = nowMs;
    for (const button of this.buttons) {
      if (button.dataset.turnTo === name) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
  }

  hold(held) {
    this.held = held;
    this.pause.setAttribute("aria-pressed", String(held));
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === " " && event.target === document.body) this.hold(!this.held);
    else return;
    event.preventDefault();
  }
}
