/** Snapshots that a follower cannot use, or that are damaged at the leader: what is sent, how often, and what the logs say. */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const MINUTE_MS = 60_000;
const VALUE = "v".repeat(50);

/** A cluster with a snapshot and little log behind it, and a node that was away and needs the snapshot. */
async function behindSnapshot(seed: number): Promise<{ cluster: MemoryCluster; leader: NodeId; behind: NodeId }> {
  const cluster = new MemoryCluster(3, seed, { snapshotEntries: 20, raftLimits: { chunkBytesMax: 300 } });
  await cluster.start();
  const { id: leader } = await cluster.leader();
  const behind = cluster.ids.find((id) => id !== leader) ?? -1;
  cluster.crash(behind);
  await fill(cluster, leader, "first");
  return { cluster, leader, behind };
}

async function fill(cluster: MemoryCluster, leader: NodeId, what: string): Promise<void> {
  for (let count = 0; count < 200; count++) await cluster.put(leader, `k${count % 50}`, `${what} ${VALUE} ${count}`);
}

/** Counts the transfers begun to a node: chunks at the beginning of a file that are not the same chunk again. */
function transfersTo(cluster: MemoryCluster, to: NodeId): { readonly at: number; readonly index: number }[] {
  const transfers: { at: number; index: number }[] = [];
  let wasBeginning = false;
  cluster.network.drop((message) => {
    if (message.type !== "InstallSnapshot" || message.to !== to || message.data.length === 0) return false;
    if (message.offset === 0 && !wasBeginning) {
      transfers.push({ at: cluster.clock.now(), index: message.lastIncludedIndex });
    }
    wasBeginning = message.offset === 0;
    return false;
  });
  return transfers;
}

function inAnyMinute(transfers: readonly { readonly at: number }[]): number {
  const counts = transfers.map(({ at }) =>
    transfers.filter((other) => other.at >= at && other.at < at + MINUTE_MS).length
  );
  return Math.max(0, ...counts);
}

function diskOf(cluster: MemoryCluster, id: NodeId): MemoryDisk {
  const { disk } = cluster.server(id);
  return disk;
}

/** What `says` is in the lines of node `id`. */
function lines(cluster: MemoryCluster, id: NodeId, says: string): string[] {
  return cluster.log.filter((line) => line.startsWith(`${id} `) && line.includes(says));
}

/** Flips a byte in the middle of every snapshot on the disk. */
function damageSnapshots(disk: MemoryDisk): void {
  const snapshots = [...disk.files().keys()].filter((path) => path.endsWith(".snap"));
  assert(snapshots.length > 0);
  for (const path of snapshots) {
    disk.damage(path, (bytes) => {
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    });
  }
}

Deno.test("a snapshot that a follower rejects is sent at most five times a minute, and the newest one is used", async () => {
  const { cluster, leader, behind } = await behindSnapshot(31);
  const disk = diskOf(cluster, behind);
  const transfers = transfersTo(cluster, behind);
  let failures = 0;
  // Whatever arrives is damaged on its way to this disk.
  disk.hooks.afterCall = (operation, path) => {
    if (operation !== "write" || !path.includes("receive-")) return;
    failures += 1;
    disk.damage(path, (bytes) => bytes.fill(0));
  };
  await cluster.start([behind]);
  await cluster.clock.advance(MINUTE_MS);
  assert(failures > 0);
  const sent = transfers.length;
  assert(sent >= 2, `${sent} transfers`);
  assertLessOrEqual(inAnyMinute(transfers), 5);
  assert(lines(cluster, leader, `Node ${behind} cannot use the snapshot`).length > 0, "the leader's log says so");

  await fill(cluster, leader, "second");
  const newest = cluster.node(leader).status().raft.snapshot.index;
  disk.hooks.afterCall = () => {};
  await cluster.converged();
  assertEquals(transfers.at(-1)?.index, Number(newest));
  assertEquals(await cluster.get(behind, "k1"), { value: `second ${VALUE} 151` });
  await cluster.stop();
});

Deno.test("a follower without space is sent a snapshot at most five times a minute, and takes one once there is space", async () => {
  const { cluster, leader, behind } = await behindSnapshot(32);
  const disk = diskOf(cluster, behind);
  await cluster.start([behind]);
  const transfers = transfersTo(cluster, behind);
  let used = 0;
  for (const bytes of disk.files().values()) used += bytes.length;
  disk.capacityBytes = used;
  await cluster.clock.advance(2 * MINUTE_MS);
  assert(transfers.length >= 2, `${transfers.length} transfers`);
  assertLessOrEqual(inAnyMinute(transfers), 5);
  assert(lines(cluster, leader, `Node ${behind} cannot use the snapshot`).length > 0, "the leader's log says so");
  assertLessOrEqual(cluster.node(behind).status().raft.electionsStarted, 0, "it hears its leader meanwhile");
  disk.capacityBytes = Infinity;
  await cluster.converged();
  assertEquals(await cluster.get(behind, "k1"), { value: `first ${VALUE} 151` });
  await cluster.stop();
});

Deno.test("a snapshot that is damaged on the leader's disk is not sent but replaced", async () => {
  const { cluster, leader, behind } = await behindSnapshot(33);
  damageSnapshots(diskOf(cluster, leader));
  await cluster.start([behind]);
  await cluster.converged();
  assertEquals(await cluster.get(behind, "k1"), { value: `first ${VALUE} 151` });
  assertEquals(lines(cluster, behind, "Cannot use the received snapshot"), []);
  assertEquals(lines(cluster, leader, "Cannot send the snapshot").length, 1);
  assertEquals(lines(cluster, leader, "Replaced the damaged snapshot").length, 1);
  await cluster.stop();
});

Deno.test("a damaged snapshot that finds no room for another is tried again now and then, and its follower waits", async () => {
  const { cluster, leader, behind } = await behindSnapshot(34);
  const disk = diskOf(cluster, leader);
  damageSnapshots(disk);
  let used = 0;
  for (const bytes of disk.files().values()) used += bytes.length;
  disk.capacityBytes = used;
  const transfers = transfersTo(cluster, behind);
  await cluster.start([behind]);
  await cluster.clock.advance(MINUTE_MS);
  assertEquals(transfers, []);
  assertLessOrEqual(lines(cluster, leader, "Cannot replace the damaged snapshot").length, 5);
  assertLessOrEqual(cluster.node(behind).status().raft.electionsStarted, 0, "it hears its leader meanwhile");
  disk.capacityBytes = Infinity;
  await cluster.converged();
  assertEquals(await cluster.get(behind, "k1"), { value: `first ${VALUE} 151` });
  await cluster.stop();
});
