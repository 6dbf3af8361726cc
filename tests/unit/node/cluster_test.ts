/** Nodes over memory: outcomes, fail-over, recovery, snapshots and the way back of a wiped node, in simulated time. */

import { assert, assertEquals } from "@std/assert";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { entriesIn } from "../../support/runs.ts";

function kind(outcome: WriteOutcome): string {
  return outcome.type === "NotDone" ? `NotDone ${outcome.reason} ${outcome.leaderId}` : outcome.type;
}

function other(cluster: MemoryCluster, node: Node): Node {
  const id = cluster.ids.find((candidate) => candidate !== node.id && cluster.nodes.has(candidate));
  return cluster.node(id ?? -1);
}

async function fill(cluster: MemoryCluster, leader: Node, range: { from: number; to: number }): Promise<void> {
  let done = 0;
  for (let at = range.from; at < range.to; at++) {
    leader.write({ type: "Put", key: `key${at}`, value: `value${at}` }, (outcome) => {
      assertEquals(outcome.type, "Done");
      done += 1;
    });
  }
  await cluster.clock.until(() => done === range.to - range.from, 20_000, "every write is done");
}

Deno.test("a write is done on the leader, refused on a follower with the leader's id, and read on every node", async () => {
  const cluster = new MemoryCluster(3, 1);
  await cluster.start();
  const leader = await cluster.leader();
  const follower = other(cluster, leader);
  assertEquals(kind(await cluster.put(leader.id, "k", "v")), "Done");
  assertEquals(kind(await cluster.put(follower.id, "k", "w")), `NotDone NotLeader ${leader.id}`);
  for (const id of cluster.ids) assertEquals(await cluster.get(id, "k"), { value: "v" });
  assertEquals(await cluster.get(follower.id, "none"), { value: undefined });
  await cluster.stop();
});

Deno.test("one node alone is a cluster", async () => {
  const cluster = new MemoryCluster(1, 2);
  await cluster.start();
  const leader = await cluster.leader();
  assertEquals(kind(await cluster.put(leader.id, "k", "v")), "Done");
  cluster.crash(leader.id);
  await cluster.start();
  await cluster.leader();
  assertEquals(await cluster.get(0, "k"), { value: "v" });
  await cluster.stop();
});

Deno.test("a key or value over its limit is refused and nothing is appended", async () => {
  const cluster = new MemoryCluster(1, 3);
  await cluster.start();
  const leader = await cluster.leader();
  const before = leader.status().raft.lastEntry.index;
  assertEquals(kind(await cluster.put(0, "k".repeat(65_537), "v")), "NotDone TooLarge 0");
  assertEquals(kind(await cluster.put(0, "k", "v".repeat(8_388_609))), "NotDone TooLarge 0");
  assertEquals(leader.status().raft.lastEntry.index, before);
  await cluster.stop();
});

Deno.test("the crash of the leader is noticed by its sockets: another one leads long before an election timeout", async () => {
  const cluster = new MemoryCluster(3, 5);
  await cluster.start();
  const leader = await cluster.leader();
  const begun = cluster.clock.now();
  cluster.crash(leader.id);
  const next = await cluster.leader();
  assert(next.id !== leader.id);
  assert(cluster.clock.now() - begun < 300, `it took ${cluster.clock.now() - begun} ms`);
  assertEquals(kind(await cluster.put(next.id, "k", "v")), "Done");
  await cluster.start([leader.id]);
  await cluster.converged();
  assertEquals(await cluster.get(leader.id, "k"), { value: "v" });
  await cluster.stop();
});

Deno.test("a leader cut off gives unknown for what it appended, then says that it has no leader", async () => {
  const cluster = new MemoryCluster(3, 6);
  await cluster.start();
  const leader = await cluster.leader();
  for (const id of cluster.ids) if (id !== leader.id) cluster.network.cut(leader.id, id);
  assertEquals(kind(await cluster.put(leader.id, "lost", "x")), "Unknown");
  assertEquals(kind(await cluster.put(leader.id, "k", "x")), "NotDone NoLeader undefined");
  assertEquals(await cluster.get(leader.id, "k"), { reason: "NoLeader" });
  const { quorum } = leader.status();
  assertEquals(quorum, { reachable: 1, total: 3, needed: 2 });
  const rest = cluster.ids.filter((id) => id !== leader.id);
  const next = await cluster.leader(rest);
  assertEquals(kind(await cluster.put(next.id, "k", "new")), "Done");
  for (const id of rest) cluster.network.heal(leader.id, id);
  await cluster.leader();
  await cluster.converged();
  assertEquals(await cluster.get(leader.id, "k"), { value: "new" });
  assertEquals(await cluster.get(leader.id, "lost"), { value: undefined });
  const logs = cluster.ids.map((id) => JSON.stringify(cluster.node(id).logTail(100)));
  assertEquals(new Set(logs).size, 1);
  await cluster.stop();
});

