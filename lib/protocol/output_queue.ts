/** The replies of one connection that wait to be sent, gathered into pieces of one write each. */

import { PIECE_BYTES_MAX } from "./limits.ts";

/**
 * Byte strings in order. Long values stay the strings they are until their piece is written, so that a thousand replies
 * which show one value do not hold a thousand copies of it.
 */
export class OutputQueue {
  #pieces: string[] = [];
  #tail = "";

  /** Adds at the end. */
  add(bytes: string): void {
    if (this.#tail.length > 0 && this.#tail.length + bytes.length > PIECE_BYTES_MAX) {
      this.#pieces.push(this.#tail);
      this.#tail = bytes;
    } else this.#tail += bytes;
  }

  /** Takes the next piece; undefined when nothing waits. */
  take(): string | undefined {
    const piece = this.#pieces.shift();
    if (piece !== undefined) return piece;
    if (this.#tail.length === 0) return undefined;
    const tail = this.#tail;
    this.#tail = "";
    return tail;
  }

  /** Drops everything. */
  clear(): void {
    this.#pieces = [];
    this.#tail = "";
  }
}
