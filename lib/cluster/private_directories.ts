/** Closes what a data directory holds to others than its owner, where an earlier program, or somebody, left it open. */

import { PRIVATE_DIRECTORY } from "../base/private_files.ts";
import { KEPT_NAME } from "../storage/kept_copy.ts";
import { SNAPSHOTS_NAME, WAL_NAME } from "../storage/version_check.ts";

const OTHERS = 0o077;
const WRITABLE_BY_ALL = 0o002;
/** In such a directory everybody may write, but none may take away what is another's. */
const STICKY = 0o1000;

/**
 * Closes the directories of a node's log and snapshots, which are all of its data, and that of a copy of them, and returns what is to be said
 * of it: a line for each that was open, or stays so. The data directory itself may hold other things, and is left as it is.
 */
export function closeDataDirectory(directory: string): readonly string[] {
  if (Deno.build.os === "windows") return [];
  const lines = [WAL_NAME, SNAPSHOTS_NAME, KEPT_NAME].flatMap((name) => closeDirectory(`${directory}/${name}`));
  const mode = Deno.statSync(directory).mode ?? 0;
  if ((mode & WRITABLE_BY_ALL) === 0 || (mode & STICKY) !== 0) return lines;
  return [...lines, `Everybody on this machine can replace what is in ${directory}: chmod o-w it`];
}

function closeDirectory(path: string): readonly string[] {
  if (!isOpen(path)) return [];
  try {
    Deno.chmodSync(path, PRIVATE_DIRECTORY);
  } catch (error) {
    return [staysOpen(path, error instanceof Error ? error.message : String(error))];
  }
  // Some file systems have no modes of their own, and say nothing of it.
  if (isOpen(path)) return [staysOpen(path, "its file system keeps the mode")];
  return [`${path} was open to others than its owner: it is for its owner alone now`];
}

function staysOpen(path: string, why: string): string {
  return `${path} is open to others than its owner, and stays so: chmod 700 it (${why})`;
}

/** One that is not there is not. */
function isOpen(path: string): boolean {
  try {
    return ((Deno.statSync(path).mode ?? 0) & OTHERS) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
