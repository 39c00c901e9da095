// What the phone keeps on its disk: acts and photos that wait to be sent, and the work as last seen.

const NAME = "crew";
const VERSION = 1;
const CHANGED = "crew-changed";

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const finished = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });

function make(request) {
  const db = request.result;
  db.createObjectStore("acts", { keyPath: "n", autoIncrement: true }); // grows: the order in which they were made
  db.createObjectStore("photos");
  db.createObjectStore("kept");
}

export async function openStore(name = NAME) {
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = () => make(request);
  const db = await done(request);
  db.onversionchange = () => db.close();
  return new Store(db);
}

export class Store {
  constructor(db) {
    this.db = db;
    this.channel = new BroadcastChannel(CHANGED); // other tabs, and the service worker
  }

  onChange(hear) {
    this.channel.onmessage = hear;
  }

  read(store, ask) {
    return done(ask(this.db.transaction(store).objectStore(store)));
  }

  async write(stores, change) {
    // "strict": what was said to be kept is on the disk, also when the battery is pulled.
    const transaction = this.db.transaction(stores, "readwrite", { durability: "strict" });
    change(...stores.map((name) => transaction.objectStore(name)));
    await finished(transaction);
  }

  acts() {
    return this.read("acts", (store) => store.getAll());
  }

  async addAct(act) {
    await this.write(["acts"], (acts) => acts.add(act));
    this.channel.postMessage("acts");
  }

  async keepAct(act) {
    await this.write(["acts"], (acts) => acts.put(act));
    this.channel.postMessage("acts");
  }

  // With its photos: they belong to one act.
  async removeAct(act) {
    await this.write(["acts", "photos"], (acts, photos) => {
      acts.delete(act.n);
      for (const key of act.photos) photos.delete(key);
    });
    this.channel.postMessage("acts");
  }

  photo(key) {
    return this.read("photos", (store) => store.get(key));
  }

  addPhoto(key, blob) {
    return this.write(["photos"], (photos) => photos.put(blob, key));
  }

  removePhoto(key) {
    return this.write(["photos"], (photos) => photos.delete(key));
  }

  kept(key) {
    return this.read("kept", (store) => store.get(key));
  }

  keep(key, value) {
    return this.write(["kept"], (kept) => kept.put(value, key));
  }

  // Everything but what waits to be sent: that is work somebody did, and is sent when he comes back.
  async forgetWork() {
    const waiting = new Set((await this.acts()).flatMap((act) => act.photos));
    const keys = await this.read("photos", (store) => store.getAllKeys());
    await this.write(["kept", "photos"], (kept, photos) => {
      kept.delete("work");
      kept.delete("drafts");
      for (const key of keys) if (!waiting.has(key)) photos.delete(key);
    });
    this.channel.postMessage("work");
  }

  close() {
    this.channel.close();
    this.db.close();
  }
}

// For pages that end a session: nothing of one person's work stays behind for the next.
export async function forgetWork() {
  const store = await openStore();
  await store.forgetWork();
  store.close();
}
