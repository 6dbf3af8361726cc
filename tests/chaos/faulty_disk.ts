/** A disk that is slow, full or failing as its control says, over a real one. */

import { DiskFailureError, NoSpaceError } from "../../lib/base/errors.ts";
import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "../../lib/storage/disk.ts";
import { delay } from "../support/wait.ts";
import type { DiskControl, DiskEffect } from "./disk_control.ts";

/** What decides about the faults. */
export interface DiskFaults {
  /** The present state; asked before each operation that a fault can touch. */
  control(): DiskControl;
  /** Bytes of all files that share the room. */
  usedBytes(): number;
  /** A fault takes effect now. */
  felt(effect: DiskEffect): void;
}

/** Passes everything on but for the faults. */
export class FaultyDisk implements Disk {
  readonly #disk: Disk;
  readonly #faults: DiskFaults;

  /** The same files as `disk`. */
  constructor(disk: Disk, faults: DiskFaults) {
    this.#disk = disk;
    this.#faults = faults;
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
    return new FaultyFile(this.#disk.open(path, mode), this.#faults);
  }

  /** See `Disk`. */
  rename(from: string, to: string): void {
    this.#disk.rename(from, to);
  }

  /** See `Disk`. */
  remove(path: string): void {
    this.#disk.remove(path);
  }

  /** See `Disk`. */
  async syncDirectory(path: string): Promise<void> {
    refuseSync(path, this.#faults);
    await this.#disk.syncDirectory(path);
    await linger(this.#faults);
  }

  /** See `Disk`. */
  lock(path: string, directory: string): Promise<DiskLock> {
    return this.#disk.lock(path, directory);
  }
}

class FaultyFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #faults: DiskFaults;

  constructor(file: DiskFile, faults: DiskFaults) {
    this.path = file.path;
    this.#file = file;
    this.#faults = faults;
  }

  size(): number {
    return this.#file.size();
  }

  readAt(offset: number, target: Uint8Array): number {
    return this.#file.readAt(offset, target);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    const growth = end - this.#file.size();
    const { bytesMax } = this.#faults.control();
    if (growth <= 0 || bytesMax === null) return this.#file.writeAt(offset, bytes);
    const lacking = this.#faults.usedBytes() + growth - bytesMax;
    if (lacking <= 0) return this.#file.writeAt(offset, bytes);
    // As a real disk does: what still fits is written, and only then there is no more.
    const fits = bytes.length - Math.min(lacking, growth, bytes.length);
    if (fits > 0) this.#file.writeAt(offset, bytes.subarray(0, fits));
    this.#faults.felt("no-room");
    throw new NoSpaceError(this.path);
  }

  async syncData(): Promise<void> {
    refuseSync(this.path, this.#faults);
    await this.#file.syncData();
    // Afterwards, since the file may be closed meanwhile: who waits cannot tell the difference.
    await linger(this.#faults);
  }

  truncate(size: number): void {
    this.#file.truncate(size);
  }

  close(): void {
    this.#file.close();
  }
}

function refuseSync(path: string, faults: DiskFaults): void {
  if (!faults.control().failSync) return;
  faults.felt("sync-failed");
  throw new DiskFailureError(path, { operation: "sync", cause: new Error("made to fail") });
}

async function linger(faults: DiskFaults): Promise<void> {
  const { syncDelayMs } = faults.control();
  if (syncDelayMs <= 0) return;
  await delay(syncDelayMs);
  faults.felt("sync-slowed");
}
