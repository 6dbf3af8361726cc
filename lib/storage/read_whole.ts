/** Small files, read at once. */

import type { Disk } from "./disk.ts";

/** All of a file. Throws as `Disk.open` and `DiskFile.readAt`. */
export function readWhole(disk: Disk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(file.size());
    return bytes.subarray(0, file.readAt(0, bytes));
  } finally {
    file.close();
  }
}
