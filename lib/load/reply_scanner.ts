/** Finds where replies end (RESP2, and the lines of RESP3) without building them; only errors are read. */

import { bytesToString } from "../base/bytes.ts";

const NEWLINE = 10;
const MINUS = 45;
const DIGIT_ZERO = 48;
const ERROR = 45;
const BULK = 36;
const ARRAY = 42;
/** "+", ":", "_", "#", "," and "(": replies of one line. */
const LINES: ReadonlySet<number> = new Set([43, 58, 95, 35, 44, 40]);
const ERROR_BYTES_MAX = 200;

/** Bytes that are no reply. */
export class ReplyFormatError extends Error {
  override readonly name = "ReplyFormatError";
}

/** One connection's replies, fed in pieces of any size. */
export class ReplyScanner {
  /** Replies without an error that ended in the last call of `scan`. */
  succeeded = 0;
  /** The error at which the last call of `scan` stopped, without "-" and line end. */
  failure: string | undefined;
  /** Bulk strings that were null, in all calls. */
  misses = 0;
  #type = 0;
  #number = 0;
  #negative = false;
  #skip = 0;
  /** Replies still to come until the outermost one is complete: 1, and the elements of arrays. */
  #missing = 1;
  #error: string | undefined;

  /**
   * Reads `bytes` from `start` to `end` (exclusive) or to the end of the first reply that is an error. Returns where it
   * stopped. Throws `ReplyFormatError`.
   */
  scan(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): number {
    this.succeeded = 0;
    this.failure = undefined;
    let at = start;
    while (at < end) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, end - at);
        this.#skip -= step;
        at += step;
        if (this.#skip === 0) this.#finishPart();
      } else if (this.#type === 0) {
        this.#begin(bytes[at++] ?? 0);
      } else {
        at = this.#line(bytes, { start: at, end });
        if (this.failure !== undefined) return at;
      }
    }
    return at;
  }

  #begin(type: number): void {
    if (!LINES.has(type) && type !== BULK && type !== ERROR && type !== ARRAY) {
      throw new ReplyFormatError(`A reply begins with byte ${type}`);
    }
    this.#type = type;
    this.#number = 0;
    this.#negative = false;
    if (type === ERROR) this.#error = "";
  }

  /** Goes on with the first line of a reply, whose first byte is known. */
  #line(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): number {
    const counted = this.#type === BULK || this.#type === ARRAY;
    let at = start;
    while (at < end) {
      const byte = bytes[at++] ?? 0;
      if (byte === NEWLINE) {
        if (this.#type === ERROR) this.#extendError(bytes, { start, end: at - 1 });
        this.#finishLine();
        return at;
      }
      if (!counted) continue;
      if (byte === MINUS) this.#negative = true;
      else if (byte >= DIGIT_ZERO && byte <= DIGIT_ZERO + 9) this.#number = this.#number * 10 + byte - DIGIT_ZERO;
    }
    if (this.#type === ERROR) this.#extendError(bytes, { start, end });
    return at;
  }

  #extendError(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): void {
    const text = (this.#error ?? "") + bytesToString(bytes, start, Math.min(end, start + ERROR_BYTES_MAX));
    this.#error = text.slice(0, ERROR_BYTES_MAX);
  }

  #finishLine(): void {
    if (this.#type === BULK && !this.#negative) {
      this.#skip = this.#number + 2;
      return;
    }
    if (this.#type === BULK) this.misses += 1;
    if (this.#type === ARRAY && !this.#negative) this.#missing += this.#number;
    this.#finishPart();
  }

  #finishPart(): void {
    this.#type = 0;
    this.#missing -= 1;
    if (this.#missing > 0) return;
    this.#missing = 1;
    if (this.#error === undefined) {
      this.succeeded += 1;
      return;
    }
    this.failure = this.#error.trimEnd();
    this.#error = undefined;
  }
}
