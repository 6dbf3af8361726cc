/** The longest key with the longest value, on every way that it may take: to the leader, into logs, snapshots and other nodes. */

import { assert, assertEquals } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const LIMIT_MS = 30_000;
const RANDOM_BYTES_MAX = 65_536;
/** Entries from one snapshot to the next. */
const ENTRIES = 20;

function randomBytes(length: number): string {
  const drawn = new Uint8Array(length);
  for (let at = 0; at < length; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(drawn.subarray(at, at + RANDOM_BYTES_MAX));
  }
  return bytesToString(drawn);
}

const KEY = randomBytes(KEY_BYTES_MAX);
const VALUE = randomBytes(VALUE_BYTES_MAX);

async function set(cluster: MemoryCluster, id: NodeId, [key, value]: readonly [string, string]): Promise<void> {
  let outcome: WriteOutcome | undefined;
  cluster.node(id).submit({ type: "Call", call: ["SET", key, value] }, (result) => outcome = result);
  await cluster.clock.until(() => outcome !== undefined, LIMIT_MS, "the write has its outcome");
  assertEquals(outcome?.type, "Done");
}

/** Compared without `assertEquals`, which would show both values. */
async function assertHaveIt(cluster: MemoryCluster, ids: readonly NodeId[]): Promise<void> {
  for (const id of ids) {
    const outcome = await cluster.get(id, KEY);
    assert("value" in outcome && outcome.value === VALUE, `node ${id} has the value`);
  }
}

async function loseThePower(cluster: MemoryCluster): Promise<void> {
  for (const id of cluster.ids) cluster.crash(id);
  await cluster.start();
  await cluster.leader();
}

function snapshots(cluster: MemoryCluster): readonly number[] {
  return cluster.ids.map((id) => cluster.node(id).status().raft.snapshot.index);
}

Deno.test("the longest key and value reach every node by forwarding, log and snapshot, and outlive a power loss", async () => {
  const cluster = new MemoryCluster(3, 61, { segmentBytes: 16_777_216, snapshotEntries: ENTRIES });
  await cluster.start();
  const follower = (leader: NodeId) => cluster.ids.find((id) => id !== leader && cluster.nodes.has(id)) ?? -1;
  const first = (await cluster.leader()).id;
  const late = follower(first);
  cluster.crash(late);
  await set(cluster, follower(first), [KEY, VALUE]);
  await set(cluster, first, ["behind", ""]);
  await cluster.start([late]);
  await cluster.leader();
  await assertHaveIt(cluster, cluster.ids);
  await loseThePower(cluster);
  assertEquals(snapshots(cluster), [0, 0, 0], "what is there came from the log");
  await assertHaveIt(cluster, cluster.ids);

  // More than are kept behind a snapshot: the log no longer holds the value.
  const leader = (await cluster.leader()).id;
  for (let at = 0; at < 3 * ENTRIES; at++) await set(cluster, leader, [`key${at}`, ""]);
  await cluster.converged();
  await loseThePower(cluster);
  for (const id of cluster.ids) {
    assert(cluster.node(id).status().raft.firstIndex > ENTRIES, "it is in the snapshot only");
  }
  await assertHaveIt(cluster, cluster.ids);

  const wiped = follower((await cluster.leader()).id);
  cluster.crash(wiped);
  cluster.server(wiped).wipe();
  await cluster.start([wiped], true);
  const isInstalled = () => cluster.log.some((line) => line.includes(`${wiped} info Installed the leader's snapshot`));
  await cluster.clock.until(isInstalled, LIMIT_MS, "the emptied node has the leader's snapshot");
  await assertHaveIt(cluster, [wiped]);
  cluster.crash(wiped);
  await cluster.start([wiped]);
  await cluster.leader();
  await assertHaveIt(cluster, [wiped]);
  await cluster.stop();
});
