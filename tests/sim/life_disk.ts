/** A disk as one life of a process sees it: when the process is gone, none of its code reaches the disk any more. */

import type { Disk, DiskFile, DiskLock, OpenMode } from "../../lib/storage/disk.ts";
import type { Life } from "./clock.ts";

/** What code of a process meets that was killed; nobody hears of it. */
class ProcessIsGone extends Error {
  override readonly name = "ProcessIsGone";
}

/** Passes every call on while the process lives. */
export class LifeDisk implements Disk {
  readonly #disk: Disk;
  readonly #life: Life;

  constructor(disk: Disk, life: Life) {
    this.#disk = disk;
    this.#life = life;
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
  list(path: string): readonly string[] {
    return this.#living().list(path);
  }

  /** See `Disk`. */
  open(path: string, mode: OpenMode): DiskFile {
    return new LifeFile(this.#living().open(path, mode), this.#life);
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
    if (!this.#life.alive) throw new ProcessIsGone();
    return this.#disk;
  }
}

class LifeFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #life: Life;

  constructor(file: DiskFile, life: Life) {
    this.path = file.path;
    this.#file = file;
    this.#life = life;
  }

  size(): number {
    return this.#living().size();
  }

  readAt(offset: number, target: Uint8Array): number {
    return this.#living().readAt(offset, target);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.#living().writeAt(offset, bytes);
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
    if (!this.#life.alive) throw new ProcessIsGone();
    return this.#file;
  }
}
