/** Clusters in memory of which the memory of some nodes changes. */

import type { NodeId } from "../../../../lib/raft/types.ts";
import { damageMemory } from "../../../../lib/store/damage.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";

const KEYS = ["a", "b"];

/** A cluster, and which of its nodes are wrong. */
export interface Damaged {
  readonly cluster: MemoryCluster;
  readonly wrong: readonly NodeId[];
  /** Who led when the memory changed. */
  readonly leaderId: NodeId;
}

/** Three nodes; on each of `pick` the memory of another key changes, and then all keys are written again. */
export async function damagedCluster(
  seed: number,
  pick: (leader: NodeId, ids: readonly NodeId[]) => readonly NodeId[],
): Promise<Damaged> {
  const cluster = new MemoryCluster(3, seed);
  await cluster.start();
  const leader = await cluster.leader();
  for (const key of KEYS) await cluster.put(leader.id, key, "v");
  await cluster.converged();
  const wrong = pick(leader.id, cluster.ids);
  for (const [at, id] of wrong.entries()) damageMemory("Value", () => cluster.node(id).state.peek(KEYS[at] ?? ""));
  for (const key of KEYS) await cluster.put(leader.id, key, "w");
  return { cluster, wrong, leaderId: leader.id };
}
