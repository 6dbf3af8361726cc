/** Fields of a command in the log: byte strings with their length before them, and numbers. */

const LENGTH_DIGITS_MAX = 16;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

/** A byte string with its length. */
export function writeField(bytes: string): string {
  return `${bytes.length}:${bytes}`;
}

/** A number from 0 to 2^53 - 1. */
export function writeCount(count: number): string {
  return `${count}:`;
}

/** Reads fields one after the other. After the first that is not there `valid` is false and every field is empty. */
export class FieldReader {
  readonly #bytes: string;
  #at: number;
  #valid = true;

  /** A reader of `bytes` from `at` on. */
  constructor(bytes: string, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Whether every field read so far was there. */
  get valid(): boolean {
    return this.#valid;
  }

  /** Whether every field was there and nothing follows the last one. */
  get endsHere(): boolean {
    return this.#valid && this.#at === this.#bytes.length;
  }

  /** The next byte string. */
  field(): string {
    const length = this.count();
    const end = this.#at + length;
    if (!this.#valid || end > this.#bytes.length) return this.#fail("");
    const start = this.#at;
    this.#at = end;
    return this.#bytes.slice(start, end);
  }

  /** The next byte; "" at the end. */
  letter(): string {
    const letter = this.#bytes.charAt(this.#at);
    if (letter === "") return this.#fail("");
    this.#at += 1;
    return letter;
  }

  /** The next number. */
  count(): number {
    const bytes = this.#bytes;
    let value = 0;
    let at = this.#at;
    for (; at < bytes.length && at - this.#at <= LENGTH_DIGITS_MAX; at++) {
      const code = bytes.charCodeAt(at);
      if (code === COLON) break;
      if (code < ZERO || code > NINE) return this.#fail(0);
      value = value * 10 + (code - ZERO);
    }
    if (at === this.#at || bytes.charCodeAt(at) !== COLON || !Number.isSafeInteger(value)) return this.#fail(0);
    this.#at = at + 1;
    return value;
  }

  #fail<T>(otherwise: T): T {
    this.#valid = false;
    return otherwise;
  }
}
