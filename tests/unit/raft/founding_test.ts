/** How a cluster begins: who makes its id, who knows it when, and when servers that hold nothing begin none. */

import { assert, assertEquals } from "./assertions.ts";
import { Random } from "../../../lib/base/random.ts";
import { type NodeId, toIndex, toTerm } from "../../../lib/raft/types.ts";
import { RaftCluster, SMALL_LIMITS } from "../../support/raft/cluster.ts";
import { Run } from "../../../lib/raft/run.ts";

const TIMEOUT = SMALL_LIMITS.electionTimeoutTicksMin;
/** By then whoever may campaign has done so. */
const LONG = 10 * TIMEOUT;

function newCluster(count: number, seed = 1): RaftCluster {
  const voters = Array.from({ length: count }, (_, at) => at + 1);
  return new RaftCluster({ voters, seed, founds: true });
}

/** These servers are down, or were never started. */
function without(cluster: RaftCluster, ids: readonly NodeId[]): void {
  for (const id of ids) cluster.crash(id);
}

/** Each round the handshakes are done and a tick passes, until there is a leader and all that run know the id. */
function runUntilFounded(cluster: RaftCluster, ticksMax = LONG): void {
  for (let tick = 0; tick < ticksMax; tick++) {
    cluster.introduce();
    cluster.run(1);
    if (cluster.leader !== undefined && idsOf(cluster).every((id) => id !== undefined)) return;
  }
  throw new Error(`No cluster after ${ticksMax} ticks: ids ${idsOf(cluster)}`);
}

function idsOf(cluster: RaftCluster): readonly (string | undefined)[] {
  return cluster.running.map(({ node }) => node.clusterId);
}

Deno.test("the first leader gives the cluster an id that all servers know and keep", () => {
  const cluster = newCluster(3);
  runUntilFounded(cluster);
  const [id] = idsOf(cluster);
  assertEquals(idsOf(cluster), [id, id, id]);
  assertEquals(cluster.leader?.node.configuration.clusterId, id);
  without(cluster, [1, 2, 3]);
  for (const server of [1, 2, 3]) cluster.restart(server);
  assertEquals(idsOf(cluster), [id, id, id]);
  runUntilFounded(cluster);
  assertEquals(idsOf(cluster), [id, id, id]);
});

Deno.test("a sole voter gives itself an id", () => {
  const cluster = newCluster(1);
  cluster.run(2);
  assertEquals(cluster.server(1).node.clusterId, "cluster-1-of-1");
  assertEquals(cluster.propose(1, ["x"])?.accepted.length, 1);
});

Deno.test("no command is taken before the id is committed, and it is durable before one is acknowledged", () => {
  const cluster = newCluster(3);
  cluster.introduce();
  const refusals = new Set<string>();
  for (let round = 0; cluster.server(1).node.clusterId === undefined && round < LONG; round++) {
    cluster.step(1, { type: "Tick" });
    if (cluster.server(1).node.role === "Leader") {
      for (const { refusal } of cluster.propose(1, ["x"])?.refused ?? []) refusals.add(refusal.reason);
    }
    for (const { id } of cluster.running) cluster.sync(id);
    for (let count = cluster.network.length; count > 0; count--) cluster.deliver();
  }
  assertEquals([...refusals], ["TermNotCommitted"]);
  assertEquals(cluster.propose(1, ["x"])?.accepted.length, 1);
  // The disk of server 2 keeps the log and no hard state: it must not have acknowledged the command.
  cluster.isolate(3);
  const matched = (): number | undefined =>
    cluster.server(1).node.status().progress.find(({ id }) => id === 2)?.matchIndex;
  for (let round = 0; round < 10; round++) {
    cluster.sync(1);
    cluster.server(2).syncWrites(Number.MAX_SAFE_INTEGER);
    for (let count = cluster.network.length; count > 0; count--) cluster.deliver();
  }
  const command = cluster.server(1).node.lastEntry.index;
  assertEquals([matched(), Number(cluster.server(1).node.commitIndex)], [command - 1, command - 1]);
  cluster.settle();
  assertEquals([matched(), Number(cluster.server(1).node.commitIndex)], [command, command]);
});

Deno.test("servers that hold nothing wait for the one that has not answered as long as for a leader, not longer", () => {
  const cluster = newCluster(3);
  without(cluster, [3]);
  cluster.introduce();
  cluster.run(TIMEOUT - 1);
  assertEquals(cluster.leader, undefined);
  runUntilFounded(cluster);
});

Deno.test("of five servers two may come late; alone, or as two, they begin nothing", () => {
  const cluster = newCluster(5);
  without(cluster, [4, 5]);
  runUntilFounded(cluster);
  const few = newCluster(5, 2);
  without(few, [3, 4, 5]);
  for (let round = 0; round < 10; round++) {
    few.introduce();
    few.run(TIMEOUT);
  }
  assertEquals(few.running.map(({ node }) => Number(node.currentTerm)), [0, 0]);
  for (const id of [3, 4, 5]) few.restart(id);
  runUntilFounded(few);
});

