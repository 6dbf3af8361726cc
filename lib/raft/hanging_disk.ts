/**
 * A disk that hangs: a sync is under way and neither completes nor fails. A server with such a disk does not campaign, and
 * one that leads hands over (transfer.ts).
 */

import type { Core } from "./core.ts";

/** How long this server has waited for its own disk. */
export interface DiskWait {
  /** Ticks since the oldest write under way was handed out or the last one completed; 0 when none is under way. */
  waitedTicks: number;
  /** Of these, the ticks in a row in which a majority without this server had what it waits for. */
  behindTicks: number;
}

/** No sync has completed here within an election timeout, although one is under way. */
export function diskHangs(core: Core): boolean {
  return core.disk.waitedTicks >= core.limits.electionTimeoutTicksMin;
}

/** One tick; called before anything else is decided in it. */
export function tickDisk(core: Core): void {
  const { disk, log } = core;
  if (log.isWriting) disk.waitedTicks += 1;
  else resetDisk(core);
}

/** A sync completed. */
export function resetDisk({ disk }: Core): void {
  disk.waitedTicks = 0;
  disk.behindTicks = 0;
}
