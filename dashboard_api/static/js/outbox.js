// What people do is on its way until the hub has said yes or no: it is sent again after a lost
// connection, lives through a reload, and is never dropped without a word.
//
// An act is kept in this browser with a key of its own; the hub does an act of one key once, however
// often it is sent. Another person's acts (the phone was handed on) wait until they log in again.
const KEPT = "hub-outbox";
const AGAIN_MS = 2000;
const SENT_AS = { deal: "note" }; // a note with an outcome: it was dealt with
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);
const VERSION_TRIES = 3;
const ENDS = new Set(["close", "deal"]); // a press that this person has not seen may be another need
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

// `crypto.randomUUID` is for secure pages only; a hub in a local net is often plain http.
export function randomName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

const reasonOf = (body) => body[`reason_${language}`] ?? body.detail ?? "";

export class Outbox {
  // onChange(): what is on its way has changed. onRefused(item, reason): nobody waited for its word.
  constructor({ me, texts, onChange, onRefused }) {
    this.me = me;
    this.texts = texts;
    this.onChange = onChange;
    this.onRefused = onRefused;
    this.waiting = new Map(); // key: who waits for the word, in this page
    this.following = new Set(); // keys of those that the hub has kept and not judged
    this.busy = false;
    this.again = null;
  }

  get items() {
    return JSON.parse(localStorage.getItem(KEPT) ?? "[]").filter((one) => one.by === this.me);
  }

  // Its key, and the word on it: "" when it was done, else why not. The word takes as long as the hub
  // is away; who does not wait any more lets it go, and a refusal is shown to whoever looks.
  add(caseId, act, body = {}) {
    const item = { key: randomName(), by: this.me, caseId, act, body, atMs: Date.now(), state: "sending" };
    this.keep((all) => [...all, item]);
    const word = new Promise((resolve) => this.waiting.set(item.key, resolve));
    this.send();
    return { key: item.key, word };
  }

  letGo(key) {
    this.waiting.delete(key);
  }

  keep(change) {
    const all = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    localStorage.setItem(KEPT, JSON.stringify(change(all)));
    this.onChange(this.items);
  }

  mark(key, news) {
    this.keep((all) => all.map((one) => (one.key === key ? { ...one, ...news } : one)));
  }

  giveUp(key) {
    this.end(key, this.texts.given_up);
  }

  end(key, reason) {
    const item = this.items.find((one) => one.key === key);
    if (!item) return;
    this.keep((all) => all.filter((one) => one.key !== key));
    const waiter = this.waiting.get(key);
    this.waiting.delete(key);
    if (waiter) waiter(reason);
    if (reason && !waiter) this.onRefused(item, reason);
  }

  // One after the other, in the order in which they were done; the hub's word is waited for apart.
  async send() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.again);
    const met = new Set();
    for (let item = this.next(met); item; item = this.next(met)) {
      met.add(item.key);
      if (item.seq) this.follow(item);
      else if (!(await this.post(item))) break;
    }
    this.busy = false;
    if (this.items.some((one) => !one.seq && !this.isDone(one))) this.again = setTimeout(() => this.send(), AGAIN_MS);
  }

  next(met) {
    return this.items.find((one) => !met.has(one.key));
  }

  isDone(item) {
    return !this.items.some((one) => one.key === item.key);
  }

  // False: there is no connection, and the others need not be tried either.
  async post(item) {
    try {
      const answer = await fetch(`/api/v1/cases/${encodeURIComponent(item.caseId)}/${SENT_AS[item.act] ?? item.act}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": item.key },
        body: JSON.stringify(item.body),
      });
      if (answer.status === 401 || LATER.has(answer.status)) {
        this.mark(item.key, { state: answer.status === 401 ? "logged_out" : "offline" });
        return false;
      }
      await this.hear(item, answer);
      return true;
    } catch {
      this.mark(item.key, { state: "offline" });
      return false;
    }
  }

  async hear(item, answer) {
    const body = await answer.json();
    if (answer.status === 202) {
      this.mark(item.key, { seq: body.waiting, state: "judge" });
      this.follow({ ...item, seq: body.waiting });
    } else if (answer.ok) this.end(item.key, "");
    else if (body.code === "changed_since") await this.compare(item);
    else this.end(item.key, reasonOf(body));
  }

  // The hub has kept it and has not said yes or no: ask until it has.
  async follow(item) {
    if (this.following.has(item.key)) return;
    this.following.add(item.key);
    try {
      const answer = await fetch(`/api/v1/commands/${item.seq}`);
      if (answer.status !== 202 && answer.status !== 401 && !LATER.has(answer.status)) {
        this.following.delete(item.key);
        await this.hear(item, answer);
        return;
      }
    } catch {
      // the connection is gone: asked again below
    }
    this.following.delete(item.key);
    setTimeout(() => this.isDone(item) || this.follow(item), AGAIN_MS);
  }

  // It changed since this person looked. If nobody else did anything (the plan, its end), it is done
  // all the same; else they are told who was first and decide anew. So they do before they end a
  // case of which somebody has pressed again.
  async compare(item) {
    const answer = await fetch(`/api/v1/cases/${encodeURIComponent(item.caseId)}`);
    if (!answer.ok) return this.end(item.key, this.texts.changed);
    const { case: now, log } = await answer.json();
    const since = log.filter((line) => (line.body.version ?? 0) > item.body.expected_version);
    const others = since.filter((line) => line.by && line.by !== this.me);
    const pressed = ENDS.has(item.act) && since.some((line) => line.what === "again");
    const tries = (item.tries ?? 0) + 1;
    if (others.length || pressed || tries > VERSION_TRIES) {
      const last = others.at(-1);
      const said = last && [last.by, this.texts.acts[last.what] ?? last.what, last.body.to ?? last.text ?? ""].filter(Boolean).join(" · ");
      return this.end(item.key, said ? this.texts.first.replace("{who}", said) : this.texts.changed);
    }
    const body = { ...item.body, expected_version: now.version };
    const fresh = { ...item, key: randomName(), body, tries, seq: null };
    const waiter = this.waiting.get(item.key);
    this.waiting.delete(item.key);
    if (waiter) this.waiting.set(fresh.key, waiter);
    this.keep((all) => all.map((one) => (one.key === item.key ? fresh : one)));
    return this.post(fresh);
  }
}
