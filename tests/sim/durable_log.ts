/** What the disk of a simulated server would hold after a power loss at this moment. */

import type { Entry } from "../../lib/raft/types.ts";
import { loadDirectory, loadNodeFile } from "../../lib/storage/load.ts";
import { DIRECTORY } from "../support/memory/memory_server.ts";
import { entriesIn } from "../support/runs.ts";
import type { SimServer } from "./server.ts";

/** The log as the next process would find it. */
export interface DurableLog {
  /** Last entry of the newest snapshot; 0 without one. */
  readonly snapshotIndex: number;
  /** The entries that follow it. */
  readonly entries: readonly Entry[];
  readonly damages: readonly string[];
}

/** Reads a copy of the disk; undefined where nothing can be said: it was damaged on purpose, or is new. */
export function readDurableLog(server: SimServer): Promise<DurableLog> | undefined {
  const disk = server.asGiven(server.disk.crash());
  const nodeFile = server.damaged ? undefined : loadNodeFile(disk, DIRECTORY, server.id);
  if (nodeFile === undefined) return undefined;
  // A snapshot of a simulated run is read without a pause, so the result is there before anything else happens.
  return loadDirectory({ disk, directory: DIRECTORY, pause: () => Promise.resolve(), nodeFile }).then((loaded) => ({
    snapshotIndex: loaded.newest?.lastIncluded.index ?? 0,
    entries: entriesIn(loaded.runs),
    damages: loaded.damages.map(({ what }) => what),
  }));
}

/** Whether the entry is in the log, or covered by its snapshot. Any term will do where it is not known. */
export function holdsEntry(
  { snapshotIndex, entries }: DurableLog,
  { index, term }: { readonly index: number; readonly term: number | undefined },
): boolean {
  if (index <= snapshotIndex) return true;
  const found = entries[index - snapshotIndex - 1];
  return found !== undefined && (term === undefined || found.term === term);
}
