// One work order: the way, what is wrong, what the device says now, and what a person can do next.
import { el, put } from "/static/js/crew/dom.js";
import { drafts } from "/static/js/crew/drafts.js";
import { priority, things, whereOf } from "/static/js/crew/list_view.js";
import { shrink, thumbnail } from "/static/js/crew/photo.js";
import { REFUSED } from "/static/js/crew/queue.js";
import { deviceOf, newestPoints, partOf, withPart } from "/static/js/crew/work.js";
import { clock, language, own, say, texts, valueText } from "/static/js/crew/words.js";

const THUMBNAIL_PIXELS = 96;
let formOf = ""; // the order and state for which the form stands: it is not made anew under a finger

export function showOrder(all) {
  const order = all.orders.find((one) => one.id === all.key) ?? closedOf(all);
  if (!order) return void gone(all);
  const parts = frame(all.place);
  put(parts.head, head(order, all));
  const lines = [live(order)].flat();
  if (lines.map((line) => line.textContent).join("") !== parts.live.textContent) put(parts.live, lines); // said once
  put(parts.next, next(order, all));
  const form = `${order.id} ${order.state}`;
  if (form !== formOf || !parts.form.hasChildNodes()) put(parts.form, workForm(order, all));
  formOf = form;
  put(parts.rest, rest(order, all));
}

const closedOf = (all) => {
  const order = all.work?.closed.find((one) => one.id === all.key);
  return order && { ...order, points: {}, heard_ms: null, waiting: 0, refused: 0 };
};

function gone(all) {
  formOf = "";
  put(all.place, el("p", { class: "nothing" }, say(all.work ? "order_gone" : "nothing_yet")), el("p", {}, el("a", { class: "act", href: "#/" }, say("to_work"))), all.key && all.feed === "live" ? el("p", {}, el("a", { class: "act", href: `/orders/${encodeURIComponent(all.key)}` }, say("whole_story"))) : null);
}

// The places of the page that change by themselves, each for itself.
function frame(place) {
  const names = ["head", "live", "next", "form", "rest"];
  if (!place.querySelector("#order-head")) put(place, names.map((name) => el("div", { id: `order-${name}`, class: "order-part", ...(name === "live" ? { role: "status" } : {}) })));
  return Object.fromEntries(names.map((name) => [name, place.querySelector(`#order-${name}`)]));
}

function head(order, all) {
  const way = order.place.way.map(own).join(" › ");
  return [
    el("p", {}, el("a", { class: "back", href: "#/" }, `‹ ${say("to_work")}`)),
    el("h1", {}, priority(order), " ", own(order.title)),
    el("p", { class: "where" }, whereOf(order)),
    way && order.place.way.length > 1 ? el("p", { class: "muted" }, way) : null,
    el("p", { class: "chips" }, el("span", { class: `chip is-${order.state}`, id: "order-state" }, texts.states[order.state]), order.accepted_by ? el("span", { class: "chip" }, order.accepted_by === all.me?.actor ? say("me") : order.accepted_by) : null, order.waiting ? el("a", { class: "chip waiting", href: "#/waiting" }, `↑ ${say("waiting_count", { count: order.waiting })}`) : null),
    all.acts.filter((act) => act.group === `order:${order.id}` && act.state === REFUSED).map((act) => el("p", { class: "wrong" }, `${say(`act_${act.act}`)}: ${act.why[language]} `, el("a", { href: "#/waiting" }, say("to_waiting")))),
  ];
}

// -- what the device says -----------------------------------------------------------------------

function live(order) {
  const said = newestPoints(order.points, order.heard_ms ?? 0).map(valueText).join(texts.and);
  const since = order.proof.since_ms ?? order.on_site_at_ms ?? order.done_at_ms;
  const again = since && order.heard_ms && order.heard_ms > since;
  if (order.state === "closed") return el("p", { class: "live well" }, `✓ ${order.closed_by ? say("signed_by", { who: order.closed_by }) : say("device_showed", { what: own(order.proof.shown_words) || say("sign_of_life"), at: clock(order.proof.shown_at_ms) })}`);
  const lines = [];
  if (order.device && again) lines.push(el("p", { class: "live well", id: "heard" }, `✓ ${say("reports_again", { what: said || say("sign_of_life"), at: clock(order.heard_ms) })}`));
  else if (order.device) lines.push(el("p", { class: "live muted", id: "heard" }, order.heard_ms ? say("last_heard", { what: said, at: clock(order.heard_ms) }) : say("never_heard")));
  if (order.state === "on_site" && !again && order.device) lines.push(el("p", { class: "muted" }, say("waits_for_word")));
  if (order.state === "done") lines.push(el("p", { class: "muted" }, order.proof.by === "signature" ? say("waits_for_signature") : order.proof.until_ms ? say("waits_until", { what: own(order.proof.words), at: clock(order.proof.until_ms) }) : own(order.proof.words)));
  return lines;
}

