/** Nodes over memory that lost their directories and start as if nothing had happened, beside one that has data or without it. */

import { assert, assertEquals } from "@std/assert";
import type { Node } from "../../../lib/node/node.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import type { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { addressesAt, type MemoryServer } from "../../support/memory/memory_server.ts";
import { move, ToldServer } from "../../support/memory/told_cluster.ts";

const WIPED = [1, 2];

/** Three nodes that have a key, and know each other's directories. */
async function filled(seed: number): Promise<MemoryCluster> {
  const cluster = new MemoryCluster(3, seed);
  await fill(cluster);
  return cluster;
}

async function fill(cluster: MemoryCluster): Promise<void> {
  await cluster.start();
  const leader = await cluster.leader();
  assertEquals((await cluster.put(leader.id, "kept", "here")).type, "Done");
  const known = (node: Node): boolean =>
    node.status().raft.configuration.members.every(({ identity }) => identity !== "");
  await cluster.clock.until(() => [...cluster.nodes.values()].every(known), 10_000, "the identities are recorded");
  await cluster.converged();
}

function wipe(cluster: MemoryCluster): ReadonlyMap<number, MemoryDisk> {
  const lost = new Map<number, MemoryDisk>();
  for (const id of WIPED) {
    cluster.crash(id);
    const { disk } = cluster.server(id);
    lost.set(id, disk);
    cluster.server(id).wipe();
  }
  return lost;
}

function idOf(cluster: MemoryCluster, id: number): string | undefined {
  return cluster.node(id).status().raft.clusterId;
}

function said(cluster: MemoryCluster, id: number): number {
  return cluster.log.filter((line) => line.startsWith(`${id} warn Waits and begins no new cluster`)).length;
}

Deno.test("two of three that were wiped begin no cluster beside the third, whoever starts first, and say so once", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const cluster = await filled(seed);
    const clusterId = idOf(cluster, 0);
    assert(clusterId !== undefined);
    const lost = wipe(cluster);
    await cluster.start(seed % 2 === 0 ? WIPED : WIPED.toReversed());
    await cluster.clock.advance(60_000);
    for (const id of WIPED) {
      const { raft } = cluster.node(id).status();
      assertEquals([raft.role, raft.currentTerm, raft.clusterId, raft.foundingHeldBy], ["Follower", 0, undefined, 0]);
      assertEquals(said(cluster, id), 1);
    }
    for (const [id, disk] of lost) {
      cluster.crash(id);
      cluster.server(id).disk = disk;
    }
    await cluster.start(WIPED);
    await cluster.leader();
    assertEquals(await cluster.get(1, "kept"), { value: "here" });
    assertEquals(cluster.ids.map((id) => idOf(cluster, id)), [clusterId, clusterId, clusterId]);
    await cluster.stop();
  }
});

/** Servers that ask each other who is who. */
class AskingCluster extends MemoryCluster {
  /** From then on server 0 ends as soon as another one has heard from it. */
  isFrail = false;

  override makeServer(id: NodeId): MemoryServer {
    return new AskingServer(this, id);
  }
}

class AskingServer extends ToldServer<AskingCluster> {
  override greeted({ nodeId }: Greeting): void {
    if (this.cluster.isFrail && nodeId === 0) this.cluster.crash(0);
  }
}

Deno.test("one that was only asked by the third who is there begins no cluster, though the third ends at once", async () => {
  const cluster = new AskingCluster(3, 80);
  await fill(cluster);
  await move(cluster, WIPED.map((id) => [id, id + 7]));
  const hasMoved = () => {
    return cluster.node(0).status().raft.configuration.members.every(({ id, address }) => {
      return address === addressesAt(cluster.server(id).place).address;
    });
  };
  await cluster.clock.until(hasMoved, 30_000, "the third has the addresses of the others");
  cluster.crash(0);
  wipe(cluster);
  cluster.isFrail = true;
  // Those that are wiped are where they first were. The third dials them elsewhere, and they it: so it asks who is there.
  for (const id of cluster.ids) cluster.server(id).place = id === 0 ? 7 : id;
  await cluster.start([...WIPED, 0]);
  await cluster.clock.until(() => !cluster.nodes.has(0), 10_000, "the third has asked, and ended");
  await cluster.clock.advance(60_000);
  assertEquals(WIPED.map((id) => cluster.node(id).status().peers.filter(({ reachable }) => reachable).length), [1, 1]);
  assertEquals(WIPED.map((id) => cluster.node(id).status().raft.leaderId), [undefined, undefined]);
  await cluster.stop();
});

Deno.test("without the third they begin another cluster, and refuse each other when it appears", async () => {
  const cluster = await filled(20);
  const { clusterId: oldId, lastEntry, currentTerm } = cluster.node(0).status().raft;
  cluster.crash(0);
  const lost = wipe(cluster);
  await cluster.start(WIPED);
  const leader = await cluster.leader();
  assertEquals((await cluster.put(leader.id, "new", "there")).type, "Done");
  const newId = idOf(cluster, leader.id);
  assert(newId !== undefined && newId !== oldId);
  await cluster.start([0]);
  await cluster.clock.advance(30_000);
  const { raft, peers } = cluster.node(0).status();
  assertEquals([raft.clusterId, raft.leaderId, raft.lastEntry, raft.currentTerm], [
    oldId,
    undefined,
    lastEntry,
    currentTerm,
  ]);
  for (const { id, reachable, problem } of peers) {
    // The network in memory tells both sides one reason.
    const reason = `node ${id} belongs to cluster "${newId}", node 0 to cluster "${oldId}"`;
    assertEquals([reachable, problem], [false, reason]);
    assertEquals(cluster.node(id).status().peers.find((peer) => peer.id === 0)?.problem, reason);
  }
  assertEquals((await cluster.put((await cluster.leader(WIPED)).id, "newer", "there")).type, "Done");
  assertEquals(WIPED.map((id) => idOf(cluster, id)), [newId, newId]);
  for (const [id, disk] of lost) {
    cluster.crash(id);
    cluster.server(id).disk = disk;
  }
  await cluster.start(WIPED);
  await cluster.leader();
  assertEquals([await cluster.get(0, "kept"), await cluster.get(0, "new")], [{ value: "here" }, { value: undefined }]);
  await cluster.stop();
});

Deno.test("nodes that were killed again and again while their cluster began have one all the same", async () => {
  for (let seed = 30; seed < 60; seed++) {
    const cluster = new MemoryCluster(3, seed, { syncMs: () => seed % 7 });
    await cluster.start();
    for (const id of cluster.ids) {
      // Some time in the first election: another one each time.
      await cluster.clock.advance(id === 0 ? 280 + 2 * (seed - 30) : 5 * (seed - 30));
      cluster.crash(id);
      await cluster.start([id]);
    }
    const leader = await cluster.leader();
    assertEquals((await cluster.put(leader.id, "k", "v")).type, "Done");
    await cluster.converged();
    assertEquals(new Set(cluster.ids.map((id) => idOf(cluster, id))).size, 1);
    await cluster.stop();
  }
});
