/** A sum over all records that tells two states apart, whatever their layout, kept up to date by each change. */

import type { Segment } from "./segment.ts";

/** Raised with any change of what a digest is made of: digests of different versions say nothing about each other. */
export const DIGEST_VERSION = 1;

const START_1 = 0x3c6ef372;
const START_2 = 0xa54ff53a;
const FACTOR_1 = 0x9e3779b1;
const FACTOR_2 = 0x85ebca6b;
const HEX_DIGITS = 8;
const HASH_BITS = 32;

/**
 * Two lanes of 32 bits through which words are passed. Not keyed: it must be equal on every node. It tells states apart that parted by
 * accident, and is no proof against somebody who looks for a collision.
 */
export class Lanes {
  first = START_1;
  second = START_2;

  /** Begins anew. */
  restart(): this {
    this.first = START_1;
    this.second = START_2;
    return this;
  }

  /** Passes whole words, from index `at` up to `end`. */
  takeWords(words: Uint32Array, at: number, end = words.length): void {
    let { first, second } = this;
    for (let index = at; index < end; index++) {
      const word = words[index] ?? 0;
      first = Math.imul(first ^ word, FACTOR_1);
      first ^= first >>> 15;
      second = Math.imul((second + word) | 0, FACTOR_2);
      second ^= second >>> 13;
    }
    this.first = first;
    this.second = second;
  }

  /** Passes what is behind the last whole word of `bytes` bytes that begin at the word `at`. */
  takeTail(words: Uint32Array, at: number, bytes = 0): void {
    const rest = bytes & 3;
    if (rest === 0) return;
    const word = (words[at + (bytes >>> 2)] ?? 0) & ((1 << (8 * rest)) - 1);
    const first = Math.imul(this.first ^ word, FACTOR_1);
    this.first = first ^ (first >>> 15);
    const second = Math.imul((this.second + word) | 0, FACTOR_2);
    this.second = second ^ (second >>> 13);
  }
}

/** The lanes of a large value's whole words, so that its digest does not go through it again. */
export interface HashedValue {
  readonly words: Uint32Array;
  readonly lanes: Lanes;
}

/** A record, where it lies. */
export interface HashedRecord {
  readonly segment: Segment;
  readonly unit: number;
  readonly large: HashedValue | undefined;
  /** Of its key, by the hash of the store. */
  readonly hash: number;
}

/** A sum modulo 2^64, in two unsigned halves: numbers of 64 bits would be allocated one by one. */
export class Sum {
  readonly #halves = new Uint32Array(2);
  /** What is added or taken out, in an object that is used again. */
  readonly #number = { first: 0, second: 0 };

  /** The upper 32 bits. */
  get high(): number {
    return this.#halves[1] ?? 0;
  }

  /** The lower 32 bits. */
  get low(): number {
    return this.#halves[0] ?? 0;
  }

