// What waits to be sent, as plain values: which act is next, what an answer means, when to try again.
//
// An act: { n (its place in the order in which acts were made), id, owner, group, path, body, photos,
// sent (photos that the hub has, by key), tries, next_ms, state: "waiting" | "refused", why }.
// Nothing here touches the network, the disk or the clock.

export const WAITING = "waiting";
export const REFUSED = "refused";
const FIRST_WAIT_MS = 2000;
const AGAIN = new Set([202, 408, 425, 429]); // kept and not judged yet, or not now
const NO_ROOM = "no_room"; // for photos, and not soon: whoever did the work sends it without one

// Acts belong to the account that is logged in and to whoever is on duty there: nobody else sends them.
export const ownerOf = (who) => `${who.account}/${who.actor}`;

// The oldest act that may be sent now. Within a group (one order, one round) none goes before an
// older one; a group that has to wait does not hold up the others. What was refused stands aside.
export function nextOf(acts, owner, nowMs) {
  const held = new Set();
  for (const act of acts) {
    if (act.state !== WAITING || act.owner !== owner || held.has(act.group)) continue;
    if (act.next_ms <= nowMs) return act;
    held.add(act.group);
  }
  return null;
}

// When the next try is due; null: nothing waits.
export function dueMs(acts, owner) {
  const due = acts.filter((act) => act.state === WAITING && act.owner === owner).map((act) => act.next_ms);
  return due.length ? Math.min(...due) : null;
}

// Twice as long each time up to a bound; `chance` of 0..1 keeps phones from knocking all at once.
export function waitMs(tries, longestMs, chance) {
  return Math.min(longestMs, FIRST_WAIT_MS * 2 ** Math.min(tries, 20)) * (0.75 + chance / 4);
}

// What an answer means: done, again (later), log_in, photos (they are gone, send them anew), refused.
export function verdictOf(status, body, retryAfterS = null) {
  if (status === 401) return { kind: "log_in" };
  const isLater = AGAIN.has(status) || (status >= 500 && body.code !== NO_ROOM);
  if (isLater) return { kind: "again", after_ms: retryAfterS === null ? null : retryAfterS * 1000 };
  if (status >= 200 && status < 300) return { kind: "done", body };
  if (body.code === "no_such_photo") return { kind: "photos" };
  const { code, detail, reason_zh: zh, reason_en: en } = body;
  return { kind: "refused", why: { status, code, zh: zh ?? detail, en: en ?? detail } };
}

// The act after its answer; null: it is done with.
export function after(act, verdict, { nowMs, longestMs, chance }) {
  if (verdict.kind === "done") return null;
  if (verdict.kind === "refused") return { ...act, state: REFUSED, why: verdict.why, refused_ms: nowMs };
  if (verdict.kind === "log_in") return act;
  const tries = act.tries + 1;
  const next_ms = nowMs + (verdict.after_ms ?? waitMs(act.tries, longestMs, chance));
  return verdict.kind === "photos" ? { ...act, tries, next_ms, sent: {} } : { ...act, tries, next_ms };
}

// An order or a round as it will be when everything that waits has been taken by the hub.
const ORDER_AFTER = {
  accept: (order, act) => ({ ...order, state: "accepted", accepted_by: act.by }),
  give_back: (order) => ({ ...order, state: "open", accepted_by: null }),
  on_site: (order, act) => ({ ...order, state: "on_site", on_site_at_ms: act.body.made_at_ms }),
  done: (order, act) => ({ ...order, state: "done", done_by: act.by, done_at_ms: act.body.made_at_ms }),
  sign: (order, act) => ({ ...order, state: "closed", closed_by: act.by }),
};

export function expected(order, acts) {
  const theirs = acts.filter((act) => act.group === `order:${order.id}`);
  const waiting = theirs.filter((act) => act.state === WAITING);
  const after_all = waiting.reduce((one, act) => ORDER_AFTER[act.act]?.(one, act) ?? one, order);
  return { ...after_all, waiting: waiting.length, refused: theirs.length - waiting.length };
}

export function expectedRound(round, acts) {
  const waiting = acts.filter((act) => act.group === `round:${round.id}` && act.state === WAITING);
  const stops = round.stops.map((stop) => {
    const tick = waiting.find((act) => act.act === "tick" && act.stop === stop.number);
    return tick && !stop.ticked_ms ? { ...stop, ticked_ms: tick.body.made_at_ms, ticked_by: tick.by, waiting: true } : stop;
  });
  return { ...round, stops, ending: waiting.some((act) => act.act === "end") };
}
