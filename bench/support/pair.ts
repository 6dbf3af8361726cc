/** The same load on two clusters that differ in one thing, by turns: what that costs, on a machine whose speed changes meanwhile. */

import type { ProcessCluster } from "../../tests/support/process_cluster.ts";
import type { LoadPlan } from "./load.ts";
import { measure } from "./measure.ts";

/** Two clusters that run. */
export interface Pair {
  /** With what is to be measured. */
  readonly one: ProcessCluster;
  /** Without it. */
  readonly other: ProcessCluster;
}

/** A figure of the first cluster in parts of the other's, for each round. */
export interface PairRatios {
  readonly throughput: readonly number[];
  /** Processor time of all nodes for a request. */
  readonly processor: readonly number[];
}

interface Turn {
  readonly perSecond: number;
  readonly busySeconds: number;
}

/** Runs the load on the leader of each; who begins changes with every round. Throws where a request fails. */
export async function comparePair(
  { one, other }: Pair,
  { rounds, plan }: { readonly rounds: number; readonly plan: Omit<LoadPlan, "port"> },
): Promise<PairRatios> {
  const throughput: number[] = [];
  const processor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const turns = new Map<ProcessCluster, Turn>();
    for (const cluster of round % 2 === 0 ? [one, other] : [other, one]) turns.set(cluster, await runOn(cluster, plan));
    const [mine, theirs] = [turns.get(one), turns.get(other)];
    if (mine === undefined || theirs === undefined) continue;
    throughput.push(mine.perSecond / theirs.perSecond);
    processor.push(mine.busySeconds / theirs.busySeconds);
  }
  return { throughput, processor };
}

async function runOn(cluster: ProcessCluster, plan: Omit<LoadPlan, "port">): Promise<Turn> {
  const leader = await cluster.waitForLeader();
  const load = await measure(cluster, { ...plan, port: cluster.node(leader).clientPort });
  if (load.errors > 0) throw new Error(`${load.errors} requests failed`);
  return { perSecond: load.perSecond, busySeconds: load.busySeconds / load.requests };
}
