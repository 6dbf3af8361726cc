/** A hash of byte strings, for telling two of them apart; not for tables that strangers fill, and not a proof of anything. */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const SEED_1 = 0x9e3779b9;
const SEED_2 = 0x85ebca6b;

/**
 * 64 bits of a byte string as 16 hexadecimal digits, the same everywhere: two lanes of 32 bits in the manner of MurmurHash3,
 * each stirred into the other with every byte.
 */
export function hash64(bytes: string): string {
  let first = SEED_1;
  let second = SEED_2;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes.charCodeAt(at);
    first = rotate(first ^ Math.imul(byte + 1, C1), 13);
    first = (Math.imul(first, 5) + 0x561ccd1b + second) | 0;
    second = rotate(second ^ Math.imul(byte + 1, C2), 15);
    second = (Math.imul(second, 5) + 0x0bcaa747 + first) | 0;
  }
  first = stir(first ^ bytes.length);
  second = stir((second + first) | 0);
  first = (first + second) | 0;
  return digits(first) + digits(second);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Spreads every bit over all others. */
function stir(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function digits(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
