import { assertGreater } from "@std/assert";
import { StoreModel } from "./model.ts";

const STEPS = 10_000;
const STEPS_BETWEEN_CHECKS = 500;

for (const seed of [1, 2, 3, 4, 5]) {
  Deno.test(`a store and a Map agree over ${STEPS} random operations, seed ${seed}`, () => {
    const both = new StoreModel({ seed, keys: seed * 150, firstRevision: seed % 2 === 0 ? 2 ** 32 - 5_000 : 0 });
    for (let step = 1; step <= STEPS; step++) {
      both.step();
      if (step % STEPS_BETWEEN_CHECKS === 0) both.check();
    }
    for (
      const name of ["put", "patch", "expire", "remove", "rename", "copy", "sweep", "clear", "compact", "cut", "reload"]
    ) {
      assertGreater(both.counts.get(name) ?? 0, 0, name);
    }
  });
}
