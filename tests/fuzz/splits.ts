/** Ways to cut an input into the pieces in which it may arrive. */

import type { Random } from "../../lib/base/random.ts";

/** Up to this length every boundary is tried, for one in `EVERY_BOUNDARY` of the inputs. */
const SMALL_LENGTH_MAX = 200;
const EVERY_BOUNDARY = 0.02;
const BYTE_BY_BYTE = 0.1;
const BYTE_BY_BYTE_LENGTH_MAX = 2_000;

/** Some ways, each a list of pieces that together are the input. */
export function waysToSplit(input: string, random: Random): readonly (readonly string[])[] {
  if (input.length <= SMALL_LENGTH_MAX && random.chance(EVERY_BOUNDARY)) {
    return [...everyBoundary(input), [...units(input)]];
  }
  if (input.length <= BYTE_BY_BYTE_LENGTH_MAX && random.chance(BYTE_BY_BYTE)) return [[...units(input)]];
  return [randomSplit(input, random)];
}

/** Two pieces, cut at each place in turn; none is empty. */
export function everyBoundary(input: string): readonly (readonly string[])[] {
  const ways: string[][] = [];
  for (let at = 1; at < input.length; at++) ways.push([input.slice(0, at), input.slice(at)]);
  return ways;
}

/** Random pieces, short and long ones. */
export function randomSplit(input: string, random: Random): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < input.length;) {
    const length = random.chance(0.3) ? random.between(1, 3) : random.between(1, input.length);
    pieces.push(input.slice(at, at + length));
    at += length;
  }
  return pieces;
}

function* units(input: string): Generator<string> {
  for (let at = 0; at < input.length; at++) yield input.charAt(at);
}
