/** The time by which reads and writes judge deadlines: the same for all of them, on every node, and never an earlier one again. */

import { assert, assertEquals } from "@std/assert";
import type { Call } from "../../../../lib/kv/commands.ts";
import type { Reply } from "../../../../lib/kv/replies.ts";
import type { ClusterOptions } from "../../../support/memory/memory_cluster.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";

const LIMIT_MS = 20_000;

async function started(count: number, seed: number, options?: ClusterOptions): Promise<MemoryCluster> {
  const cluster = new MemoryCluster(count, seed, options);
  await cluster.start();
  await cluster.leader();
  return cluster;
}

/** Lets the cluster run, a millisecond at a time, until something is answered. */
async function answered<T>(cluster: MemoryCluster, get: () => T | undefined): Promise<T> {
  for (let ms = 0; ms < LIMIT_MS; ms++) {
    const result = get();
    if (result !== undefined) return result;
    await cluster.clock.advance(1);
  }
  throw new Error("No answer");
}

/** The reply to a call that changes something. */
async function change(cluster: MemoryCluster, id: NodeId, call: Call): Promise<Reply | undefined> {
  let reply: { readonly reply: Reply | undefined } | undefined;
  cluster.node(id).submit({ type: "Call", call }, (outcome) => {
    const result = outcome.type === "Done" ? outcome.result : undefined;
    reply = { reply: result?.type === "Reply" ? result.reply : undefined };
  });
  return (await answered(cluster, () => reply)).reply;
}

/** The replies to calls that a linearizable read on a node gives at one moment. */
async function ask(cluster: MemoryCluster, id: NodeId, ...calls: readonly Call[]): Promise<readonly Reply[]> {
  const node = cluster.node(id);
  let replies: readonly Reply[] | undefined;
  const read = () =>
    node.read((outcome) => {
      if (outcome.type === "Ready") replies = calls.map((call) => node.answer(call));
      else cluster.clock.after(1, read);
    });
  read();
  return await answered(cluster, () => replies);
}

/** Stores a key on the leader; how long it lives from now on. */
async function putFor(cluster: MemoryCluster, key: string, ttlMs: number): Promise<number> {
  const leader = await cluster.leader();
  await change(cluster, leader.id, ["SET", key, "v", "PX", String(ttlMs)]);
  const [at] = await ask(cluster, leader.id, ["PEXPIRETIME", key]);
  return Number(at) - leader.timeMs();
}

Deno.test("a key is gone for every read that begins at its deadline or later, on every node, whatever the reads ask for", async () => {
  const cluster = await started(3, 51);
  for (const id of cluster.ids) {
    for (const waitMs of [0, 1, 3]) {
      const leftMs = await putFor(cluster, "k", 400);
      await cluster.clock.advance(leftMs + waitMs);
      const calls: Call[] = [["GET", "k"], ["EXISTS", "k"], ["PTTL", "k"], ["KEYS", "k"], ["RANDOMKEY"], ["SCAN", "0"]];
      const replies = await ask(cluster, id, ...calls);
      assertEquals(replies, [null, 0, -2, [], null, ["0", []]], `node ${id}, ${waitMs} ms after the deadline`);
      assertEquals(cluster.node(id).state.get("k"), undefined);
      assertEquals([...cluster.node(id).state.records("")], []);
      assertEquals(cluster.node(id).compare([{ key: "k", field: "EXISTS", operator: "=", operand: "0" }]), true);
    }
  }
  await cluster.stop();
});

Deno.test("a key that can be read has time left, and one without is not there, at each moment and on each node", async () => {
  const cluster = await started(3, 52, { syncMs: () => 7 });
  const until = cluster.clock.now() + await putFor(cluster, "k", 300);
  await cluster.clock.advance(until - 60 - cluster.clock.now());
  const seen = new Set<boolean>();
  for (let round = 0; round < 60; round++) {
    const id = cluster.ids[round % 3] ?? 0;
    const [left, value] = await ask(cluster, id, ["PTTL", "k"], ["GET", "k"]);
    assertEquals(Number(left) > 0, value === "v", `PTTL ${left}, GET ${value}`);
    seen.add(value === "v");
    await cluster.clock.advance(1);
  }
  assertEquals(seen.size, 2);
  await cluster.stop();
});

Deno.test("a follower that is asked nothing but stale reads learns from heartbeats what has expired", async () => {
  const cluster = await started(3, 53);
  const leader = await cluster.leader();
  const id = cluster.ids.find((other) => other !== leader.id) ?? -1;
  const leftMs = await putFor(cluster, "k", 90);
  // The entry that removes it reaches nobody.
  cluster.network.drop((message) => message.type === "AppendEntries" && message.entries !== undefined);
  await cluster.clock.advance(leftMs + 110);
  assertEquals(cluster.node(id).state.size, 1);
  assertEquals(cluster.node(id).state.get("k"), undefined);
  await cluster.stop();
});

