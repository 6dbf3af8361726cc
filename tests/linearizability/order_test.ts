/** Few keys and many keys are sorted in different ways, to the same order. */

import { assertEquals } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { ascending } from "./order.ts";

function expected(keys: readonly number[]): number[] {
  return keys.map((_, at) => at).sort((a, b) => {
    const [one = 0, other = 0] = [keys[a], keys[b]];
    return one < other ? -1 : one > other ? 1 : a - b;
  });
}

function drawKeys(random: Random, count: number): number[] {
  return Array.from({ length: count }, () =>
    random.pick([
      0,
      Infinity,
      random.below(1_000),
      random.uint32() * random.uint32(),
      1.7e18 + random.uint32() * 1024,
      random.fraction(),
    ]));
}

for (const count of [0, 1, 2, 100, 19_999, 20_000, 50_000]) {
  Deno.test(`${count} keys in ascending order, equal ones in the order they came`, () => {
    const keys = drawKeys(new Random(count), count);
    assertEquals([...ascending(Float64Array.from(keys))], expected(keys));
  });
}

Deno.test("many equal keys, and many whole numbers that differ in few digits, keep their order", () => {
  for (
    const keys of [
      Array.from({ length: 30_000 }, () => 7),
      Array.from({ length: 30_000 }, (_, at) => (at * 7) % 300),
    ]
  ) {
    assertEquals([...ascending(Float64Array.from(keys))], expected(keys));
  }
});
