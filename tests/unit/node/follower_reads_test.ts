/** Round trips that a read on a follower waits for, in simulated time. */

import { assertEquals } from "@std/assert";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

/** Of the network in memory, for each message. */
const LATENCY_MS = 1;

/** How long a read takes on a node of an idle cluster, in messages one after another. */
async function messagesForRead(cluster: MemoryCluster, id: NodeId): Promise<number> {
  await cluster.converged();
  const began = cluster.clock.now();
  let ended: number | undefined;
  cluster.node(id).read(({ type }) => {
    assertEquals(type, "Ready");
    ended = cluster.clock.now();
  });
  await cluster.clock.until(() => ended !== undefined, 20_000, `the read on node ${id} is served`);
  return ((ended ?? Infinity) - began) / LATENCY_MS;
}

for (const { nodes, messages } of [{ nodes: 3, messages: 2 }, { nodes: 5, messages: 4 }]) {
  Deno.test(`of ${nodes} nodes a read on a follower waits for ${messages} messages, on the leader for 2`, async () => {
    const cluster = new MemoryCluster(nodes, 71);
    await cluster.start();
    const leader = await cluster.leader();
    await cluster.put(leader.id, "k", "v");
    for (const id of cluster.ids) {
      assertEquals(await messagesForRead(cluster, id), id === leader.id ? 2 : messages, `node ${id}`);
    }
    await cluster.stop();
  });
}
