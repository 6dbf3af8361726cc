/** Servers that join a cluster that runs, and servers that learn that they were removed. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { RemovedError } from "../../../lib/base/errors.ts";
import type { MemberChangeOutcome } from "../../../lib/node/api.ts";
import type { Configuration, NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

/** Three founders that have data, and server 3, which does not run. */
async function founded(seed: number): Promise<{ readonly cluster: MemoryCluster; readonly leader: NodeId }> {
  const cluster = new MemoryCluster(4, seed, { founders: 3 });
  await cluster.start([0, 1, 2]);
  const { id: leader } = await cluster.leader();
  assertEquals((await cluster.put(leader, "k", "v")).type, "Done");
  return { cluster, leader };
}

function configuration(cluster: MemoryCluster, id: NodeId): Configuration {
  return cluster.node(id).status().raft.configuration;
}

async function remove(cluster: MemoryCluster, leader: NodeId, id: NodeId): Promise<MemberChangeOutcome | undefined> {
  let outcome: MemberChangeOutcome | undefined;
  cluster.node(leader).changeMember({ type: "Remove", id }).then((known) => outcome = known);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the removal ends");
  return outcome;
}

async function untilEnded(cluster: MemoryCluster, id: NodeId): Promise<void> {
  await cluster.clock.until(() => cluster.server(id).state === "Down", 20_000, `server ${id} ends`);
  assert(cluster.server(id).failure instanceof RemovedError, String(cluster.server(id).failure));
}

Deno.test("a server that joins is a learner first, gets the data, and becomes a voter by itself", async () => {
  const { cluster, leader } = await founded(51);
  await cluster.start([3]);
  await cluster.clock.until(() => configuration(cluster, leader).learners.includes(3), 10_000, "it is a learner");
  await cluster.clock.until(() => configuration(cluster, leader).voters.includes(3), 10_000, "it is a voter");
  assertEquals(configuration(cluster, leader).voters, [0, 1, 2, 3]);
  await cluster.leader();
  assertEquals(await cluster.get(3, "k"), { value: "v" });
  // It is one of four now: two of the others may be away.
  cluster.crash((leader + 1) % 3);
  assertEquals((await cluster.put((await cluster.leader()).id, "k", "w")).type, "Done");
  await cluster.stop();
});

Deno.test("one that is to stay a learner stays one, through restarts", async () => {
  const { cluster, leader } = await founded(52);
  cluster.server(3).staysLearner = true;
  await cluster.start([3]);
  await cluster.clock.until(() => configuration(cluster, leader).learners.includes(3), 10_000, "it is a learner");
  await cluster.clock.advance(10_000);
  cluster.crash(3);
  await cluster.start([3]);
  await cluster.clock.advance(10_000);
  assertEquals([configuration(cluster, leader).voters, configuration(cluster, leader).learners], [[0, 1, 2], [3]]);
  assertEquals(await cluster.get(3, "k"), { value: "v" });
  await cluster.stop();
});

Deno.test("a server that is killed at any moment of its joining goes on where it was", async () => {
  for (let killedAfterMs = 0; killedAfterMs <= 2_400; killedAfterMs += 300) {
    const { cluster, leader } = await founded(60 + killedAfterMs);
    await cluster.start([3]);
    await cluster.clock.advance(killedAfterMs);
    cluster.crash(3);
    await cluster.clock.advance(1_000);
    await cluster.start([3]);
    await cluster.clock.until(() => configuration(cluster, leader).voters.includes(3), 20_000, "it is a voter");
    assertEquals(configuration(cluster, leader).members.length, 4);
    await cluster.stop();
  }
});

Deno.test("under the id of a member nobody joins, and the member is not disturbed", async () => {
  const cluster = new MemoryCluster(3, 53);
  await cluster.start();
  const { id: leader } = await cluster.leader();
  await cluster.clock.advance(2_000);
  const before = configuration(cluster, leader);
  const taken = (leader + 1) % 3;
  const other = (leader + 2) % 3;
  // Its directory is gone, and it is started as one that joins.
  cluster.crash(taken);
  cluster.server(taken).wipe();
  cluster.server(taken).joins = true;
  await cluster.start([taken]);
  await cluster.clock.advance(10_000);
  assertEquals(configuration(cluster, leader), before);
  assertEquals(configuration(cluster, taken).members, []);
  assert(
    cluster.log.some((line) => line.startsWith(`${taken} `) && line.includes("another data directory")) ||
      cluster.node(taken).status().peers.some(({ problem }) => problem?.includes("another data directory") === true),
    "it says why",
  );
  assertEquals((await cluster.put(leader, "k", "v")).type, "Done");
  assertEquals(await cluster.get(other, "k"), { value: "v" });
  await cluster.stop();
});

