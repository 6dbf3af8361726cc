/** Servers that come back at other addresses: who somebody is follows from its id and directory, never from where it is. */

import { assertEquals } from "@std/assert";
import type { Configuration } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { addressesAt } from "../../support/memory/memory_server.ts";
import { move, ToldCluster } from "../../support/memory/told_cluster.ts";

/** A cluster whose log has the names of all directories. */
async function founded(cluster: MemoryCluster): Promise<Configuration> {
  await cluster.start();
  const leader = await cluster.leader();
  const isKnown = () => leader.status().raft.configuration.members.every(({ identity }) => identity !== "");
  await cluster.clock.until(isKnown, 10_000, "every directory is known by name");
  assertEquals((await cluster.put(leader.id, "k", "v")).type, "Done");
  await cluster.converged();
  return leader.status().raft.configuration;
}

/** Waits until the log says of each server where it is; nothing else of the members may have changed. */
async function assertMoved(cluster: MemoryCluster, before: Configuration): Promise<void> {
  const wanted = before.members.map((member) => ({ ...member, ...addressesAt(cluster.server(member.id).place) }));
  await cluster.clock.until(
    () => {
      return cluster.ids.every((id) => {
        const { members } = cluster.node(id).status().raft.configuration;
        return members.every(({ address }, at) => address === wanted[at]?.address);
      });
    },
    30_000,
    "every log has the new addresses",
  );
  const { id: leader } = await cluster.leader();
  assertEquals(cluster.node(leader).status().raft.configuration.members, wanted);
  assertEquals((await cluster.put(leader, "k", "moved")).type, "Done");
  for (const id of cluster.ids) assertEquals(await cluster.get(id, "k"), { value: "moved" });
  const areMet = () =>
    cluster.ids.every((id) => {
      return cluster.node(id).status().peers.every((peer) => {
        return peer.reachable && peer.address === addressesAt(cluster.server(peer.id).place).address;
      });
    });
  await cluster.clock.until(areMet, 10_000, "each is connected with all others, where they are");
}

Deno.test("two servers that exchange their addresses are who they were", async () => {
  const cluster = new MemoryCluster(3, 71);
  const before = await founded(cluster);
  const [first = -1, second = -1] = cluster.ids.filter((id) => id !== cluster.node(0).status().raft.leaderId);
  await move(cluster, [[first, second], [second, first]]);
  await assertMoved(cluster, before);
  await cluster.stop();
});

Deno.test("where one of two was the other one may be, and both are found by the third", async () => {
  const cluster = new MemoryCluster(3, 72);
  const before = await founded(cluster);
  await move(cluster, [[1, 7]]);
  await assertMoved(cluster, before);
  await move(cluster, [[2, 1]]);
  await assertMoved(cluster, before);
  await cluster.stop();
});

Deno.test("a cluster in which each is where the next one was, and one that is all elsewhere, find themselves from their seeds", async () => {
  const cluster = new ToldCluster(3, 73);
  const before = await founded(cluster);
  for (const places of [[1, 2, 0], [5, 6, 7]]) {
    await move(cluster, places.map((place, id) => [id, place]));
    await assertMoved(cluster, before);
  }
  await cluster.stop();
});
