/** Sorting millions of numbers without moving what they stand for: the order as a permutation. */

const DIGIT_VALUES = 0x1_0000;
const DIGITS = 4;
/** Below, clearing the counters of the digits costs more than comparing. */
const RADIX_SORT_MIN = 20_000;

/** The positions of `keys` by ascending key, equal ones by position. Keys are 0 or more, `Infinity` included, never NaN. */
export function ascending(keys: Float64Array<ArrayBuffer>): Uint32Array {
  const order = new Uint32Array(keys.length);
  for (let at = 0; at < order.length; at++) order[at] = at;
  if (keys.length >= RADIX_SORT_MIN) return radixSorted(keys, order);
  return order.sort((a, b) => (keys[a] ?? 0) < (keys[b] ?? 0) ? -1 : (keys[a] ?? 0) > (keys[b] ?? 0) ? 1 : a - b);
}

/** The bits of floating-point numbers that are not negative, read as whole numbers, have the order of the numbers. */
function radixSorted(keys: Float64Array<ArrayBuffer>, order: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const digits = new Uint16Array(keys.buffer, keys.byteOffset, keys.length * DIGITS);
  let from = order;
  let to = new Uint32Array(order.length);
  for (let digit = 0; digit < DIGITS; digit++) {
    const starts = countDigits(digits, digit);
    if (starts === undefined) continue;
    for (const at of from) {
      const value = digits[at * DIGITS + digit] ?? 0;
      const place = starts[value] ?? 0;
      starts[value] = place + 1;
      to[place] = at;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** Where the keys with each value of a digit begin, or undefined if all keys have the same. */
function countDigits(digits: Uint16Array, digit: number): Uint32Array | undefined {
  const starts = new Uint32Array(DIGIT_VALUES);
  for (let at = digit; at < digits.length; at += DIGITS) starts[digits[at] ?? 0] = (starts[digits[at] ?? 0] ?? 0) + 1;
  if (starts[digits[digit] ?? 0] === digits.length / DIGITS) return undefined;
  let sum = 0;
  for (const [value, count] of starts.entries()) {
    starts[value] = sum;
    sum += count;
  }
  return starts;
}
