/** A disk that is slow, full or failing as its control says, over a real one. */

import { DiskFailureError, NoSpaceError } from "../../lib/base/errors.ts";
import type { Disk, DiskFile, OpenMode } from "../../lib/storage/disk.ts";
import { PassingDisk, PassingFile } from "../../lib/storage/passing_disk.ts";
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
export class FaultyDisk extends PassingDisk {
  readonly #faults: DiskFaults;

  /** The same files as `disk`. */
  constructor(disk: Disk, faults: DiskFaults) {
    super(disk);
    this.#faults = faults;
  }

  /** See `Disk`. */
  override open(path: string, mode: OpenMode): DiskFile {
    return new FaultyFile(super.open(path, mode), this.#faults);
  }

  /** See `Disk`. */
  override async syncDirectory(path: string): Promise<void> {
    refuseSync(path, this.#faults);
    await super.syncDirectory(path);
    await linger(this.#faults);
  }
}

class FaultyFile extends PassingFile {
  readonly #faults: DiskFaults;

  constructor(file: DiskFile, faults: DiskFaults) {
    super(file);
    this.#faults = faults;
  }

  override writeAt(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    const growth = end - super.size();
    const { bytesMax } = this.#faults.control();
    if (growth <= 0 || bytesMax === null) return super.writeAt(offset, bytes);
    const lacking = this.#faults.usedBytes() + growth - bytesMax;
    if (lacking <= 0) return super.writeAt(offset, bytes);
    // As a real disk does: what still fits is written, and only then there is no more.
    const fits = bytes.length - Math.min(lacking, growth, bytes.length);
    if (fits > 0) super.writeAt(offset, bytes.subarray(0, fits));
    this.#faults.felt("no-room");
    throw new NoSpaceError(this.path);
  }

  override async syncData(): Promise<void> {
    refuseSync(this.path, this.#faults);
    await super.syncData();
    // Afterwards, since the file may be closed meanwhile: who waits cannot tell the difference.
    await linger(this.#faults);
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
