/** Writes that are submitted together: on any node each has the outcome that it would have alone, in the order of the run. */

import { assert, assertEquals } from "@std/assert";
import { encodeCommand } from "../../../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../../../lib/node/api.ts";
import { type Commands, encodeCommands } from "../../../../lib/raft/run.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";

const LIMIT_MS = 20_000;

function appends(key: string, { from, count }: { readonly from: number; readonly count: number }): Commands {
  const texts = Array.from({ length: count }, (_, at) => {
    return encodeCommand({ type: "Call", call: ["APPEND", key, `${from + at} `] });
  });
  return encodeCommands(texts);
}

/** Submits runs and keeps what becomes of each of their commands. */
class Told {
  readonly outcomes: (WriteOutcome | undefined)[] = [];
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  submit(id: NodeId, count: number): void {
    const first = this.outcomes.length;
    for (let at = 0; at < count; at++) this.outcomes.push(undefined);
    this.#cluster.node(id).submitRun(appends("k", { from: first, count }), (outcome, place) => {
      assertEquals(this.outcomes[first + place], undefined, `${first + place} has two outcomes`);
      this.outcomes[first + place] = outcome;
    });
  }

  async types(): Promise<readonly string[]> {
    const isKnown = () => this.outcomes.every((outcome) => outcome !== undefined);
    await this.#cluster.clock.until(isKnown, LIMIT_MS, "every write has an outcome");
    return this.outcomes.map((outcome) => outcome?.type === "NotDone" ? outcome.reason : outcome?.type ?? "");
  }
}

function numbers(count: number): string {
  return Array.from({ length: count }, (_, at) => `${at} `).join("");
}

Deno.test("runs on the leader and on followers are done in order, each write with its own result", async () => {
  const cluster = new MemoryCluster(3, 61);
  await cluster.start();
  const leader = await cluster.leader();
  for (const id of cluster.ids) {
    const told = new Told(cluster);
    const before = leader.state.get("k")?.value ?? "";
    told.submit(id, 40);
    told.submit(id, 2);
    assertEquals(await told.types(), new Array(42).fill("Done"));
    assertEquals(leader.state.get("k")?.value, before + numbers(42));
    const results = told.outcomes.map((outcome) => outcome?.type === "Done" ? outcome.result : undefined);
    assertEquals(results.map((result) => result?.type === "Reply" && result.reply), [
      ...Array.from({ length: 42 }, (_, at) => before.length + numbers(at + 1).length),
    ]);
  }
  await cluster.stop();
});

Deno.test("a run carries the leader's time in its first entry, as a write alone does", async () => {
  const cluster = new MemoryCluster(3, 62);
  await cluster.start();
  const leader = await cluster.leader();
  const told = new Told(cluster);
  told.submit(leader.id, 2);
  await told.types();
  const { timeMs } = leader.driver.applied.state;
  await cluster.clock.advance(5_000);
  told.submit(leader.id, 2);
  await told.types();
  assert(leader.driver.applied.state.timeMs >= timeMs + 5_000);
  assertEquals(leader.state.get("k")?.value, numbers(4));
  await cluster.stop();
});

Deno.test("what a leader took in a run and another one replaced is done by that one, once and in order", async () => {
  const cluster = new MemoryCluster(3, 63, { requestTimeoutMs: 15_000 });
  await cluster.start();
  const leader = await cluster.leader();
  const others = cluster.ids.filter((id) => id !== leader.id);
  const told = new Told(cluster);
  for (const id of others) cluster.network.cut(leader.id, id);
  told.submit(leader.id, 5);
  await cluster.clock.advance(20);
  told.submit(leader.id, 3);
  await cluster.leader(others);
  for (const id of others) cluster.network.heal(leader.id, id);
  assertEquals(await told.types(), new Array(8).fill("Done"));
  await cluster.converged();
  assertEquals(leader.state.get("k")?.value, numbers(8));
  await cluster.stop();
});

Deno.test("a run that waits in the log when its deadline passes is unknown, write by write", async () => {
  const cluster = new MemoryCluster(3, 64, { requestTimeoutMs: 300 });
  await cluster.start();
  const leader = await cluster.leader();
  for (const id of cluster.ids) if (id !== leader.id) cluster.network.cut(leader.id, id);
  const told = new Told(cluster);
  told.submit(leader.id, 3);
  assertEquals(await told.types(), new Array(3).fill("Unknown"));
  await cluster.stop();
});

Deno.test("a run counts write by write towards the writes that may wait, and gives all of its room back", async () => {
  const limits = { writesMax: 10, writeBytesMax: 1_000_000, readsMax: 10 };
  const cluster = new MemoryCluster(3, 65, { pendingLimits: limits });
  await cluster.start();
  const leader = await cluster.leader();
  for (let round = 0; round < 3; round++) {
    const told = new Told(cluster);
    told.submit(leader.id, 10);
    told.submit(leader.id, 2);
    assertEquals(await told.types(), [...new Array(10).fill("Done"), "Overloaded", "Overloaded"]);
    assertEquals(leader.driver.writesOpen, 0);
  }
  await cluster.stop();
});
