/**
 * What keeps frames as they were sent: each frame of a link is followed by a tag over its running number and its bytes, under
 * a key that only the two ends of this link have. One that was altered, repeated, left out or moved ends the link.
 *
 * The tag is SHA-256 over key, number and frame, cut to 128 bits. A frame says its length in its first bytes, so that none
 * is the beginning of another, and a hash with the key in front is a keyed hash here: half the time of an HMAC.
 */

import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";

/** Bytes behind each sealed frame. */
export const TAG_BYTES = 16;
/** Bytes of a key. */
export const KEY_BYTES = 32;

const NUMBER_BYTES = 8;

/** One direction of a link: tags for what leaves, or judgements of what comes. Frames must be given in their order. */
export class FrameSeal {
  /** The key, then the number of the next frame. */
  readonly #head = new Uint8Array(KEY_BYTES + NUMBER_BYTES);
  readonly #number = new DataView(this.#head.buffer, KEY_BYTES);
  #next = 0;

  constructor(key: Uint8Array) {
    this.#head.set(key.subarray(0, KEY_BYTES));
  }

  /** Writes the tag of the next frame into `target`. */
  write(frame: Uint8Array, target: Uint8Array): void {
    target.set(this.#tagOf(frame));
  }

  /** Whether `tag` is that of the next frame. */
  matches(frame: Uint8Array, tag: Uint8Array): boolean {
    return timingSafeEqual(this.#tagOf(frame), tag);
  }

  #tagOf(frame: Uint8Array): Buffer {
    this.#number.setBigUint64(0, BigInt(this.#next));
    this.#next += 1;
    return createHash("sha256").update(this.#head).update(frame).digest().subarray(0, TAG_BYTES);
  }
}
