/** A flood of requests is taken turn by turn, in order, and nothing of it is lost. */

import { assertEquals } from "@std/assert";
import { TurnBudget } from "../../../lib/net/turn_budget.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { encodeRequest } from "../../support/resp/encode.ts";
import { RespBench } from "../protocol/resp/session_support.ts";
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
  assertEquals(resumed, ["a true", "b true", "c true"]);
  turns.stop();
});

Deno.test("those that wait have equal shares of a turn, whatever each asks for, and who has had nothing is the next", async () => {
  const clock = new VirtualClock();
  const turns = new TurnBudget(clock, 12);
  const taken: string[] = [];
  /** Wants to take so many more. */
  const want = (name: string, count: number): void => {
    for (let left = count; left > 0; left--) {
      if (!turns.take(() => want(name, left))) return;
      taken.push(name);
    }
  };
  const takenInTurn = async () => {
    await clock.turn();
    return taken.splice(0).join("");
  };
  want("a", 1_000);
  want("b", 1);
  want("c", 5);
  assertEquals(taken.splice(0).join(""), "a".repeat(12), "nobody else was there");
  assertEquals(await takenInTurn(), "aaaabccccaca");
  assertEquals(await takenInTurn(), "a".repeat(12), "what the others leave is not lost");
  for (const name of "BCDEFGHIJKLM") want(name, 2);
  assertEquals(await takenInTurn(), "aBCDEFGHIJKL");
  assertEquals(await takenInTurn(), "MaBCDEFGHIJK");
});

Deno.test("sixteen connections that pipeline without end keep one request waiting for a turn, and no longer", async () => {
  const bench = new RespBench({ requestsPerTurnMax: 64 });
  const ping = encodeRequest("PING");
  const floods = Array.from({ length: 16 }, () => bench.connect());
  for (const flood of floods) flood.session.receive(ping.repeat(10_000));
  const one = bench.connect();
  one.session.receive(ping);
  assertEquals(one.link.output, "");
  await bench.clock.turn();
  assertEquals(one.link.output, "+PONG\r\n");
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
