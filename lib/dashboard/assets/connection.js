/** Keeps the page connected: to the node it came from or, when that is gone, to the other members in turn. */

/** A node that is silent for so long is gone. */
const SILENT_MS = 3500;
/** The pause before the next node is tried. */
const NEXT_MS = 400;
const REMEMBERED = "kvstore-members";

/**
 * Follows `/v1/live` of one node at a time. `onFrame` gets every frame, `onState` gets `live`, `reconnecting`, `gone`, `left` or `out` and
 * the address. `gone` means that every known node was tried in vain, `left` that this one was, and that others want a login of their own; `out`
 * that the login of the page has ended.
 */
export class Connection {
  #base = location.origin;
  #token = "";
  #source;
  #watchdog;
  #pause;
  /** Those that did not answer since the last frame. */
  #tried = new Set();
  #isGone = false;
  /** Their origins by id: a member that is away has the address that it had. */
  #members = remembered();
  #account;
  #onFrame;
  #onState;

  /** `account` knows who is logged in at the node from which the page came. */
  constructor({ account, onFrame, onState }) {
    this.#account = account;
    this.#onFrame = onFrame;
    this.#onState = onState;
    this.#open(location.origin);
  }

  /** The origin of the node that the page follows now. */
  get base() {
    return this.#base;
  }

  /** Members other than the one that is followed, by id, with their origins: a person may open one where the page cannot. */
  get others() {
    return Array.from(this.#members, ([id, origin]) => ({ id, origin })).filter(({ origin }) => origin !== this.#base);
  }

  /** The page of another member than `id`, where this page came from `id`: once that is removed, no member answers its page any more. */
  refugeFrom(id) {
    if (this.#members.get(id) !== location.origin) return undefined;
    const others = Array.from(this.#members.values()).filter((origin) => origin !== location.origin);
    return others.find((origin) => origin === this.#base) ?? others[0];
  }

  /** Goes over to a member; does nothing where its address is not known. A login is for one node: then it is that one's own page. */
  follow(id) {
    const origin = this.#members.get(id);
    if (origin === undefined || origin === this.#base) return;
    if (this.#account.isNeeded) return location.assign(`${origin}/`);
    clearTimeout(this.#watchdog);
    this.#source?.close();
    this.#tried.clear();
    this.#onState({ state: "reconnecting", base: origin });
    this.#open(origin);
  }

  /** Sends a request to that node, with its token where something changes. */
  async request(path, { method = "GET", headers = {}, body } = {}) {
    const token = method === "GET" ? {} : { "X-KV-Token": this.#token };
    return await fetch(this.#base + path, { method, headers: { ...headers, ...token }, body, cache: "no-store" });
  }

  #open(base) {
    clearTimeout(this.#pause);
    this.#base = base;
    this.#tried.add(base);
    const source = new EventSource(`${base}/v1/live`);
    this.#source = source;
    this.#watch();
    source.onmessage = ({ data }) => {
      if (source !== this.#source) return;
      const frame = JSON.parse(data);
      this.#token = frame.token;
      this.#tried.clear();
      this.#isGone = false;
      this.#remember(frame.members);
      this.#watch();
      this.#onState({ state: "live", base });
      this.#onFrame(frame);
    };
    source.onerror = () => {
      if (source === this.#source) this.#ended(source);
    };
  }

  /** Where users log in, it is asked first whether the login has ended: a stream that is refused ends like one that breaks. */
  async #ended(source) {
    if (this.#account.isNeeded) await this.#account.refresh();
    else this.#account.refresh().then(() => this.#leave());
    if (source === this.#source && !this.#leave()) this.#next();
  }

  /** Ends where the login has ended; whether it has. */
  #leave() {
    if (!this.#account.isOut) return false;
    clearTimeout(this.#watchdog);
    clearTimeout(this.#pause);
    this.#source?.close();
    this.#source = undefined;
    this.#onState({ state: "out", base: this.#base });
    return true;
  }

  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      // One that hangs is not asked again; one that only ended the connection is.
      this.#tried.add(this.#base);
      this.#next();
    }, SILENT_MS);
  }

  /** Goes on with a node that was not tried since the last frame, the present one first; after all of them, begins anew. */
  #next() {
    clearTimeout(this.#watchdog);
    this.#source?.close();
    this.#source = undefined;
    const members = this.#account.isNeeded ? [] : this.#members.values();
    const known = [this.#base, location.origin, ...members];
    let next = known.find((origin) => !this.#tried.has(origin));
    const allTried = next === undefined;
    if (allTried) {
      this.#tried.clear();
      next = known.find((origin) => origin !== this.#base) ?? this.#base;
      this.#isGone = true;
    }
    const state = !this.#isGone ? "reconnecting" : this.#account.isNeeded ? "left" : "gone";
    this.#onState({ state, base: this.#base });
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#open(next), NEXT_MS);
  }

  #remember(members) {
    const before = this.#members;
    this.#members = new Map();
    for (const { id, http_address: address } of members) {
      const origin = address === "" ? before.get(id) : originOf(address);
      if (origin !== undefined) this.#members.set(id, origin);
    }
    sessionStorage.setItem(REMEMBERED, JSON.stringify([...this.#members]));
  }
}

/**
 * A page that was opened as localhost goes on as localhost: its storage and permissions are the same then. One that came over HTTPS goes
 * on over HTTPS: browsers let it reach nothing else.
 */
function originOf(address) {
  const isLocal = location.hostname === "localhost" && address.startsWith("127.0.0.1:");
  return `${location.protocol}//${isLocal ? address.replace("127.0.0.1", "localhost") : address}`;
}

function remembered() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "[]"));
  } catch {
    return new Map(); // Somebody else wrote there.
  }
}

/** What a reply that is no success says, for people. */
export async function problemOf(response) {
  try {
    const { detail, title, code } = await response.json();
    return detail ?? title ?? code ?? `The server answered ${response.status}`;
  } catch {
    return `The server answered ${response.status}`;
  }
}
