/** Servers whose state is not sound: they neither lead nor vote, keep what they have acknowledged, and get a snapshot on request. */

import { assert, assertEquals } from "./assertions.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { RaftCluster, SMALL_LIMITS } from "../../support/raft/cluster.ts";

const TIMEOUT = SMALL_LIMITS.electionTimeoutTicksMin;

/** Three servers, server 1 leading with its first entry committed everywhere. */
function ledCluster(): RaftCluster {
  const cluster = new RaftCluster({ voters: [1, 2, 3], seed: 1 });
  cluster.elect(1);
  cluster.run(2);
  return cluster;
}

function quarantine(cluster: RaftCluster, id: NodeId, isOn = true): void {
  cluster.step(id, { type: "Quarantine", isOn });
  cluster.settle();
}

Deno.test("a leader in quarantine hands over at once, and is not elected again before it ends", () => {
  const cluster = ledCluster();
  quarantine(cluster, 1);
  const leader = cluster.leader?.id;
  assert(leader === 2 || leader === 3, `${leader} leads`);
  cluster.isolate(leader);
  cluster.run(10 * TIMEOUT);
  // Of the two that are left one may not vote.
  assertEquals([1, 5 - leader].map((id) => cluster.server(id).node.role === "Leader"), [false, false]);
  assertEquals(cluster.server(1).node.role, "Follower");
  quarantine(cluster, 1, false);
  cluster.runUntil(() => cluster.leader !== undefined && cluster.leader.id !== leader);
});

Deno.test("a leader in quarantine to which nobody listens steps down after an election timeout", () => {
  const cluster = ledCluster();
  for (const id of [2, 3]) cluster.isolate(id);
  cluster.step(1, { type: "Quarantine", isOn: true });
  assertEquals(cluster.server(1).node.role, "Leader");
  for (let tick = 0; tick < TIMEOUT; tick++) cluster.step(1, { type: "Tick" });
  assertEquals(cluster.server(1).node.role, "Follower");
});

Deno.test("a candidate in quarantine gives up, and a server in quarantine gives neither vote nor PreVote", () => {
  const cluster = ledCluster();
  quarantine(cluster, 3);
  cluster.isolate(1);
  cluster.run(10 * TIMEOUT);
  assertEquals(cluster.server(3).node.role, "Follower");
  assert(cluster.server(2).node.role !== "Leader", "server 2 had but its own vote");
  quarantine(cluster, 2);
  assertEquals(cluster.server(2).node.role, "Follower");
});

Deno.test("a leader sends its snapshot to a peer that has all entries, if it is asked to, and goes on with entries", () => {
  const cluster = ledCluster();
  cluster.propose(1, ["a", "b"]);
  cluster.run(2);
  cluster.step(1, { type: "SendSnapshot", peer: 3 });
  assertEquals(peerState(cluster), "Replicate", "without a snapshot there is none to send");
  cluster.isolate(3);
  cluster.propose(1, ["c"]);
  cluster.run(2);
  cluster.snapshot(1, 0);
  cluster.heal();
  cluster.step(1, { type: "SendSnapshot", peer: 3 });
  assertEquals(peerState(cluster), "Snapshot");
  cluster.step(1, { type: "SendSnapshot", peer: 3 });
  for (let tick = 0; tick < 20; tick++) {
    cluster.run(1);
    if (cluster.server(3).node.status().snapshot.index === 0) cluster.finishLoading(3);
  }
  assertEquals(cluster.server(3).node.status().snapshot, cluster.server(1).node.status().snapshot);
  cluster.propose(1, ["d"]);
  cluster.run(2);
  assertEquals(cluster.server(3).node.commitIndex, cluster.server(1).node.commitIndex);
  assertEquals(peerState(cluster), "Replicate");
});

function peerState(cluster: RaftCluster): string | undefined {
  return cluster.server(1).node.status().progress.find(({ id }) => id === 3)?.state;
}
