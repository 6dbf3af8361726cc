/** The disk of `--unsafe-no-fsync`: the real one, but nothing is ever made durable. A power loss may lose acknowledged writes. */

import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "../storage/disk.ts";

/** Passes everything on but the syncs. */
export class UnsyncedDisk implements Disk {
  readonly #disk: Disk;

  /** The same files as `disk`. */
  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** See `Disk`. */
  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path);
  }

  /** See `Disk`. */
  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  /** See `Disk`. */
  space(path: string): DiskSpace | undefined {
    return this.#disk.space(path);
  }

  /** See `Disk`. */
  list(path: string): readonly string[] {
    return this.#disk.list(path);
  }

  /** See `Disk`. */
  open(path: string, mode: OpenMode): DiskFile {
    const file = this.#disk.open(path, mode);
    return {
      path: file.path,
      size: () => file.size(),
      readAt: (offset, target) => file.readAt(offset, target),
      writeAt: (offset, bytes) => file.writeAt(offset, bytes),
      syncData: () => Promise.resolve(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }

  /** See `Disk`. */
  rename(from: string, to: string): void {
    this.#disk.rename(from, to);
  }

  /** See `Disk`. */
  remove(path: string): void {
    this.#disk.remove(path);
  }

  /** Does nothing. */
  syncDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }

  /** See `Disk`. */
  lock(path: string, directory: string): Promise<DiskLock> {
    return this.#disk.lock(path, directory);
  }
}
