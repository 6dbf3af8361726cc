/**
 * INCRBYFLOAT: decimal texts added as Redis adds them on common machines, in floating point with 64 bits of mantissa, and
 * shown with up to 17 decimals. Done in whole numbers, so that every node gives the same text whatever its processor.
 */

import { type ErrorReply, isErrorReply } from "./replies.ts";

const NOT_A_FLOAT: ErrorReply = { error: "ERR value is not a valid float" };
const NOT_FINITE: ErrorReply = { error: "ERR increment would produce NaN or Infinity" };

/** Longest text that is read. */
const TEXT_LENGTH_MAX = 5_119;
const MANTISSA_BITS = 64;
/** Decimal exponents of what can be held; beyond it a number is infinite or nothing. */
const DECIMAL_EXPONENT_MAX = 4_932;
/** Binary exponent behind the largest number. */
const EXPONENT_END = 16_384;
const DECIMALS_SHOWN = 17;
/** Length of the longest sum: a sign, every digit before the point, the point and what is behind it. */
export const DECIMAL_BYTES_MAX = 1 + DECIMAL_EXPONENT_MAX + 1 + 1 + DECIMALS_SHOWN;
const DECIMAL = /^([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]{1,9}))?$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;

/** `mantissa` x 2^`exponent`, the mantissa signed and of at most 64 bits. */
interface Float {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** The sum of two decimal texts as a text. */
export function incrementDecimal(value: string, increment: string): string | ErrorReply {
  const left = parseFloat80(value);
  if (left === undefined) return NOT_A_FLOAT;
  const right = parseFloat80(increment);
  if (right === undefined) return NOT_A_FLOAT;
  if (isErrorReply(left) || isErrorReply(right)) return NOT_FINITE;
  const sum = add(left, right);
  return bitLength(sum.mantissa) + sum.exponent > EXPONENT_END ? NOT_FINITE : format(sum);
}

/** Undefined for what is no number, an error for an infinite one. */
function parseFloat80(text: string): Float | ErrorReply | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  if (INFINITE.test(text)) return NOT_FINITE;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", onlyFraction = "", exponentText = "0"] = match;
  const decimals = fraction + onlyFraction;
  const digits = BigInt(whole + decimals);
  if (digits === 0n) return { mantissa: 0n, exponent: 0 };
  const exponent = Number(exponentText) - decimals.length;
  const magnitude = exponent + digits.toString().length;
  if (Math.abs(magnitude) > DECIMAL_EXPONENT_MAX + 1) return undefined;
  const float = exponent >= 0
    ? round(digits * 10n ** BigInt(exponent), { divisor: 1n, exponent: 0 })
    : round(digits, { divisor: 10n ** BigInt(-exponent), exponent: 0 });
  if (bitLength(float.mantissa) + float.exponent > EXPONENT_END) return undefined;
  return sign === "-" ? { mantissa: -float.mantissa, exponent: float.exponent } : float;
}

/** `dividend` / `divisor` x 2^`exponent`, not negative, with 64 bits of mantissa, halves to the even neighbour. */
function round(dividend: bigint, by: { readonly divisor: bigint; readonly exponent: number }): Float {
  const { divisor } = by;
  // So many bits before the division that the quotient has one or two more than the mantissa.
  const shift = MANTISSA_BITS + 2 - (bitLength(dividend) - bitLength(divisor));
  const scaled = shift >= 0 ? dividend << BigInt(shift) : dividend;
  const scaledDivisor = shift >= 0 ? divisor : divisor << BigInt(-shift);
  let quotient = scaled / scaledDivisor;
  const isInexact = quotient * scaledDivisor !== scaled;
  const surplus = bitLength(quotient) - MANTISSA_BITS;
  // What the division left counts as a little more than nothing.
  if (isInexact) quotient = (quotient << 1n) | 1n;
  const bits = surplus + (isInexact ? 1 : 0);
  const exponent = by.exponent - shift - (isInexact ? 1 : 0);
  return { mantissa: roundShift(quotient, bits), exponent: exponent + Math.max(0, bits) };
}

/** Drops the last `bits` bits of a number that is not negative, halves to the even neighbour. */
function roundShift(number: bigint, bits: number): bigint {
  if (bits <= 0) return number;
  const shift = BigInt(bits);
  const kept = number >> shift;
  const rest = number - (kept << shift);
  const half = 1n << (shift - 1n);
  return rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}

function add(left: Float, right: Float): Float {
  const exponent = Math.min(left.exponent, right.exponent);
  const sum = (left.mantissa << BigInt(left.exponent - exponent)) +
    (right.mantissa << BigInt(right.exponent - exponent));
  if (sum === 0n) return { mantissa: 0n, exponent: 0 };
  const magnitude = sum < 0n ? -sum : sum;
  const rounded = round(magnitude, { divisor: 1n, exponent });
  return sum < 0n ? { mantissa: -rounded.mantissa, exponent: rounded.exponent } : rounded;
}

/** With 17 decimals, zeros at the end cut off. */
function format({ mantissa, exponent }: Float): string {
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  const scaled = magnitude * 10n ** BigInt(DECIMALS_SHOWN);
  const shown = exponent >= 0 ? scaled << BigInt(exponent) : roundShift(scaled, -exponent);
  const digits = shown.toString().padStart(DECIMALS_SHOWN + 1, "0");
  const whole = digits.slice(0, -DECIMALS_SHOWN);
  let decimals = digits.slice(-DECIMALS_SHOWN);
  while (decimals.endsWith("0")) decimals = decimals.slice(0, -1);
  const text = decimals === "" ? whole : `${whole}.${decimals}`;
  return mantissa < 0n && text !== "0" ? `-${text}` : text;
}

function bitLength(number: bigint): number {
  return (number < 0n ? -number : number).toString(2).length;
}
