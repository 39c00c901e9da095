// What a person has begun to write about an order and not yet sent: it outlives a reload.

const EMPTY = { text: "", outcome: "mended", parts: [], part: "", photos: [] };

class Drafts {
  constructor() {
    this.all = {};
  }

  async open(store) {
    this.store = store;
    this.all = (await store.kept("drafts")) ?? {};
  }

  of(id) {
    return this.all[id] ?? EMPTY;
  }

  change(id, change) {
    this.all[id] = { ...this.of(id), ...change };
    return this.store.keep("drafts", this.all);
  }

  drop(id) {
    delete this.all[id];
    return this.store.keep("drafts", this.all);
  }

  forget() {
    this.all = {};
  }
}

export const drafts = new Drafts();
