/** What changed the open key, newest first, with what each change did to its value; as far back as the node remembers. */

import { bytesNodes } from "./bytes_view.js";
import { problemOf } from "./connection.js";
import { compare } from "./diff.js";
import { byId, make, setText, showBytes, showCount } from "./format.js";
import { bytesOf, pathOf } from "./values.js";

/** Changes that are shown. */
const SHOWN_CHANGES = 20;
const NAMES = { put: "written", delete: "deleted", expire: "expired" };
const encoder = new TextEncoder();

/** The folded part below the editor. */
export class Past {
  #connection;
  #key = undefined;
  /** Number of the newest request: the reply to an older one comes too late. */
  #reads = 0;

  constructor(connection) {
    this.#connection = connection;
    byId("past").addEventListener("toggle", () => this.#load());
    // The name of a new key is not any more what was looked up.
    for (const id of ["editor-key", "editor-kind"]) byId(id).addEventListener("input", () => this.open(undefined));
  }

  /** Another key is open, or the same one with another value; undefined for one that has no past. */
  open(key) {
    this.#key = key;
    byId("past").hidden = key === undefined;
    byId("past-changes").replaceChildren();
    this.#say("", false);
    this.#load();
  }

  async #load() {
    const key = this.#key;
    const number = ++this.#reads;
    if (key === undefined || !byId("past").open) return;
    this.#say("Asking", false);
    const answer = await this.#ask(`?history=${SHOWN_CHANGES}`);
    if (number !== this.#reads) return;
    if (answer.problem !== undefined) return this.#say(answer.problem, true);
    const { changes, more, oldest } = await answer.response.json();
    const first = changes.at(-1);
    const before = first === undefined ? {} : await this.#before(first);
    if (number !== this.#reads) return;
    byId("past-changes").replaceChildren(...changes.map((change, at) => {
      const older = changes[at + 1];
      return itemOf(change, older === undefined ? before : { value: valueOf(older) });
    }));
    this.#say(endOf({ changes, more, oldest }), false);
  }

  /** The value before the oldest change that is shown, which the node remembers with it. */
  async #before({ mod_revision: revision, previous_revision: previous }) {
    if (previous === null) return { value: undefined };
    const answer = await this.#ask(`?revision=${revision - 1}`);
    if (answer.problem !== undefined) return { problem: answer.problem };
    return { value: new Uint8Array(await answer.response.arrayBuffer()) };
  }

  /** The reply, or why there is none, for people. */
  async #ask(query) {
    try {
      const response = await this.#connection.request(pathOf(this.#key) + query);
      return response.ok ? { response } : { problem: await problemOf(response) };
    } catch {
      return { problem: "The node does not answer" };
    }
  }

  #say(text, isBad) {
    const line = byId("past-end");
    line.dataset.bad = String(isBad);
    setText(line, text);
  }
}

function valueOf(change) {
  return change.type === "put" ? bytesOf(change, "value") : undefined;
}

function itemOf(change, { value: before, problem }) {
  const after = valueOf(change);
  const facts = [
    `revision ${showCount(change.mod_revision)}`,
    NAMES[change.type],
    ...(after ? [showBytes(after.length)] : []),
  ];
  const head = make("p", { attributes: { class: "facts" }, children: [facts.join(" · ")] });
  const body = problem === undefined ? bodyOf(compare(before, after)) : noteOf(problem);
  const attributes = { "data-testid": "past-change", "data-revision": change.mod_revision };
  return make("li", { attributes, children: [head, body] });
}

function bodyOf({ lines, note }) {
  if (lines === undefined) return noteOf(note);
  const shown = lines.map(({ mark, text }) => {
    const name = { "+": "added", "-": "removed", "…": "left-out" }[mark] ?? "same";
    const spoken = { "+": "added ", "-": "removed " }[mark];
    const hidden = spoken === undefined ? [] : [make("span", { attributes: { class: "hidden" }, children: [spoken] })];
    const sign = make("span", { attributes: { class: "sign", "aria-hidden": "true" }, children: [mark] });
    return make("span", {
      attributes: { class: name },
      children: [...hidden, sign, ...bytesNodes(encoder.encode(text))],
    });
  });
  return make("pre", { attributes: { class: "diff", tabindex: "0", "aria-label": "What changed" }, children: shown });
}

function noteOf(note) {
  return make("p", { attributes: { class: "note" }, children: [note] });
}

/** Where the history ends, and what has the rest. */
function endOf({ changes, more, oldest }) {
  if (more) return `The last ${changes.length} changes; this node remembers older ones, too`;
  const isWhole = changes.at(-1)?.previous_revision === null;
  if (isWhole) return "Before that there was no such key";
  return `This node remembers what was changed after revision ${
    showCount(oldest)
  }. What was before is in a backup alone: ` +
    "kvstore backup makes them, kvstore restore FILE --prefix brings keys back";
}
