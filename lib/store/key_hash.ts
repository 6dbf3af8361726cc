/** The hash that places keys in the table: keyed, since strangers choose the keys. */

import type { Span } from "./span.ts";

/** 64 secret bits, drawn for each process: two numbers of 32 bits. */
export type Seed = readonly [low: number, high: number];

const WORD_BYTES = 4;
const FINAL_ROUNDS = 3;

/**
 * HalfSipHash-1-3 with 32 bits of output. A multiplicative hash with a seed would be twice as fast, but its collisions can be
 * made without knowing the seed; here it takes trial and error even for those who do.
 */
export class KeyHash {
  readonly #low: number;
  readonly #high: number;

  constructor([low, high]: Seed) {
    this.#low = low | 0;
    this.#high = high | 0;
  }

  /** The hash of a key: 0 to 2^32-1. */
  of({ bytes, start, end }: Span): number {
    let v0 = this.#low;
    let v1 = this.#high;
    let v2 = this.#low ^ 0x6c796765;
    let v3 = this.#high ^ 0x74656462;
    const words = (end - start) >> 2;
    for (let round = 0; round <= words + FINAL_ROUNDS; round++) {
      const at = start + round * WORD_BYTES;
      let word = 0;
      if (round < words) {
        word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) |
          ((bytes[at + 3] ?? 0) << 24);
      } else if (round === words) {
        word = (end - start) << 24;
        for (let last = at; last < end; last++) word |= (bytes[last] ?? 0) << (8 * (last - at));
      } else if (round === words + 1) v2 ^= 0xff;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    return (v1 ^ v3) >>> 0;
  }
}
