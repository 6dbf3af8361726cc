/** How much room a file system has, as `df` tells it. */

import { statfsSync } from "node:fs";
import { AccessError } from "../base/errors.ts";
import type { DiskSpace } from "./disk.ts";

/** Whether this process may ask; to ask without the permission would make a prompt, or throw. */
export function maySeeSpace(): boolean {
  return Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state === "granted";
}

/**
 * Of the file system that has `path`; undefined without the permission, and where it has no size of its own. Takes about 4 us. Throws
 * `AccessError` where the system refuses.
 */
export function diskSpace(path: string): DiskSpace | undefined {
  if (!maySeeSpace()) return undefined;
  try {
    const { bsize, blocks, bfree, bavail } = statfsSync(path);
    // So tell those without a bound, as ramfs and a tmpfs of size 0: it is not that nothing is free.
    if (blocks === 0) return undefined;
    // What is kept for root is nobody's here: it is neither used nor free.
    return { totalBytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize };
  } catch (error) {
    throw new AccessError(path, { operation: "ask for the free space of", cause: error });
  }
}
