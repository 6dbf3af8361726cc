/** The key browser: pages of keys, and one value to look at, change or delete. */

import { byId, make, setText, showBytes, showDuration } from "./format.js";
import { problemOf } from "./connection.js";
import { bytesOf, pathOf, showKey, textOf, VIEWS } from "./values.js";

const PAGE_KEYS = 15;
const SHOWN_VALUE_MAX = 80;

/** The whole section. */
export class KeyBrowser {
  #connection;
  /** Cursors of the pages up to the present one; the first has none. */
  #cursors = [""];
  #next = "";
  /** The key in the editor: its bytes (undefined for a new one), the value as it was read or edited, and its tag. */
  #open = undefined;
  #view = "text";
  /** What the field for the value began with. */
  #shown = "";
  #isSaving = false;
  /** Number of the newest request for a page and for a value: the reply to an older one comes too late. */
  #loads = 0;
  #reads = 0;

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
    return this.#load([""]);
  }

  #turn(by) {
    return this.#load(by > 0 ? [...this.#cursors, this.#next] : this.#cursors.slice(0, -1));
  }

  async #load(cursors = this.#cursors) {
    const number = ++this.#loads;
    const query = new URLSearchParams({ limit: PAGE_KEYS, prefix: byId("prefix").value });
    const cursor = cursors.at(-1);
    if (cursor) query.set("cursor", cursor);
    const response = await this.#ask(`/v1/kv?${query}`);
    if (number !== this.#loads) return;
    if (response === undefined || !response.ok) {
      setText(byId("page-note"), response === undefined ? "The node does not answer" : await problemOf(response));
      return;
    }
    const { items, cursor: next } = await response.json();
    this.#cursors = cursors;
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
    const number = ++this.#reads;
    const response = await this.#ask(pathOf(key));
    if (number !== this.#reads) return;
    if (response === undefined) return this.#say("The node does not answer", true);
    if (!response.ok) {
      await this.#load();
      return setText(byId("page-note"), await problemOf(response));
    }
    const value = new Uint8Array(await response.arrayBuffer());
    if (number !== this.#reads) return;
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
      const isOpen = key !== undefined && row.dataset.key === showKey(key);
      if (isOpen) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    this.#show(VIEWS.text.show(value) === undefined ? "hex" : "text");
    (key === undefined ? field : byId("value")).focus();
  }

  /** Shows the value another way, with what was changed meanwhile. */
  #look(view) {
    if (this.#open === undefined) return;
    try {
      this.#open.value = this.#written();
    } catch (error) {
      return this.#say(error.message, true);
    }
    this.#show(view);
  }

  /** The bytes in the editor; those that were read as long as nothing was changed. */
  #written() {
    const { value } = byId("value");
    return value === this.#shown ? this.#open.value : VIEWS[this.#view].read(value);
  }

  #show(view) {
    const text = VIEWS[view].show(this.#open.value);
    if (text === undefined) return this.#say(VIEWS[view].complaint, true);
    this.#view = view;
    byId("value").value = text;
    this.#shown = byId("value").value;
    for (const tab of document.querySelectorAll(".tab")) {
      tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    }
    this.#say("", false);
  }

  async #save() {
    if (this.#open === undefined || this.#isSaving) return;
    this.#isSaving = true;
    await this.#put(this.#open);
    this.#isSaving = false;
  }

  async #put(open) {
    const key = open.key ?? new TextEncoder().encode(byId("editor-key").value);
    let body;
    try {
      body = this.#written();
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
    const view = this.#view;
    await this.#load();
    await this.#read(key);
    if (this.#open !== undefined && VIEWS[view].show(this.#open.value) !== undefined) this.#show(view);
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
    byId("prefix").focus();
  }

  #close() {
    this.#open = undefined;
    this.#reads += 1;
    byId("editor").hidden = true;
    const row = document.querySelector("#rows [aria-current]");
    row?.removeAttribute("aria-current");
    // The keyboard goes on where it came from.
    (row?.querySelector("button") ?? byId("new-key")).focus();
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