  /** Adds a number of 64 bits, given as two of 32 whose signs do not count. */
  add(high: number, low: number): void {
    this.#number.first = low;
    this.#number.second = high;
    addTo(this.#halves, 0, this.#number);
  }

  /** Takes out again what was added. */
  subtract(high: number, low: number): void {
    this.#number.first = low;
    this.#number.second = high;
    subtractFrom(this.#halves, 0, this.#number);
  }

  /** Makes it 0. */
  clear(): void {
    this.#halves.fill(0);
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    const digits = (half: number) => half.toString(16).padStart(HEX_DIGITS, "0");
    return digits(this.high) + digits(this.low);
  }
}

/**
 * The sum modulo 2^64 of the hashes of all records, each over key, value, revisions, version, deadline and type. Equal states have equal
 * sums in whatever order they came about.
 */
export class Digest {
  readonly #sum = new Sum();
  readonly #lanes = new Lanes();
  /** The same sum over the records whose key hashes begin with the same bits: the lower half at `2n`, the upper one behind it. */
  readonly #buckets: Uint32Array;
  readonly #shift: number;

  /** `buckets` is a power of two, at most 2^31. */
  constructor(buckets: number) {
    this.#buckets = new Uint32Array(2 * buckets);
    this.#shift = HASH_BITS - Math.log2(buckets);
  }

  /** Adds a record whose key has that hash; `large` is its value when that lies outside. */
  add({ segment, unit, large, hash }: HashedRecord): void {
    this.#hash(segment, unit, large);
    const { first, second } = this.#lanes;
    this.#sum.add(second, first);
    addTo(this.#buckets, 2 * (hash >>> this.#shift), this.#lanes);
  }

  /** Takes a record out again, which is as it was when it was added. */
  subtract({ segment, unit, large, hash }: HashedRecord): void {
    this.#hash(segment, unit, large);
    const { first, second } = this.#lanes;
    this.#sum.subtract(second, first);
    subtractFrom(this.#buckets, 2 * (hash >>> this.#shift), this.#lanes);
  }

  /** Adds a record to a sum of somebody else. */
  addTo(sum: Sum, { segment, unit, large }: HashedRecord): void {
    this.#hash(segment, unit, large);
    sum.add(this.#lanes.second, this.#lanes.first);
  }

  /** Whether a sum is the one that is kept of a bucket. */
  isSumOf(bucket: number, sum: Sum): boolean {
    return this.#buckets[2 * bucket] === sum.low && this.#buckets[2 * bucket + 1] === sum.high;
  }

  /** Makes it the digest of no records. */
  clear(): void {
    this.#sum.clear();
    this.#buckets.fill(0);
  }

  /** Version and sum, as `1:00f3a96c12ab34cd`. */
  toString(): string {
    return digestOf(this.#sum);
  }

  /** The value comes first, so that the lanes of a large one can be kept. */
  #hash(segment: Segment, unit: number, large?: HashedValue): void {
    const lanes = this.#lanes;
    const { words } = segment;
    const valueBytes = segment.valueBytesOf(unit);
    if (large === undefined) {
      const at = segment.valueAt(unit) >>> 2;
      lanes.first = START_1;
      lanes.second = START_2;
      lanes.takeWords(words, at, at + (valueBytes >>> 2));
      lanes.takeTail(words, at, valueBytes);
    } else {
      lanes.first = large.lanes.first;
      lanes.second = large.lanes.second;
      lanes.takeTail(large.words, 0, valueBytes);
    }
    const at = segment.keyAt(unit) >>> 2;
    const keyBytes = segment.keyBytesOf(unit);
    lanes.takeWords(words, at, at + (keyBytes >>> 2));
    lanes.takeTail(words, at, keyBytes);
    this.#takeHead(segment, unit);
  }

  /**
   * Passes lengths, revisions, version, deadline and type, the doubles by their bits: all at once, each times an odd number of its own, since
   * one after the other would take longer than key and value together.
   */
  #takeHead(segment: Segment, unit: number): void {
    const { words } = segment;
    const head = 2 * unit;
    const hasDeadline = segment.hasDeadline(unit);
    const revision = words[head] ?? 0;
    const revisionHigh = words[head + 1] ?? 0;
    const create = words[head + 2] ?? 0;
    const createHigh = words[head + 3] ?? 0;
    const version = words[head + 4] ?? 0;
    const valueBytes = words[head + 5] ?? 0;
    const keyBytes = segment.keyBytesOf(unit);
    const kind = segment.typeOf(unit) | (segment.versionHighOf(unit) << 16);
    const deadline = hasDeadline ? words[head + 8] ?? 0 : 0;
    const deadlineHigh = hasDeadline ? words[head + 9] ?? 0 : 0;
    const lanes = this.#lanes;
    const first = lanes.first ^
      (Math.imul(revision, 0x2c1b3c6d) + Math.imul(revisionHigh, 0x297a2d39) + Math.imul(create, 0x5d9f3b17) +
        Math.imul(createHigh, 0x7feb352d) + Math.imul(version, 0x846ca68b) + Math.imul(valueBytes, 0x1b873593) +
        Math.imul(keyBytes, 0x38495ab5) + Math.imul(kind, 0x4cf5ad43) + Math.imul(deadline, 0x2745937f) +
        Math.imul(deadlineHigh, 0x52dce729));
    const second = lanes.second +
      (Math.imul(revision, 0x68e31da5) + Math.imul(revisionHigh, 0x1b56c4e9) + Math.imul(create, 0x4be98133) +
        Math.imul(createHigh, 0x5851f42d) + Math.imul(version, 0x2545f491) + Math.imul(valueBytes, 0x6c078965) +
        Math.imul(keyBytes, 0x41c64e6d) + Math.imul(kind, 0x3c6ef36b) + Math.imul(deadline, 0x165667b1) +
        Math.imul(deadlineHigh, 0x27d4eb2f));
    // Every bit reaches both lanes, so that sums of many records do not cancel out.
    lanes.first = stir(first ^ second);
    lanes.second = stir((second + lanes.first) | 0);
  }
}

function stir(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** The digest of records with that sum. */
export function digestOf(sum: Sum): string {
  return `${DIGEST_VERSION}:${sum}`;
}

/** The lower half first: a number of 64 bits as two of 32, whose signs do not count. */
interface Halves {
  readonly first: number;
  readonly second: number;
}

/** Adds to the sum whose lower half is at `at`. */
function addTo(sums: Uint32Array, at: number, { first, second }: Halves): void {
  const low = first >>> 0;
  // Not by `%`, which is a division of doubles and takes longer than the rest of a small record's digest.
  const sum = ((sums[at] ?? 0) + low) >>> 0;
  sums[at] = sum;
  sums[at + 1] = (sums[at + 1] ?? 0) + (second >>> 0) + (sum < low ? 1 : 0);
}

function subtractFrom(sums: Uint32Array, at: number, { first, second }: Halves): void {
  const low = first >>> 0;
  const before = sums[at] ?? 0;
  sums[at] = before - low;
  sums[at + 1] = (sums[at + 1] ?? 0) - (second >>> 0) - (before < low ? 1 : 0);
}
