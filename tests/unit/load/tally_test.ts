import { assertEquals } from "@std/assert";
import { Tally } from "../../../lib/load/tally.ts";

Deno.test("what was due before the measuring began counts nowhere but in the progress", () => {
  const tally = new Tally({ now: 0, measureFrom: 1_000 });
  tally.succeed(10, { since: 900, now: 1_100 });
  tally.fail("ERR early", { since: 900 });
  tally.miss(3, 900);
  tally.send(999, 1_000);
  assertEquals([tally.latencies.count, tally.late.count, tally.errors, tally.misses], [0, 0, 0, 0]);
  assertEquals(tally.lastReplyAt, 1_000);
  assertEquals(tally.takeInterval(500), { seconds: -0.5, perSecond: 20, errors: 0, maxMs: 200 });
});

Deno.test("replies are counted with their latency, errors by their first word", () => {
  const tally = new Tally({ now: 0, measureFrom: 0 });
  tally.succeed(2, { since: 10, now: 12 });
  tally.succeed(1, { since: 11, now: 15 });
  tally.fail("CLUSTERDOWN no leader", { since: 20 });
  tally.fail("CLUSTERDOWN other text", { since: 20, count: 4 });
  tally.fail("", { since: 20 });
  tally.send(20, 21);
  tally.miss(1, 21);
  assertEquals(tally.latencies.count, 3);
  assertEquals(tally.latencies.max, 4);
  assertEquals(tally.lastReplyAt, 15);
  assertEquals(tally.late.max, 1);
  assertEquals(tally.misses, 1);
  assertEquals(tally.errors, 6);
  assertEquals(Object.fromEntries(tally.errorsByWord), {
    CLUSTERDOWN: { count: 5, example: "CLUSTERDOWN no leader" },
    EMPTY: { count: 1, example: "" },
  });
  assertEquals(tally.takeInterval(1_000), { seconds: 1, perSecond: 3, errors: 6, maxMs: 4 });
  assertEquals(tally.takeInterval(2_000), { seconds: 2, perSecond: 0, errors: 6, maxMs: 0 });
});
