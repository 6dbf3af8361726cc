/** The Disk port over the real file system. */

import { AccessError, DirectoryLockedError, DiskFailureError } from "../base/errors.ts";
import { PRIVATE_DIRECTORY, PRIVATE_FILE } from "../base/private_files.ts";
import { DenoFile, refusal } from "./deno_file.ts";
import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "./disk.ts";
import { diskSpace } from "./disk_space.ts";

/** How long a lock held by another process is waited for: a process being killed needs a moment to let go. */
const LOCK_DEADLINE_MS = 1_000;
const LOCK_RETRY_MS = 25;

/** What newer versions of Deno have beside `lock`. */
interface TryLockable {
  tryLock(exclusive: boolean): Promise<boolean>;
}

/** A `Disk` over `Deno.*`. What it makes is for its owner alone. Stateless. */
export class DenoDisk implements Disk {
  makeDirectory(path: string): void {
    try {
      Deno.mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
    } catch (error) {
      throw refusal(error, { file: path, operation: "create" });
    }
  }

  exists(path: string): boolean {
    try {
      Deno.statSync(path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw new AccessError(path, { operation: "look at", cause: error });
    }
  }

  list(path: string): readonly string[] {
    try {
      return Array.from(Deno.readDirSync(path), (entry) => entry.name).sort(compareNames);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw new AccessError(path, { operation: "list", cause: error });
    }
  }

  open(path: string, mode: OpenMode): DiskFile {
    const create = mode === "create";
    let file: Deno.FsFile | undefined;
    try {
      const options = { read: true, write: mode !== "read", create, truncate: create, mode: PRIVATE_FILE };
      file = Deno.openSync(path, options);
      if (mode === "read") return new DenoFile(path, { file });
      return new DenoFile(path, { file, forSyncs: Deno.openSync(path, { read: true, write: true }) });
    } catch (error) {
      file?.close();
      throw refusal(error, { file: path, operation: "open" });
    }
  }

  async warm(path: string, { offset, bytes }: { readonly offset: number; readonly bytes: number }): Promise<void> {
    try {
      using file = await Deno.open(path);
      await file.seek(offset, Deno.SeekMode.Start);
      const target = new Uint8Array(bytes);
      for (let at = 0; at < bytes;) {
        const count = await file.read(target.subarray(at));
        if (count === null) return;
        at += count;
      }
    } catch {
      // The file is gone, or the disk refuses: the read that follows tells.
    }
  }

  rename(from: string, to: string): void {
    try {
      Deno.renameSync(from, to);
    } catch (error) {
      throw refusal(error, { file: from, operation: "rename" });
    }
  }

  remove(path: string): void {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw refusal(error, { file: path, operation: "remove" });
    }
  }

  space(path: string): DiskSpace | undefined {
    return diskSpace(path);
  }

  async syncDirectory(path: string): Promise<void> {
    const directory = openDirectory(path);
    try {
      await directory.sync();
    } catch (error) {
      throw new DiskFailureError(path, { operation: "sync", cause: error });
    } finally {
      directory.close();
    }
  }

  async lock(path: string, directory: string): Promise<DiskLock> {
    const file = openLockFile(path);
    try {
      if (!await takeLock(file)) throw new DirectoryLockedError(directory);
    } catch (error) {
      file.close();
      throw error instanceof DirectoryLockedError ? error : refusal(error, { file: path, operation: "lock" });
    }
    // Closing the descriptor gives the lock up; the file stays, since removing it could let two processes hold it.
    return { release: () => file.close() };
  }
}

function openDirectory(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    throw new AccessError(path, { operation: "open", cause: error });
  }
}

function openLockFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true, mode: PRIVATE_FILE });
  } catch (error) {
    throw refusal(error, { file: path, operation: "open" });
  }
}

async function takeLock(file: Deno.FsFile): Promise<boolean> {
  if (!isTryLockable(file)) return await takeLockBlocking(file);
  const end = performance.now() + LOCK_DEADLINE_MS - LOCK_RETRY_MS;
  while (!await file.tryLock(true)) {
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
  return true;
}

/**
 * For Deno without `tryLock`. A call that still waits at the deadline cannot be taken back: the caller closes the file,
 * so that a lock which comes late is given up at once. The process must leave by `Deno.exit`, which does not wait for it.
 */
async function takeLockBlocking(file: Deno.FsFile): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), LOCK_DEADLINE_MS));
  try {
    return await Promise.race([file.lock(true).then(() => true), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function isTryLockable(file: unknown): file is TryLockable {
  return typeof (file as Partial<TryLockable>).tryLock === "function";
}

function compareNames(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
