/** One value: to look at, to change, to delete. A large one is shown part by part. */

import { bytesNodes } from "./bytes_view.js";
import { problemOf } from "./connection.js";
import { ask } from "./dialog.js";
import { byId, setText, showBytes, showDuration } from "./format.js";
import { Parts } from "./parts.js";
import { Past } from "./past.js";
import { openValue } from "./value_reader.js";
import { pathOf, readKey, showKey, VIEWS } from "./values.js";

const NO_ANSWER = "The node does not answer";
/** Fields that a person changes. */
const FIELDS = ["value", "editor-ttl", "editor-key"];

/** The form beside the list. */
export class Editor {
  #connection;
  #onChanged;
  #onOpened;
  #parts;
  #past;
  /** What is open: its `key` (undefined for a new one), the `bytes` that were read or edited, `tag` and `ttlText`. */
  #open = undefined;
  #view = "text";
  /** What the fields began with: as long as they hold it, nothing was changed. */
  #shown = { value: "", ttl: "", key: "" };
  #isChanged = false;
  #isSaving = false;
  /** Number of the newest request for a value: the reply to an older one comes too late. */
  #reads = 0;
  /** Number of the newest hold on the fields, see `#hold`. */
  #holds = 0;
  /** What was sent without an answer: whether it took effect is to be found out. */
  #unsure = undefined;
  #isChecking = false;

