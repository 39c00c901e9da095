// A round as a list for a walk: begun where there is a network, ticked off anywhere.
import { el, put } from "/static/js/crew/dom.js";
import { priority, things } from "/static/js/crew/list_view.js";
import { deviceOf } from "/static/js/crew/work.js";
import { clock, own, say } from "/static/js/crew/words.js";

const BATTERY = "battery-low"; // the trouble of `rules/orders` that is an order for a battery
let proposal = null; // what a walk would be: { area, stops, at_ms }
let batteries = true;

export function showRound(all) {
  const round = all.rounds.find((one) => String(one.id) === all.key);
  if (round) put(all.place, walk(round, all));
  else put(all.place, el("h1", {}, say("rounds")), open(all), begin(all));
}

const named = (areas, id) => own(areas.find((one) => one.id === id)?.name);
const nameOf = (round, all) => named(all.work.grids, round.grid) || named(all.work.grounds, round.ground) || round.ground || round.grid || "–";
const counted = (round) => `${round.stops.filter((stop) => stop.ticked_ms).length} / ${round.stops.length}`;

function open(all) {
  if (!all.rounds.length) return el("p", { class: "muted" }, say(all.work ? "no_rounds" : "nothing_yet"));
  return el("ul", { class: "works" }, all.rounds.map((round) => el("li", { class: "work" }, el("a", { class: "work-link", href: `#/round/${round.id}`, id: `round-${round.id}` }, el("strong", {}, nameOf(round, all)), el("span", {}, `${counted(round)} · ${round.by} · ${clock(round.started_ms)}`)))));
}

// -- beginning one --------------------------------------------------------------------------------

const isBattery = (stop, all) => stop.kind === "battery" || (stop.kind === "order" && all.orders.some((one) => one.id === stop.key && one.trouble === BATTERY));
const chosen = (all) => proposal.stops.filter((stop) => !batteries || isBattery(stop, all));

function begin(all) {
  if (all.feed !== "live") return el("p", { class: "muted" }, say("round_needs_network"));
  const areas = [...(all.work?.grids ?? []).map((one) => ({ grid: one.id, name: own(one.name) })), ...(all.work?.grounds ?? []).map((one) => ({ ground: one.id, name: own(one.name) }))];
  const kind = (value, text) => el("button", { type: "button", class: "tab", id: `kind-${text}`, "aria-pressed": String(batteries === value), onclick: () => ((batteries = value), all.api.show()) }, say(text));
  return [
    el("h2", {}, say("new_round")),
    el("div", { class: "tabs", role: "group", "aria-label": say("new_round") }, kind(true, "batteries_only"), kind(false, "everything")),
    el("div", { class: "tabs", role: "group", "aria-label": say("where") }, areas.map((area, nth) => el("button", { type: "button", class: "tab", id: `area-${nth}`, "aria-pressed": String(proposal?.area.name === area.name), onclick: () => propose(area, all) }, area.name))),
    proposal ? preview(all) : el("p", { class: "muted" }, say("choose_area")),
  ];
}

const query = ({ grid, ground }) => new URLSearchParams(grid ? { grid } : { ground });

async function propose(area, all) {
  try {
    const found = await all.api.ask(`/api/v1/rounds/proposal?${query(area)}`);
    proposal = { area, stops: found.stops };
  } catch (error) {
    all.api.toast(error instanceof TypeError ? say("round_needs_network") : error.message, true);
  }
  all.api.show();
}

function preview(all) {
  const stops = chosen(all);
  if (!stops.length) return el("p", { class: "nothing muted" }, say("nothing_there"));
  return [
    el("button", { type: "button", class: "act primary", id: "begin-round", onclick: (event) => start(event, all) }, say("begin_round", { count: stops.length })),
    el("ol", { class: "works" }, stops.map((stop) => el("li", { class: "work" }, el("div", { class: "work-link" }, el("span", { class: "where" }, own(stop.place_name) || stop.place || "–"), el("span", {}, own(stop.title)))))),
  ];
}

