/** What a leader appends without a client: at most one entry a second, each kind counted. */

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import type { Command } from "../../../lib/kv/commands.ts";
import { OWN_CONFIGURATIONS_MAX } from "../../../lib/node/limits.ts";
import type { Node } from "../../../lib/node/node.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const SECOND_MS = 1_000;

/** Writes all of them on one node, and waits until they are done. */
async function writeAll(cluster: MemoryCluster, node: Node, commands: readonly Command[]): Promise<void> {
  let done = 0;
  for (const command of commands) {
    node.submit(command, (outcome) => {
      if (outcome.type === "Done") done += 1;
    });
  }
  await cluster.clock.until(() => done === commands.length, 20_000, "all is written");
}

/** By how much the leader's log grows in each of the next seconds. */
async function growth(cluster: MemoryCluster, leader: Node, seconds: number): Promise<number[]> {
  const grown: number[] = [];
  for (let second = 0; second < seconds; second++) {
    const before = leader.status().raft.lastEntry.index;
    await cluster.clock.advance(SECOND_MS);
    grown.push(leader.status().raft.lastEntry.index - before);
  }
  return grown;
}

/** What each node says of itself once it has connected, to be changed in place. */
function greetingsOf({ network }: MemoryCluster): ReadonlyMap<number, object> {
  const connect = network.connect.bind(network);
  const greetings = new Map<number, object>();
  network.connect = (id, greeting = {}) => {
    greetings.set(id, greeting);
    return connect(id, greeting);
  };
  return greetings;
}

/** The own entries of a node by kind. */
function counted(node: Node): Record<string, number> {
  const series = node.metrics.families.get(METRIC.ownEntries)?.series ?? new Map();
  return Object.fromEntries([...series].map(([labels, counter]) => [labels, counter.value]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

Deno.test("an idle cluster with thousands of deadlines and sessions that end appends at most one entry a second", async () => {
  const cluster = new MemoryCluster(3, 41);
  await cluster.start();
  const leader = await cluster.leader();
  // Until it has recorded which directories there are.
  await cluster.clock.advance(2 * SECOND_MS);
  const keys = Array.from({ length: 6_000 }, (_, n): Command => ({
    type: "Call",
    call: ["SET", `key${n}`, "v", "PX", String(2_000 + 5 * n)],
  }));
  const sessions = Array.from({ length: 200 }, (_, n): Command => ({ type: "OpenSession", ttlMs: 1_000 + 100 * n }));
  await writeAll(cluster, leader, [...keys, ...sessions]);
  const before = counted(leader);
  const grown = await growth(cluster, leader, 40);
  assertLessOrEqual(Math.max(...grown), 1, `entries in each second: ${grown.join()}`);
  assertGreater(sum(grown), 20);
  const after = counted(leader);
  assertEquals((after['{kind="time"}'] ?? 0) - (before['{kind="time"}'] ?? 0), sum(grown));
  assertEquals(leader.state.size, 0);
  assertEquals(sum(await growth(cluster, leader, 30)), 0, "nothing is due any more");
  await cluster.stop();
});

Deno.test("what a leader appends without a client is counted by kind", async () => {
  const cluster = new MemoryCluster(3, 42);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.clock.advance(2 * SECOND_MS);
  const entries = leader.status().raft.lastEntry.index;
  const { '{kind="no_op"}': noOps, '{kind="configuration"}': configurations, '{kind="time"}': times } = counted(leader);
  assertEquals([noOps, (configurations ?? 0) > 0, times], [1, true, 0]);
  assertEquals(sum(Object.values(counted(leader))), Number(entries));
  for (const node of cluster.nodes.values()) if (node !== leader) assertEquals(sum(Object.values(counted(node))), 0);
  await cluster.stop();
});

Deno.test("however often an operator changes the members, what a server says of itself is recorded at once", async () => {
  const cluster = new MemoryCluster(3, 44);
  const greetings = greetingsOf(cluster);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.clock.advance(2 * SECOND_MS);
  const moved = cluster.ids.find((id) => id !== leader.id) ?? -1;
  for (let count = 0; count < 3 * OWN_CONFIGURATIONS_MAX; count++) {
    let isDone = false;
    leader.changeMember({ type: count % 2 === 0 ? "Drain" : "Undrain", id: moved }).then(() => isDone = true);
    await cluster.clock.until(() => isDone, 5_000, "the change is done");
  }
  Object.assign(greetings.get(moved) ?? {}, { clientAddress: "elsewhere:5000" });
  cluster.network.running(moved)?.reset(leader.id);
  await cluster.clock.advance(SECOND_MS);
  const { members } = leader.status().raft.configuration;
  assertEquals(members.find(({ id }) => id === moved)?.clientAddress, "elsewhere:5000");
  await cluster.stop();
});

Deno.test("a server that announces itself in turns, now here, now there, does not fill the log", async () => {
  const cluster = new MemoryCluster(3, 43);
  const greetings = greetingsOf(cluster);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.clock.advance(2 * SECOND_MS);
  const flapping = cluster.ids.find((id) => id !== leader.id) ?? -1;
  const before = leader.status().raft.lastEntry.index;
  const seconds = 120;
  for (let count = 0; count < seconds * 2; count++) {
    Object.assign(greetings.get(flapping) ?? {}, { clientAddress: `host${count % 2}:5000` });
    cluster.network.running(flapping)?.reset(leader.id);
    await cluster.clock.advance(SECOND_MS / 2);
  }
  const grown = leader.status().raft.lastEntry.index - before;
  assert(leader.status().raft.role === "Leader");
  assertGreater(grown, 10, "it is recorded where it is");
  assertLessOrEqual(grown, seconds / 2);
  await cluster.stop();
});
