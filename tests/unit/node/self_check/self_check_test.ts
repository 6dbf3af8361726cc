/** Clusters in memory of which one node's memory changes: the others say which, within a minute, also when nothing is written. */

import { assertEquals, assertMatch } from "@std/assert";
import { CHECK_MS } from "../../../../lib/node/limits.ts";
import { METRIC } from "../../../../lib/observe/names.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";
import { damagedCluster } from "./support.ts";

const MINUTE_MS = 60_000;

function gauge(cluster: MemoryCluster, id: NodeId, name: string): number | undefined {
  return cluster.node(id).metrics.gauges.get(name)?.read();
}

function linesOf(cluster: MemoryCluster, part: string): readonly string[] {
  return cluster.log.filter((line) => line.includes(part));
}

Deno.test("nodes with equal states agree within a minute of the last write, and a cluster without writes appends nothing more", async () => {
  const cluster = new MemoryCluster(3, 1);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.put(leader.id, "k", "v");
  await cluster.put(leader.id, "k", "w");
  const { lastApplied } = leader.status();
  const agrees = () => cluster.ids.every((id) => (gauge(cluster, id, METRIC.checkedIndex) ?? 0) > lastApplied);
  await cluster.clock.until(agrees, MINUTE_MS, "every node has compared what was written last");
  const { index } = leader.status().raft.lastEntry;
  await cluster.clock.advance(5 * CHECK_MS);
  assertEquals(leader.status().raft.lastEntry.index, index);
  for (const id of cluster.ids) assertEquals(gauge(cluster, id, METRIC.replicasDiffering), 0);
  assertEquals(linesOf(cluster, "At entry"), []);
  await cluster.stop();
});

/** One of three has another state: every node says so, and says it once. */
async function seesDifference(pick: Parameters<typeof damagedCluster>[1]): Promise<void> {
  const { cluster, wrong: [wrong] } = await damagedCluster(2, pick);
  const isSeen = () => cluster.ids.every((id) => gauge(cluster, id, METRIC.replicasDiffering) === 1);
  await cluster.clock.until(isSeen, MINUTE_MS, "every node sees that one differs");
  await cluster.clock.advance(CHECK_MS);
  const lines = linesOf(cluster, "At entry");
  assertEquals(lines.length, 3, lines.join("\n"));
  const digest = "1:[0-9a-f]{16}";
  for (const line of lines) {
    assertMatch(
      line,
      new RegExp(
        `^\\d error At entry \\d+ node ${wrong} has another state than a majority: its digest is ${digest}, theirs ${digest}$`,
      ),
    );
  }
  await cluster.stop();
}

Deno.test("every node says that a follower has another state, with entry and digests, once", async () => {
  await seesDifference((leader, ids) => ids.filter((id) => id !== leader).slice(0, 1));
});

Deno.test("every node says that the leader has another state, with entry and digests, once", async () => {
  await seesDifference((leader) => [leader]);
});

Deno.test("where no majority has the same, every node tells all digests, and all go on", async () => {
  const { cluster } = await damagedCluster(3, (leader, ids) => ids.filter((id) => id !== leader));
  const isSeen = () => cluster.ids.every((id) => gauge(cluster, id, METRIC.replicasDiffering) === 3);
  await cluster.clock.until(isSeen, MINUTE_MS, "every node sees that no two have the same");
  const lines = linesOf(cluster, "At entry");
  assertEquals(lines.length, 3, lines.join("\n"));
  const digest = "1:[0-9a-f]{16}";
  const all = `node 0 ${digest}, node 1 ${digest}, node 2 ${digest}`;
  for (const line of lines) {
    assertMatch(line, new RegExp(`^\\d error At entry \\d+ no majority has the same state; the digests are: ${all}$`));
  }
  const leader = await cluster.leader();
  assertEquals((await cluster.put(leader.id, "k", "v")).type, "Done");
  await cluster.stop();
});
