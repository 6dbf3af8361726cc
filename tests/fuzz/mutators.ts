/** Changes to inputs that break parsers: flipped bits, cuts, copies, and the pieces that hand-written cases forget. */

import type { Random } from "../../lib/base/random.ts";
import { textToByteString } from "../../lib/base/bytes.ts";

/** Numbers at the limits of the types that parsers use. */
export const NUMBER_TEXTS: readonly string[] = [
  "0",
  "-0",
  "-1",
  "00",
  "0.5",
  "1e3",
  "1e999",
  "255",
  "256",
  "65535",
  "65536",
  "2147483647",
  "2147483648",
  "4294967295",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "18446744073709551616",
  "99999999999999999999999999",
  "NaN",
  "Infinity",
  "0x10",
];

/** Pieces with a meaning somewhere: line ends, quotes, JSON, names that objects already have, bytes that are no UTF-8. */
export const PIECES: readonly string[] = [
  "\0",
  "\r",
  "\n",
  "\r\n",
  "\t",
  " ",
  "\x7f",
  "\xff",
  "\xff\xfe",
  "\xef\xbb\xbf",
  "\xc0\xaf",
  "\xed\xa0\x80",
  "\xc3",
  "\xe2\x82",
  "\xc2\x85",
  "\xe2\x80\xa8",
  '"',
  "'",
  "\\",
  '\\"',
  "\\x",
  "\\x4",
  "\\u0141",
  "\\ud800",
  "--",
  "-",
  "=",
  ":",
  ",",
  ";",
  "@",
  "!",
  "%",
  "{",
  "}",
  "[",
  "]",
  "[]",
  "{}",
  "[[[[[[[[",
  "null",
  "true",
  "false",
  "__proto__",
  '"__proto__":',
  "constructor",
  "toString",
];

/** Whole inputs that are JSON, or nearly, but not what anybody asks for. */
export const OTHER_JSON: readonly string[] = ["", "null", "[]", "{}", "1", '"x"', "true", "[null]", "{", '{"":{}}'];

/** Characters beyond a byte, for parsers of text: letters, signs that hide, halves of pairs. */
const WIDE_PIECES: readonly string[] = [
  "\u0141",
  "\u010a",
  "\u2028",
  "\u202e",
  "\ufeff",
  "\ud83d\ude00",
  "\ud800",
  "\udc00",
];

const LONG_LENGTHS: readonly number[] = [64, 300, 1_025, 4_096];
const CHANGES_MAX = 4;

/** One of the numbers above, or a random one of up to 17 digits. */
export function numberText(random: Random): string {
  if (random.chance(0.6)) return random.pick(NUMBER_TEXTS);
  return String(Math.floor(random.fraction() * 10 ** random.between(1, 17)));
}

/** A random byte string: any bytes, printable ones, or pieces one behind the other. */
export function anyBytes(random: Random, lengthMax: number): string {
  const length = random.below(lengthMax + 1);
  const kind = random.below(3);
  let bytes = "";
  while (bytes.length < length) {
    if (kind === 0) bytes += String.fromCharCode(random.below(256));
    else if (kind === 1) bytes += String.fromCharCode(random.between(0x20, 0x7e));
    else bytes += random.pick(PIECES);
  }
  return bytes.slice(0, length);
}

/** A random text of UTF-16 units, lone surrogates among them. */
export function anyText(random: Random, lengthMax: number): string {
  if (random.chance(0.5)) return anyBytes(random, lengthMax);
  const length = random.below(lengthMax + 1);
  let text = "";
  while (text.length < length) {
    text += random.chance(0.5) ? random.pick(WIDE_PIECES) : String.fromCharCode(random.below(0x1_0000));
  }
  return text.slice(0, length);
}

/** The input with one to four changes. With `wide` they may bring in characters above 0xFF. */
export function mutate(input: string, random: Random, wide = false): string {
  let mutated = input;
  for (let left = random.between(1, CHANGES_MAX); left > 0; left--) mutated = change(mutated, { random, wide });
  return mutated;
}

/** The input as it is in one of `every` cases, else mutated; in one of ten the beginning of one and the end of another. */
export function mutateMost(make: (random: Random) => string, random: Random, wide = false): string {
  const input = make(random);
  if (random.chance(0.2)) return input;
  return mutate(random.chance(0.1) ? splice(input, make(random), random) : input, random, wide);
}

/** The beginning of one input, then the end of another. */
export function splice(left: string, right: string, random: Random): string {
  return left.slice(0, random.below(left.length + 1)) + right.slice(random.below(right.length + 1));
}

function change(input: string, { random, wide }: { random: Random; wide: boolean }): string {
  const at = random.below(input.length + 1);
  const before = input.slice(0, at);
  switch (random.below(10)) {
    case 0: // A flipped bit.
      return replaceOne(input, at, (input.charCodeAt(at) || 0) ^ (1 << random.below(8)));
    case 1:
      return replaceOne(input, at, random.below(256));
    case 2:
      return before + input.slice(at + random.between(1, 8));
    case 3:
      return before;
    case 4: { // A slice twice, in place or elsewhere.
      const slice = input.slice(at, at + random.between(1, 24));
      const to = random.below(input.length + 1);
      return input.slice(0, to) + slice + input.slice(to);
    }
    case 5: // A very long token.
      return before + (input.charAt(at) || "a").repeat(random.pick(LONG_LENGTHS)) + input.slice(at);
    case 6:
      return replaceNumber(input, at, numberText(random));
    case 7:
      return before + input.slice(at).replace(/[a-zA-Z]+/, () => piece(random, wide));
    default:
      return before + piece(random, wide) + input.slice(at + random.below(3));
  }
}

function piece(random: Random, wide: boolean): string {
  if (!wide || random.chance(0.5)) return random.chance(0.2) ? numberText(random) : random.pick(PIECES);
  const text = random.pick(WIDE_PIECES);
  return random.chance(0.3) ? textToByteString(text) : text;
}

function replaceOne(input: string, at: number, code: number): string {
  return at >= input.length ? input : input.slice(0, at) + String.fromCharCode(code) + input.slice(at + 1);
}

/** Another number in the place of the first one at or after `at`. */
function replaceNumber(input: string, at: number, text: string): string {
  return input.slice(0, at) + input.slice(at).replace(/-?[0-9]+/, text);
}
