import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import { Random } from "../../../lib/base/random.ts";

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.uint32());
}

Deno.test("the same seed gives the same numbers, another seed others", () => {
  assertEquals(draw(new Random(7), 50), draw(new Random(7), 50));
  assertNotEquals(draw(new Random(7), 50), draw(new Random(8), 50));
});

Deno.test("numbers are 32 bits and spread evenly", () => {
  const random = new Random(1);
  const buckets = new Array<number>(16).fill(0);
  for (const value of draw(random, 16_000)) {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffffffff);
    const at = value >>> 28;
    buckets[at] = (buckets[at] ?? 0) + 1;
  }
  for (const count of buckets) assert(count > 850 && count < 1150, `A sixteenth of the range was drawn ${count} times`);
});

Deno.test("bounds are kept, and each value within them occurs", () => {
  const random = new Random(3);
  const seen = new Set<number>();
  for (let count = 0; count < 300; count++) seen.add(random.between(2, 6));
  assertEquals([...seen].sort(), [2, 3, 4, 5, 6]);
  assertThrows(() => random.below(0), AssertionFailure);
  assertThrows(() => random.pick([]), AssertionFailure);
});

Deno.test("chance goes by its probability", () => {
  const random = new Random(4);
  let count = 0;
  for (let round = 0; round < 10_000; round++) if (random.chance(0.3)) count += 1;
  assert(count > 2_800 && count < 3_200, `0.3 happened ${count} times of 10000`);
});

Deno.test("a fork has numbers of its own, which do not depend on the further use of its parent", () => {
  const parent = new Random(5);
  const fork = parent.fork();
  const expected = draw(new Random(5).fork(), 20);
  draw(parent, 10);
  assertEquals(draw(fork, 20), expected);
});
