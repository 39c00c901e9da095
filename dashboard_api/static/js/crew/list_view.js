// The list of work orders: by urgency, or building by building.
import { el, put } from "/static/js/crew/dom.js";
import { ACTIVE, byBuilding, chosenOf, isFree, isMine } from "/static/js/crew/work.js";
import { clock, own, say, texts } from "/static/js/crew/words.js";

let filter = null; // until somebody chooses: mine, where there is something of mine

export const priority = (order) =>
  el("span", { class: `priority p${order.priority ?? 4}`, title: say("priority", { number: order.priority ?? "–" }) }, el("span", { class: "sr" }, `${say("priority", { number: "" })} `), String(order.priority ?? "–"));

export const whereOf = (order) =>
  [own(order.place.name) || own(order.device_name) || order.device || own(order.place.grid_name) || order.id, order.place.floor && say("floor", { floor: order.place.floor })].filter(Boolean).join(" · ");

export const things = (bring) => bring.map((one) => (one.count > 1 ? `${own(one)} × ${one.count}` : own(one))).join(texts.and);

function chips(order, me) {
  const who = order.accepted_by && (order.accepted_by === me?.actor ? say("me") : order.accepted_by);
  return [
    el("span", { class: `chip is-${order.state}` }, texts.states[order.state], who && order.state !== "open" ? ` · ${who}` : ""),
    order.reopened ? el("span", { class: "chip warning" }, say("reopened", { times: order.reopened })) : null,
    order.waiting ? el("span", { class: "chip waiting" }, `↑ ${say("waiting_one")}`) : null,
    order.refused ? el("span", { class: "chip emergency" }, `! ${say("refused_one")}`) : null,
  ];
}

export function card(order, { me, api }) {
  return el(
    "li",
    { class: "work", "data-order": order.id },
    el(
      "a",
      { class: "work-link", href: `#/order/${encodeURIComponent(order.id)}`, id: `order-${order.id}` },
      el("span", { class: "work-head" }, priority(order), el("strong", {}, own(order.title))),
      el("span", { class: "where" }, whereOf(order)),
      order.bring.length && ACTIVE.has(order.state) ? el("span", { class: "muted" }, `${say("bring")} ${things(order.bring)}`) : null,
      el("span", { class: "chips" }, chips(order, me)),
    ),
    isFree(order) ? el("button", { class: "act", type: "button", id: `accept-${order.id}`, "aria-label": `${say("act_accept")} ${order.id}`, onclick: () => api.orderAct(order, "accept") }, say("act_accept")) : null,
  );
}

function tabs(orders, me, again) {
  const counts = { mine: orders.filter((one) => isMine(one, me?.actor)).length, free: orders.filter(isFree).length, all: orders.length };
  return el(
    "div",
    { class: "tabs", role: "group", "aria-label": say("filter") },
    Object.entries(counts).map(([name, count]) =>
      el("button", { type: "button", class: "tab", id: `tab-${name}`, "aria-pressed": String(name === filter), onclick: () => ((filter = name), again()) }, `${say(`tab_${name}`)} ${count}`),
    ),
  );
}

function choose(all) {
  if (all.work) filter ??= all.orders.some((one) => isMine(one, all.me?.actor)) ? "mine" : "free";
  return chosenOf(all.orders, filter, all.me?.actor);
}

const nothing = (all) => el("p", { class: "nothing muted" }, say(all.work ? "nothing" : "nothing_yet"));

export function showWork(all) {
  const orders = choose(all);
  const closed = filter === "free" ? [] : (all.work?.closed ?? []);
  put(
    all.place,
    el("h1", {}, say("work")),
    tabs(all.orders, all.me, () => showWork(all)),
    orders.length ? el("ul", { class: "works" }, orders.map((order) => card(order, all))) : nothing(all),
    all.work?.more ? el("p", { class: "muted" }, say("more_orders")) : null,
    closed.length ? el("h2", {}, say("closed_lately")) : null,
    closed.length ? el("ul", { class: "works" }, closed.map(closedCard)) : null,
  );
}

function closedCard(order) {
  const how = order.closed_by ? say("signed_by", { who: order.closed_by }) : say("device_showed", { what: own(order.proof.shown_words) || say("sign_of_life"), at: clock(order.proof.shown_at_ms) });
  return el("li", { class: "work closed", "data-closed": order.id }, el("div", { class: "work-link" }, el("span", { class: "work-head" }, el("span", { class: "tick", "aria-hidden": "true" }, "✓"), el("strong", {}, own(order.title))), el("span", { class: "where" }, whereOf(order)), el("span", { class: "well" }, how)));
}

export function showRoute(all) {
  const buildings = byBuilding(choose(all));
  put(
    all.place,
    el("h1", {}, say("route")),
    tabs(all.orders, all.me, () => showRoute(all)),
    buildings.length ? buildings.map((one) => building(one, all)) : nothing(all),
  );
}

function building(one, all) {
  const urgent = one.orders.filter((order) => (order.priority ?? 4) <= 2).length;
  return el(
    "section",
    { class: "building", "data-building": one.key },
    el("h2", {}, own(one.name) || say("nowhere"), el("span", { class: "sum" }, ` ${say("orders_count", { count: one.orders.length })}${urgent ? ` · ${say("urgent_count", { count: urgent })}` : ""}`)),
    one.bring.length ? el("p", { class: "muted" }, `${say("bring")} ${things(one.bring)}`) : null,
    el("ol", { class: "works" }, one.orders.map((order) => card(order, all))),
  );
}
