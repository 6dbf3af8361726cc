/** Transfers of the leadership on request, and backups. */

import { assert, assertEquals } from "@std/assert";
import { MEMBER_LISTS_LEVEL } from "../../../lib/raft/retired.ts";
import type { Backup, BackupOutcome, MemberChangeOutcome, MemberView, TransferOutcome } from "../../../lib/node/api.ts";
import { BACKUPS_MAX, TRANSFER_LAG_ENTRIES_MAX } from "../../../lib/node/limits.ts";
import { transferLeadership, type TransferParts } from "../../../lib/node/membership/leadership.ts";
import { readSnapshot } from "../../../lib/storage/snapshot_format.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

async function transfer(cluster: MemoryCluster, id: number, target?: number): Promise<TransferOutcome> {
  let outcome: TransferOutcome | undefined;
  cluster.node(id).transferLeadership(target).then((known) => outcome = known);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the transfer ends");
  return outcome ?? { type: "Failed" };
}

async function remove(cluster: MemoryCluster, id: number, removed: number): Promise<MemberChangeOutcome> {
  let outcome: MemberChangeOutcome | undefined;
  cluster.node(id).changeMember({ type: "Remove", id: removed }).then((known) => outcome = known);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the removal ends");
  return outcome ?? { type: "Unknown" };
}

async function backup(cluster: MemoryCluster, id: number): Promise<BackupOutcome> {
  let outcome: BackupOutcome | undefined;
  cluster.node(id).openBackup().then((known) => outcome = known);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the backup is open");
  return outcome ?? { type: "Empty" };
}

function opened(outcome: BackupOutcome): Backup {
  assert(outcome.type === "Opened", outcome.type);
  return outcome.backup;
}

Deno.test("the leadership moves to the node asked for, or to another", async () => {
  const cluster = new MemoryCluster(3, 5);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.put(leader.id, "k", "v");
  const [target = -1] = cluster.ids.filter((id) => id !== leader.id);
  const term = leader.status().raft.currentTerm;
  const moved = await transfer(cluster, leader.id, target);
  assert(moved.type === "Done" && moved.leaderId === target && moved.term > term);
  assertEquals((await cluster.leader()).id, target);
  assertEquals(await transfer(cluster, leader.id, target), { type: "NotLeader" });
  assertEquals(await transfer(cluster, target, 7), { type: "NotAMember" });
  assertEquals((await transfer(cluster, target, target)).type, "Done");
  const away = await transfer(cluster, target);
  assert(away.type === "Done" && away.leaderId !== target);
  assertEquals((await cluster.put((await cluster.leader()).id, "k", "w")).type, "Done");
  await cluster.stop();
});

Deno.test("a transfer that cannot succeed is refused before writes are held up for it", async () => {
  const cluster = new MemoryCluster(3, 14);
  await cluster.start();
  const leader = await cluster.leader();
  const [target = -1, other = -1] = cluster.ids.filter((id) => id !== leader.id);
  const { configuration, currentTerm } = leader.status().raft;
  const refused = (voters: readonly number[], more: Partial<MemberView>) => {
    const members = leader.members().map((member) => member.id === target ? { ...member, ...more } : member);
    const raft = { role: "Leader", id: leader.id, currentTerm, configuration: { ...configuration, voters } };
    const inbox = { put: () => assert(false, "nothing is begun") };
    const parts = { raft, inbox, clock: cluster.clock, monitor: { members: () => members } };
    return transferLeadership(parts as unknown as TransferParts, target);
  };
  const lag = TRANSFER_LAG_ENTRIES_MAX + 1;
  assertEquals(await refused([leader.id, target, other], { reachable: false }), { type: "NotReachable" });
  assertEquals(await refused([leader.id, target, other], { drained: true }), { type: "Drained" });
  assertEquals(await refused([leader.id, target, other], { lag }), { type: "NotCaughtUp", lag });
  assertEquals(await refused([leader.id, target, other], { lag: undefined }), { type: "NotCaughtUp", lag: undefined });
  assertEquals(await refused([leader.id, other], {}), { type: "NotAVoter" });
  assertEquals(await refused([leader.id], {}), { type: "NotAVoter" });
  await cluster.stop();
});

Deno.test("a transfer to a node that is gone is refused at once, and writes go on", async () => {
  const cluster = new MemoryCluster(3, 6);
  await cluster.start();
  const leader = await cluster.leader();
  const [target = -1] = cluster.ids.filter((id) => id !== leader.id);
  cluster.crash(target);
  await cluster.clock.until(() => !leader.members()[target]?.reachable, 20_000, "the loss is noticed");
  const began = cluster.clock.now();
  assertEquals(await transfer(cluster, leader.id, target), { type: "NotReachable" });
  assertEquals(cluster.clock.now(), began);
  assertEquals((await cluster.leader()).id, leader.id);
  assertEquals((await cluster.put(leader.id, "k", "v")).type, "Done");
  await cluster.stop();
  const alone = new MemoryCluster(1, 7);
  await alone.start();
  await alone.leader();
  assertEquals(await transfer(alone, 0), { type: "NoOther" });
  await alone.stop();
});

