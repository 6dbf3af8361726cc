/** Requests as bytes that wait to be written, gathered so that those of one turn leave in one write. */

import { Buffer } from "node:buffer";
import { type Bytes, toBytes, type Word } from "./words.ts";

const FIRST_BYTES = 4_096;
/** A buffer that grew beyond this for a long value is not kept. */
const KEPT_BYTES_MAX = 1_048_576;
const HEADER_BYTES_MAX = 32;
const STAR = 0x2a;
const DOLLAR = 0x24;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const ZERO = 0x30;
const encoder = new TextEncoder();

/** Two buffers: one is being written to the socket while requests are gathered in the other. */
export class RequestBuffer {
  #gathering: Uint8Array = new Uint8Array(FIRST_BYTES);
  #spare: Uint8Array | undefined;
  #length = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds one request. Throws TypeError, with nothing added, for a word that cannot be sent. */
  append(words: readonly Word[]): void {
    const before = this.#length;
    try {
      this.#header(STAR, words.length);
      for (const word of words) this.#word(toBytes(word));
    } catch (error) {
      this.#length = before;
      throw error;
    }
  }

  /** Everything that waits, valid until the next `take`. */
  take(): Uint8Array {
    const taken = this.#gathering.subarray(0, this.#length);
    const full = this.#gathering;
    this.#gathering = this.#spare ?? new Uint8Array(FIRST_BYTES);
    this.#spare = full.length > KEPT_BYTES_MAX ? undefined : full;
    this.#length = 0;
    return taken;
  }

  #word(bytes: Bytes): void {
    if (typeof bytes === "string") {
      const length = Buffer.byteLength(bytes);
      this.#header(DOLLAR, length);
      this.#reserve(length + 2);
      encoder.encodeInto(bytes, this.#gathering.subarray(this.#length, this.#length + length));
      this.#length += length;
    } else {
      this.#header(DOLLAR, bytes.length);
      this.#reserve(bytes.length + 2);
      this.#gathering.set(bytes, this.#length);
      this.#length += bytes.length;
    }
    this.#lineEnd();
  }

  #header(mark: number, count: number): void {
    this.#reserve(HEADER_BYTES_MAX);
    this.#gathering[this.#length++] = mark;
    if (count < 10) this.#gathering[this.#length++] = ZERO + count;
    else for (const digit of count.toString()) this.#gathering[this.#length++] = digit.charCodeAt(0);
    this.#lineEnd();
  }

  /** Room for it has been reserved. */
  #lineEnd(): void {
    this.#gathering[this.#length++] = CARRIAGE_RETURN;
    this.#gathering[this.#length++] = LINE_FEED;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#gathering.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#gathering.length));
    larger.set(this.#gathering.subarray(0, this.#length));
    this.#gathering = larger;
  }
}