Deno.test("a write that another leader's entry replaced before its deadline is certainly not done", async () => {
  const cluster = new MemoryCluster(3, 7, { requestTimeoutMs: 60_000 });
  await cluster.start();
  const leader = await cluster.leader();
  const rest = cluster.ids.filter((id) => id !== leader.id);
  for (const id of rest) cluster.network.cut(leader.id, id);
  let outcome: WriteOutcome | undefined;
  leader.write({ type: "Put", key: "k", value: "lost" }, (result) => outcome = result);
  const next = await cluster.leader(rest);
  await fill(cluster, next, { from: 0, to: 5 });
  for (const id of rest) cluster.network.heal(leader.id, id);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the fate of the replaced write is known");
  assertEquals(kind(outcome ?? { type: "Unknown" }), `NotDone NotLeader ${next.id}`);
  await cluster.stop();
});

Deno.test("snapshots keep log and disk bounded, and a follower far behind is brought back by one", async () => {
  const cluster = new MemoryCluster(3, 8, { snapshotEntries: 200, raftLimits: { chunkBytesMax: 1_000 } });
  await cluster.start();
  const leader = await cluster.leader();
  const late = other(cluster, leader).id;
  cluster.crash(late);
  for (let round = 0; round < 20; round++) {
    await fill(cluster, leader, { from: round * 100, to: round * 100 + 100 });
  }
  await cluster.clock.advance(1_000);
  const status = leader.status();
  // Half as many entries as there are keys lie between snapshots, and 200 stay behind one.
  assert(status.raft.snapshot.index > 1_000, `snapshot at ${status.raft.snapshot.index}`);
  assert(status.logEntries <= 2_000 / 2 + 200, `${status.logEntries} entries in memory`);
  assert(status.storage.snapshots <= 2);
  await cluster.start([late]);
  await cluster.converged();
  assert(
    cluster.log.some((line) => line.includes(`${late} info Installed the leader's snapshot`)),
    cluster.log.join("\n"),
  );
  for (const at of [0, 999, 1_999]) assertEquals(await cluster.get(late, `key${at}`), { value: `value${at}` });
  cluster.crash(late);
  await cluster.start([late]);
  await cluster.leader();
  assertEquals(await cluster.get(late, "key1999"), { value: "value1999" });
  await cluster.stop();
});

Deno.test("a follower catches up although snapshots are due faster than one can be sent", async () => {
  const cluster = new MemoryCluster(3, 24, { snapshotEntries: 20, raftLimits: { chunkBytesMax: 64 } });
  await cluster.start();
  const leader = await cluster.leader();
  const behind = other(cluster, leader).id;
  cluster.crash(behind);
  await fill(cluster, leader, { from: 0, to: 400 });
  await cluster.start([behind]);
  for (let round = 0; round < 200; round++) {
    leader.write({ type: "Put", key: "busy", value: `${round}` }, () => {});
    leader.write({ type: "Put", key: `busy${round}`, value: "" }, () => {});
    await cluster.clock.advance(10);
  }
  const lag = leader.status().lastApplied - cluster.node(behind).status().lastApplied;
  assert(lag < 20, `it lags by ${lag} entries`);
  await cluster.stop();
});

Deno.test("a wiped node is refused under its old id, and comes back with a new identity", async () => {
  const cluster = new MemoryCluster(3, 9, { snapshotEntries: 200 });
  await cluster.start();
  const leader = await cluster.leader();
  await fill(cluster, leader, { from: 0, to: 1_000 });
  await cluster.clock.advance(1_000);
  const wiped = other(cluster, leader).id;
  const lost = leader.status().raft.configuration.members.find(({ id }) => id === wiped)?.identity;
  cluster.crash(wiped);
  cluster.server(wiped).wipe();
  await cluster.start([wiped]);
  await cluster.clock.advance(5_000);
  assertEquals(await cluster.get(wiped, "key0"), { reason: "NoLeader" });
  assertEquals(leader.status().raft.role, "Leader");
  cluster.crash(wiped);
  cluster.server(wiped).wipe();
  await cluster.start([wiped], true);
  // The snapshot that it gets first may hold the configuration before; while one is joint, the third node is still needed.
  const isVoter = (): boolean => {
    const { members, voters, votersOld } = cluster.node(wiped).status().raft.configuration;
    const identity = members.find(({ id }) => id === wiped)?.identity ?? "";
    return identity !== lost && identity !== "" && voters.join() === "0,1,2" && votersOld.length === 0;
  };
  await cluster.clock.until(isVoter, 30_000, "the wiped node is a voter again");
  await cluster.converged();
  assertEquals(await cluster.get(wiped, "key999"), { value: "value999" });
  const third = cluster.ids.find((id) => id !== leader.id && id !== wiped) ?? -1;
  cluster.crash(third);
  assertEquals(kind(await cluster.put((await cluster.leader()).id, "k", "v")), "Done");
  await cluster.stop();
});

