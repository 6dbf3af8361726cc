/**
 * Makes a new cluster of one directory of a cluster that lost its majority (ADR 23).
 *
 * A snapshot of all that the directory holds, at raised revisions and with the configuration of the new cluster, is written beside
 * everything else. The rename that gives it its name is the step that counts: before it the directory is what it was, after
 * it every start goes on from that snapshot, which replaces the whole log and names the new cluster.
 */

import type { Clock } from "../../base/clock.ts";
import { IncompatibleError } from "../../base/errors.ts";
import { knownContents } from "../known_contents.ts";
import type { StateMachine } from "../../kv/state_machine.ts";
import { EntryReader, type Run } from "../../raft/run.ts";
import type { Disk } from "../../storage/disk.ts";
import { keepCopy } from "../../storage/kept_copy.ts";
import { openStorage } from "../../storage/open.ts";
import type { Storage } from "../../storage/storage.ts";
import { Span } from "../../store/span.ts";
import { CLUSTER_ID_DIGITS, randomDigits } from "../core.ts";
import { loadState } from "../snapshots/load_state.ts";
import { beginCluster } from "./new_cluster.ts";
import type { RecoveryPlan } from "./plan.ts";

/** The surroundings of a recovery. */
export interface ForcePorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** A number in [0, 1). */
  random(): number;
  /** Size of a log segment in bytes, for tests. */
  readonly segmentBytes?: number;
}

/** What was made. */
export interface Recovery {
  readonly clusterId: string;
  /** Where the old data is. */
  readonly kept: string;
  readonly keys: number;
}

/**
 * Carries the plan out. It may be interrupted at any point and made again. Rejects as `openStorage` does, with `NoSpaceError`, and
 * with `IncompatibleError` when the directory has changed since the plan was made; then it is as it was.
 */
export async function forceRecovery(plan: RecoveryPlan, ports: ForcePorts): Promise<Recovery> {
  const { directory, nodeId, raise } = plan;
  const { disk, random, segmentBytes } = ports;
  const storage = await openStorage({
    disk,
    directory,
    nodeId,
    clusterName: "",
    initialConfiguration: plan.configuration,
    makeIdentity: () => "",
    contents: knownContents(),
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
  try {
    refuseChanged(plan, storage);
    const kept = await keepCopy(disk, plan);
    const state = await stateOf(storage, ports);
    const clusterId = randomDigits(random, CLUSTER_ID_DIGITS);
    const configuration = { ...plan.configuration, clusterId };
    // What a client was acknowledged in a session may be lost, so none goes on.
    await beginCluster(storage, state, { raise, configuration, keepsSessions: false, keepsDeadlines: true });
    return { clusterId, kept, keys: state.size };
  } finally {
    await storage.close();
  }
}

/** A node may have run between the plan and the lock. */
function refuseChanged({ directory, clusterId, last }: RecoveryPlan, { recovered }: Storage): void {
  const { hardState, runs, snapshot } = recovered;
  const found = runs.at(-1)?.last ?? snapshot?.lastIncluded;
  if (hardState.clusterId === clusterId && found?.index === last.index && found.term === last.term) return;
  throw new IncompatibleError(`Cannot recover ${directory}: it has changed meanwhile; repeat the command`);
}

/** All that the directory holds: of the end of the log nobody can tell any more whether it was committed. */
async function stateOf(storage: Storage, { clock, random }: ForcePorts): Promise<StateMachine> {
  const seed = [Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 32)] as const;
  const snapshot = storage.openSnapshot();
  try {
    const state = await loadState(snapshot, { clock, seed, directory: storage.directory });
    for (const run of storage.recovered.runs) applyRun(state, run);
    return state;
  } finally {
    snapshot?.close();
  }
}

function applyRun(state: StateMachine, { body, firstIndex }: Run): void {
  const reader = new EntryReader(body);
  const command = new Span();
  for (let index: number = firstIndex; reader.next(); index++) {
    if (reader.isCommand) state.apply(index, command.set(body, reader.start, reader.end));
    else state.skip(index);
  }
}
