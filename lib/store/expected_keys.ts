/** Keys that are asked for soon: what leads to their records is read for all of them together, so that the waits for memory overlap. */

import type { KeyHash } from "./key_hash.ts";
import { UNIT_MASK } from "./segment.ts";
import type { Shard } from "./shard.ts";
import type { Slab } from "./slab.ts";
import type { Span } from "./span.ts";

/** Keys that are expected at once; further ones are not. */
export const EXPECTED_KEYS_MAX = 32;
/** A longer key takes longer to hash than its record to come. */
export const EXPECTED_KEY_BYTES_MAX = 256;
const WORDS_PER_UNIT = 2;
/** From the beginning of a record to where its value lies, when both are short: the line of the cache behind that of its head. */
const NEXT_LINE_WORDS = 16;

/** What the keys are looked up in. */
export interface ExpectedKeysParts {
  readonly hash: KeyHash;
  readonly slab: Slab;
  shardOf(hash: number): Shard;
}

/** Only a hint: it changes nothing, and a key that is expected in vain costs no more than its hash and a look. */
export class ExpectedKeys {
  readonly #parts: ExpectedKeysParts;
  readonly #hashes = new Uint32Array(EXPECTED_KEYS_MAX);
  #count = 0;
  /** Of what was read, so that no compiler leaves the reads out. */
  #sum = 0;

  constructor(parts: ExpectedKeysParts) {
    this.#parts = parts;
  }

  /** Expects a key. */
  add(key: Span): void {
    if (this.#count === EXPECTED_KEYS_MAX || key.length > EXPECTED_KEY_BYTES_MAX) return;
    this.#hashes[this.#count] = this.#parts.hash.of(key);
    this.#count += 1;
  }

  /** Reads the tables and records of the keys that are expected, and expects none any more. Returns how many have a record. */
  fetch(): number {
    const { slab } = this.#parts;
    const hashes = this.#hashes;
    const count = this.#count;
    this.#count = 0;
    // Short loops without a branch on what is read: the processor goes on to the next key before the one before has come.
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] ?? 0;
      const { table, mask } = this.#parts.shardOf(hash);
      this.#sum ^= table[2 * (hash & mask) + 1] ?? 0;
    }
    let found = 0;
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] ?? 0;
      const place = this.#parts.shardOf(hash).find(hash);
      if (place === 0) continue;
      const { words } = slab.segmentOf(place);
      const word = WORDS_PER_UNIT * (place & UNIT_MASK);
      this.#sum ^= (words[word] ?? 0) ^ (words[word + NEXT_LINE_WORDS] ?? 0);
      found += 1;
    }
    return found;
  }
}