// -- what comes next ------------------------------------------------------------------------------

function next(order, all) {
  const { api } = all;
  const button = (act, primary, press) => el("button", { type: "button", class: `act ${primary ? "primary" : ""}`, id: `do-${act}`, onclick: press ?? (() => api.orderAct(order, act)) }, say(`act_${act}`));
  const arrive = (primary) => button("on_site", primary, () => arriveAt(order, all));
  const mine = order.accepted_by === all.me?.actor;
  const did = order.done_by === all.me?.actor;
  return {
    open: [button("accept", true), arrive(false)],
    accepted: [arrive(true), mine ? button("give_back", false) : null],
    on_site: [],
    done: [did ? el("p", { class: "muted" }, say("not_yourself")) : button("sign", true)],
    closed: [],
  }[order.state];
}

async function arriveAt(order, all) {
  const codes = all.work?.codes ?? {};
  const check = (text) => {
    const device = deviceOf(text, codes);
    const other = device && device !== order.device && all.orders.find((one) => one.device === device);
    return other && other.place.path !== order.place.path ? say("other_device", { where: whereOf(other) }) : null;
  };
  const found = await all.api.scan({ title: say("scan_here"), about: whereOf(order), check, reasons: true });
  if (found) await all.api.orderAct(order, "on_site", found);
}

// -- what was done --------------------------------------------------------------------------------

function workForm(order, all) {
  if (order.state === "closed") return [];
  const draft = () => drafts.of(order.id);
  const finishable = ["accepted", "on_site"].includes(order.state) || order.state === "open";
  const photos = el("div", { class: "thumbs", id: "photos" });
  const parts = el("div", { class: "parts", id: "parts" });
  const drawn = { photos, parts, draft, order, all };
  drawParts(drawn);
  drawPhotos(drawn);
  const form = el(
    "form",
    { class: "work-form", onsubmit: (event) => event.preventDefault() },
    el("label", { class: "act photo-button" }, `+ ${say("photo")}`, el("input", { type: "file", accept: "image/*", capture: "environment", id: "photo", class: "sr", onchange: (event) => addPhoto(event, drawn) })),
    photos,
    finishable ? partsFields(drawn) : null,
    finishable ? el("label", { for: "outcome" }, say("outcome")) : null,
    finishable ? el("select", { id: "outcome", onchange: (event) => drafts.change(order.id, { outcome: event.target.value }) }, Object.entries(texts.outcomes).map(([name, text]) => el("option", { value: name, selected: name === draft().outcome }, text))) : null,
    el("label", { for: "remark" }, say("remark")),
    el("textarea", { id: "remark", rows: "2", maxlength: "4000", value: draft().text, oninput: (event) => drafts.change(order.id, { text: event.target.value }) }),
    el("div", { class: "acts" },
      finishable ? el("button", { type: "button", class: "act primary", id: "do-done", onclick: () => finish(drawn) }, say("act_done")) : null,
      el("button", { type: "button", class: "act", id: "do-note", onclick: () => note(drawn) }, say("act_note"))),
  );
  if (order.state === "on_site") return [el("h2", {}, say("what_was_done")), form];
  return [el("details", { class: "more" }, el("summary", { class: "act" }, say(finishable ? "without_scan" : "note_or_photo")), form)];
}

function partsFields(drawn) {
  const { order } = drawn;
  const add = (part) => {
    drafts.change(order.id, { parts: withPart(drawn.draft().parts, part) });
    drawParts(drawn);
  };
  const keep = () => drafts.change(order.id, { part: own_words.value });
  const own_words = el("input", { id: "part", maxlength: "100", autocomplete: "off", enterkeyhint: "done", value: drawn.draft().part ?? "", oninput: keep });
  const addWritten = () => {
    if (!own_words.value.trim()) return;
    add(partOf(own_words.value));
    own_words.value = "";
    keep();
  };
  own_words.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), addWritten()));
  return el(
    "fieldset",
    {},
    el("legend", {}, say("parts")),
    drawn.parts,
    el("div", { class: "acts" }, order.bring.map((thing) => el("button", { type: "button", class: "act", onclick: () => add({ name: own(thing), count: 1 }) }, `+ ${own(thing)}`))),
    el("label", { for: "part" }, say("part_other")),
    el("div", { class: "one-line" }, own_words, el("button", { type: "button", class: "act", id: "add-part", onclick: addWritten }, say("add"))),
  );
}

