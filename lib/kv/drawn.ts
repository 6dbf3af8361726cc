/** Numbers that are drawn by the entries of the log, so that every node draws the same. */

const FACTOR = 0x9e3779b1;
const STEP = 0x7f4a7c15;
const TWO_32 = 2 ** 32;

/** Draws numbers in [0, 1) that follow from `revision`. */
export function drawnFrom(revision: number): () => number {
  let drawn = revision;
  return () => {
    drawn = (Math.imul(drawn, FACTOR) + STEP) >>> 0;
    return drawn / TWO_32;
  };
}
