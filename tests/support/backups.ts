/** The file of a small backup, and how it is read. */

import { SystemClock } from "../../lib/node/clock/system_clock.ts";
import { loadBackup, type LoadedBackup } from "../../lib/node/recovery/backup_file.ts";
import type { SnapshotInput } from "../../lib/storage/snapshot_format.ts";
import { MemoryDisk } from "./memory/memory_disk.ts";
import { makeSurvivor, SURVIVOR } from "./survivor.ts";

/** The last entry of the backup, of the log of survivor.ts. */
export const BACKUP_AT = 6;

/** Keys, a deadline, a session: the snapshot in a directory of survivor.ts. */
export async function makeBackup(): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  await makeSurvivor(disk);
  return disk.contents(`${SURVIVOR}/snapshots/${String(BACKUP_AT).padStart(20, "0")}-2.snap`) ?? new Uint8Array();
}

/** The bytes as a file, or as a stream, which does not know its size. */
export function inputOf(bytes: Uint8Array, kind: "file" | "stream" = "file"): SnapshotInput {
  return {
    path: "backup.snap",
    size: () => kind === "file" ? bytes.length : Infinity,
    readAt: (offset, target) => {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      return part.length;
    },
  };
}

/** Reads a backup. */
export function readBackup(input: SnapshotInput): Promise<LoadedBackup> {
  return loadBackup(input, { clock: new SystemClock(), random: () => 0.5 });
}

/** The error that reading gives, as its name and message. */
export async function damageOf(input: SnapshotInput): Promise<string> {
  try {
    await readBackup(input);
  } catch (error) {
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    throw error;
  }
  return "nothing";
}
