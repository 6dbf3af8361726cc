/** Disks that are slow, full, or fail a sync. */

import type { Random } from "../../../lib/base/random.ts";
import { treeBytes } from "../../e2e/support/tree.ts";
import { type Fault, release, type Running, type Stage, take } from "./fault.ts";
import type { DiskControl, DiskEffect } from "../disk_control.ts";

const ILL_MS = { least: 1_500, most: 4_500 } as const;
const SYNC_MS = { least: 5, most: 250 } as const;
/** Little enough to be used up while the fault lasts. */
const ROOM_BYTES_MAX = 40_000;
/** A node that is asked for nothing does not sync: then nothing fails. */
const FAILURE_TIMEOUT_MS = 5_000;

/** Faults of this kind. */
export const DISK_FAULTS: readonly Fault[] = [
  ailing({ name: "slow-disk", effect: "sync-slowed" }, (nodes, random) => random.between(1, nodes), (random) => {
    const syncDelayMs = random.between(SYNC_MS.least, SYNC_MS.most);
    return () => ({ syncDelayMs });
  }),
  ailing({ name: "full-disk", effect: "no-room" }, () => 1, roomFor),
  ailing({ name: "full-disks", effect: "no-room" }, (nodes, random) => random.between(2, nodes), roomFor),
  { name: "failed-sync", begin: failSync },
];

function roomFor(random: Random): (directory: string) => Partial<DiskControl> {
  const room = random.below(ROOM_BYTES_MAX);
  return (directory) => ({ bytesMax: treeBytes(directory) + room });
}

function ailing(
  { name, effect }: { readonly name: string; readonly effect: DiskEffect },
  countOf: (nodes: number, random: Random) => number,
  illnessOf: (random: Random) => (directory: string) => Partial<DiskControl>,
): Fault {
  return {
    name,
    begin: (stage, random) => {
      const { fleet, busyDisks } = stage;
      const count = countOf(fleet.ids.length, random);
      const ids = take(busyDisks, { stage, random, count });
      if (ids === undefined) return Promise.resolve(undefined);
      const illness = illnessOf(random);
      const lastsMs = random.between(ILL_MS.least, ILL_MS.most);
      const countOfAll = () => ids.reduce((sum, id) => sum + fleet.countEffects(id, effect), 0);
      const before = countOfAll();
      for (const id of ids) fleet.setDisk(id, illness(fleet.cluster.node(id).directory));
      return Promise.resolve({
        detail: `node ${ids.join(",")} for ${lastsMs} ms`,
        lastsMs,
        end: () => {
          for (const id of ids) fleet.setDisk(id, {});
          release(busyDisks, ids);
          return Promise.resolve();
        },
        effect: () => countOfAll() > before ? "felt" : "pending",
      });
    },
  };
}

/** The process must end with code 75; then the disk is sound again and the node is started. */
function failSync(stage: Stage, random: Random): Promise<Running | undefined> {
  const { fleet, busyDisks, busyProcesses } = stage;
  const free = fleet.ids.filter((id) => !busyDisks.has(id) && !busyProcesses.has(id));
  if (free.length === 0) return Promise.resolve(undefined);
  const id = random.pick(free);
  busyDisks.add(id);
  busyProcesses.add(id);
  fleet.setDisk(id, { failSync: true });
  let hasEnded = false;
  return Promise.resolve({
    detail: `node ${id}`,
    lastsMs: 0,
    end: async () => {
      hasEnded = await fleet.endsByDiskFailure(id, FAILURE_TIMEOUT_MS);
      fleet.setDisk(id, {});
      await fleet.restart(id);
      release(busyDisks, [id]);
      release(busyProcesses, [id]);
    },
    effect: () => hasEnded ? "felt" : "not-felt",
  });
}