function drawParts({ parts, draft, order, all }) {
  const change = (name, by) => {
    const left = draft().parts.map((part) => (part.name === name ? { ...part, count: part.count + by } : part));
    drafts.change(order.id, { parts: left.filter((part) => part.count > 0) });
    drawParts({ parts, draft, order, all });
  };
  put(parts, draft().parts.map((part, nth) => el("p", { class: "part" }, el("span", {}, `${part.name} × ${part.count}`), el("button", { type: "button", class: "act", id: `less-${nth}`, "aria-label": say("one_less", { part: part.name }), onclick: () => change(part.name, -1) }, "−"), el("button", { type: "button", class: "act", id: `more-${nth}`, "aria-label": say("one_more", { part: part.name }), onclick: () => change(part.name, 1) }, "+"))));
}

async function addPhoto(event, drawn) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  const { api, bounds } = drawn.all;
  if (drawn.draft().photos.length >= bounds.photosMax) return void api.toast(say("photos_max", { count: bounds.photosMax }), true);
  let small;
  try {
    small = await shrink(file, bounds.photoSide, bounds.photoQuality);
  } catch {
    return void api.toast(say("photo_bad"), true);
  }
  const key = api.newId();
  try {
    await api.store.addPhoto(key, small);
    await drafts.change(drawn.order.id, { photos: [...drawn.draft().photos, key] });
  } catch {
    return void api.toast(say("phone_full"), true);
  }
  if (drawn.photos.isConnected) return drawPhotos(drawn);
  formOf = ""; // the order moved on while the photo was made small: another form stands there now
  api.show();
}

async function drawPhotos(drawn) {
  const shown = [];
  for (const [nth, key] of drawn.draft().photos.entries()) {
    const blob = await drawn.all.api.store.photo(key);
    if (!blob) continue;
    const picture = await thumbnail(blob, THUMBNAIL_PIXELS, say("photo_number", { number: nth + 1 }));
    shown.push(el("span", { class: "thumb" }, picture, el("button", { type: "button", class: "act", "aria-label": say("photo_away", { number: nth + 1 }), onclick: () => dropPhoto(drawn, key) }, "×")));
  }
  put(drawn.photos, shown);
}

async function dropPhoto(drawn, key) {
  await drafts.change(drawn.order.id, { photos: drawn.draft().photos.filter((one) => one !== key) });
  await drawn.all.api.store.removePhoto(key);
  await drawPhotos(drawn);
}

async function sent(drawn, act, body, photos) {
  if (!(await drawn.all.api.orderAct(drawn.order, act, body, photos))) return;
  await drafts.drop(drawn.order.id);
  formOf = "";
  drawn.all.api.show();
}

function finish(drawn) {
  const { text, outcome, part, photos, ...draft } = drawn.draft();
  const parts = part?.trim() ? withPart(draft.parts, partOf(part)) : draft.parts; // written and not added: used all the same
  return sent(drawn, "done", { outcome, ...(text.trim() ? { text } : {}), ...(parts.length ? { parts } : {}) }, photos);
}

function note(drawn) {
  const { text, photos } = drawn.draft();
  if (!text.trim() && !photos.length) return void drawn.all.api.toast(say("write_something"), true);
  return sent(drawn, "note", text.trim() ? { text } : {}, photos);
}

// -- what is known --------------------------------------------------------------------------------

function rest(order, all) {
  const code = all.work?.codes[order.device];
  const rows = [
    [say("why"), own(order.why)],
    [say("probably"), order.probably.map(own).join(language === "zh" ? "；" : "; ")],
    [say("to_bring"), things(order.bring)],
    [say("proof"), own(order.proof.words)],
    [say("why_urgent"), own(order.priority_reason)],
    [say("device"), [own(order.device_name), order.model, code].filter(Boolean).join(" · ")],
    [say("raised"), clock(order.raised_at_ms)],
    [say("number"), order.id],
  ];
  return [
    el("dl", { class: "facts" }, rows.filter(([, text]) => text).map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
    all.feed === "live" ? el("p", {}, el("a", { class: "act", href: `/orders/${encodeURIComponent(order.id)}` }, say("whole_story"))) : null,
  ];
}
