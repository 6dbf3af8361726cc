/** A cluster under random trouble: the properties of Raft figure 3 hold after every step, and after a heal it goes on. */

import { assertGreater, assertThrows } from "@std/assert";
import { type NodeId, toTerm } from "../../../lib/raft/types.ts";
import { RaftChaos } from "../../support/raft/chaos.ts";
import { PropertyViolation, RaftCluster } from "../../support/raft/cluster.ts";

const SEEDS = Number(Deno.env.get("SEEDS") ?? 200);
const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const STEPS = 3_000;

/** Runs one seed and returns what happened in it. */
function runSeed(seed: number): RaftChaos {
  const cluster = new RaftCluster({ voters: [1, 2, 3], learners: [4], spares: [5], seed });
  const chaos = new RaftChaos(cluster);
  try {
    for (let step = 0; step < STEPS; step++) chaos.next();
    chaos.recover();
  } catch (cause) {
    const replay = `SEED=${seed} SEEDS=1 deno test -A tests/unit/raft/random_cluster_test.ts`;
    throw new Error(`Seed ${seed} failed; replay with ${replay}`, { cause });
  }
  return chaos;
}

Deno.test("random trouble breaks no property of Raft, and a healed cluster converges", () => {
  const totals = { crashes: 0, changes: 0, snapshotsInstalled: 0 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const { counts } = runSeed(seed);
    totals.crashes += counts.crashes;
    totals.changes += counts.changes;
    totals.snapshotsInstalled += counts.snapshotsInstalled;
  }
  if (SEEDS < 100) return;
  // A test in which nothing happens proves nothing.
  assertGreater(totals.crashes, SEEDS);
  assertGreater(totals.changes, SEEDS / 10);
  assertGreater(totals.snapshotsInstalled, SEEDS / 10);
});

/** Server 3 votes for this one, whomever it has voted for. */
function electByForgery(cluster: RaftCluster, id: NodeId): void {
  const { node } = cluster.server(id);
  while (node.role !== "PreCandidate") cluster.step(id, { type: "Tick" });
  const message = { type: "RequestVoteResult", from: 3, to: id, term: toTerm(1), voteGranted: true } as const;
  cluster.step(id, { type: "Receive", message: { ...message, preVote: true } });
  cluster.step(id, { type: "Receive", message: { ...message, preVote: false } });
}

Deno.test("two leaders of one term, made by a vote that is given twice, are noticed", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  electByForgery(cluster, 1);
  assertThrows(() => electByForgery(cluster, 2), PropertyViolation, "nodes 1 and 2 both lead in term 1");
});
