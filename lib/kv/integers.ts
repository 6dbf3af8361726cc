/** Integers of 64 bits as texts, as strict as Redis: numbers where a number is exact, bigints beyond. */

import type { Span } from "../store/span.ts";

/** An integer of 64 bits: a bigint only where a number would not be exact. */
export type Integer64 = number | bigint;

const INTEGER_MIN = -(2n ** 63n);
const INTEGER_MAX = 2n ** 63n - 1n;
/** Digits that a number holds exactly whatever they are. */
const SAFE_DIGITS_MAX = 15;
const DIGITS_MAX = 19;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

/** The integer that a text is, or undefined: no plus sign, blanks, leading zeros or "-0", from -2^63 to 2^63 - 1. */
export function parseInteger64(text: string): Integer64 | undefined {
  const start = text.charCodeAt(0) === MINUS ? 1 : 0;
  const digits = text.length - start;
  if (digits === 0 || digits > DIGITS_MAX) return undefined;
  if (text.charCodeAt(start) === ZERO) return text === "0" ? 0 : undefined;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!(code >= ZERO && code <= NINE)) return undefined;
  }
  if (digits <= SAFE_DIGITS_MAX) return Number(text);
  const integer = BigInt(text);
  return isInteger64(integer) ? narrow(integer) : undefined;
}

/** The same for bytes, of at most 15 digits: undefined also for a longer one. */
export function parseShortInteger({ bytes, start, end }: Span): number | undefined {
  const first = bytes[start] === MINUS ? start + 1 : start;
  const digits = end - first;
  if (digits <= 0 || digits > SAFE_DIGITS_MAX) return undefined;
  if (bytes[first] === ZERO) return end - start === 1 ? 0 : undefined;
  let value = 0;
  for (let at = first; at < end; at++) {
    const code = bytes[at] ?? 0;
    if (code < ZERO || code > NINE) return undefined;
    value = value * 10 + (code - ZERO);
  }
  return first === start ? value : -value;
}

/** The sum, or undefined when it is no integer of 64 bits. */
export function addInteger64(left: Integer64, right: Integer64): Integer64 | undefined {
  if (typeof left === "number" && typeof right === "number") {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = BigInt(left) + BigInt(right);
  return isInteger64(sum) ? narrow(sum) : undefined;
}

function isInteger64(integer: bigint): boolean {
  return integer >= INTEGER_MIN && integer <= INTEGER_MAX;
}

function narrow(integer: bigint): Integer64 {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}
