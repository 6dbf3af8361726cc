/** A file that has its name only once it is whole and durable. */

import type { Disk, DiskFile } from "./disk.ts";

/**
 * Gives the open `file` the name `path`, in the place of what has it: durably, and never to a part of it. Rejects with
 * `DiskFailureError`, and with `AccessError` when the system refuses the name.
 */
export async function publishFile(
  disk: Disk,
  { file, path }: { readonly file: DiskFile; readonly path: string },
): Promise<void> {
  await file.syncData();
  disk.rename(file.path, path);
  await disk.syncDirectory(parentOf(path));
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}
