/** What a leader took and has not proposed when its term ends: refused as not done, also where it leads again at once. */

import { assertEquals } from "@std/assert";
import type { WriteOutcome } from "../../../../lib/node/api.ts";
import type { Node } from "../../../../lib/node/node.ts";
import type { Event } from "../../../../lib/raft/events.ts";
import { type NodeId, toTerm } from "../../../../lib/raft/types.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";

const LIMIT_MS = 30_000;

/** A leader, and the writes that it was asked for, by key. */
interface Leading {
  readonly cluster: MemoryCluster;
  readonly leader: Node;
  readonly outcomes: Map<string, WriteOutcome>;
  write(key: string): void;
}

async function lead(seed: number): Promise<Leading> {
  const cluster = new MemoryCluster(3, seed);
  await cluster.start();
  const leader = await cluster.leader();
  assertEquals((await cluster.put(leader.id, "before", "1")).type, "Done");
  const outcomes = new Map<string, WriteOutcome>();
  const write = (key: string) =>
    leader.write({ type: "Put", key, value: "1" }, (outcome) => {
      assertEquals(outcomes.get(key), undefined, `${key} has two outcomes`);
      outcomes.set(key, outcome);
    });
  return { cluster, leader, outcomes, write };
}

/** Another server campaigns and wins, hands the leadership back, and is followed in that by the third: two terms in one turn. */
function replaceAndReturn({ cluster, leader: { id, driver }, leader }: Leading): void {
  const { currentTerm, lastEntry } = leader.status().raft;
  const [other = -1, third = -1] = cluster.ids.filter((one): one is NodeId => one !== id);
  const next = { from: other, to: id, term: toTerm(currentTerm + 1) };
  const events: readonly Event[] = [
    {
      type: "Receive",
      message: {
        type: "RequestVote",
        ...next,
        preVote: false,
        leadershipTransfer: true,
        lastLogIndex: lastEntry.index,
        lastLogTerm: lastEntry.term,
      },
    },
    { type: "Receive", message: { type: "TimeoutNow", ...next } },
    {
      type: "Receive",
      message: {
        type: "RequestVoteResult",
        from: third,
        to: id,
        term: toTerm(currentTerm + 2),
        preVote: false,
        voteGranted: true,
      },
    },
  ];
  for (const event of events) driver.enqueue(event);
}

const NOT_LEADER = (id: NodeId): WriteOutcome => ({ type: "NotDone", reason: "NotLeader", leaderId: id });

Deno.test("what was taken in one term and not proposed is refused when the node leads again in another, and never done", async () => {
  const leading = await lead(61);
  const { cluster, leader, outcomes, write } = leading;
  const { currentTerm } = leader.status().raft;
  write("old");
  replaceAndReturn(leading);
  await cluster.clock.until(() => outcomes.size === 1, LIMIT_MS, "the write has its outcome");
  assertEquals(outcomes.get("old"), NOT_LEADER(leader.id));
  const { role, currentTerm: term } = leader.status().raft;
  assertEquals([role, term], ["Leader", currentTerm + 2]);
  write("new");
  await cluster.clock.until(() => outcomes.size === 2, LIMIT_MS, "the next write has its outcome");
  assertEquals(outcomes.get("new")?.type, "Done");
  assertEquals(await cluster.get(leader.id, "old"), { value: undefined });
  await cluster.stop();
});

Deno.test("what gathers for a later proposal when the term ends is refused before anything of the new term is taken", async () => {
  const leading = await lead(62);
  const { cluster, leader, outcomes, write } = leading;
  const { disk } = cluster.server(leader.id);
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.hooks.delaySync = () => promise;
  write("proposed");
  await cluster.clock.until(() => outcomes.get("proposed")?.type === "Done", LIMIT_MS, "the others commit it");
  // The leader's own sync is in flight all the while.
  write("gathering");
  await cluster.clock.advance(1);
  assertEquals(leader.driver.writesOpen, 1);
  replaceAndReturn(leading);
  await cluster.clock.advance(1);
  write("new");
  await cluster.clock.advance(0);
  assertEquals(outcomes.get("gathering"), NOT_LEADER(leader.id));
  disk.hooks.delaySync = undefined;
  resolve();
  await cluster.clock.until(() => outcomes.size === 3, LIMIT_MS, "every write has its outcome");
  assertEquals(outcomes.get("new")?.type, "Done");
  assertEquals(await cluster.get(leader.id, "gathering"), { value: undefined });
  await cluster.stop();
});
