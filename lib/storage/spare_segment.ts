/** The next segment, filled with zeros ahead of time, so that a roll is a rename and appends cannot run out of space. */

import { assert } from "../base/assert.ts";
import { AccessError, DiskFailureError, NoSpaceError } from "../base/errors.ts";
import { fault } from "../base/faults.ts";
import type { Disk, DiskFile } from "./disk.ts";
import type { FailureLatch } from "./failure_latch.ts";
import { writeZeros } from "./zeros.ts";

/** The file that becomes the next segment. What a crash leaves of it is removed at the next start. */
export const SPARE_NAME = "spare.tmp";

/** A slice of the preparation: at least this, so that the spare is ready long before it is needed ... */
const SLICE_BYTES_MIN = 262_144;
/** ... and at most this, about 2 ms of the event loop. */
const SLICE_BYTES_MAX = 4_194_304;
/** When a segment is needed before it is prepared, it is made no larger than needed, but not tiny either. */
const URGENT_BYTES_MIN = 1_048_576;

/** What a spare works with. */
export interface SpareOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly latch: FailureLatch;
  readonly segmentBytes: number;
}

/** At most one prepared segment. */
export class SpareSegment {
  readonly #options: SpareOptions;
  readonly #path: string;
  /** So much of the disk stays free, but for what `ensure` needs. */
  keptBytes = 0;
  #file: DiskFile | undefined;
  #filled = 0;
  /** Set when the disk was full: then only `ensure` tries again. */
  #paused = false;
  #syncing: Promise<void> | undefined;

  constructor(options: SpareOptions) {
    this.#options = options;
    this.#path = `${options.directory}/${SPARE_NAME}`;
  }

  /** Bytes prepared. */
  get bytes(): number {
    return this.#filled;
  }

  /** Prepares one more slice, in proportion to the bytes appended since the last, and syncs it beside the work. A failure is for `latch.check` to tell. */
  prepare(appendedBytes: number): void {
    const missing = this.#options.segmentBytes - this.#filled;
    if (this.#paused || missing <= 0 || fault("storage/spareNotPrepared")) return;
    const slice = Math.min(Math.max(2 * appendedBytes, SLICE_BYTES_MIN), SLICE_BYTES_MAX, missing);
    if (!this.#leaves(slice)) return;
    try {
      this.#fill(this.#filled + slice);
    } catch (error) {
      this.#paused = true;
      this.#release(error);
      return;
    }
    this.#syncing ??= this.#sync();
  }

  /** The same as `ensure`, and false also where less than `keptBytes` would stay free. */
  spares(bytes: number): boolean {
    return this.#filled >= bytes || (this.#leaves(bytes - this.#filled) && this.ensure(bytes));
  }

  /** Makes sure that at least `bytes` are prepared. False when the disk is full; then what was prepared before stays. */
  ensure(bytes: number): boolean {
    const before = this.#filled;
    if (before >= bytes) return true;
    try {
      this.#fillUrgently(bytes);
      this.#paused = false;
      return true;
    } catch (error) {
      // What a leader must append without asking (the entry that begins its term) finds room in what was prepared.
      if (!(error instanceof NoSpaceError) || before === 0) this.#release(error);
      else this.#shrink(before);
      this.#options.latch.check();
      return false;
    }
  }

  /** Writes `bytes` at the start of what is prepared and makes all of it durable. */
  async write(bytes: Uint8Array): Promise<void> {
    assert(this.#file !== undefined, "Cannot write into a segment that is not prepared");
    this.#file.writeAt(0, bytes);
    await this.#file.syncData();
  }

  /** Turns the spare into the segment at `path`, of the size prepared. The directory is left to be synced. */
  take(path: string): DiskFile {
    this.#options.disk.rename(this.#path, path);
    this.#file?.close();
    this.#file = undefined;
    this.#filled = 0;
    return this.#options.disk.open(path, "write");
  }

  /** Waits for what is in flight and closes the file. */
  async close(): Promise<void> {
    await this.#syncing;
    this.#file?.close();
    this.#file = undefined;
  }

  /** Whether `keptBytes` are still free once so many more are taken. Where nothing tells, the disk will. */
  #leaves(bytes: number): boolean {
    return this.keptBytes === 0 || this.#freeBytes() - bytes >= this.keptBytes;
  }

  #freeBytes(): number {
    const { disk, directory } = this.#options;
    try {
      return disk.space(directory)?.freeBytes ?? Infinity;
    } catch (error) {
      // Whoever told to keep it hears so as well, and keeps nothing from then on.
      if (error instanceof AccessError) return Infinity;
      throw error;
    }
  }

  #fillUrgently(bytes: number): void {
    const least = fault("storage/spareExact") ? bytes : Math.min(URGENT_BYTES_MIN, this.#options.segmentBytes);
    const wanted = Math.max(bytes, least);
    try {
      this.#fill(wanted);
    } catch (error) {
      // `#filled` counts what could be written: less than wanted may still be enough.
      if (!(error instanceof NoSpaceError) || this.#filled < bytes) throw error;
    }
  }

  #fill(bytes: number): void {
    this.#file ??= this.#options.disk.open(this.#path, "create");
    try {
      writeZeros(this.#file, { from: this.#filled, to: bytes });
      this.#filled = bytes;
    } catch (error) {
      this.#filled = Math.max(this.#filled, this.#file.size());
      throw error;
    }
  }

  #shrink(bytes: number): void {
    try {
      this.#file?.truncate(bytes);
      this.#filled = bytes;
    } catch (error) {
      this.#release(error);
    }
  }

  #release(error: unknown): void {
    const { disk, latch } = this.#options;
    this.#file?.close();
    this.#file = undefined;
    this.#filled = 0;
    try {
      disk.remove(this.#path);
    } catch (removal) {
      latch.fail(removal, { file: this.#path, operation: "remove" });
    }
    const reason = latch.failUnlessFull(error, { file: this.#path, operation: "write" });
    if (!(reason instanceof NoSpaceError) && !(reason instanceof DiskFailureError)) throw reason; // A bug of ours.
  }

  async #sync(): Promise<void> {
    try {
      await this.#file?.syncData();
    } catch (error) {
      this.#options.latch.fail(error, { file: this.#path, operation: "sync" });
    } finally {
      this.#syncing = undefined;
    }
  }
}
