/** The key browser: pages of keys, by prefix; one of them is open in the editor. */

import { bytesNodes, keyNodes } from "./bytes_view.js";
import { problemOf } from "./connection.js";
import { Editor } from "./editor.js";
import { byId, make, setText, showBytes, showCount } from "./format.js";
import { bytesOf, percentOf, readKey, showKey } from "./values.js";

const PAGE_KEYS = 15;
/** Bytes of each value that the list shows. */
const PREVIEW_BYTES = 80;
/** A list that nobody touches is read again so often while the cluster writes. */
const REFRESH_MS = 3_000;

/** The whole section. */
export class KeyBrowser {
  #connection;
  #editor;
  /** Cursors of the pages up to the present one; the first has none. */
  #cursors = [""];
  #next = "";
  /** Bytes of the prefix that the pages have in common. */
  #prefix = new Uint8Array();
  /** Number of the newest request for a page: the reply to an older one comes too late. */
  #loads = 0;
  #loadedAt = 0;
  #hasFailed = false;
  /** The page as it is shown. */
  #shown = "";

  constructor(connection) {
    this.#connection = connection;
    this.#editor = new Editor(connection, { onChanged: () => this.#load(), onOpened: (key) => this.#mark(key) });
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#search();
    });
    byId("previous").addEventListener("click", () => this.#load(this.#cursors.slice(0, -1)));
    byId("next").addEventListener("click", () => this.#load([...this.#cursors, this.#next]));
    byId("look-back").addEventListener("click", () => this.#lookBack());
    byId("new-key").addEventListener("click", () => {
      this.#editor.begin({ text: byId("prefix").value, kind: byId("prefix-kind").value });
    });
  }

  /** There is a node to ask: what failed is tried again, and what may be old is read again. */
  live() {
    this.#editor.live();
    const isOld = performance.now() - this.#loadedAt > REFRESH_MS && !document.hidden;
    if (this.#loadedAt === 0 || this.#hasFailed) this.#load();
    else if (isOld && !isUsed()) this.#load(this.#cursors, { isUnasked: true });
  }

  #search() {
    try {
      this.#prefix = readKey(byId("prefix").value, byId("prefix-kind").value);
    } catch (error) {
      return this.#note(error.message, true);
    }
    return this.#load([""]);
  }

  /** Of a key that was deleted there is no row: its history is asked for by its name. */
  #lookBack() {
    const typed = { text: byId("prefix").value, kind: byId("prefix-kind").value };
    try {
      const key = readKey(typed.text, typed.kind);
      if (key.length === 0) return this.#note("Write the whole name of a key to see its history", true);
      return this.#editor.lookBack(key, typed);
    } catch (error) {
      return this.#note(error.message, true);
    }
  }

  async #load(cursors = this.#cursors, { isUnasked = false } = {}) {
    const number = ++this.#loads;
    this.#loadedAt = performance.now();
    const cursor = cursors.at(-1);
    const query = `limit=${PAGE_KEYS}&prefix=${percentOf(this.#prefix)}&preview=${PREVIEW_BYTES}` +
      (cursor ? `&cursor=${cursor}` : "");
    let response;
    try {
      response = await this.#connection.request(`/v1/kv?${query}`);
    } catch {
      response = undefined; // The page says so, and the connection looks for another node.
    }
    if (number !== this.#loads) return;
    this.#hasFailed = response === undefined || !response.ok;
    if (this.#hasFailed) {
      return this.#note(response === undefined ? "The node does not answer" : await problemOf(response), true);
    }
    const { items, cursor: next } = await response.json();
    if (number !== this.#loads || (isUnasked && isUsed())) return;
    this.#cursors = cursors;
    this.#next = next ?? "";
    this.#show(items);
  }

  #show(items) {
    byId("previous").disabled = this.#cursors.length === 1;
    byId("next").disabled = this.#next === "";
    const count = items.length === 1 ? "1 key" : `${items.length} keys`;
    this.#note(`Page ${this.#cursors.length}, ${count}`, false);
    for (const id of ["previous", "next"]) byId(id).hidden = byId("previous").disabled && byId("next").disabled;
    byId("no-keys").hidden = items.length > 0;
    byId("key-table").hidden = items.length === 0;
    const isSearch = this.#prefix.length > 0;
    setText(byId("no-keys-title"), isSearch ? "No key begins so" : "No keys yet");
    byId("no-keys-hint").hidden = isSearch;
    const now = JSON.stringify(items);
    if (now === this.#shown) return;
    this.#shown = now;
    byId("rows").replaceChildren(...items.map((item) => this.#row(item)));
    this.#mark(this.#editor.key);
  }

  #row(item) {
    const [key, value] = [bytesOf(item, "key"), bytesOf(item, "value")];
    const name = showKey(key);
    const button = make("button", { attributes: { type: "button", title: name }, children: keyNodes(key) });
    button.addEventListener("click", () => this.#editor.open(key));
    const cell = (kind, children) => make("td", { attributes: { class: kind }, children });
    return make("tr", {
      attributes: { "data-testid": "key-row", "data-key": name },
      children: [
        cell("key", [button]),
        cell("value", bytesNodes(value)),
        cell("number", [showBytes(item.value_bytes)]),
        cell("number", [showCount(item.mod_revision)]),
      ],
    });
  }

  /** Marks the row of the key that is open. */
  #mark(key) {
    const name = key === undefined ? undefined : showKey(key);
    for (const row of byId("rows").children) {
      if (row.dataset.key === name) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  #note(text, isBad) {
    const note = byId("page-note");
    note.dataset.bad = String(isBad);
    setText(note, text);
  }
}

/** Whether somebody is about to use the list: it must not change under the pointer, the keyboard or a selection. */
function isUsed() {
  const rows = byId("rows");
  return rows.matches(":hover") || rows.contains(document.activeElement) || !getSelection().isCollapsed;
}
