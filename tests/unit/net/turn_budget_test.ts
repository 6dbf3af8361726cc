/** A flood of requests is taken turn by turn, in order, and nothing of it is lost. */

import { assertEquals } from "@std/assert";
import { TurnBudget } from "../../../lib/net/turn_budget.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { SessionBench } from "../protocol/text/session_support.ts";

Deno.test("no more requests are taken in a turn than the budget allows, and those that wait go on in order", async () => {
  const clock = new VirtualClock();
  const turns = new TurnBudget(clock, 2);
  const resumed: string[] = [];
  assertEquals([turns.take(() => {}), turns.take(() => {})], [true, true]);
  for (const name of ["a", "b", "c"]) {
    assertEquals(turns.take(() => resumed.push(`${name} ${turns.take(() => resumed.push(`${name} later`))}`)), false);
  }
  await clock.advance(0);
  assertEquals(resumed, ["a true", "b true", "c false", "c later"]);
  turns.stop();
});

Deno.test("a session with a long chunk gives the event loop a turn and then goes on where it was", async () => {
  const bench = new SessionBench({ requestsPerTurnMax: 100 });
  bench.session.receive("x\n".repeat(250));
  const answered = (): number => bench.link.output.split("\n").length - 1;
  assertEquals([answered(), bench.session.full], [100, true]);
  await bench.clock.advance(0);
  assertEquals(answered(), 250);
  assertEquals(bench.session.full, false);
});
