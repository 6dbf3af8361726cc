/** The real source of chance. Everything below this layer takes its chance as a parameter. */

const words = new Uint32Array(2);
const HIGH_BITS = 2 ** 21;
const LOW = 2 ** 32;

/** A number in [0, 1) with 53 random bits, from the system. */
export function randomNumber(): number {
  crypto.getRandomValues(words);
  const [high = 0, low = 0] = words;
  return ((high % HIGH_BITS) * LOW + low) / (HIGH_BITS * LOW);
}
