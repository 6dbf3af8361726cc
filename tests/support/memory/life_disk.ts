/** A disk as one life of a process sees it: when the process is gone, none of its code reaches the disk any more. */

import { NoSpaceError } from "../../../lib/base/errors.ts";
import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "../../../lib/storage/disk.ts";
import type { Life } from "./life.ts";

/** What code of a process meets that was killed; nobody hears of it. */
class ProcessIsGone extends Error {
  override readonly name = "ProcessIsGone";
}

/** Who uses the disk, and who is told of what it meets. */
export interface LifeDiskParts {
  readonly life: Life;
  /** A write found no room. */
  foundNoRoom(): void;
}

/** Passes every call on while the process lives. */
export class LifeDisk implements Disk {
  readonly #disk: Disk;
  readonly #parts: LifeDiskParts;

  constructor(disk: Disk, parts: LifeDiskParts) {
    this.#disk = disk;
    this.#parts = parts;
  }

  /** See `Disk`. */
  makeDirectory(path: string): void {
    this.#living().makeDirectory(path);
  }

  /** See `Disk`. */
  exists(path: string): boolean {
    return this.#living().exists(path);
  }

  /** See `Disk`. */
  space(path: string): DiskSpace | undefined {
    return this.#living().space(path);
  }

  /** See `Disk`. */
  list(path: string): readonly string[] {
    return this.#living().list(path);
  }

  /** See `Disk`. */
  open(path: string, mode: OpenMode): DiskFile {
    return new LifeFile(this.#living().open(path, mode), this.#parts);
  }

  /** See `Disk`. */
  rename(from: string, to: string): void {
    this.#living().rename(from, to);
  }

  /** See `Disk`. */
  remove(path: string): void {
    this.#living().remove(path);
  }

  /** See `Disk`. */
  async syncDirectory(path: string): Promise<void> {
    await this.#living().syncDirectory(path);
  }

  /** See `Disk`. */
  async lock(path: string, directory: string): Promise<DiskLock> {
    return await this.#living().lock(path, directory);
  }

  #living(): Disk {
    if (!this.#parts.life.alive) throw new ProcessIsGone();
    return this.#disk;
  }
}

class LifeFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #parts: LifeDiskParts;

  constructor(file: DiskFile, parts: LifeDiskParts) {
    this.path = file.path;
    this.#file = file;
    this.#parts = parts;
  }

  size(): number {
    return this.#living().size();
  }

  readAt(offset: number, target: Uint8Array): number {
    return this.#living().readAt(offset, target);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    try {
      this.#living().writeAt(offset, bytes);
    } catch (error) {
      if (error instanceof NoSpaceError) this.#parts.foundNoRoom();
      throw error;
    }
  }

  async syncData(): Promise<void> {
    await this.#living().syncData();
  }

  truncate(size: number): void {
    this.#living().truncate(size);
  }

  close(): void {
    this.#file.close();
  }

  #living(): DiskFile {
    if (!this.#parts.life.alive) throw new ProcessIsGone();
    return this.#file;
  }
}
