/** The mark of a directory that is being made from a backup: a start refuses it, and another restore begins it anew. */

import { IncompatibleError } from "../base/errors.ts";
import type { Disk, DiskLock } from "./disk.ts";
import { KEY_FILE_NAME, KEY_LOCK_NAME } from "./encryption/key_file.ts";
import { nodeIdsOf } from "./node_file.ts";
import { SNAPSHOTS_NAME, WAL_NAME } from "./version_check.ts";

/** An empty file of this name is the mark. */
export const RESTORING_NAME = "RESTORING";

const LOCK_NAME = "LOCK";
/** What the file system itself has at the top of a volume: nobody's data, and not ours to remove. */
const VOLUME_NAME = "lost+found";
const OF_KEYS: readonly string[] = [KEY_FILE_NAME, `${KEY_FILE_NAME}.tmp`, KEY_LOCK_NAME];
const ROOMS: readonly string[] = [WAL_NAME, SNAPSHOTS_NAME];

/**
 * Makes the directory, durably marked and without what an interrupted restore has left, and resolves with the lock on it, to be held until
 * `endRestore` is done. Rejects as `refuseOccupied` throws, and with `DirectoryLockedError` while another restore is at work.
 */
export async function beginRestore(disk: Disk, directory: string): Promise<DiskLock> {
  disk.makeDirectory(directory);
  // Before the lock, whose file would be a change to a directory of somebody else's.
  refuseOccupied(disk, directory);
  const lock = await disk.lock(`${directory}/${LOCK_NAME}`, directory);
  try {
    // Again under the lock: another restore may have come to its end since, and what it has made is not to be cleared.
    refuseOccupied(disk, directory);
    disk.open(`${directory}/${RESTORING_NAME}`, "create").close();
    await disk.syncDirectory(directory);
    for (const room of ROOMS) {
      for (const name of disk.list(`${directory}/${room}`)) disk.remove(`${directory}/${room}/${name}`);
    }
    const kept: readonly string[] = [...ROOMS, LOCK_NAME, RESTORING_NAME, VOLUME_NAME];
    for (const name of disk.list(directory)) if (!kept.includes(name)) disk.remove(`${directory}/${name}`);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Throws `IncompatibleError` where a directory holds anything but what an interrupted restore has left. One that is not there holds nothing,
 * nor does one with a lock alone, which is made before the mark.
 */
export function refuseOccupied(disk: Disk, directory: string): void {
  const names = disk.list(directory).filter((name) => name !== VOLUME_NAME);
  if (names.length === 1 && names[0] === LOCK_NAME) return;
  // The mark says nothing of what somebody has put beside it.
  const other = names.includes(RESTORING_NAME) ? names.find((name) => !isOfRestore(name)) : names[0];
  if (other === undefined) return;
  throw new IncompatibleError(`Cannot restore into ${directory}: it is not empty, it holds ${other}`);
}

function isOfRestore(name: string): boolean {
  return ROOMS.includes(name) || OF_KEYS.includes(name) || name === LOCK_NAME || name === RESTORING_NAME ||
    nodeIdsOf([name.replace(/\.tmp$/, "")]).length > 0;
}

/** Takes the mark away: everything else is durable. */
export async function endRestore(disk: Disk, directory: string): Promise<void> {
  disk.remove(`${directory}/${RESTORING_NAME}`);
  await disk.syncDirectory(directory);
}

/** Throws `IncompatibleError` for a directory with the mark. */
export function refuseHalfRestored(disk: Disk, directory: string): void {
  if (!disk.exists(`${directory}/${RESTORING_NAME}`)) return;
  throw new IncompatibleError(
    `Cannot use ${directory}: a restore into it was interrupted; repeat kvstore restore, or empty the directory`,
  );
}