Deno.test("a removed server ends and its directory is refused, whether it ran or was down, and its id is never used again", async () => {
  for (const isDown of [false, true]) {
    const { cluster, leader } = await founded(isDown ? 54 : 55);
    await cluster.start([3]);
    await cluster.clock.until(() => configuration(cluster, leader).voters.includes(3), 10_000, "it is a voter");
    await cluster.clock.advance(2_000);
    if (isDown) cluster.crash(3);
    assertEquals(await remove(cluster, leader, 3), { type: "Done", id: 3 });
    if (isDown) await cluster.start([3]);
    await untilEnded(cluster, 3);
    await assertRejects(() => cluster.start([3]), RemovedError);
    assertEquals(configuration(cluster, leader).retired, [[3, 3]]);
    // A directory that holds nothing of the cluster is told as often as it asks there, and may still go elsewhere.
    cluster.server(3).wipe();
    for (let start = 0; start < 2; start++) {
      await cluster.start([3]);
      await untilEnded(cluster, 3);
      assertStringIncludes(String(cluster.server(3).failure), "holds nothing of it");
    }
    assertEquals(configuration(cluster, leader).members.map(({ id }) => id), [0, 1, 2]);
    await cluster.stop();
  }
});

Deno.test("a member that was down until all that it knew were replaced is brought up to date by those that came", async () => {
  const cluster = new MemoryCluster(5, 57, { founders: 3 });
  await cluster.start([0, 1, 2]);
  const { id: leader } = await cluster.leader();
  await cluster.clock.advance(2_000);
  const [away, other] = [(leader + 1) % 3, (leader + 2) % 3];
  cluster.crash(away);
  for (const id of [3, 4]) {
    await cluster.start([id]);
    await cluster.clock.until(() => configuration(cluster, leader).voters.includes(id), 20_000, "it is a voter");
  }
  for (const id of [other, leader]) {
    await cluster.clock.advance(2_000);
    assertEquals((await remove(cluster, leader, id))?.type, "Done");
  }
  for (const id of [other, leader]) await untilEnded(cluster, id);
  const next = await cluster.leader([3, 4]);
  assertEquals((await cluster.put(next.id, "k", "v")).type, "Done");
  await cluster.start([away]);
  const voters = [away, 3, 4];
  await cluster.clock.until(() => cluster.node(away).state.get("k")?.value === "v", 20_000, "it has the key");
  assertEquals(configuration(cluster, away).voters, voters);
  // And it counts: with one of the others it is a majority.
  cluster.crash(next.id);
  assertEquals(
    (await cluster.put((await cluster.leader(voters.filter((id) => id !== next.id))).id, "k", "w")).type,
    "Done",
  );
  await cluster.stop();
});

Deno.test("a leader that is removed answers who asked for it, hands over and ends", async () => {
  const { cluster, leader } = await founded(56);
  await cluster.clock.advance(2_000);
  assertEquals(await remove(cluster, leader, leader), { type: "Done", id: leader });
  await untilEnded(cluster, leader);
  const next = await cluster.leader();
  assertEquals(await cluster.get(next.id, "k"), { value: "v" });
  assertEquals((await cluster.put(next.id, "k", "w")).type, "Done");
  await cluster.stop();
});

Deno.test("a removal that is not committed ends nobody", async () => {
  const { cluster, leader } = await founded(57);
  await cluster.clock.advance(2_000);
  const [cutOff = -1, away = -1] = [0, 1, 2].filter((id) => id !== leader);
  // The leader alone appends the joint configuration; the others never have it.
  cluster.network.drop(({ from, type }) => from === leader && type === "AppendEntries");
  cluster.node(leader).changeMember({ type: "Remove", id: cutOff });
  await cluster.clock.advance(500);
  cluster.crash(leader);
  cluster.network.drop(undefined);
  const next = await cluster.leader([cutOff, away]);
  assertEquals((await cluster.put(next.id, "k", "w")).type, "Done");
  await cluster.start([leader]);
  await cluster.leader();
  await cluster.clock.advance(5_000);
  assertEquals([...cluster.nodes.keys()], [0, 1, 2]);
  assertEquals(configuration(cluster, next.id).retired, undefined);
  await cluster.stop();
});

Deno.test("a founder that lost its directory is admitted by a leader that joined later, of which it was not told", async () => {
  const { cluster } = await founded(58);
  await cluster.start([3]);
  await cluster.clock.until(() => configuration(cluster, 0).voters.includes(3), 10_000, "it is a voter");
  await cluster.clock.advance(2_000);
  const before = await cluster.leader();
  before.transferLeadership(3);
  await cluster.clock.until(() => cluster.node(3).status().raft.role === "Leader", 10_000, "the new server leads");
  cluster.crash(1);
  cluster.server(1).wipe();
  await cluster.start([1], true);
  await cluster.clock.until(() => configuration(cluster, 3).learners.includes(1), 10_000, "it learns");
  await cluster.clock.until(() => configuration(cluster, 3).voters.includes(1), 10_000, "it votes again");
  assertEquals(await cluster.get(1, "k"), { value: "v" });
  await cluster.stop();
});

