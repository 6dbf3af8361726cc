/** Nodes whose disk is full, hangs or fails, and transfers that fall silent: nothing waits for ever, and service resumes. */

import { assertEquals, assertMatch } from "@std/assert";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { describeLag } from "../../../lib/node/views/lag.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { CrashSurvival } from "../../support/memory/memory_disk.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

/** A process that is killed: the page cache stays. */
const ALL: CrashSurvival = {
  keepVersions: (_path, _sector, versions) => versions,
  keepSize: () => true,
  keepOperation: () => true,
};

function fillDisk(cluster: MemoryCluster, id: NodeId): void {
  const { disk } = cluster.server(id);
  let used = 0;
  for (const bytes of disk.files().values()) used += bytes.length;
  disk.capacityBytes = used;
}

Deno.test("a cluster that is restarted on full disks elects a leader and goes on reading", async () => {
  const cluster = new MemoryCluster(3, 12, { requestTimeoutMs: 3_000 });
  await cluster.start();
  const leader = (await cluster.leader()).id;
  await cluster.put(leader, "seed", "1");
  for (const id of cluster.ids) fillDisk(cluster, id);
  let outcome: WriteOutcome = { type: "Unknown" };
  for (let count = 0; count < 9_000; count++) {
    outcome = await cluster.put(leader, `k${count % 10}`, "v");
    if (outcome.type !== "Done") break;
  }
  assertEquals(outcome, { type: "NotDone", reason: "NoSpace", leaderId: leader });
  for (const id of cluster.ids) {
    cluster.crash(id, ALL);
    fillDisk(cluster, id);
  }
  await cluster.start();
  await cluster.leader();
  for (const id of cluster.ids) assertEquals(await cluster.get(id, "seed"), { value: "1" });
  await cluster.stop();
});

Deno.test("a follower whose disk is full says how far it is behind, and serves reads again with room", async () => {
  const cluster = new MemoryCluster(3, 14, { requestTimeoutMs: 3_000 });
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.put(leader.id, "k", "before");
  await cluster.clock.advance(1_000);
  const behind = cluster.ids.find((id) => id !== leader.id) ?? -1;
  const follower = cluster.node(behind);
  fillDisk(cluster, behind);
  assertEquals(describeLag(follower), undefined);
  // No one of them fits into what is left of the segment, although a short entry would.
  const segmentBytes = follower.status().storage.walBytes;
  for (const round of [1, 2, 3]) {
    assertEquals((await cluster.put(leader.id, "k", `${round}`.repeat(segmentBytes / 2))).type, "Done");
  }
  let outcome = "";
  follower.read((result) => outcome = result.type === "NotDone" ? result.reason : result.type);
  await cluster.clock.until(() => outcome !== "", 10_000, "the read ends");
  assertEquals(outcome, "Timeout");
  assertMatch(describeLag(follower) ?? "", /^[1-3] entr(y|ies) behind: its disk is full \(.+\)$/);
  const { disk } = cluster.server(behind);
  disk.capacityBytes = Infinity;
  await cluster.converged();
  assertEquals(await cluster.get(behind, "k"), { value: "3".repeat(segmentBytes / 2) });
  assertEquals(describeLag(follower), undefined);
  await cluster.stop();
});

Deno.test("a write behind a sync that hangs is refused at its deadline, since it was never proposed", async () => {
  const cluster = new MemoryCluster(3, 5, { requestTimeoutMs: 3_000 });
  await cluster.start();
  const leader = await cluster.leader();
  const { disk } = cluster.server(leader.id);
  disk.hooks.delaySync = () => new Promise(() => {});
  const outcomes: string[] = [];
  for (const key of ["a", "b", "c"]) {
    leader.write({ type: "Put", key, value: "" }, (outcome) => {
      outcomes.push(outcome.type === "NotDone" ? outcome.reason : outcome.type);
    });
    await cluster.clock.advance(20);
  }
  await cluster.clock.advance(4_000);
  assertEquals(outcomes, ["Done", "Timeout", "Timeout"]);
});

Deno.test("a write whose proposal ends the node hears of it once", async () => {
  const cluster = new MemoryCluster(1, 7);
  await cluster.start();
  const node = await cluster.leader();
  const { disk } = cluster.server(0);
  disk.hooks.failWrite = (path) => path.endsWith(".wal");
  const outcomes: string[] = [];
  node.write({ type: "Put", key: "x", value: "y" }, (outcome) => outcomes.push(outcome.type));
  await cluster.clock.advance(100);
  assertEquals(outcomes, ["Unknown"]);
});

Deno.test("a snapshot transfer that was silent for long goes on after its file was let go", async () => {
  const cluster = new MemoryCluster(3, 7, { snapshotEntries: 20, raftLimits: { chunkBytesMax: 300 } });
  await cluster.start();
  const leader = await cluster.leader();
  const behind = cluster.ids.find((id) => id !== leader.id) ?? -1;
  cluster.crash(behind);
  for (let count = 0; count < 200; count++) await cluster.put(leader.id, `k${count % 50}`, `${"v".repeat(50)}${count}`);
  let answers = 0;
  cluster.network.drop((message) => message.type === "InstallSnapshotResult" && ++answers > 3);
  await cluster.start([behind]);
  await cluster.clock.advance(1_000);
  // Everything on the way back is lost, and no connection breaks.
  cluster.network.drop((message) => message.from === behind && message.to === leader.id);
  await cluster.clock.advance(12_000);
  for (let count = 0; count < 200; count++) await cluster.put(leader.id, `k${count % 50}`, `${"w".repeat(50)}${count}`);
  cluster.network.drop(undefined);
  await cluster.converged();
  assertEquals(await cluster.get(behind, "k1"), { value: `${"w".repeat(50)}151` });
  await cluster.stop();
});

Deno.test("a follower has room for what its leader had room for", async () => {
  const cluster = new MemoryCluster(3, 13, { requestTimeoutMs: 3_000 });
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.clock.advance(1_000);
  for (const { disk } of cluster.servers) {
    let used = 0;
    for (const bytes of disk.files().values()) used += bytes.length;
    disk.capacityBytes = used + 300_000;
  }
  const outcome = await cluster.put(leader.id, "zeros", "\0".repeat(20_000));
  assertEquals(outcome.type, "Done");
  await cluster.stop();
});
