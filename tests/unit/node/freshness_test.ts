/** How old a node says that its state is at most: what is known after which moment, and that it never says less. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { type CompletePoint, completePoint, Freshness } from "../../../lib/node/reads/freshness.ts";
import { EMPTY_CONFIGURATION, type NodeId, type Role, toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { PeerInfo } from "../../../lib/transport/transport.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const NOW = 1_000;

/** What a server said of itself: role, term, commit index, and when it was asked. */
type Said = readonly [id: NodeId, role: Role, term: number, commitIndex: number, askedAt: number];

interface Scene {
  readonly role: Role;
  readonly term: number;
  readonly commitIndex?: number;
  readonly voters?: readonly NodeId[];
  readonly votersOld?: readonly NodeId[];
  readonly said: readonly Said[];
}

/** What node 0 looks at. */
function partsOf({ role, term, commitIndex = 7, voters = [0, 1, 2], votersOld = [], said }: Scene) {
  const configuration = { ...EMPTY_CONFIGURATION, voters, votersOld };
  const raft = { id: 0, role, currentTerm: toTerm(term), commitIndex: toIndex(commitIndex), configuration };
  return {
    raft,
    clock: { now: () => NOW },
    transport: { peers: () => said.map(peerOf) },
    applied: { id: { index: toIndex(7), term: toTerm(term) } },
  };
}

function peerOf([id, role, term, commitIndex, askedAt]: Said): PeerInfo {
  const status = {
    role,
    term: toTerm(term),
    leaderId: undefined,
    commitIndex: toIndex(commitIndex),
    lastApplied: toIndex(0),
    lastDurable: { index: toIndex(0), term: toTerm(0) },
    clientAddress: "",
    httpAddress: "",
  };
  const traffic = { bytesSent: 0, bytesReceived: 0, framesDropped: 0 };
  const link = { reachable: true, lastContact: NOW, roundTripMs: 1, problem: undefined };
  return { id, address: "", versions: undefined, ...link, ...traffic, status, lastAnswer: { status, askedAt } };
}

function point(at: number, index: number, term: number): CompletePoint {
  return { at, index: toIndex(index), term: toTerm(term) };
}

const SCENES: readonly (readonly [claim: string, scene: Scene, expected: CompletePoint | undefined])[] = [
  ["a node alone is a majority", { role: "Leader", term: 2, voters: [0], said: [] }, point(NOW, 7, 2)],
  ["a leader that nobody answers knows nothing", { role: "Leader", term: 2, said: [] }, undefined],
  ["a leader counts itself and the newest other", {
    role: "Leader",
    term: 2,
    said: [[1, "Follower", 2, 5, 700], [2, "Follower", 2, 5, 900]],
  }, point(900, 7, 2)],
  ["a leader does not count who is in a later term", {
    role: "Leader",
    term: 2,
    said: [[1, "Follower", 2, 5, 700], [2, "Candidate", 3, 5, 900]],
  }, point(700, 7, 2)],
  ["a follower goes by what its leader has committed", {
    role: "Follower",
    term: 2,
    said: [[1, "Leader", 2, 9, 800], [2, "Follower", 2, 7, 950]],
  }, point(800, 9, 2)],
  ["a leader that was asked later makes nothing of older answers newer", {
    role: "Follower",
    term: 2,
    voters: [0, 1, 2, 3, 4],
    said: [[1, "Leader", 2, 9, 990], [2, "Follower", 2, 7, 300], [3, "Follower", 2, 7, 200]],
  }, point(300, 9, 2)],
  ["a leader beside later terms is no majority with this node alone", {
    role: "Follower",
    term: 2,
    voters: [0, 1, 2, 3, 4],
    said: [[1, "Leader", 2, 9, 990], [2, "Follower", 3, 7, 900], [3, "Follower", 3, 7, 900]],
  }, undefined],
  ["of two leaders the one of the later term counts", {
    role: "Follower",
    term: 3,
    said: [[1, "Leader", 2, 9, 990], [2, "Leader", 3, 8, 600]],
  }, point(600, 8, 3)],
  ["a node in a later term than the leader it saw does not count itself", {
    role: "Candidate",
    term: 3,
    said: [[1, "Leader", 2, 9, 800], [2, "Follower", 2, 7, 400]],
  }, point(400, 9, 2)],
  ["no leader was seen", { role: "Follower", term: 2, said: [[1, "Follower", 2, 9, 800]] }, undefined],
  ["while two sets of voters are in force both must agree", {
    role: "Leader",
    term: 2,
    votersOld: [0, 3, 4],
    said: [[1, "Follower", 2, 5, 900], [2, "Follower", 2, 5, 900], [3, "Follower", 2, 5, 100], [
      4,
      "Follower",
      2,
      5,
      150,
    ]],
  }, point(150, 7, 2)],
  ["before it knows any configuration a node knows nothing", {
    role: "Follower",
    term: 0,
    voters: [],
    said: [[1, "Leader", 2, 9, 800]],
  }, undefined],
];

