// Two people at once see each other: this page says at which case it is, and shows who else is.
import { randomName } from "/static/js/outbox.js";

const SAY_AGAIN_MS = 10000; // the hub forgets a page after 25 s

export class Presence {
  constructor({ texts }) {
    this.tab = randomName();
    this.texts = texts;
    this.case = "";
    this.doing = "";
    this.others = {};
    setInterval(() => this.case && this.say(), SAY_AGAIN_MS);
    addEventListener("pagehide", () => this.case && this.leave());
  }

  at(caseId, doing = "") {
    if (caseId === this.case && doing === this.doing) return;
    this.case = caseId;
    this.doing = doing;
    this.say();
  }

  // A word that is lost is said again: nothing depends on it.
  say() {
    fetch("/api/v1/presence", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ tab: this.tab, case: this.case, doing: this.doing }),
    }).catch(() => {});
  }

  leave() {
    const said = new Blob([JSON.stringify({ tab: this.tab })], { type: "application/json" });
    navigator.sendBeacon("/api/v1/presence", said);
  }

  hear(others) {
    this.others = others;
    this.show();
  }

  show() {
    for (const place of document.querySelectorAll("[data-here]")) {
      const here = (this.others[place.dataset.here] ?? []).filter((one) => one.tab !== this.tab);
      const said = here.map((one) => (one.doing ? `${one.by} · ${this.texts.acts[one.doing] ?? one.doing}` : one.by));
      place.textContent = said.length ? this.texts.here.replace("{who}", [...new Set(said)].join(", ")) : "";
      place.hidden = !said.length;
    }
  }
}
