/** Values too long for a segment, each in a buffer of its own. */

import { Lanes } from "./digest.ts";
import type { Span } from "./span.ts";

/** What a value that grows gets on top, as a part of its length: so growing by small pieces copies each byte a few times only. */
export const GROWTH_SHARE = 0.25;
const WORD_BYTES = 4;

/** A part of a value: where it begins there, and its bytes. */
export interface Part {
  readonly at: number;
  readonly bytes: Span;
}

/**
 * One large value. Bytes that it has never change: it grows behind its end or is replaced. So a write that is under way, or a cut,
 * keeps the buffer without a copy.
 */
export class LargeValue {
  bytes: Uint8Array<ArrayBuffer>;
  words: Uint32Array<ArrayBuffer>;
  length = 0;
  /** What the digest has of all whole words. */
  readonly lanes = new Lanes();

  constructor(room: number) {
    this.bytes = new Uint8Array((room + WORD_BYTES - 1) & ~(WORD_BYTES - 1));
    this.words = new Uint32Array(this.bytes.buffer);
  }

  /** A value of these bytes, with a part of it replaced; zeros fill a gap in front of it. */
  static of(bytes: Span, part?: Part): LargeValue {
    const length = part === undefined ? bytes.length : Math.max(bytes.length, part.at + part.bytes.length);
    const value = new LargeValue(length > bytes.length ? length * (1 + GROWTH_SHARE) : length);
    bytes.copyTo(value.bytes, 0);
    part?.bytes.copyTo(value.bytes, part.at);
    value.#extendTo(length);
    return value;
  }

  /** Adds bytes behind the end, or behind a gap of zeros. */
  append({ at, bytes }: Part): void {
    const length = at + bytes.length;
    if (length > this.bytes.length) {
      // The old buffer stays as it is for whoever holds it.
      const grown = new LargeValue(length * (1 + GROWTH_SHARE));
      grown.bytes.set(this.bytes.subarray(0, this.length));
      this.bytes = grown.bytes;
      this.words = grown.words;
    }
    bytes.copyTo(this.bytes, at);
    this.#extendTo(length);
  }

  #extendTo(length: number): void {
    this.lanes.takeWords(this.words, this.length >>> 2, length >>> 2);
    this.length = length;
  }
}

/** Every large value by its slot, a number that the record has. */
export class LargeValues {
  readonly #values: (LargeValue | undefined)[] = [];
  readonly #free: number[] = [];
  #used = 0;
  #capacity = 0;

  /** Bytes of all values. */
  get used(): number {
    return this.#used;
  }

  /** Bytes of all buffers. */
  get capacity(): number {
    return this.#capacity;
  }

  /** The value in a slot; undefined when it is empty. */
  get(slot: number): LargeValue | undefined {
    return this.#values[slot];
  }

  /** Takes a value in; returns its slot. */
  add(value: LargeValue): number {
    const slot = this.#free.pop() ?? this.#values.length;
    this.#values[slot] = value;
    this.#used += value.length;
    this.#capacity += value.bytes.length;
    return slot;
  }

  /** Adds to the end of the value in a slot. */
  append(slot: number, part: Part): void {
    const value = this.#values[slot];
    if (value === undefined) return;
    this.#used -= value.length;
    this.#capacity -= value.bytes.length;
    value.append(part);
    this.#used += value.length;
    this.#capacity += value.bytes.length;
  }

  /** Gives a value up. */
  remove(slot: number): void {
    const value = this.#values[slot];
    if (value === undefined) return;
    this.#values[slot] = undefined;
    this.#free.push(slot);
    this.#used -= value.length;
    this.#capacity -= value.bytes.length;
  }
}