  constructor(connection, { onChanged, onOpened }) {
    this.#connection = connection;
    this.#onChanged = onChanged;
    this.#onOpened = onOpened;
    this.#past = new Past(connection);
    this.#parts = new Parts({
      onStale: () => this.#say("Somebody else changed or deleted it meanwhile: open it again", true),
    });
    byId("editor").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("close-editor").addEventListener("click", async () => {
      if (await this.#mayLeave()) this.#close();
    });
    byId("delete").addEventListener("click", () => this.#askToDelete());
    byId("replacement").addEventListener("change", () => this.#replace());
    for (const tab of document.querySelectorAll(".tab")) {
      tab.addEventListener("click", () => this.#look(tab.dataset.view));
    }
    // What was said of what stood there holds no longer.
    for (const id of ["editor-key", "editor-kind", "editor-ttl", "value"]) {
      byId(id).addEventListener("input", () => this.#say("", false));
    }
    globalThis.addEventListener("beforeunload", (event) => {
      if (this.#hasEdits()) event.preventDefault();
    });
  }

  /** The key that is open; undefined for none and for a new one. */
  get key() {
    return this.#open?.key;
  }

  /** Opens a key of the list, unless something unsaved is to be kept. */
  async open(key) {
    if (await this.#mayLeave()) await this.#hold(() => this.#read(key));
  }

  /** Opens a key with what is remembered of it; one that is not there can be written anew. */
  async lookBack(key, typed) {
    if (!await this.#mayLeave()) return;
    byId("past").open = true;
    if (!await this.#hold(() => this.#read(key))) return;
    await this.begin(typed);
    setText(byId("editor-facts"), "There is no such key now");
    this.#past.open(key);
  }

  /** Begins a new key, whose name begins with what was searched for. */
  async begin({ text, kind }) {
    if (!await this.#mayLeave()) return;
    this.#reads += 1;
    this.#release();
    byId("editor-kind").value = kind;
    this.#edit({
      key: undefined,
      name: text,
      bytes: new Uint8Array(),
      tag: undefined,
      facts: "A new key",
      ttlMs: null,
    });
    byId("editor-key").focus();
  }

  /** A node answers: what was sent without an answer can be looked up. */
  async live() {
    const unsure = this.#unsure;
    if (unsure === undefined || this.#isChecking) return;
    this.#isChecking = true;
    try {
      const { value, response } = await openValue(this.#connection, unsure.key);
      if (value === undefined && response.status !== 404) return;
      const isDone = unsure.bytes === undefined
        ? value === undefined
        : value !== undefined && value.isWhole && VIEWS.hex.show(value.bytes) === VIEWS.hex.show(unsure.bytes);
      if (this.#unsure !== unsure) return;
      this.#unsure = undefined;
      if (this.#open !== unsure.open) return;
      if (!isDone) return this.#say("It was not done", true);
      if (unsure.bytes === undefined) this.#close();
      else await this.#hold(() => this.#readUnder(unsure));
      this.#say("Saved", false);
      await this.#onChanged();
    } catch {
      // No answer again: the next frame asks anew.
    } finally {
      this.#isChecking = false;
    }
  }

  /** What is read takes the place of what was sent; what was typed meanwhile stays, as a change of it. */
  async #readUnder({ key, fields }) {
    const typed = this.#fields();
    const isSame = FIELDS.every((id) => typed[id] === fields[id]);
    await this.#read(key);
    if (isSame || this.#open?.key !== key) return;
    if (VIEWS[fields.view].show(this.#open.bytes) !== undefined) this.#show(fields.view);
    for (const id of FIELDS) byId(id).value = typed[id];
  }

  #fields() {
    return Object.fromEntries([...FIELDS.map((id) => [id, byId(id).value]), ["view", this.#view]]);
  }

  /** Nothing can be typed while a reply is on its way that will take the place of what is in the fields. */
  async #hold(action) {
    const number = ++this.#holds;
    this.#freeze(true);
    try {
      return await action();
    } finally {
      if (number === this.#holds) this.#freeze(false);
    }
  }

  #release() {
    this.#holds += 1;
    this.#freeze(false);
  }

  #freeze(isHeld) {
    for (const id of FIELDS) byId(id).readOnly = isHeld;
    byId("replacement").disabled = isHeld;
    byId("editor").setAttribute("aria-busy", String(isHeld));
  }

  /** True where there is no such key. */
  async #read(key) {
    const number = ++this.#reads;
    const found = await this.#try(() => openValue(this.#connection, key));
    if (number !== this.#reads) return;
    if (found === undefined) return this.#say(NO_ANSWER, true);
    if (found.value === undefined) {
      this.#say(await problemOf(found.response), true);
      await this.#onChanged();
      return found.response.status === 404;
    }
    const { value } = found;
    const { length, tag, version, ttlMs } = value;
    const facts = [
      showBytes(length),
      `revision ${tag?.replaceAll('"', "")}`,
      `version ${version}`,
      ttlMs === null ? "does not expire" : `expires in ${showDuration(ttlMs)}`,
    ];
    this.#edit({ key, bytes: value.bytes, tag, ttlMs, facts: facts.join(" · "), value });
  }

  #edit({ key, name = "", bytes, tag, ttlMs, facts, value }) {
    const isNew = key === undefined;
    const isWhole = isNew || value.isWhole;
    this.#open = { key, bytes, tag, isWhole };
    this.#unsure = undefined;
    this.#isChanged = false;
    byId("editor").hidden = false;
    byId("editor-new").hidden = !isNew;
    byId("editor-name").hidden = isNew;
    byId("editor-key").value = name;
    byId("editor-name").replaceChildren(...(isNew ? [] : bytesNodes(key)));
    byId("editor-ttl").value = ttlMs === null ? "" : `${Math.ceil(ttlMs / 1000)}s`;
    byId("replacement").value = "";
    byId("delete").hidden = isNew;
    byId("download").hidden = isNew;
    if (!isNew) this.#offer(key);
    setText(byId("editor-facts"), facts);
    this.#shown = { value: "", ttl: byId("editor-ttl").value, key: name };
    byId("whole").hidden = !isWhole;
    byId("parts").hidden = isWhole;
    this.#onOpened(key);
    this.#past.open(key);
    this.#say("", false);
    for (const tab of document.querySelectorAll(".tab")) tab.hidden = !isWhole && tab.dataset.view === "json";
    if (!isWhole) {
      this.#press(this.#parts.show(value));
      return byId("part-next").focus();
    }
    this.#show(VIEWS.text.show(bytes) === undefined ? "hex" : "text");
    if (!isNew) byId("value").focus();
  }

  #offer(key) {
    const link = byId("download");
    link.href = this.#connection.base + pathOf(key);
    link.download = showKey(key).replaceAll(/[^A-Za-z0-9._-]+/g, "_").slice(-80) || "value";
  }

  /** Shows the value another way, with what was changed meanwhile. */
  #look(view) {
    if (this.#open === undefined) return;
    if (!this.#open.isWhole) return this.#press(this.#parts.look(view));
    const { value } = byId("value");
    try {
      if (value !== this.#shown.value) {
        this.#open.bytes = VIEWS[this.#view].read(value);
        this.#isChanged = true;
      }
    } catch (error) {
      return this.#say(error.message, true);
    }
    this.#show(view);
  }

  #show(view) {
    const text = VIEWS[view].show(this.#open.bytes);
    if (text === undefined) return this.#say(VIEWS[view].complaint, true);
    this.#view = view;
    byId("value").value = text;
    this.#shown.value = byId("value").value;
    this.#press(view);
    this.#say("", false);
  }

  #press(view) {
    for (const tab of document.querySelectorAll(".tab")) {
      tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    }
  }

  #hasEdits() {
    if (this.#open === undefined) return false;
    const { value, ttl, key } = this.#shown;
    return this.#isChanged || byId("value").value !== value || byId("editor-ttl").value !== ttl ||
      (this.#open.key === undefined && byId("editor-key").value !== key);
  }

  /** Whether what is open may be left: nothing was edited, or the person gives it up. */
  async #mayLeave() {
    if (!this.#hasEdits()) return true;
    const { key } = this.#open;
    return await ask({
      question: key === undefined
        ? "The new key is not saved. Discard it?"
        : "Your changes are not saved. Discard them?",
      subject: key === undefined ? [] : bytesNodes(key),
      stay: "Keep editing",
      go: "Discard",
    });
  }

  /** The contents of a file take the place of the value, whatever its length; saved with Save. */
  async #replace() {
    const [file] = byId("replacement").files;
    if (file === undefined || this.#open === undefined) return;
    const open = this.#open;
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (open !== this.#open) return;
    this.#open.bytes = bytes;
    this.#open.replaced = true;
    this.#isChanged = true;
    this.#say(`${file.name}, ${showBytes(bytes.length)}, takes the place of the value when you save`, false);
  }

  async #save() {
    if (this.#open === undefined || this.#isSaving) return;
    this.#isSaving = true;
    try {
      await this.#hold(() => this.#put(this.#open));
    } finally {
      this.#isSaving = false;
    }
  }

  async #put(open) {
    let [key, body] = [open.key, open.bytes];
    try {
      key ??= readKey(byId("editor-key").value, byId("editor-kind").value);
      const { value } = byId("value");
      if (open.isWhole && !open.replaced && value !== this.#shown.value) body = VIEWS[this.#view].read(value);
    } catch (error) {
      return this.#say(error.message, true);
    }
    if (!open.isWhole && !open.replaced) {
      return this.#say("Choose a file to replace a value of this length", true);
    }
    // Nobody's change is overwritten unseen.
    const headers = open.tag === undefined ? { "If-None-Match": "*" } : { "If-Match": open.tag };
    const path = pathOf(key) + this.#ttlQuery();
    const fields = this.#fields();
    const response = await this.#try(() => this.#connection.request(path, { method: "PUT", headers, body }));
    if (response === undefined) return this.#doubt({ open, key, bytes: body, fields }, "saved");
    if (response.status === 412) {
      const what = open.tag === undefined
        ? "There is such a key already"
        : "Somebody else changed or deleted it meanwhile";
      return this.#say(`${what}; nothing was saved`, true);
    }
    if (response.status === 504) return this.#doubt({ open, key, bytes: body, fields }, "saved");
    if (!response.ok) return this.#say(await problemOf(response), true);
    const view = this.#view;
    await this.#onChanged();
    await this.#read(key);
    if (this.#open?.isWhole && VIEWS[view].show(this.#open.bytes) !== undefined) this.#show(view);
    this.#say("Saved", false);
  }

  /** The key lives as long as before, unless the person has written something else. */
  #ttlQuery() {
    const text = byId("editor-ttl").value.trim();
    if (this.#open.key !== undefined && text === this.#shown.ttl) return "?ttl=keep";
    return text === "" ? "" : `?ttl=${encodeURIComponent(text)}`;
  }

  /** No answer: what became of it is looked up as soon as a node answers. */
  #doubt(unsure, done) {
    this.#unsure = unsure;
    this.#say(`${NO_ANSWER}: whether it was ${done} is not known yet`, true);
  }

  async #askToDelete() {
    const { key } = this.#open ?? {};
    if (key === undefined) return;
    const isSure = await ask({ question: "Delete this key?", subject: bytesNodes(key), stay: "Keep", go: "Delete" });
    if (isSure) await this.#delete();
  }

  async #delete() {
    const open = this.#open;
    const { key, tag } = open ?? {};
    if (key === undefined) return;
    const options = { method: "DELETE", headers: { "If-Match": tag } };
    const response = await this.#try(() => this.#connection.request(pathOf(key), options));
    if (response === undefined || response.status === 504) {
      return this.#doubt({ open, key, bytes: undefined }, "deleted");
    }
    if (response.status === 412) {
      return this.#say("Somebody else changed or deleted it meanwhile; nothing was done", true);
    }
    if (!response.ok) return this.#say(await problemOf(response), true);
    this.#close();
    await this.#onChanged();
    byId("prefix").focus();
  }

  #close() {
    this.#open = undefined;
    this.#unsure = undefined;
    this.#isChanged = false;
    this.#reads += 1;
    this.#release();
    byId("editor").hidden = true;
    const row = document.querySelector("#rows [aria-current]");
    this.#onOpened(undefined);
    // The keyboard goes on where it came from.
    (row?.querySelector("button") ?? byId("new-key")).focus();
  }

  /** What `action` resolves to, or undefined when no node answers. */
  async #try(action) {
    try {
      return await action();
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
