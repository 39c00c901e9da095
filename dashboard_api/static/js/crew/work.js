// The work as plain values: who has what, the way through the buildings, what a scanned text means.

export const ACTIVE = new Set(["open", "accepted", "on_site"]);

export const isMine = (order, actor) => order.accepted_by === actor || order.done_by === actor;
export const isFree = (order) => order.state === "open";

export function chosenOf(orders, filter, actor) {
  if (filter === "mine") return orders.filter((order) => isMine(order, actor));
  if (filter === "free") return orders.filter(isFree);
  return orders;
}

// Orders in the order of a walk, building by building, each with what it adds up to.
export function byBuilding(orders) {
  const found = new Map();
  for (const order of [...orders].filter((one) => ACTIVE.has(one.state)).sort((one, other) => one.walk - other.walk)) {
    const key = order.building?.key ?? "";
    if (!found.has(key)) found.set(key, { key, name: order.building?.name ?? null, orders: [], bring: [] });
    found.get(key).orders.push(order);
  }
  for (const one of found.values()) one.bring = summed(one.orders);
  return [...found.values()];
}

// What to bring for some orders: each thing once, with how often it is needed.
export function summed(orders) {
  const found = new Map();
  for (const thing of orders.flatMap((order) => order.bring)) {
    const known = found.get(thing.zh) ?? { ...thing, count: 0 };
    found.set(thing.zh, { ...known, count: known.count + 1 });
  }
  return [...found.values()];
}

// The code of a device in what was scanned or typed: the end of a link to /d/…, or the text itself.
export function codeOf(text) {
  const trimmed = text.trim();
  const link = /\/d\/([^/?#\s]+)/.exec(trimmed);
  return link ? decodeURIComponent(link[1]) : trimmed;
}

// Whose code it is; a person types in whatever case he likes.
export function deviceOf(text, codes) {
  const code = codeOf(text).toLowerCase();
  return Object.keys(codes).find((device) => [device, codes[device]].some((one) => one?.toLowerCase() === code)) ?? null;
}

// The points of a device's last message, the telling ones first.
const TELLING = ["battery", "contact", "uses", "press", "test_press", "online", "battery_v", "tamper", "alive"];
const POINTS_SHOWN = 2;

export function newestPoints(points, heardMs) {
  const rank = (name) => (TELLING.includes(name) ? TELLING.indexOf(name) : TELLING.length);
  return Object.entries(points ?? {})
    .filter(([, [, atMs]]) => heardMs - atMs < 60000)
    .sort(([one], [other]) => rank(one) - rank(other))
    .slice(0, POINTS_SHOWN)
    .map(([name, [value]]) => ({ name, value }));
}

// "CR2032 × 2" → { name: "CR2032", count: 2 }
export function partOf(text) {
  const found = /^(.*?)\s*[×xX*]\s*(\d{1,3})$/.exec(text.trim());
  return found && found[1] && Number(found[2]) ? { name: found[1], count: Number(found[2]) } : { name: text.trim(), count: 1 };
}

export function withPart(parts, added) {
  const known = parts.some((part) => part.name === added.name);
  if (!known) return [...parts, added];
  return parts.map((part) => (part.name === added.name ? { ...part, count: part.count + added.count } : part));
}
