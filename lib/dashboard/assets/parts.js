/** A value that is too long to be edited, part by part. */

import { dumpOf } from "./bytes_view.js";
import { byId, setText, showCount } from "./format.js";
import { PART_BYTES } from "./value_reader.js";

/** The part that is shown and the buttons that lead to others. */
export class Parts {
  #onStale;
  #value;
  #offset = 0;
  #bytes = new Uint8Array();
  #view = "hex";
  #reads = 0;

  /** `onStale` is called when the key has another revision than the one that was opened. */
  constructor({ onStale }) {
    this.#onStale = onStale;
    const go = (id, offset) => byId(id).addEventListener("click", () => this.#go(offset()));
    go("part-first", () => 0);
    go("part-previous", () => this.#offset - PART_BYTES);
    go("part-next", () => this.#offset + PART_BYTES);
    go("part-last", () => this.#last());
  }

  /** Shows the first part of a value and says in which view. */
  show(value) {
    this.#value = value;
    // What is text at its beginning is likely to be text.
    this.#view = isText(value.bytes.subarray(0, PART_BYTES)) ? "text" : "hex";
    this.#go(0);
    return this.#view;
  }

  /** Shows the present part another way and says which. */
  look(view) {
    this.#view = view;
    this.#draw();
    return view;
  }

  #last() {
    return Math.floor(Math.max(0, this.#value.length - 1) / PART_BYTES) * PART_BYTES;
  }

  async #go(offset) {
    const number = ++this.#reads;
    const value = this.#value;
    let bytes;
    try {
      bytes = await value.part(offset);
    } catch {
      if (number === this.#reads) setText(byId("part-note"), "The node does not answer: try again");
      return;
    }
    if (number !== this.#reads) return;
    if (bytes === undefined) return this.#onStale();
    this.#offset = offset;
    this.#bytes = bytes;
    this.#draw();
  }

  #draw() {
    const [offset, length, last] = [this.#offset, this.#value.length, this.#last()];
    byId("part").textContent = this.#view === "text" ? textOf(this.#bytes) : dumpOf(this.#bytes, offset);
    const end = offset + this.#bytes.length;
    setText(byId("part-note"), `Bytes ${showCount(offset)} to ${showCount(end - 1)} of ${showCount(length)}`);
    byId("part-first").disabled = byId("part-previous").disabled = offset === 0;
    byId("part-last").disabled = byId("part-next").disabled = offset >= last;
  }
}

/** Text whose first and last character may be cut through. */
function isText(bytes) {
  return !/[^\P{Cc}\n\r\t]|\ufffd(?!$)/u.test(textOf(bytes));
}

function textOf(bytes) {
  return new TextDecoder().decode(bytes);
}
