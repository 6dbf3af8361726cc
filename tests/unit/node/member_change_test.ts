/** Changes of the membership that somebody asks a running cluster for. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { MemberChange, MemberChangeOutcome } from "../../../lib/node/api.ts";
import { MEMBER_CHANGE_MS } from "../../../lib/node/limits.ts";
import type { NodeOptions } from "../../../lib/node/options.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { MemoryServer } from "../../support/memory/memory_server.ts";

const FOUNDERS = 3;

/** A server that is not among those that begin the cluster, and knows of them. */
class LaterServer extends MemoryServer {
  override options(): NodeOptions {
    const options = super.options();
    return { ...options, members: options.members.filter(({ id }) => id < FOUNDERS || id === this.id) };
  }
}

class GrowingCluster extends MemoryCluster {
  override makeServer(id: NodeId): MemoryServer {
    return new LaterServer(this, id);
  }
}

async function change(cluster: MemoryCluster, id: NodeId, wanted: MemberChange): Promise<MemberChangeOutcome> {
  let outcome: MemberChangeOutcome | undefined;
  cluster.node(id).changeMember(wanted).then((known) => outcome = known);
  await cluster.clock.until(() => outcome !== undefined, 20_000, `the end of ${JSON.stringify(wanted)}`);
  return outcome ?? { type: "Unknown" };
}

/** Asks again as long as it may pass, as an operator does. */
async function insist(cluster: MemoryCluster, wanted: MemberChange): Promise<MemberChangeOutcome> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { id } = await cluster.leader([...cluster.nodes.keys()].filter((node) => node < FOUNDERS));
    const outcome = await change(cluster, id, wanted);
    if (outcome.type !== "NotLeader" && (outcome.type !== "Unsafe" || !outcome.passing)) return outcome;
    await cluster.clock.advance(100);
  }
  throw new Error(`${JSON.stringify(wanted)} is refused for ever`);
}

const added = (id: number) =>
  ({ type: "Add", peerAddress: `node${id}:15000`, clientAddress: `node${id}:5000` }) as const;

async function running(count: number, seed: number): Promise<GrowingCluster> {
  const cluster = new GrowingCluster(count, seed);
  await cluster.start([0, 1, 2]);
  await cluster.leader();
  return cluster;
}

Deno.test("a server is added as a learner, gets what the others have, and votes once it was promoted", async () => {
  const cluster = await running(4, 61);
  const { id: leader } = await cluster.leader();
  await cluster.put(leader, "k", "before");
  assertEquals(await insist(cluster, added(3)), { type: "Done", id: 3 });
  assertEquals(await change(cluster, leader, added(3)), { type: "Done", id: 3 });
  const early = await change(cluster, leader, { type: "Promote", id: 3 });
  assert(
    early.type === "Unsafe" && early.passing && early.reason.includes("has not been heard"),
    JSON.stringify(early),
  );
  await cluster.start([3]);
  await cluster.clock.until(
    () => cluster.node(3).state.get("k")?.value === "before",
    20_000,
    "the learner has the key",
  );
  const soon = await change(cluster, leader, { type: "Promote", id: 3 });
  assert(soon.type === "Unsafe" && soon.passing && soon.reason.includes("has not caught up"), JSON.stringify(soon));
  assert(!cluster.node(leader).status().raft.configuration.voters.includes(3));
  assertEquals(await insist(cluster, { type: "Promote", id: 3 }), { type: "Done", id: 3 });
  assertEquals(await change(cluster, leader, { type: "Promote", id: 3 }), { type: "Done", id: 3 });
  assertEquals(cluster.node(leader).status().raft.configuration.voters, [0, 1, 2, 3]);
  // Of four voters three are a majority, and the new one is needed for it.
  cluster.crash((leader + 1) % FOUNDERS);
  assertEquals((await cluster.put(leader, "k", "after")).type, "Done");
  await cluster.stop();
});

Deno.test("of two servers that are added at once each gets an id of its own, or is refused", async () => {
  const cluster = await running(3, 62);
  const { id: leader } = await cluster.leader();
  await cluster.clock.advance(2_000);
  const outcomes: MemberChangeOutcome[] = [];
  for (const place of [3, 4]) {
    cluster.node(leader).changeMember(added(place)).then((known) => void outcomes.push(known));
  }
  await cluster.clock.until(() => outcomes.length === 2, 20_000, "both have ended");
  assertEquals(outcomes.map(({ type }) => type).sort(), ["Done", "Unsafe"]);
  assertEquals(outcomes.find(({ type }) => type === "Done"), { type: "Done", id: 3 });
  const { members } = cluster.node(leader).status().raft.configuration;
  const [, , , fourth] = members;
  assertEquals(members.length, 4);
  assertEquals(await insist(cluster, added(fourth?.address === "node3:15000" ? 4 : 3)), { type: "Done", id: 4 });
  await cluster.stop();
});

