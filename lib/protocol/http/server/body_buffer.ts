/** The body of a request while it arrives. */

import { bytesToString } from "../../../base/bytes.ts";

const NOTHING = new Uint8Array(0);
const FIRST_BYTES = 4_096;

/** Grows with what has arrived, not with what was announced: an announcement costs the client nothing. */
export class BodyBuffer {
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** Bytes that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Memory held. */
  get heldBytes(): number {
    return this.#bytes.length;
  }

  /** Adds a copy of `piece`. `bytesMax` is the longest body that can come of it. */
  add(piece: Uint8Array, bytesMax: number): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(bytesMax, Math.max(FIRST_BYTES, 2 * this.#bytes.length))));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = needed;
  }

  /** The whole body as a byte string; the buffer is empty afterwards. */
  take(): string {
    const body = bytesToString(this.#bytes, 0, this.#length);
    this.clear();
    return body;
  }

  /** Gives the memory back. */
  clear(): void {
    this.#bytes = NOTHING;
    this.#length = 0;
  }
}
