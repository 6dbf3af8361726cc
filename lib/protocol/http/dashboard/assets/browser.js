/** The key browser: pages of keys, and one value to look at, change or delete. */

import { byId, make, setText, showBytes, showDuration } from "./format.js";
import { problemOf } from "./connection.js";

const PAGE_KEYS = 15;
const SHOWN_VALUE_MAX = 80;
const strict = new TextDecoder("utf-8", { fatal: true });

/** Bytes of a field that is text, or base64 under another name. */
function bytesOf(item, name) {
  const coded = item[`${name}_base64`];
  if (coded === undefined) return new TextEncoder().encode(item[name] ?? "");
  return Uint8Array.from(atob(coded), (character) => character.charCodeAt(0));
}

function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined; // Any bytes may be a value.
  }
}

/** Text in which every byte that is no printable text is escaped. */
function showKey(bytes) {
  const text = textOf(bytes);
  if (text !== undefined && !/[\p{Cc}\ufffd]/u.test(text)) return text;
  return Array.from(bytes, (byte) => {
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** The path of a key, every byte that is not plain escaped. */
function pathOf(bytes) {
  return `/v1/kv/${
    Array.from(bytes, (byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
    }).join("")
  }`;
}

const VIEWS = {
  text: {
    show: (bytes) => textOf(bytes),
    read: (text) => new TextEncoder().encode(text),
    complaint: "These bytes are not text: look at them as hex",
  },
  json: {
    show: (bytes) => {
      try {
        return JSON.stringify(JSON.parse(textOf(bytes) ?? ""), null, 2);
      } catch {
        return undefined; // Not JSON.
      }
    },
    read: (text) => new TextEncoder().encode(JSON.stringify(JSON.parse(text))),
    complaint: "This value is not JSON",
  },
  hex: {
    show: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" "),
    read: (text) => {
      const digits = text.replace(/\s+/g, "");
      if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new SyntaxError("Hex takes pairs of the digits 0 to 9 and a to f");
      return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    },
    complaint: "",
  },
};

/** The whole section. */
export class KeyBrowser {
  #connection;
  /** Cursors of the pages up to the present one; the first has none. */
  #cursors = [""];
  #next = "";
  /** The key in the editor: its bytes (undefined for a new one), the value as it was read, and its tag. */
  #open = undefined;
  #view = "text";

  constructor(connection) {
    this.#connection = connection;
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    byId("previous").addEventListener("click", () => this.#turn(-1));
    byId("next").addEventListener("click", () => this.#turn(1));
    byId("new-key").addEventListener(
      "click",
      () => this.#edit({ key: undefined, value: new Uint8Array(), tag: undefined }),
    );
    byId("close-editor").addEventListener("click", () => this.#close());
    byId("editor").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("delete").addEventListener("click", () => this.#askToDelete());
    byId("confirm-no").addEventListener("click", () => byId("confirm").close());
    byId("confirm-yes").addEventListener("click", () => {
      byId("confirm").close();
      this.#delete();
    });
    for (const tab of document.querySelectorAll(".tab")) {
      tab.addEventListener("click", () => this.#look(tab.dataset.view));
    }
  }

  /** Loads the first page, once there is a node to ask. */
  async start() {
    await this.#load();
  }

  #begin() {
    this.#cursors = [""];
    return this.#load();
  }

  #turn(by) {
    if (by > 0) this.#cursors.push(this.#next);
    else this.#cursors.pop();
    return this.#load();
  }

  async #load() {
    const query = new URLSearchParams({ limit: PAGE_KEYS, prefix: byId("prefix").value });
    const cursor = this.#cursors.at(-1);
    if (cursor) query.set("cursor", cursor);
    const response = await this.#ask(`/v1/kv?${query}`);
    if (response === undefined || !response.ok) {
      setText(byId("page-note"), response === undefined ? "The node does not answer" : await problemOf(response));
      return;
    }
    const { items, cursor: next } = await response.json();
    this.#next = next ?? "";
    byId("previous").disabled = this.#cursors.length === 1;
    byId("next").disabled = next === null;
    const count = items.length === 1 ? "1 key" : `${items.length} keys`;
    setText(byId("page-note"), `Page ${this.#cursors.length}, ${count}`);
    byId("rows").replaceChildren(...items.map((item) => this.#row(item)));
  }

  #row(item) {
    const [key, value] = [bytesOf(item, "key"), bytesOf(item, "value")];
    const name = showKey(key);
    const button = make("button", {
      attributes: { type: "button", title: name },
      children: [name === "" ? "(empty)" : name],
    });
    button.addEventListener("click", () => this.#read(key));
    const shown = textOf(value)?.slice(0, SHOWN_VALUE_MAX) ?? `${showBytes(value.length)} of bytes`;
    return make("tr", {
      attributes: { "data-testid": "key-row", "data-key": name },
      children: [
        make("td", { children: [button] }),
        make("td", { children: [shown] }),
        make("td", { attributes: { class: "number" }, children: [String(item.mod_revision)] }),
      ],
    });
  }

  async #read(key) {
    const response = await this.#ask(pathOf(key));
    if (response === undefined) return this.#say("The node does not answer", true);
    if (!response.ok) {
      await this.#load();
      return setText(byId("page-note"), await problemOf(response));
    }
    const value = new Uint8Array(await response.arrayBuffer());
    const ttl = response.headers.get("x-kv-ttl-ms");
    const facts = [
      showBytes(value.length),
      `revision ${response.headers.get("etag")?.replaceAll('"', "")}`,
      `version ${response.headers.get("x-kv-version")}`,
      ...(ttl === null ? [] : [`expires in ${showDuration(Number(ttl))}; saving keeps the key for good`]),
    ];
    this.#edit({ key, value, tag: response.headers.get("etag"), facts: facts.join(" · ") });
  }

  #edit({ key, value, tag, facts = "A new key" }) {
    this.#open = { key, value, tag };
    byId("editor").hidden = false;
    const field = byId("editor-key");
    field.value = key === undefined ? byId("prefix").value : showKey(key);
    field.readOnly = key !== undefined;
    byId("delete").hidden = key === undefined;
    setText(byId("editor-facts"), facts);
    for (const row of byId("rows").children) {
      row.setAttribute("aria-selected", String(key !== undefined && row.dataset.key === showKey(key)));
    }
    this.#say("", false);
    this.#look(VIEWS.text.show(value) === undefined ? "hex" : "text");
    (key === undefined ? field : byId("value")).focus();
  }

  #look(view) {
    if (this.#open === undefined) return;
    const text = VIEWS[view].show(this.#open.value);
    if (text === undefined) return this.#say(VIEWS[view].complaint, true);
    this.#view = view;
    byId("value").value = text;
    for (const tab of document.querySelectorAll(".tab")) {
      tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    }
    this.#say("", false);
  }

  async #save() {
    const open = this.#open;
    if (open === undefined) return;
    const key = open.key ?? new TextEncoder().encode(byId("editor-key").value);
    let body;
    try {
      body = VIEWS[this.#view].read(byId("value").value);
    } catch (error) {
      return this.#say(error.message, true);
    }
    // Nobody's change is overwritten unseen.
    const headers = open.tag === undefined ? { "If-None-Match": "*" } : { "If-Match": open.tag };
    const response = await this.#ask(pathOf(key), { method: "PUT", headers, body });
    if (response === undefined) return this.#say("The node does not answer: whether it was saved is not known", true);
    if (response.status === 412) {
      const what = open.tag === undefined
        ? "There is such a key already"
        : "Somebody else changed or deleted it meanwhile";
      return this.#say(`${what}; nothing was saved`, true);
    }
    if (!response.ok) return this.#say(await problemOf(response), true);
    await this.#load();
    await this.#read(key);
    this.#say("Saved", false);
  }

  #askToDelete() {
    const { key } = this.#open ?? {};
    if (key === undefined) return;
    setText(byId("confirm-text"), `Delete the key ${showKey(key)}?`);
    byId("confirm").showModal();
  }

  async #delete() {
    const { key, tag } = this.#open ?? {};
    if (key === undefined) return;
    const response = await this.#ask(pathOf(key), { method: "DELETE", headers: { "If-Match": tag } });
    if (response === undefined) return this.#say("The node does not answer: whether it was deleted is not known", true);
    if (response.status === 412) {
      return this.#say("Somebody else changed or deleted it meanwhile; nothing was done", true);
    }
    if (!response.ok) return this.#say(await problemOf(response), true);
    this.#close();
    await this.#load();
  }

  #close() {
    this.#open = undefined;
    byId("editor").hidden = true;
    for (const row of byId("rows").children) row.setAttribute("aria-selected", "false");
  }

  /** The reply, or undefined when there is none. */
  async #ask(path, options) {
    try {
      return await this.#connection.request(path, options);
    } catch {
      return undefined; // The page says so, and the connection looks for another node.
    }
  }

  #say(text, isBad) {
    const line = byId("editor-message");
    line.dataset.bad = String(isBad);
    setText(line, text);
  }
}