let wish = null; // the name of a beginning that was not answered: sent again it is the same one
async function start(event, all) {
  const button = event.currentTarget;
  button.setAttribute("aria-busy", "true");
  const { grid, ground } = proposal.area;
  const keys = chosen(all).map((stop) => `${stop.kind}:${stop.key}`);
  wish ??= all.api.newId();
  try {
    const round = await all.api.ask("/api/v1/rounds", { id: wish, ...(grid ? { grid } : { ground }), keys });
    wish = proposal = null;
    await all.api.refresh();
    if (round.id) location.hash = `#/round/${round.id}`;
  } catch (error) {
    if (!(error instanceof TypeError)) wish = null;
    all.api.toast(error instanceof TypeError ? say("round_needs_network") : error.message, true);
    button.removeAttribute("aria-busy");
  }
}

// -- walking it -----------------------------------------------------------------------------------

function walk(round, all) {
  const left = round.stops.filter((stop) => !stop.ticked_ms).length;
  return [
    el("p", {}, el("a", { class: "back", href: "#/round" }, `‹ ${say("rounds")}`)),
    el("h1", {}, nameOf(round, all), " ", el("span", { class: "sum", id: "round-count" }, counted(round))),
    el("div", { class: "acts" }, el("button", { type: "button", class: "act primary", id: "scan-stop", onclick: () => scanStop(round, all) }, say("scan_stop")), el("button", { type: "button", class: "act", id: "end-round", disabled: round.ending, onclick: () => end(round, left, all) }, say(round.ending ? "ending" : "end_round"))),
    el("ol", { class: "works" }, round.stops.map((stop) => stopCard(stop, round, all))),
  ];
}

function stopCard(stop, round, all) {
  const order = stop.kind === "order" ? all.orders.find((one) => one.id === stop.key) : null;
  const what = [el("span", { class: "where" }, `${stop.number}. ${own(stop.place_name) || stop.place || "–"}`), el("span", {}, order ? [priority(order), " "] : null, own(stop.title)), stop.bring.length ? el("span", { class: "muted" }, `${say("bring")} ${things(stop.bring)}`) : null, stop.ticked_ms ? el("span", { class: "chips" }, el("span", { class: "chip well" }, `✓ ${clock(stop.ticked_ms)}`), stop.waiting ? el("span", { class: "chip waiting" }, `↑ ${say("waiting_one")}`) : null) : null];
  return el(
    "li",
    { class: `work ${stop.ticked_ms ? "ticked" : ""}`, "data-stop": stop.number },
    order ? el("a", { class: "work-link", href: `#/order/${encodeURIComponent(order.id)}`, id: `stop-${stop.number}` }, what) : el("div", { class: "work-link" }, what),
    stop.ticked_ms ? null : el("button", { type: "button", class: "act", id: `tick-${stop.number}`, "aria-label": `${say("act_tick")} ${stop.number}`, onclick: () => tick(round, stop, {}, all) }, `✓ ${say("act_tick")}`),
  );
}

const roundAct = (round, act, body, all, more = {}) =>
  all.api.act({ act, group: `round:${round.id}`, path: `/api/v1/rounds/${round.id}/${act}`, about: `${nameOf(round, all)} ${more.stop ?? ""}`.trim(), body, ...more });

const tick = (round, stop, more, all) => roundAct(round, "tick", { stop: stop.number, ...more }, all, { stop: stop.number });

// By the device whose code it is, where the phone knows it; else the hub finds the stop.
async function scanStop(round, all) {
  const found = await all.api.scan({ title: say("scan_stop"), about: nameOf(round, all) });
  if (!found) return;
  const device = deviceOf(found.code, all.work?.codes ?? {});
  const stop = device && round.stops.find((one) => one.device === device && !one.ticked_ms);
  if (stop) await tick(round, stop, { code: found.code }, all);
  else await roundAct(round, "tick", { code: found.code }, all);
}

async function end(round, left, all) {
  if (left && !confirm(say("end_with_left", { count: left }))) return;
  if (await roundAct(round, "end", {}, all)) location.hash = "#/round";
}
