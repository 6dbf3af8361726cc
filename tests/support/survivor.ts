/** A directory that is left of a cluster of three, its recovery, and what a start finds in it. */

import { SystemClock } from "../../lib/node/clock/system_clock.ts";
import { loadState } from "../../lib/node/snapshots/load_state.ts";
import { forceRecovery, type Recovery } from "../../lib/node/recovery/force.ts";
import { planRecovery, type RecoveryPlan, type RecoveryWish } from "../../lib/node/recovery/plan.ts";
import { knownContents } from "../../lib/node/known_contents.ts";
import { type Command, encodeCommand, stampCommand } from "../../lib/kv/commands.ts";
import { Run } from "../../lib/raft/run.ts";
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Entry,
  type HardState,
  toIndex,
  toTerm,
} from "../../lib/raft/types.ts";
import type { Disk } from "../../lib/storage/disk.ts";
import { inspectDirectory } from "../../lib/storage/inspect.ts";
import { openStorage } from "../../lib/storage/open.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { blocksOf, contentOf, emptyState, spanOf } from "./state.ts";

export const SURVIVOR = "/data/node-0";
export const OLD_CLUSTER = "0123456789abcdef0123456789abcdef";
const SEGMENT_BYTES = 4_096;
const TIME_MS = 1_000_000;
const SNAPSHOT_AT = 6;

/** The three voters, each with the identity of its directory. */
export const THREE: Configuration = {
  members: [0, 1, 2].map((id) => {
    return { id, address: `h${id}:15000`, clientAddress: `h${id}:5000`, identity: `identity-${id}` };
  }),
  voters: [0, 1, 2],
  votersOld: [],
  learners: [],
  clusterId: OLD_CLUSTER,
};

/** Puts, a deadline and a session below the snapshot, more behind it, and an end of a later term that nobody may have committed. */
export const LOG: readonly Entry[] = [
  { type: "Configuration", index: toIndex(1), term: toTerm(2), configuration: THREE },
  command(2, { type: "Put", key: "a", value: "1" }),
  command(3, { type: "Put", key: "b", value: "1" }),
  command(4, { type: "OpenSession", ttlMs: 60_000 }),
  command(5, { type: "Put", key: "a", value: "2" }),
  command(6, { type: "Call", call: ["SET", "brief", "x", "PX", "5000"] }),
  command(7, { type: "Put", key: "c", value: "1" }),
  command(8, { type: "Delete", key: "b" }),
  { type: "NoOp", index: toIndex(9), term: toTerm(4) },
  command(10, { type: "Put", key: "d", value: "tail" }, 4),
];

function command(index: number, what: Command, term = 2): Entry {
  const text = stampCommand(encodeCommand(what), TIME_MS + index);
  return { type: "Command", index: toIndex(index), term: toTerm(term), command: text };
}

function open(disk: Disk, directory = SURVIVOR): Promise<Storage> {
  return openStorage({
    disk,
    directory,
    nodeId: 0,
    clusterName: "",
    initialConfiguration: { ...THREE, members: THREE.members.map((member) => ({ ...member, identity: "" })) },
    makeIdentity: () => "identity-0",
    contents: knownContents(),
    segmentBytes: SEGMENT_BYTES,
    pause: () => Promise.resolve(),
  });
}

/** Makes the directory of node 0. */
export async function makeSurvivor(disk: Disk, log: readonly Entry[] = LOG): Promise<void> {
  const storage = await open(disk);
  await storage.saveHardState({ currentTerm: toTerm(5), votedFor: 1, clusterId: OLD_CLUSTER });
  const state = emptyState();
  for (const entry of log) {
    storage.append(Run.of([entry]));
    if (entry.type === "Command") state.apply(entry.index, spanOf(entry.command));
    else state.skip(entry.index);
    if (entry.index !== SNAPSHOT_AT) continue;
    await storage.sync();
    const writer = storage.createSnapshot({ index: entry.index, term: entry.term }, THREE);
    for (const block of blocksOf(state)) writer.write(block);
    await writer.finish();
  }
  await storage.sync();
  await storage.close();
}

/** The plan for the directory as it is now. */
export async function planFor(disk: Disk, wish: Partial<RecoveryWish> = {}): Promise<RecoveryPlan | undefined> {
  return planRecovery(await inspectDirectory(disk, SURVIVOR), { members: [], revisionStep: 1_000, ...wish });
}

/** Carries a plan out; the new cluster's id is 32 times the digit that `random` makes. */
export function force(disk: Disk, plan: RecoveryPlan, random = () => 0.9): Promise<Recovery> {
  return forceRecovery(plan, { disk, clock: new SystemClock(), random, segmentBytes: SEGMENT_BYTES });
}

/** What a start goes on with. */
export interface Held {
  readonly hardState: HardState;
  readonly lastIndex: number;
  readonly configuration: Configuration | undefined;
  /** The state with all of the log. */
  readonly content: string;
}

/** Starts on the directory, and closes it again. */
export async function startOn(disk: Disk, directory = SURVIVOR): Promise<Held> {
  const storage = await open(disk, directory);
  const { hardState, runs, snapshot } = storage.recovered;
  const source = storage.openSnapshot();
  const state = await loadState(source, { clock: new SystemClock(), seed: [3, 4], directory });
  for (const entry of runs.flatMap((run) => run.entries())) {
    if (entry.type === "Command") state.apply(entry.index, spanOf(entry.command));
    else state.skip(entry.index);
  }
  source?.close();
  await storage.close();
  const content = contentOf(blocksOf(state));
  return { hardState, lastIndex: state.lastApplied, configuration: snapshot?.configuration, content };
}

/** A configuration of one voter in a directory that never was of more. */
export const ALONE: Configuration = { ...EMPTY_CONFIGURATION, members: THREE.members.slice(0, 1), voters: [0] };
