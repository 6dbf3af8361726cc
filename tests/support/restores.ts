/** Restores of the small backup of backups.ts, in memory. */

import { planRestore, restoreBackup, type RestorePlan, type RestoreWish } from "../../lib/node/recovery/restore.ts";
import type { Disk } from "../../lib/storage/disk.ts";
import { inputOf, readBackup } from "./backups.ts";

export const RESTORED = "/data/restored";
export const STEP = 1_000;
const SEGMENT_BYTES = 4_096;
/** Digits of `e`, as survivor.ts makes them. */
const random = () => 0.9;

/** A restore of node 0 alone, unless wished otherwise. */
export async function planOf(bytes: Uint8Array, wish: Partial<RestoreWish> = {}): Promise<RestorePlan> {
  return planRestore(await readBackup(inputOf(bytes)), {
    directory: RESTORED,
    nodeId: 0,
    clusterName: "",
    members: [],
    revisionStep: STEP,
    clusterId: undefined,
    keepsSessions: true,
    keepsDeadlines: true,
    ...wish,
  }, { random });
}

/** Plans it, and carries it out. */
export async function restore(disk: Disk, bytes: Uint8Array, wish: Partial<RestoreWish> = {}): Promise<RestorePlan> {
  const plan = await planOf(bytes, wish);
  await restoreBackup(await readBackup(inputOf(bytes)), plan, { disk, random, segmentBytes: SEGMENT_BYTES });
  return plan;
}