Deno.test("a read hides no key by a time that the log may lose: beyond a tenth of a second it waits for an entry", async () => {
  const cluster = await started(3, 59);
  const leader = await cluster.leader();
  const id = cluster.ids.find((other) => other !== leader.id) ?? -1;
  const leftMs = await putFor(cluster, "k", 400);
  cluster.network.drop((message) => message.type === "AppendEntries" && message.entries !== undefined);
  await cluster.clock.advance(leftMs + 250);
  assertEquals(cluster.node(id).state.get("k")?.value, "v");
  cluster.network.drop(() => false);
  assertEquals(await ask(cluster, id, ["GET", "k"]), [null]);
  await cluster.stop();
});

for (const isFast of [true, false]) {
  const whose = isFast ? "ahead" : "behind";
  Deno.test(`a key once seen expired stays so after the loss of every node, under a leader whose date is ${whose}`, async () => {
    const cluster = await started(3, 54);
    for (let round = 0; round < 8; round++) {
      const leader = await cluster.leader();
      for (const id of cluster.ids) cluster.server(id).dateOffMs = (isFast ? 1 : -1) * (id - leader.id) * 5_000_000;
      const leftMs = await putFor(cluster, `k${round}`, 50 + round * 40);
      // The leader's time may be under correction: the first read that misses the key ends the life of all.
      await cluster.clock.advance(leftMs * 0.8);
      const isThere = async () => (await ask(cluster, (leader.id + 1) % 3, ["GET", `k${round}`]))[0] !== null;
      while (await isThere()) await cluster.clock.advance(1);
      for (const id of cluster.ids) cluster.crash(id);
      await cluster.start(cluster.ids.filter((id) => id !== leader.id));
      const next = await cluster.leader();
      const [again] = await ask(cluster, next.id, ["GET", `k${round}`]);
      assertEquals(again, null);
      assertEquals(await change(cluster, next.id, ["PERSIST", `k${round}`]), 0);
      await cluster.start([leader.id]);
      assertEquals(await ask(cluster, leader.id, ["GET", `k${round}`]), [null]);
    }
    await cluster.stop();
  });
}

Deno.test("a read beside a write that keeps a key alive does not hide the key", async () => {
  let syncMs = 0;
  const cluster = await started(3, 55, { syncMs: () => syncMs });
  const leader = await cluster.leader();
  const leftMs = await putFor(cluster, "k", 300);
  await cluster.clock.advance(leftMs - 5);
  syncMs = 60;
  const kept = change(cluster, leader.id, ["PERSIST", "k"]);
  await cluster.clock.advance(10);
  const [value] = await ask(cluster, leader.id, ["GET", "k"]);
  assertEquals([await kept, await ask(cluster, leader.id, ["GET", "k"])], [1, ["v"]]);
  assertEquals(value, "v");
  await cluster.stop();
});

Deno.test("a cluster that nobody uses appends at most an entry a second, however many keys expire", async () => {
  const cluster = await started(3, 56);
  const leader = await cluster.leader();
  for (let key = 0; key < 2_000; key++) {
    leader.submit({ type: "Call", call: ["SET", `k${key}`, "v", "PX", String(1_000 + key * 5)] }, () => {});
  }
  await cluster.clock.advance(500);
  const before = leader.status().raft.lastEntry.index;
  await cluster.clock.advance(12_000);
  const appended = leader.status().raft.lastEntry.index - before;
  assert(appended <= 12, `${appended} entries in 12 s`);
  assertEquals(leader.state.size, 0);
  await cluster.stop();
});

Deno.test("without keys that expire neither reads nor elections append anything for the time", async () => {
  const cluster = await started(3, 57);
  await cluster.put((await cluster.leader()).id, "k", "v");
  const leader = await cluster.leader();
  // The leader records the directories of the members once.
  await cluster.clock.advance(2_000);
  const before = leader.status().raft.lastEntry.index;
  for (let round = 0; round < 20; round++) {
    await cluster.clock.advance(200);
    assertEquals(await ask(cluster, round % 3, ["GET", "k"]), ["v"]);
  }
  assertEquals(leader.status().raft.lastEntry.index, before);
  await cluster.stop();
});

Deno.test("a cluster that was stopped for a day has expired at its start what was due meanwhile", async () => {
  const cluster = await started(3, 58);
  await putFor(cluster, "k", 3_600_000);
  for (const id of cluster.ids) {
    cluster.crash(id);
    cluster.server(id).dateOffMs = 86_400_000;
  }
  await cluster.start();
  const leader = await cluster.leader();
  assertEquals(await ask(cluster, leader.id, ["GET", "k"]), [null]);
  await cluster.clock.advance(1_100);
  assertEquals(leader.state.size, 0);
  await cluster.stop();
});
