/** Removals at the same time, and removed servers that go on. */

import { assert, assertEquals } from "@std/assert";
import type { MemberChangeOutcome, WriteOutcome } from "../../../lib/node/api.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

/** Asks for both before either can have begun, and waits for what became of them. */
async function removeAtOnce(
  cluster: MemoryCluster,
  id: NodeId,
  removed: readonly NodeId[],
): Promise<readonly MemberChangeOutcome[]> {
  let outcomes: readonly MemberChangeOutcome[] | undefined;
  Promise.all(removed.map((one) => cluster.node(id).changeMember({ type: "Remove", id: one }))).then((known) =>
    outcomes = known
  );
  await cluster.clock.until(() => outcomes !== undefined, 60_000, "the removals end");
  return outcomes ?? [];
}

function voters(cluster: MemoryCluster, id: NodeId): readonly NodeId[] {
  return cluster.node(id).status().raft.configuration.voters;
}

Deno.test("of two removals at once one is done and the other is not begun, and can be done after it", async () => {
  for (const seed of [41, 42]) {
    const cluster = new MemoryCluster(5, seed);
    await cluster.start();
    const leader = await cluster.leader();
    // The directories of the members are recorded first: a change while that is not committed is refused.
    await cluster.clock.advance(2_000);
    const [first = -1, second = -1] = cluster.ids.filter((id) => id !== leader.id);
    const begun = cluster.clock.now();
    const outcomes = await removeAtOnce(cluster, leader.id, [first, second]);
    assertEquals(outcomes.map(({ type }) => type), ["Done", "Unsafe"]);
    assert(cluster.clock.now() - begun < 1_000, "neither waits until its time is over");
    assertEquals(voters(cluster, leader.id), cluster.ids.filter((id) => id !== first));
    assertEquals((await removeAtOnce(cluster, leader.id, [second])).map(({ type }) => type), ["Done"]);
    assertEquals(voters(cluster, leader.id), cluster.ids.filter((id) => id !== first && id !== second));
    assertEquals((await cluster.put(leader.id, "k", "v")).type, "Done");
    await cluster.stop();
  }
});

/** The outcome of a write on a node, wherever that passes it on to. */
async function write(cluster: MemoryCluster, id: NodeId, value: string): Promise<WriteOutcome> {
  let outcome: WriteOutcome | undefined;
  cluster.node(id).submit({ type: "Put", key: "k", value }, (known) => outcome = known);
  await cluster.clock.until(() => outcome !== undefined, 20_000, `the outcome of a write on node ${id}`);
  return outcome ?? { type: "Unknown" };
}

/** Lets a removed server and the others go on for a while: it disturbs nobody and tells nothing that is not so. */
async function liveOn(cluster: MemoryCluster, removed: NodeId): Promise<void> {
  const rest = cluster.ids.filter((id) => id !== removed);
  const { id: leader } = await cluster.leader(rest);
  const term = () => cluster.node(leader).status().raft.currentTerm;
  const before = term();
  for (let second = 0; second < 8; second++) {
    const value = `${before}-${second}`;
    assertEquals((await cluster.put(leader, "k", value)).type, "Done");
    const read = await cluster.get(removed, "k");
    assert(!("value" in read) || read.value === value, `the removed server reads ${JSON.stringify(read)} for ${value}`);
    const claimed = `${value}, by the removed one`;
    const outcome = await write(cluster, removed, claimed);
    const known = await cluster.get(leader, "k");
    if (outcome.type !== "Unknown") assertEquals(known, { value: outcome.type === "Done" ? claimed : value });
    assert(cluster.node(removed).status().raft.role !== "Leader");
    await cluster.clock.advance(1_000);
  }
  assertEquals([(await cluster.leader(rest)).id, term()], [leader, before]);
  assertEquals(voters(cluster, leader), rest);
}

Deno.test("a removed server that goes on disturbs no leader, reads nothing stale, and acknowledges nothing that is not done", async () => {
  const cluster = new MemoryCluster(4, 44, { requestTimeoutMs: 1_000 });
  cluster.network.tellsRemovals = false;
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.clock.advance(2_000);
  const removed = (leader.id + 1) % 4;
  assertEquals((await removeAtOnce(cluster, leader.id, [removed])).map(({ type }) => type), ["Done"]);
  await liveOn(cluster, removed);
  cluster.crash(removed);
  await cluster.start([removed]);
  await liveOn(cluster, removed);
  await cluster.stop();
});

Deno.test("a server that was cut off while it was removed, and comes back, disturbs no leader either", async () => {
  const cluster = new MemoryCluster(4, 45, { requestTimeoutMs: 1_000 });
  cluster.network.tellsRemovals = false;
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.clock.advance(2_000);
  const removed = (leader.id + 1) % 4;
  cluster.network.drop(({ from, to }) => from === removed || to === removed);
  assertEquals((await removeAtOnce(cluster, leader.id, [removed])).map(({ type }) => type), ["Done"]);
  assertEquals((await cluster.put(leader.id, "k", "while it was away")).type, "Done");
  await cluster.clock.advance(10_000);
  cluster.network.drop(undefined);
  await liveOn(cluster, removed);
  assertEquals(voters(cluster, removed).length, 4);
  cluster.crash(removed);
  await cluster.start([removed]);
  await liveOn(cluster, removed);
  await cluster.stop();
});