for (const [claim, scene, expected] of SCENES) {
  Deno.test(`freshness: ${claim}`, () => assertEquals(completePoint(partsOf(scene)), expected));
}

Deno.test("freshness: what is not applied yet makes nothing fresh, and is waited for however far the leader goes on", () => {
  let said: readonly Said[] = [[1, "Leader", 2, 9, 600]];
  const applied = { id: { index: toIndex(7), term: toTerm(2) } };
  const parts = { ...partsOf({ role: "Follower", term: 2, said }), applied };
  const transport = { peers: () => said.map(peerOf) };
  const freshness = new Freshness({ ...parts, transport });
  assertEquals(freshness.ageMs(), undefined);
  said = [[1, "Leader", 2, 50, 900]];
  assertEquals(freshness.ageMs(), undefined);
  applied.id = { index: toIndex(9), term: toTerm(2) };
  assertEquals(freshness.ageMs(), NOW - 600);
  freshness.look();
  applied.id = { index: toIndex(50), term: toTerm(2) };
  assertEquals(freshness.ageMs(), NOW - 900);
});

Deno.test("freshness: a state without an entry of the leader's term may lack what an earlier leader acknowledged", () => {
  const applied = { id: { index: toIndex(9), term: toTerm(1) } };
  const parts = { ...partsOf({ role: "Follower", term: 2, said: [[1, "Leader", 2, 9, 600]] }), applied };
  const freshness = new Freshness(parts);
  assertEquals(freshness.ageMs(), undefined);
  applied.id = { index: toIndex(10), term: toTerm(2) };
  assertEquals(freshness.ageMs(), NOW - 600);
});

Deno.test("freshness: a node that is cut off reads on without asking anybody, and its age grows with the clock until it is back", async () => {
  const cluster = new MemoryCluster(3, 5);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.put(leader.id, "k", "v");
  await cluster.converged();
  const node = cluster.node(cluster.ids.find((id) => id !== leader.id) ?? -1);
  const others = cluster.ids.filter((id) => id !== node.id);
  assert((node.ageMs() ?? Infinity) < 1_000);
  for (const id of others) cluster.network.cut(node.id, id);
  await cluster.put(leader.id, "k", "w");
  const before = node.ageMs() ?? NaN;
  await cluster.clock.advance(30_000);
  assertEquals([node.state.get("k")?.value, node.ageMs()], ["v", before + 30_000]);
  for (const id of others) cluster.network.heal(node.id, id);
  await cluster.clock.until(() => (node.ageMs() ?? Infinity) < 1_000, 20_000, "the node is fresh again");
  assertEquals(node.state.get("k")?.value, "w");
  await cluster.stop();
});

Deno.test("freshness: a restarted node that finds nobody says that it does not know", async () => {
  const cluster = new MemoryCluster(3, 6);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.put(leader.id, "k", "v");
  for (const id of cluster.ids) cluster.crash(id);
  await cluster.start([0]);
  await cluster.clock.advance(5_000);
  assertEquals(cluster.node(0).ageMs(), undefined);
  await cluster.start([1]);
  await cluster.clock.until(() => cluster.node(0).ageMs() !== undefined, 20_000, "the node knows it again");
  await cluster.stop();
});

/** Cuts, heals and writes at random, and asks every node all the time; how often one lacked an acknowledged write. */
async function staleReadsUnderCuts(seed: number): Promise<number> {
  const random = new Random(seed);
  const cluster = new MemoryCluster(5, seed);
  await cluster.start();
  await cluster.leader();
  const acknowledged: { readonly revision: number; readonly at: number }[] = [];
  let stale = 0;
  for (let step = 0; step < 300; step++) {
    const [a, b] = [random.below(5), random.below(5)];
    if (a !== b && random.chance(0.5)) cluster.network.cut(a, b);
    else if (a !== b) cluster.network.heal(a, b);
    cluster.node(random.below(5)).submit({ type: "Put", key: "k", value: String(step) }, (outcome) => {
      if (outcome.type !== "Done") return;
      acknowledged.push({ revision: outcome.result.revision, at: cluster.clock.now() });
    });
    await cluster.clock.advance(random.below(400));
    for (const node of cluster.nodes.values()) {
      const revision = node.state.get("k")?.revision ?? 0;
      const lacks = acknowledged.filter((write) => write.revision > revision);
      if (lacks.length === 0) continue;
      stale += 1;
      const isMs = cluster.clock.now() - Math.min(...lacks.map(({ at }) => at));
      const saysMs = node.ageMs() ?? Infinity;
      assert(saysMs >= isMs, `seed ${seed}, step ${step}: node ${node.id} says ${saysMs} ms, and is ${isMs} ms old`);
    }
  }
  await cluster.stop();
  return stale;
}

Deno.test("freshness: whatever is cut, no node says less than the age of the oldest acknowledged write that it lacks", async () => {
  let stale = 0;
  for (let seed = 1; seed <= 3; seed++) stale += await staleReadsUnderCuts(seed);
  assertGreater(stale, 250);
});
