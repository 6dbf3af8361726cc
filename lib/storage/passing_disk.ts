/** A `Disk` that passes everything on to another one, and the same for a file: what changes some of it builds on these. */

import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "./disk.ts";

/** The same files as another disk. What `encryption` tells is not passed on. */
export class PassingDisk implements Disk {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path);
  }

  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  list(path: string): readonly string[] {
    return this.#disk.list(path);
  }

  open(path: string, mode: OpenMode): DiskFile {
    return this.#disk.open(path, mode);
  }

  async warm(path: string, part: { readonly offset: number; readonly bytes: number }): Promise<void> {
    await this.#disk.warm?.(path, part);
  }

  rename(from: string, to: string): void {
    this.#disk.rename(from, to);
  }

  remove(path: string): void {
    this.#disk.remove(path);
  }

  space(path: string): DiskSpace | undefined {
    return this.#disk.space(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#disk.syncDirectory(path);
  }

  lock(path: string, directory: string): Promise<DiskLock> {
    return this.#disk.lock(path, directory);
  }
}

/** The same file as another one. */
export class PassingFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;

  constructor(file: DiskFile) {
    this.path = file.path;
    this.#file = file;
  }

  size(): number {
    return this.#file.size();
  }

  readAt(offset: number, target: Uint8Array): number {
    return this.#file.readAt(offset, target);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.#file.writeAt(offset, bytes);
  }

  syncData(): Promise<void> {
    return this.#file.syncData();
  }

  truncate(size: number): void {
    this.#file.truncate(size);
  }

  close(): void {
    this.#file.close();
  }
}
