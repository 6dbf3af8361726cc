/** One measured run against a cluster: the load, and what it cost the nodes. */

import { fromFileUrl } from "@std/path";
import type { ProcessCluster } from "../../tests/support/process_cluster.ts";
import { cpuSecondsOf } from "../../tests/support/process_usage.ts";
import { fieldsOf, numberOf } from "../../tests/support/text_client.ts";
import type { LoadPlan, LoadResult } from "./load.ts";

const GENERATOR = fromFileUrl(new URL("./load_generator.ts", import.meta.url));

/** What the nodes did during a run. */
export interface Measurement extends LoadResult {
  readonly perSecond: number;
  /** fdatasync calls of the leader, and the mean of the others. */
  readonly leaderSyncs: number;
  readonly followerSyncs: number;
  /** Requests for each fdatasync of the leader; 0 when there was none. */
  readonly perSync: number;
  /** Processors kept busy by the leader, by the mean of the others, and by the generator; 0 where the system hides it. */
  readonly leaderCpu: number;
  readonly followerCpu: number;
  readonly generatorCpu: number;
  /** Processor time of all nodes. */
  readonly busySeconds: number;
}

interface NodeCost {
  readonly syncs: number;
  readonly cpuSeconds: number;
}

/** Runs the generator in a process of its own against one node. */
export async function measure(cluster: ProcessCluster, plan: LoadPlan): Promise<Measurement> {
  const leader = await cluster.waitForLeader();
  const followers = cluster.others(leader);
  const before = await Promise.all(cluster.nodes.map(({ id }) => costOf(cluster, id)));
  const load = await generate(plan);
  const after = await Promise.all(cluster.nodes.map(({ id }) => costOf(cluster, id)));
  const syncs = (id: number) => (after[id]?.syncs ?? 0) - (before[id]?.syncs ?? 0);
  const cpu = (id: number) => ((after[id]?.cpuSeconds ?? 0) - (before[id]?.cpuSeconds ?? 0)) / load.seconds;
  const leaderSyncs = syncs(leader);
  return {
    ...load,
    perSecond: load.requests / load.seconds,
    leaderSyncs,
    followerSyncs: mean(followers.map(syncs)),
    perSync: leaderSyncs === 0 ? 0 : load.requests / leaderSyncs,
    leaderCpu: cpu(leader),
    followerCpu: mean(followers.map(cpu)),
    generatorCpu: load.cpuSeconds / load.seconds,
    busySeconds: cluster.nodes.reduce((sum, { id }) => sum + cpu(id), 0) * load.seconds,
  };
}

/** fdatasync calls of a node since it started. */
export async function countSyncs(cluster: ProcessCluster, id: number): Promise<number> {
  return numberOf(fieldsOf(await cluster.block(id, "METRICS")), "fdatasync calls");
}

async function costOf(cluster: ProcessCluster, id: number): Promise<NodeCost> {
  return { syncs: await countSyncs(cluster, id), cpuSeconds: cpuSecondsOf(cluster.node(id).process?.pid ?? 0) };
}

async function generate(plan: LoadPlan): Promise<LoadResult> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", GENERATOR, JSON.stringify(plan)],
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The load generator ended with exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