Deno.test("a server that is removed before the cluster is a second old is told so, also when it was down or is not there yet", async () => {
  for (const [at, state] of (["runs", "down", "never started"] as const).entries()) {
    const cluster = new MemoryCluster(3, 90 + at);
    await cluster.start(state === "never started" ? [0, 1] : [0, 1, 2]);
    const { id: leader } = await cluster.leader([0, 1]);
    if (state === "down") cluster.crash(2);
    assertEquals(configuration(cluster, leader).level, undefined, "the level has not risen yet");
    await cluster.clock.until(() => (configuration(cluster, leader).votersOld.length === 0), 1_000, "it may be asked");
    let outcome = await remove(cluster, leader, 2);
    for (let tries = 0; outcome?.type === "Unsafe" && outcome.passing && tries < 5; tries++) {
      await cluster.clock.advance(20);
      outcome = await remove(cluster, leader, 2);
    }
    assertEquals(outcome, { type: "Done", id: 2 }, state);
    assertEquals(configuration(cluster, leader).retired, [[2, 2]]);
    if (state !== "runs") await cluster.start([2]);
    await untilEnded(cluster, 2);
    await cluster.stop();
  }
});

Deno.test("a server that got the configuration of a leader whose successor never had it is added by the successor", async () => {
  const { cluster, leader } = await founded(51);
  await cluster.clock.advance(3_000);
  const rest = [0, 1, 2].filter((id) => id !== leader);
  for (const id of rest) {
    cluster.network.cut(3, id);
    cluster.network.cut(leader, id);
  }
  await cluster.start([3]);
  await cluster.clock.until(
    () => configuration(cluster, 3).learners.includes(3),
    5_000,
    "it has an entry that is lost",
  );
  const { id: next } = await cluster.leader(rest);
  assertEquals((await cluster.put(next, "k2", "v")).type, "Done");
  for (const id of rest) {
    cluster.network.heal(3, id);
    cluster.network.heal(leader, id);
  }
  await cluster.clock.until(() => configuration(cluster, next).voters.includes(3), 30_000, "it is a voter");
  await cluster.stop();
});

Deno.test("a leader that was cut off with a configuration far ahead takes those that came in the place of all others", async () => {
  const cluster = new MemoryCluster(5, 57, { founders: 3 });
  await cluster.start([0, 1, 2]);
  const { id: away } = await cluster.leader();
  await cluster.clock.advance(3_000);
  const rest = [0, 1, 2].filter((id) => id !== away);
  for (const id of [...rest, 3, 4]) cluster.network.cut(away, id);
  for (let count = 0; count < 200; count++) cluster.node(away).write({ type: "Put", key: "k", value: "v" }, () => {});
  await cluster.clock.advance(50);
  cluster.node(away).changeMember({ type: "Drain", id: rest[0] ?? -1 });
  await cluster.clock.until(
    () => configuration(cluster, away).drained !== undefined,
    1_000,
    "it has an entry of its own",
  );
  const { id: next } = await cluster.leader(rest);
  for (const id of [3, 4]) {
    await cluster.start([id]);
    await cluster.clock.until(() => configuration(cluster, next).voters.includes(id), 20_000, "it is a voter");
  }
  for (const id of [...rest.filter((other) => other !== next), next]) {
    await cluster.clock.advance(2_000);
    assertEquals((await remove(cluster, next, id))?.type, "Done");
  }
  await cluster.leader([3, 4]);
  for (const id of [...rest, 3, 4]) cluster.network.heal(away, id);
  await cluster.clock.until(() => configuration(cluster, away).voters.includes(4), 20_000, "it knows who is there");
  assertEquals(configuration(cluster, away).voters.toSorted(), [away, 3, 4].toSorted());
  await cluster.stop();
});

Deno.test("a server that began alone is told to name the others, and then begins no second cluster on an empty disk", async () => {
  const cluster = new MemoryCluster(3, 81, { founders: 1 });
  const first = cluster.server(0);
  const said: string[] = [];
  first.says = (level, message) => level === "warn" && said.push(message);
  await cluster.start([0]);
  const { id } = await cluster.leader();
  cluster.crash(0);
  await cluster.start([0, 1, 2]);
  await cluster.clock.until(() => configuration(cluster, id).voters.length === 3, 20_000, "all are voters");
  assertEquals(said, [], "nothing is said to one that is alone");
  cluster.crash(0);
  await cluster.start([0]);
  assertEquals(said.length, 1);
  assertStringIncludes(said[0] ?? "", "in a cluster of 3: give --join");
  cluster.crash(0);
  first.joins = true;
  await cluster.start([0]);
  assertEquals(said.length, 1, "it was given");
  cluster.crash(0);
  first.wipe();
  for (const other of [1, 2]) cluster.network.cut(0, other);
  await cluster.start([0]);
  await cluster.clock.advance(20_000);
  assertEquals(cluster.node(0).status().raft.role, "Follower");
  assertEquals(configuration(cluster, 0).voters, []);
  await cluster.stop();
});
