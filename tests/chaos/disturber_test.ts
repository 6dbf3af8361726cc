import { assertEquals } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { Disturber } from "./disturber.ts";
import { FaultTally } from "./fault_tally.ts";
import type { Effect, Fault, Stage } from "./faults/fault.ts";
import { Fleet } from "./fleet.ts";
import { LogBook } from "./log_book.ts";

/** A fleet of no nodes: the faults of a test touch none. */
async function withStage<T>(body: (stage: Stage) => Promise<T>): Promise<T> {
  const root = await Deno.makeTempDir();
  try {
    const fleet = new Fleet({ nodes: 0, root });
    try {
      return await body({ fleet, book: new LogBook(), busyProcesses: new Set(), busyDisks: new Set() });
    } finally {
      await fleet.dispose();
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function fault(name: string, effectOf: (begun: number) => Effect): { readonly fault: Fault; begun: number } {
  const made = {
    begun: 0,
    fault: {
      name,
      begin: () => {
        made.begun += 1;
        const effect = effectOf(made.begun);
        return Promise.resolve({ detail: "", lastsMs: 0, end: () => Promise.resolve(), effect: () => effect });
      },
    },
  };
  return made;
}

/** Deals until each of the faults has begun once. */
async function disturb(faults: readonly { readonly fault: Fault; readonly begun: number }[]): Promise<FaultTally> {
  return await withStage(async (stage) => {
    let acknowledged = 0;
    const disturber = new Disturber({
      ...{ stage, random: new Random(3), say: () => {}, faults: faults.map((one) => one.fault) },
      acknowledged: () => acknowledged += 20,
      routes: new Map(),
    });
    await disturber.run({ over: () => faults.every(({ begun }) => begun > 0), stopped: () => false });
    assertEquals(disturber.problems, []);
    return disturber.tally;
  });
}

Deno.test("a kind of fault that was begun and had no effect, though it was tried again, was not tested: the run fails", async () => {
  const never = fault("never", () => "not-felt");
  const always = fault("always", () => "felt");
  const tally = await disturb([never, always]);
  assertEquals(never.begun, 4);
  assertEquals([tally.of("never"), tally.of("always").felt > 0], [{ begun: 4, felt: 0 }, true]);
  assertEquals(tally.problems, ["never was not tested: begun 4 times, it had no effect"]);
});

Deno.test("a kind of fault that was felt when it was tried again was tested", async () => {
  const tally = await disturb([fault("late", (begun) => begun > 2 ? "felt" : "not-felt")]);
  assertEquals(tally.of("late"), { begun: 3, felt: 1 });
  assertEquals(tally.problems, []);
});

Deno.test("of what never began nothing is demanded", () => {
  const tally = new FaultTally();
  assertEquals([tally.of("any"), tally.problems], [{ begun: 0, felt: 0 }, []]);
});

Deno.test("after an episode writes must go on by each protocol through every node, and those are named that do not", async () => {
  await withStage(async (stage) => {
    const routes = new Map([["resp through node 1", 3], ["http through node 2", 4]]);
    let acknowledged = 0;
    const felt = fault("felt", () => "felt");
    const disturber = new Disturber({
      ...{ stage, random: new Random(3), say: () => {}, faults: [felt.fault], routes, progressTimeoutMs: 200 },
      acknowledged: () => {
        acknowledged += 20;
        routes.set("resp through node 1", acknowledged);
        return acknowledged;
      },
    });
    await disturber.run({ over: () => felt.begun > 0, stopped: () => false });
    assertEquals(disturber.problems, [
      "200 ms after the last fault of an episode, writes do not go on: http through node 2",
    ]);
  });
});
