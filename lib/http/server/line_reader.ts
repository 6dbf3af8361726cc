/** Finds lines that end in CR LF in bytes that arrive piece by piece. */

import type { ByteInput } from "./byte_input.ts";

/** A line without its end, or why there is none. A line feed without a carriage return ends no line (RFC 9112, 2.2). */
export type LineResult =
  | { readonly type: "Line"; readonly text: string }
  | { readonly type: "More" }
  | { readonly type: "TooLong" }
  | { readonly type: "BareLineFeed" };

const MORE: LineResult = { type: "More" };
const TOO_LONG: LineResult = { type: "TooLong" };
const BARE_LINE_FEED: LineResult = { type: "BareLineFeed" };
const CARRIAGE_RETURN = 0x0d;

/** Keeps the beginning of a line whose end has not come. */
export class LineReader {
  #begun = "";

  /** Bytes kept. */
  get heldBytes(): number {
    return this.#begun.length;
  }

  /** Gives the memory back. */
  clear(): void {
    this.#begun = "";
  }

  /** The next line of at most `bytesMax` bytes. The result does not depend on how the input was cut into pieces. */
  take(input: ByteInput, bytesMax: number): LineResult {
    const count = input.findLineFeed();
    if (count < 0) {
      this.#begun += input.takeString(input.left);
      // One more: it may be the carriage return.
      return this.#begun.length > bytesMax + 1 ? TOO_LONG : MORE;
    }
    const line = this.#begun + input.takeString(count);
    input.takeBytes(1);
    this.#begun = "";
    const ended = line.charCodeAt(line.length - 1) === CARRIAGE_RETURN;
    const text = ended ? line.slice(0, -1) : line;
    if (text.length > bytesMax) return TOO_LONG;
    return ended ? { type: "Line", text } : BARE_LINE_FEED;
  }
}
