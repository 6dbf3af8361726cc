/** The real disk, of which it is known whether a sync is under way. */

import { DenoDisk } from "../../lib/storage/deno_disk.ts";
import type { DiskFile, OpenMode } from "../../lib/storage/disk.ts";

/** One for all nodes. */
export class CountedDisk extends DenoDisk {
  #syncs = 0;

  /** Whether nothing is being synced. */
  get isIdle(): boolean {
    return this.#syncs === 0;
  }

  override open(path: string, mode: OpenMode): DiskFile {
    const file = super.open(path, mode);
    const sync = file.syncData.bind(file);
    file.syncData = () => this.#count(sync());
    return file;
  }

  override syncDirectory(path: string): Promise<void> {
    return this.#count(super.syncDirectory(path));
  }

  #count(sync: Promise<void>): Promise<void> {
    this.#syncs += 1;
    return sync.finally(() => this.#syncs -= 1);
  }
}
