/** A million random operations on a store beside a Map, with cuts, compaction and reloads at random places. */

import { StoreModel } from "../unit/store/model.ts";

const STEPS = 250_000;
const STEPS_BETWEEN_CHECKS = 5_000;

for (
  const { seed, keys, valueBytesMax } of [
    { seed: 101, keys: 50, valueBytesMax: 200 },
    { seed: 102, keys: 2_000, valueBytesMax: 5_000 },
    { seed: 103, keys: 20_000, valueBytesMax: 100 },
    { seed: 104, keys: 5_000, valueBytesMax: 300 },
  ]
) {
  Deno.test(`a store and a Map agree over ${STEPS} random operations on ${keys} keys`, () => {
    const both = new StoreModel({
      seed,
      keys,
      valueBytesMax,
      clears: keys < 1_000,
      firstRevision: 2 ** 32 - STEPS / 2,
    });
    for (let step = 1; step <= STEPS; step++) {
      both.step();
      if (step % STEPS_BETWEEN_CHECKS === 0) both.check();
    }
    both.check();
  });
}
