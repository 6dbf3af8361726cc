/** A hash of byte strings, for telling two of them apart; not for tables that strangers fill, and not a proof of anything. */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const SEED_1 = 0x9e3779b9;
const SEED_2 = 0x85ebca6b;

/** From here on the bytes are taken four at a time: the longest command would otherwise stop the event loop for 16 ms (Deno 2.4: 50). */
const WORDS_LENGTH_MIN = 65_536;
const WORD_BYTES = 4;

/**
 * 64 bits of a byte string as 16 hexadecimal digits, the same everywhere: two lanes of 32 bits in the manner of MurmurHash3,
 * each stirred into the other with every byte, or with every four bytes of a long string.
 */
export function hash64(bytes: string): string {
  const lanes: Lanes = { first: SEED_1, second: SEED_2 };
  if (bytes.length < WORDS_LENGTH_MIN) addBytes(lanes, bytes);
  else addWords(lanes, bytes);
  const first = stir(lanes.first ^ bytes.length);
  const second = stir((lanes.second + first) | 0);
  return digits((first + second) | 0) + digits(second);
}

interface Lanes {
  first: number;
  second: number;
}

function addBytes(lanes: Lanes, bytes: string): void {
  let { first, second } = lanes;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes.charCodeAt(at);
    first = rotate(first ^ Math.imul(byte + 1, C1), 13);
    first = (Math.imul(first, 5) + 0x561ccd1b + second) | 0;
    second = rotate(second ^ Math.imul(byte + 1, C2), 15);
    second = (Math.imul(second, 5) + 0x0bcaa747 + first) | 0;
  }
  lanes.first = first;
  lanes.second = second;
}

/** What four does not divide comes last, byte by byte. */
function addWords(lanes: Lanes, bytes: string): void {
  const end = bytes.length - bytes.length % WORD_BYTES;
  let { first, second } = lanes;
  for (let at = 0; at < end; at += WORD_BYTES) {
    const word = bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8) | (bytes.charCodeAt(at + 2) << 16) |
      (bytes.charCodeAt(at + 3) << 24);
    // The upper bits of a word must reach the lower ones: in MurmurHash3 the rotation does it, too.
    first = rotate(first ^ Math.imul(rotate(Math.imul(word, C1), 15), C2), 13);
    first = (Math.imul(first, 5) + 0x561ccd1b + second) | 0;
    second = rotate(second ^ Math.imul(rotate(Math.imul(word, C2), 16), C1), 15);
    second = (Math.imul(second, 5) + 0x0bcaa747 + first) | 0;
  }
  lanes.first = first;
  lanes.second = second;
  addBytes(lanes, bytes.slice(end));
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