async function snapshotOf(cluster: MemoryCluster, node: Node): Promise<void> {
  let taken = false;
  node.takeSnapshot().then(() => taken = true);
  await cluster.clock.until(() => taken, 5_000, "a snapshot is taken");
}

/** Empties the directory of a node and waits until `leader` counts it as a voter again. */
async function wipeAndReadmit(
  cluster: MemoryCluster,
  { wiped, leader }: { wiped: NodeId; leader: Node },
): Promise<void> {
  const identity = (): string => {
    const { members, voters } = leader.status().raft.configuration;
    return voters.includes(wiped) ? members.find(({ id }) => id === wiped)?.identity ?? "" : "";
  };
  await cluster.clock.until(() => identity() !== "", 10_000, "the identities are recorded");
  const before = identity();
  await cluster.converged();
  for (const node of cluster.nodes.values()) await snapshotOf(cluster, node);
  if (cluster.nodes.has(wiped)) cluster.crash(wiped);
  cluster.server(wiped).wipe();
  await cluster.start([wiped], true);
  await cluster.clock.until(() => !["", before].includes(identity()), 30_000, "the wiped node is a voter again");
}

Deno.test("after a power loss everywhere a node admitted again is known by the log, not by the last snapshot", async () => {
  const cluster = new MemoryCluster(3, 21);
  await cluster.start();
  const leader = await cluster.leader();
  const [wiped = -1, third = -1] = cluster.ids.filter((id) => id !== leader.id);
  await wipeAndReadmit(cluster, { wiped, leader });
  assertEquals(kind(await cluster.put(leader.id, "key", "value")), "Done");
  for (const id of cluster.ids) cluster.crash(id);
  await cluster.start([wiped, third]);
  await cluster.leader();
  assertEquals(await cluster.get(wiped, "key"), { value: "value" });
  await cluster.stop();
});

Deno.test("a follower that was away while another node was admitted again accepts that one as its leader", async () => {
  const cluster = new MemoryCluster(5, 22);
  await cluster.start();
  const leader = await cluster.leader();
  const [wiped = -1, away = -1, fourth = -1, fifth = -1] = cluster.ids.filter((id) => id !== leader.id);
  await cluster.clock.advance(1_000);
  await snapshotOf(cluster, cluster.node(away));
  cluster.crash(away);
  await wipeAndReadmit(cluster, { wiped, leader });
  assertEquals(kind(await cluster.put(leader.id, "key", "value")), "Done");
  await cluster.clock.advance(1_000);
  cluster.crash(leader.id);
  cluster.crash(fifth);
  // Only the one that was admitted again reaches a majority.
  cluster.network.cut(fourth, away);
  await cluster.start([away]);
  await cluster.clock.until(() => cluster.node(away).status().raft.leaderId === wiped, 20_000, "it leads");
  assertEquals(await cluster.get(away, "key"), { value: "value" });
  cluster.network.heal(fourth, away);
  await cluster.stop();
});

Deno.test("a node whose admission was cut short by a crash is admitted all the same", async () => {
  const cluster = new MemoryCluster(3, 23, { raftLimits: { entriesPerMessageMax: 1 } });
  await cluster.start();
  const leader = await cluster.leader();
  const wiped = other(cluster, leader).id;
  await cluster.clock.advance(1_000);
  cluster.crash(wiped);
  cluster.server(wiped).wipe();
  // It gets no further than to a configuration that still counts on its old directory.
  const end = leader.status().raft.lastEntry.index;
  cluster.network.drop((message) =>
    message.to === wiped && message.type === "AppendEntries" && message.entries !== undefined &&
    message.prevLogIndex >= end
  );
  await cluster.start([wiped], true);
  const durable = (): number => cluster.node(wiped).status().raft.lastDurable.index;
  await cluster.clock.until(() => durable() === end, 10_000, "the first entries arrive");
  const term = leader.status().raft.currentTerm;
  cluster.crash(wiped);
  cluster.crash(leader.id);
  await cluster.start([leader.id]);
  cluster.network.drop(undefined);
  await cluster.start([wiped], true);
  const leading = (): Node | undefined => [...cluster.nodes.values()].find((node) => node.status().raft.termCommitted);
  await cluster.clock.until(() => (leading()?.status().raft.currentTerm ?? 0) > term, 20_000, "another term begins");
  const voters = (): string | undefined => leading()?.status().raft.configuration.voters.join();
  await cluster.clock.until(() => voters() === "0,1,2", 30_000, "it votes again");
  await cluster.converged();
  await cluster.stop();
});

