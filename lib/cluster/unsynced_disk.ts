/** The disk of `--unsafe-no-fsync`: the real one, but nothing is ever made durable. A power loss may lose acknowledged writes. */

import type { DiskFile, OpenMode } from "../storage/disk.ts";
import { PassingDisk, PassingFile } from "../storage/passing_disk.ts";

/** Passes everything on but the syncs. */
export class UnsyncedDisk extends PassingDisk {
  /** See `Disk`. */
  override open(path: string, mode: OpenMode): DiskFile {
    return new UnsyncedFile(super.open(path, mode));
  }

  /** Does nothing. */
  override syncDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }
}

class UnsyncedFile extends PassingFile {
  override syncData(): Promise<void> {
    return Promise.resolve();
  }
}
