// What forms share that send acts with photos: the photos first, and one name for each act.
import { reasonOf } from "/static/js/asking.js";

export async function photosOf(files) {
  const names = [];
  for (const file of files) {
    const answer = await fetch("/api/v1/photos", { method: "POST", headers: { "Content-Type": file.type }, body: file });
    const body = await answer.json();
    if (!answer.ok) throw new Error(reasonOf(body));
    names.push(body.id);
  }
  return names;
}

const id = crypto.randomUUID ? () => crypto.randomUUID() : () => `${Date.now()}-${Math.random().toString(36).slice(2)}`;

// An act that nobody heard back of may have come all the same: sent again it is the same one.
export function idsOf() {
  const names = new Map(); // what is asked for: its id
  return (act, body) => {
    const asked = `${act} ${JSON.stringify(body)}`;
    if (!names.has(asked)) names.set(asked, id());
    return { ...body, id: names.get(asked), made_at_ms: Date.now() };
  };
}
