/** Servers whose syncs do not complete: who leads then, and who campaigns. */

import { assert, assertEquals } from "./assertions.ts";
import { type NodeId, toTerm } from "../../../lib/raft/types.ts";
import { RaftCluster, SMALL_LIMITS } from "../../support/raft/cluster.ts";

const TIMEOUT = SMALL_LIMITS.electionTimeoutTicksMin;

/** Servers 1 to `count`, server 1 leading with its first entry committed everywhere. */
function ledCluster(count = 3): RaftCluster {
  const cluster = new RaftCluster({ voters: Array.from({ length: count }, (_, at) => at + 1), seed: 1 });
  cluster.elect(1);
  cluster.run(2);
  return cluster;
}

/** Everything is delivered and the disks of all but `hung` do their work, until nothing is left to do. */
function settleBut(cluster: RaftCluster, hung: readonly NodeId[]): void {
  const sound = cluster.running.filter(({ id }) => !hung.includes(id));
  while (cluster.network.length > 0 || sound.some(({ disk }) => disk.unsynced > 0)) {
    for (const { id } of sound) cluster.sync(id);
    for (let count = cluster.network.length; count > 0; count--) cluster.deliver();
  }
}

function run(
  cluster: RaftCluster,
  { ticks, hung }: { readonly ticks: number; readonly hung: readonly NodeId[] },
): void {
  for (let tick = 0; tick < ticks; tick++) {
    for (const { id } of cluster.running) cluster.step(id, { type: "Tick" });
    settleBut(cluster, hung);
  }
}

Deno.test("a leader whose sync hangs hands over after an election timeout in which the others went on", () => {
  const cluster = ledCluster();
  cluster.propose(1, ["x"]);
  run(cluster, { ticks: TIMEOUT - 1, hung: [1] });
  // What the others have durably is committed without this disk.
  assertEquals([cluster.leader?.id, Number(cluster.server(1).node.commitIndex)], [1, 2]);
  run(cluster, { ticks: 3, hung: [1] });
  const leader = cluster.leader?.id;
  assert(leader === 2 || leader === 3);
  assertEquals(cluster.propose(leader, ["y"])?.accepted.length, 1);
  run(cluster, { ticks: 2, hung: [1] });
  assertEquals(cluster.server(leader).node.lastEntry.index, cluster.server(leader).node.commitIndex);
});

Deno.test("a server whose sync hangs does not campaign until one has completed", () => {
  const cluster = ledCluster();
  cluster.propose(1, ["x"]);
  run(cluster, { ticks: TIMEOUT + 2, hung: [1] });
  const { currentTerm } = cluster.server(1).node;
  cluster.isolate(1);
  run(cluster, { ticks: 10 * TIMEOUT, hung: [1] });
  assertEquals([cluster.server(1).node.role, cluster.server(1).node.currentTerm], ["Follower", currentTerm]);
  cluster.sync(1);
  run(cluster, { ticks: 3 * TIMEOUT, hung: [] });
  assertEquals(cluster.server(1).node.role, "PreCandidate");
});

Deno.test("a server whose sync hangs does not take the leadership that it is offered", () => {
  const cluster = ledCluster();
  cluster.propose(1, ["x"]);
  run(cluster, { ticks: TIMEOUT + 1, hung: [2] });
  const { currentTerm } = cluster.server(2).node;
  cluster.step(2, { type: "Receive", message: { type: "TimeoutNow", from: 1, to: 2, term: currentTerm } });
  assertEquals([cluster.server(2).node.role, cluster.server(2).node.currentTerm], ["Follower", currentTerm]);
});

Deno.test("where all disks hang the leader stays", () => {
  const cluster = ledCluster();
  cluster.propose(1, ["x"]);
  run(cluster, { ticks: 20 * TIMEOUT, hung: [1, 2, 3] });
  assertEquals([cluster.leader?.id, cluster.leader?.node.currentTerm], [1, toTerm(1)]);
});

Deno.test("where no majority does without its disk the leader stays", () => {
  const cluster = ledCluster(5);
  cluster.propose(1, ["x"]);
  run(cluster, { ticks: 20 * TIMEOUT, hung: [1, 2, 3] });
  assertEquals(cluster.leader?.id, 1);
});

Deno.test("where all disks are slow the leader stays, whichever of them is the first to end a sync", () => {
  for (const order of [[1, 2, 3], [2, 3, 1], [3, 1, 2]]) {
    const cluster = ledCluster();
    for (let round = 0; round < 10; round++) {
      cluster.propose(1, ["x"]);
      run(cluster, { ticks: 3 * TIMEOUT, hung: [1, 2, 3] });
      for (const id of order) {
        cluster.sync(id);
        run(cluster, { ticks: Math.floor(TIMEOUT / 4), hung: [1, 2, 3] });
      }
    }
    assertEquals([cluster.leader?.id, cluster.leader?.node.currentTerm], [1, toTerm(1)]);
  }
});

Deno.test("a leader without other disks, or without a vote, has nobody to hand over to", () => {
  const cluster = new RaftCluster({ voters: [1], learners: [2], seed: 1 });
  cluster.elect(1);
  cluster.run(2);
  cluster.propose(1, ["x"]);
  run(cluster, { ticks: 20 * TIMEOUT, hung: [1] });
  assertEquals(cluster.leader?.id, 1);
});
