/** The body of a request while it arrives. */

import { bytesToString } from "../../base/bytes.ts";

/** The first block: most bodies are short. */
const FIRST_BYTES = 4_096;
/** The longest of the others, each as long as those before it. Growing one block by copying would leave as much garbage as there is body, while an attack is going on. */
const BLOCK_BYTES = 65_536;

/** Grows with what has arrived, not with what was announced: an announcement costs the client nothing. */
export class BodyBuffer {
  #blocks: Uint8Array[] = [];
  /** Bytes in the last block. */
  #used = 0;
  #length = 0;
  #held = 0;

  /** Bytes that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Memory held. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Adds a copy of `piece`. `bytesMax` is the longest body that can come of it. */
  add(piece: Uint8Array, bytesMax: number): void {
    for (let at = 0; at < piece.length;) {
      const block = this.#roomyBlock(Math.max(piece.length - at, bytesMax - this.#length));
      const part = piece.subarray(at, at + block.length - this.#used);
      block.set(part, this.#used);
      this.#used += part.length;
      this.#length += part.length;
      at += part.length;
    }
  }

  /** The whole body as a byte string; the buffer is empty afterwards. */
  take(): string {
    const last = this.#blocks.length - 1;
    const parts = this.#blocks.map((block, at) => bytesToString(block, 0, at === last ? this.#used : block.length));
    this.clear();
    return parts.join("");
  }

  /** Gives the memory back. */
  clear(): void {
    this.#blocks = [];
    this.#used = 0;
    this.#length = 0;
    this.#held = 0;
  }

  /** A block with room for at least one byte, a new one no longer than what can still come. */
  #roomyBlock(bytesMax: number): Uint8Array {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#used < last.length) return last;
    const block = new Uint8Array(Math.min(bytesMax, BLOCK_BYTES, Math.max(FIRST_BYTES, this.#length)));
    this.#blocks.push(block);
    this.#used = 0;
    this.#held += block.length;
    return block;
  }
}
