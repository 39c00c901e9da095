// What waits to be sent, what was refused and why: nothing is lost without somebody's knowing it.
import { el, put } from "/static/js/crew/dom.js";
import { REFUSED, WAITING } from "/static/js/crew/queue.js";
import { clock, language, say } from "/static/js/crew/words.js";

export function showWaiting(all) {
  const waiting = all.acts.filter((act) => act.state === WAITING);
  const refused = all.acts.filter((act) => act.state === REFUSED);
  put(
    all.place,
    el("h1", {}, say("to_send")),
    refused.length ? [el("h2", {}, say("refused_title")), el("ul", { class: "works" }, refused.map((act) => refusedCard(act, all)))] : null,
    waiting.length ? [el("h2", {}, say("waiting_title", { count: waiting.length })), el("ol", { class: "works" }, waiting.map(waitingCard))] : el("p", { class: "nothing muted" }, say("all_sent")),
    waiting.length ? el("button", { type: "button", class: "act primary", id: "try-now", onclick: () => all.api.sendNow() }, say("try_now")) : null,
    all.strangers.length ? el("p", { class: "notice-box" }, say("others_waiting", { count: all.strangers.length, who: [...new Set(all.strangers.map((act) => act.by))].join(" ") })) : null,
  );
}

const headOf = (act) => [
  el("strong", {}, `${say(`act_${act.act}`)} · ${act.about}`),
  el("span", { class: "muted" }, `${clock(act.body.made_at_ms)}${act.photos.length ? ` · ${say("photos_count", { count: act.photos.length })}` : ""}${act.body.text ? ` · ${act.body.text}` : ""}`),
];

function waitingCard(act) {
  return el("li", { class: "work", "data-act": act.act }, el("div", { class: "work-link" }, headOf(act), act.tries ? el("span", { class: "muted" }, say("tries", { count: act.tries })) : null));
}

function refusedCard(act, all) {
  return el("li", { class: "work refused", "data-act": act.act }, el("div", { class: "work-link" }, headOf(act), el("span", { class: "wrong" }, act.why[language])), el("button", { type: "button", class: "act", id: `aside-${act.n}`, onclick: () => all.api.putAside(act) }, say("put_aside")));
}
