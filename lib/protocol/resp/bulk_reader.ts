/** Finds the words of requests in bytes, without making anything of them. */

import type { Span } from "../../store/span.ts";

const DOLLAR = 0x24;
const ZERO = 0x30;
const NINE = 0x39;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const LINE_END_BYTES = 2;
const DIGITS_MAX = 8;

/** Goes through some input. */
export class BulkReader {
  readonly bytes: Uint8Array;
  readonly #end: number;
  /** Where the next thing is looked for. */
  at: number;
  /** Where the length of the word that was found last begins, and where the word itself begins and ends. */
  lengthAt = 0;
  start = 0;
  end = 0;

  constructor({ bytes, start, end }: Span) {
    this.bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  /** Goes behind those bytes, if they are what comes next. */
  passes(wanted: Uint8Array): boolean {
    const { bytes, at: from } = this;
    if (from + wanted.length > this.#end) return false;
    for (let at = wanted.length - 1; at >= 0; at--) if (bytes[from + at] !== wanted[at]) return false;
    this.at = from + wanted.length;
    return true;
  }

  /** Goes behind `$<length>\r\n<bytes>\r\n`; false where that is not there, not whole, too long, or its number written in another way. */
  passesWord(bytesMax: number): boolean {
    const { bytes, at: from } = this;
    if (bytes[from] !== DOLLAR) return false;
    let at = from + 1;
    let length = 0;
    for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE && at < this.#end; byte = bytes[at] ?? 0) {
      length = length * 10 + (byte - ZERO);
      at += 1;
    }
    const digits = at - from - 1;
    if (digits === 0 || digits > DIGITS_MAX || (bytes[from + 1] === ZERO && digits > 1)) return false;
    if (bytes[at] !== CARRIAGE_RETURN || bytes[at + 1] !== LINE_FEED || length > bytesMax) return false;
    this.lengthAt = from + 1;
    this.start = at + LINE_END_BYTES;
    this.end = this.start + length;
    this.at = this.end + LINE_END_BYTES;
    return this.at <= this.#end;
  }
}