Deno.test("the same removal at the same time is done once, and both hear of it", async () => {
  const cluster = await running(3, 63);
  const leader = await cluster.leader();
  await cluster.clock.advance(2_000);
  const id = (leader.id + 1) % FOUNDERS;
  const outcomes: MemberChangeOutcome[] = [];
  const ask = () => leader.changeMember({ type: "Remove", id }).then((known) => void outcomes.push(known));
  ask();
  // The second one comes while the first is under way.
  await cluster.clock.until(() => leader.status().raft.configuration.votersOld.length > 0, 1_000, "it is joint");
  ask();
  await cluster.clock.until(() => outcomes.length === 2, 20_000, "both have ended");
  assertEquals(outcomes, [{ type: "Done", id }, { type: "Done", id }]);
  await cluster.stop();
});

Deno.test("a leader that is removed under load says that it is done, and the next one goes on", async () => {
  for (const seed of [64, 65, 66]) {
    const cluster = await running(3, seed);
    const leader = await cluster.leader();
    await cluster.clock.advance(2_000);
    for (let at = 0; at < 50; at++) leader.write({ type: "Put", key: `k${at}`, value: "v" }, () => {});
    assertEquals(await change(cluster, leader.id, { type: "Remove", id: leader.id }), { type: "Done", id: leader.id });
    assert(leader.status().raft.role !== "Leader");
    const rest = cluster.ids.filter((id) => id !== leader.id);
    const next = await cluster.leader(rest);
    assertEquals((await cluster.put(next.id, "k", "v")).type, "Done");
    assertEquals(next.status().raft.configuration.voters, rest);
    await cluster.stop();
  }
});

Deno.test("a leader that loses its office before a change is committed does not say that it is done", async () => {
  const cluster = await running(3, 67);
  const leader = await cluster.leader();
  await cluster.clock.advance(2_000);
  const id = (leader.id + 1) % FOUNDERS;
  let outcome: MemberChangeOutcome | undefined;
  leader.changeMember({ type: "Remove", id }).then((known) => outcome = known);
  cluster.network.drop(({ from, to }) => from === leader.id || to === leader.id);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the change ends");
  assertEquals(outcome, { type: "Unknown" });
  await cluster.leader(cluster.ids.filter((other) => other !== leader.id));
  cluster.network.drop(undefined);
  assertEquals((await cluster.leader()).status().raft.configuration.voters, [0, 1, 2]);
  await cluster.stop();
});

Deno.test("a change that was cut off from the log of an old leader is not told as never begun: others may still have it", async () => {
  const cluster = await running(3, 68);
  const leader = await cluster.leader();
  await cluster.clock.advance(2_000);
  const { configuration } = leader.status().raft;
  const rest = cluster.ids.filter((other) => other !== leader.id);
  let outcome: MemberChangeOutcome | undefined;
  cluster.network.drop(({ from, to }) => from === leader.id || to === leader.id);
  leader.changeMember({ type: "Remove", id: rest[0] ?? 0 }).then((known) => outcome = known);
  await cluster.clock.until(() => leader.status().raft.configuration !== configuration, 1_000, "it is in the log");
  await cluster.leader(rest);
  cluster.network.drop(undefined);
  const isCutOff = () => leader.status().raft.configuration === configuration;
  await cluster.clock.until(isCutOff, MEMBER_CHANGE_MS, "it is not in the log any more");
  assertEquals(outcome, undefined);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the change ends");
  assertEquals(outcome, { type: "Unknown" });
  await cluster.stop();
});

Deno.test("what the leader has not taken, because a member came back with an older program in that moment, is told as not begun", async () => {
  const cluster = new GrowingCluster(FOUNDERS, 71);
  // Of the third it is not known what it can, so that its removal would raise the level.
  await cluster.start([0, 1]);
  const leader = await cluster.leader([0, 1]);
  await cluster.clock.advance(2_000);
  const before = cluster.clock.now();
  let outcome: MemberChangeOutcome | undefined;
  leader.changeMember({ type: "Remove", id: 2 }).then((known) => outcome = known);
  const greeting = cluster.network.running(1 - leader.id)?.greeting;
  assert(greeting !== undefined);
  const older = { ...greeting, versions: { oldest: 6, newest: 6 } };
  assertEquals(cluster.network.running(leader.id)?.handler?.admit(older), undefined);
  await cluster.clock.until(() => outcome !== undefined, 20_000, "the end of the removal");
  assert(outcome?.type === "Unsafe" && outcome.passing, JSON.stringify(outcome));
  assertStringIncludes(outcome.reason, "a member may have come back with an older program");
  assert(cluster.clock.now() - before < MEMBER_CHANGE_MS, `after ${cluster.clock.now() - before} ms`);
  assertEquals(leader.status().raft.configuration.members.length, FOUNDERS);
  assertEquals(cluster.network.running(leader.id)?.handler?.admit(greeting), undefined);
  assertEquals(await change(cluster, leader.id, { type: "Remove", id: 2 }), { type: "Done", id: 2 });
  await cluster.stop();
});