Deno.test("servers that hold nothing do not begin a cluster beside one that knows the id of its own", () => {
  const cluster = newCluster(3);
  for (const id of [1, 2]) cluster.step(id, { type: "PeerIntroduced", peer: 3 - id, knowsCluster: false });
  for (const id of [1, 2]) cluster.step(id, { type: "PeerIntroduced", peer: 3, knowsCluster: true });
  cluster.isolate(3);
  cluster.run(LONG);
  assertEquals([1, 2].map((id) => cluster.server(id).node.role), ["Follower", "Follower"]);
  assertEquals([1, 2].map((id) => Number(cluster.server(id).node.currentTerm)), [0, 0]);
  assertEquals([1, 2].map((id) => cluster.server(id).node.status().foundingHeldBy), [3, 3]);
  // A restart forgets what the others said: it is the peer that must be there to say it again.
  without(cluster, [1, 2]);
  for (const id of [1, 2]) cluster.restart(id);
  cluster.introduce();
  cluster.run(2 * TIMEOUT);
  assert(cluster.leader !== undefined);
});

Deno.test("one that heard of data votes for nobody who holds nothing, also where the candidate heard of none", () => {
  const cluster = newCluster(3);
  cluster.isolate(3);
  cluster.introduce();
  cluster.step(2, { type: "PeerIntroduced", peer: 3, knowsCluster: true });
  cluster.run(LONG);
  assertEquals(cluster.leader, undefined);
  assertEquals(Number(cluster.server(1).node.currentTerm), 0);
});

Deno.test("a campaign that is under way ends when data turns up", () => {
  const cluster = newCluster(3);
  cluster.isolate(3);
  cluster.introduce();
  for (let tick = 0; cluster.server(1).node.role !== "PreCandidate" && tick < LONG; tick++) {
    cluster.step(1, { type: "Tick" });
  }
  assertEquals(cluster.server(1).node.role, "PreCandidate");
  cluster.step(1, { type: "PeerIntroduced", peer: 3, knowsCluster: true });
  assertEquals(cluster.server(1).node.role, "Follower");
  cluster.settle();
  assertEquals(cluster.server(1).node.role, "Follower");
});

Deno.test("the id of a leader that was cut off before it was committed gives way to that of the next one", () => {
  const cluster: RaftCluster = new RaftCluster({
    voters: [1, 2, 3, 4, 5],
    seed: 1,
    founds: true,
    observe: (id, _event, { writes }) => {
      const names = writes.some(({ run }) => run.configurations.length > 0);
      if (id === 1 && names) cluster.isolate(1);
    },
  });
  cluster.introduce();
  cluster.elect(1);
  const { node } = cluster.server(1);
  assertEquals([node.configuration.clusterId, node.clusterId], ["cluster-1-of-1", undefined]);
  cluster.run(LONG);
  const [, ...others] = idsOf(cluster);
  assert(others.every((id) => id === others[0] && id !== undefined && id !== "cluster-1-of-1"), `ids ${others}`);
  cluster.heal();
  cluster.run(LONG);
  assertEquals([node.clusterId, node.configuration.clusterId], [others[0], others[0]]);
});

Deno.test("a server of a cluster takes no entries and no snapshot of another cluster", () => {
  const cluster = newCluster(3);
  runUntilFounded(cluster);
  const follower = cluster.running.find(({ node }) => node.role !== "Leader");
  assert(follower !== undefined);
  const { node, id } = follower;
  const before = node.status();
  const configuration = { ...node.configuration, clusterId: "another" };
  const [term, index] = [toTerm(node.currentTerm + 1), toIndex(node.lastEntry.index + 1)];
  const envelope = { from: id === 1 ? 2 : 1, to: id, term, round: 0 };
  const message = {
    ...envelope,
    type: "AppendEntries",
    prevLogIndex: node.lastEntry.index,
    prevLogTerm: node.lastEntry.term,
    entries: Run.of([{ type: "Configuration", index, term, configuration }]),
    leaderCommit: index,
    confirm: false,
  } as const;
  cluster.step(id, { type: "Receive", message });
  const snapshot = {
    ...envelope,
    type: "InstallSnapshot",
    lastIncludedIndex: toIndex(index + 1),
    lastIncludedTerm: term,
    configuration,
    offset: 0,
    data: new Uint8Array(1),
    done: false,
  } as const;
  assertEquals(cluster.step(id, { type: "Receive", message: snapshot })?.snapshotChunks, []);
  const after = node.status();
  assertEquals([after.lastEntry, after.leaderId], [before.lastEntry, undefined]);
});

Deno.test("whenever servers die while a cluster begins, it begins, with one id", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const count = random.pick([3, 3, 5]);
    const cluster = newCluster(count, seed);
    const known = new Set<string>();
    for (let move = 0; move < 400; move++) {
      const server = cluster.server(random.between(1, count));
      const { id } = server;
      if (random.chance(0.03) && server.up) cluster.crash(id, { writes: random.below(3), hardStates: random.below(3) });
      else if (!server.up && random.chance(0.3)) cluster.restart(id);
      else if (random.chance(0.2)) cluster.introduce();
      else if (random.chance(0.3)) cluster.sync(id, random.below(3));
      else if (random.chance(0.5)) cluster.deliver(random.below(Math.max(1, cluster.network.length)));
      else cluster.step(id, { type: "Tick" });
      for (const clusterId of idsOf(cluster)) if (clusterId !== undefined) known.add(clusterId);
    }
    for (const server of cluster.servers.values()) if (!server.up) cluster.restart(server.id);
    // The least that can serve.
    for (let down = 0; down < (count - 1) / 2; down++) {
      const running = cluster.running.map(({ id }) => id);
      cluster.crash(random.pick(running));
    }
    cluster.network = [];
    runUntilFounded(cluster, 40 * TIMEOUT);
    for (const clusterId of idsOf(cluster)) known.add(clusterId ?? "none");
    assertEquals(known.size, 1, `Seed ${seed}: ids ${[...known]}`);
  }
});
