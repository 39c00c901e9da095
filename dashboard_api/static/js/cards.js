// A list of cards made anew by the server: a card that is as before stays where it is, with its focus
// and what was shown on it; only what differs is replaced.
const sources = new WeakMap(); // card: as the server wrote it

const cards = (root) => [...root.querySelectorAll(":scope > article[data-case]")];

export function remember(list) {
  for (const card of cards(list)) sources.set(card, card.outerHTML);
}

// The cards that were not there before.
export function merge(list, html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  const known = new Map(cards(list).map((card) => [card.dataset.case, card]));
  const wanted = [...made.content.children].map((node) => {
    const source = node.outerHTML;
    const before = known.get(node.dataset.case);
    if (before && sources.get(before) === source) return before;
    if (node.dataset.case) sources.set(node, source);
    return node;
  });
  const kept = new Set(wanted);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  let place = list.firstElementChild;
  for (const node of wanted) {
    if (node === place) place = place.nextElementSibling;
    else list.insertBefore(node, place);
  }
  return wanted.filter((node) => node.dataset.case && !known.has(node.dataset.case));
}