// Simulated seed 4312.
Deno.test("a node that lost with the end of its log that it was a voter again is made one all the same", async () => {
  const cluster = new MemoryCluster(5, 24);
  await cluster.start();
  const leader = await cluster.leader();
  const [wiped = -1, ...others] = cluster.ids.filter((id) => id !== leader.id);
  await cluster.clock.advance(1_000);
  cluster.crash(wiped);
  cluster.server(wiped).wipe();
  // Its promotion reaches nobody else.
  cluster.network.drop((message) =>
    message.type === "AppendEntries" && others.includes(message.to) &&
    entriesIn(message.entries).some((entry) =>
      entry.type === "Configuration" && entry.configuration.votersOld.length === 4 &&
      entry.configuration.voters.includes(wiped)
    )
  );
  await cluster.start([wiped], true);
  const voters = (id: NodeId): string => cluster.node(id).status().raft.configuration.voters.join();
  await cluster.clock.until(() => voters(wiped) === "0,1,2,3,4", 10_000, "it is to be a voter again");
  await cluster.clock.advance(50);
  cluster.crash(wiped);
  cluster.crash(leader.id);
  cluster.network.drop(undefined);
  const next = await cluster.leader(others);
  await cluster.start([wiped], true);
  assertEquals(voters(wiped), "0,1,2,3,4");
  await cluster.clock.until(() => voters(wiped) === voters(others[0] ?? -1), 5_000, "its log is repaired");
  await cluster.clock.until(() => voters(next.id) === "0,1,2,3,4", 5_000, "it is a voter again");
  await cluster.stop();
});

Deno.test("a full disk of the leader refuses writes for certain, reads go on, and writes resume with room", async () => {
  const cluster = new MemoryCluster(1, 10);
  await cluster.start();
  const leader = await cluster.leader();
  await fill(cluster, leader, { from: 0, to: 10 });
  const { disk } = cluster.server(0);
  disk.capacityBytes = 0;
  const outcomes = new Set<string>();
  for (let round = 0; round < 40; round++) outcomes.add(kind(await cluster.put(0, `big${round}`, "x".repeat(30_000))));
  assertEquals([...outcomes], ["Done", "NotDone NoSpace 0"]);
  assertEquals(await cluster.get(0, "key5"), { value: "value5" });
  disk.capacityBytes = Infinity;
  assertEquals(kind(await cluster.put(0, "after", "x".repeat(30_000))), "Done");
  await cluster.stop();
});

Deno.test("a failed sync ends the node and nothing of that batch is acknowledged", async () => {
  const cluster = new MemoryCluster(1, 11);
  await cluster.start();
  const leader = await cluster.leader();
  const { disk } = cluster.server(0);
  disk.hooks.failSync = (path) => path.includes("/wal/");
  let outcome: WriteOutcome | undefined;
  let failure: Error | undefined;
  leader.failed.then((error) => failure = error);
  leader.write({ type: "Put", key: "k", value: "v" }, (result) => outcome = result);
  await cluster.clock.until(() => failure !== undefined, 5_000, "the node fails");
  await cluster.clock.advance(100);
  assertEquals(failure?.name, "DiskFailureError");
  assertEquals(outcome, undefined);
});

Deno.test("a leader that stops hands leadership over first", async () => {
  const cluster = new MemoryCluster(3, 12);
  await cluster.start();
  const leader = await cluster.leader();
  await fill(cluster, leader, { from: 0, to: 20 });
  const begun = cluster.clock.now();
  const server = cluster.server(leader.id);
  server.stop();
  await cluster.clock.until(() => server.state === "Down", 5_000, "the leader stops");
  const next = await cluster.leader();
  assert(cluster.clock.now() - begun < 500, `it took ${cluster.clock.now() - begun} ms`);
  assertEquals(kind(await cluster.put(next.id, "k", "v")), "Done");
  await cluster.stop();
});