Deno.test("a backup is a whole snapshot with everything, whatever becomes of the node's own", async () => {
  const cluster = new MemoryCluster(1, 8);
  await cluster.start();
  await cluster.leader();
  for (let at = 0; at < 50; at++) await cluster.put(0, `key${at}`, `value${at}`);
  const first = opened(await backup(cluster, 0));
  await cluster.put(0, "later", "x");
  for (let round = 0; round < 3; round++) {
    opened(await backup(cluster, 0)).close();
    await cluster.put(0, `more${round}`, "x");
  }
  const bytes = first.read(0, first.bytes);
  assertEquals([bytes.length, first.read(first.bytes, 10).length], [first.bytes, 0]);
  const disk = new MemoryDisk();
  const file = disk.open("/copy", "create");
  file.writeAt(0, bytes);
  // Throws unless every checksum is right.
  const text = Array.from(readSnapshot(file), (block) => new TextDecoder().decode(block)).join("");
  file.close();
  assert(text.includes("key49") && !text.includes("later"));
  first.close();
  first.close();
  await cluster.stop();
});

Deno.test("backups are bounded, and give their place back", async () => {
  const cluster = new MemoryCluster(1, 9);
  await cluster.start();
  await cluster.leader();
  await cluster.put(0, "k", "v");
  const open: Backup[] = [];
  for (let count = 0; count < BACKUPS_MAX; count++) open.push(opened(await backup(cluster, 0)));
  assertEquals((await backup(cluster, 0)).type, "Busy");
  open.pop()?.close();
  open.push(opened(await backup(cluster, 0)));
  for (const one of open) one.close();
  await cluster.stop();
});

Deno.test("a server is removed, one at a time, and the others go on without it", async () => {
  const cluster = new MemoryCluster(5, 10);
  await cluster.start();
  const leader = await cluster.leader();
  // Before that is committed who is removed is not listed.
  await cluster.clock.until(() => leader.status().level >= MEMBER_LISTS_LEVEL, 5_000, "the level rises");
  await cluster.put(leader.id, "k", "v");
  const [first = -1, second = -1] = cluster.ids.filter((id) => id !== leader.id);
  assertEquals(await remove(cluster, first, second), { type: "NotLeader" });
  assertEquals(await remove(cluster, leader.id, 9), { type: "NotAMember" });
  assertEquals(await remove(cluster, leader.id, first), { type: "Done", id: first });
  assertEquals(leader.status().raft.configuration.voters.includes(first), false);
  // It was removed, and stays so.
  assertEquals(await remove(cluster, leader.id, first), { type: "Done", id: first });
  cluster.crash(first);
  assertEquals(await remove(cluster, leader.id, second), { type: "Done", id: second });
  cluster.crash(second);
  assertEquals((await cluster.put(leader.id, "k", "w")).type, "Done");
  // Three are left, so one more may be lost.
  const [third = -1] = cluster.ids.filter((id) => ![leader.id, first, second].includes(id));
  cluster.crash(third);
  assertEquals((await cluster.put(leader.id, "k", "x")).type, "Done");
  await cluster.stop();
});

Deno.test("a removal after which the others could not go on is not begun", async () => {
  const cluster = new MemoryCluster(3, 11);
  await cluster.start();
  const leader = await cluster.leader();
  const [first = -1, second = -1] = cluster.ids.filter((id) => id !== leader.id);
  cluster.crash(first);
  await cluster.clock.until(() => !leader.members()[first]?.reachable, 20_000, "the loss is noticed");
  const refused = await remove(cluster, leader.id, second);
  assert(
    refused.type === "Unsafe" && refused.reason.includes("1 can be reached, and 2 are needed"),
    JSON.stringify(refused),
  );
  assertEquals(leader.status().raft.configuration.voters.length, 3);
  // The one that is gone may go: the others are a majority of what is left.
  assertEquals(await remove(cluster, leader.id, first), { type: "Done", id: first });
  assertEquals((await cluster.put(leader.id, "k", "v")).type, "Done");
  await cluster.stop();
  const alone = new MemoryCluster(1, 12);
  await alone.start();
  await alone.leader();
  const last = await remove(alone, 0, 0);
  assert(last.type === "Unsafe" && last.reason.startsWith("it is the last voter"));
  await alone.stop();
});

Deno.test("a leader that is removed hands over", async () => {
  const cluster = new MemoryCluster(3, 13);
  await cluster.start();
  const leader = await cluster.leader();
  assertEquals(await remove(cluster, leader.id, leader.id), { type: "Done", id: leader.id });
  const next = await cluster.leader(cluster.ids.filter((id) => id !== leader.id));
  assertEquals((await cluster.put(next.id, "k", "v")).type, "Done");
  assertEquals(next.status().raft.configuration.voters.includes(leader.id), false);
  await cluster.stop();
});
