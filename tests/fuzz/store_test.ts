/** Short random histories of a store of every shape, beside a Map. */

import { StoreModel } from "../unit/store/model.ts";
import { fuzz } from "./harness.ts";

interface History {
  readonly seed: number;
  readonly keys: number;
  readonly shards: number;
  readonly valueBytesMax: number;
  readonly firstRevision: number;
  readonly steps: number;
}

fuzz<History>("store", {
  make: (random) => ({
    seed: random.uint32(),
    keys: random.pick([1, 2, 10, 100, 1_000]),
    shards: random.pick([1, 2, 16, 1_024]),
    valueBytesMax: random.pick([1, 8, 200, 3_000]),
    firstRevision: random.pick([0, 2 ** 32 - 100, 2 ** 53 - 10_000]),
    steps: random.between(1, 400),
  }),
  check: (history) => {
    const both = new StoreModel({ ...history, clears: true });
    for (let step = 0; step < history.steps; step++) both.step();
    both.check();
    if ((both.counts.get("reload") ?? 0) > 0) return "with a reload";
    return both.counts.has("cut") ? "with a cut" : "plain";
  },
  outcomes: ["with a reload", "with a cut", "plain"],
  share: 20,
});
