/** The replies of one connection that wait to be sent, gathered into pieces of one write each. */

import { LONG_PIECE_BYTES, PIECE_BYTES_MAX } from "./limits.ts";

/**
 * Byte strings in order. Long values stay the strings they are until their piece is written, so that a thousand replies
 * which show one value do not hold a thousand copies of it.
 */
export class OutputQueue {
  #pieces: string[] = [];
  /** Where the first piece goes on: what comes before has been taken. */
  #at = 0;
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
    const piece = this.#pieces[0];
    if (piece === undefined) return this.#takeTail();
    const from = this.#at;
    this.#at = from + LONG_PIECE_BYTES;
    if (this.#at < piece.length) return piece.slice(from, this.#at);
    this.#pieces.shift();
    this.#at = 0;
    return from === 0 ? piece : piece.slice(from);
  }

  #takeTail(): string | undefined {
    const tail = this.#tail;
    if (tail.length === 0) return undefined;
    this.#tail = "";
    if (tail.length <= LONG_PIECE_BYTES) return tail;
    this.#pieces.push(tail);
    return this.take();
  }

  /** Drops everything. */
  clear(): void {
    this.#pieces = [];
    this.#tail = "";
    this.#at = 0;
  }
}
