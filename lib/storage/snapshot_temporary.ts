/** A snapshot file in the making: written here or received, then synced, verified and given its name. */

import { CorruptionError } from "../base/errors.ts";
import { fault } from "../base/faults.ts";
import type { EntryId } from "../raft/types.ts";
import type { Disk, DiskFile } from "./disk.ts";
import type { FailureLatch } from "./failure_latch.ts";
import { readSnapshot, type SnapshotSummary } from "./snapshot_format.ts";
import type { SnapshotCheck, StoredSnapshot } from "./storage.ts";

/** Writing back starts after so many bytes, so that no sync of it holds up one of the log for long. */
const WRITEBACK_BYTES = 2_097_152;
/** Bytes verified between two turns of the event loop: about 0.5 ms, and with what was compressed 3 ms. */
const VERIFY_SLICE_BYTES = 2_097_152;

/** What a temporary file works with. */
export interface TemporaryHost {
  readonly disk: Disk;
  readonly latch: FailureLatch;
  /** Lets the event loop go round. */
  pause(): Promise<void>;
  /** Gives the file at `path` the name of its snapshot, durably. */
  publish(path: string, summary: SnapshotSummary): Promise<void>;
}

/** `readSnapshot` or `checkSnapshot`. */
export type ReadWhole = (file: DiskFile) => Generator<Uint8Array, SnapshotSummary>;

/** What must be right before a file gets its name. */
export interface Seal {
  readonly check?: SnapshotCheck | undefined;
  /** How it is read back; whole, with its compression undone, when left out. */
  readonly read?: ReadWhole;
}

/** A temporary file. Nothing is created before the first write. */
export class TemporarySnapshot {
  readonly #host: TemporaryHost;
  readonly #path: string;
  #file: DiskFile | undefined;
  #length = 0;
  #syncedLength = 0;
  #writeback: Promise<void> | undefined;

  constructor(host: TemporaryHost, path: string) {
    this.#host = host;
    this.#path = path;
  }

  get length(): number {
    return this.#length;
  }

  /** Throws `NoSpaceError` (then `discard`) or `DiskFailureError`. */
  append(bytes: Uint8Array): void {
    const { disk, latch } = this.#host;
    latch.check();
    try {
      this.#file ??= disk.open(this.#path, "create");
      this.#file.writeAt(this.#length, bytes);
    } catch (error) {
      throw latch.failUnlessFull(error, { file: this.#path, operation: "write" });
    }
    this.#length += bytes.length;
    const isDue = this.#length - this.#syncedLength >= WRITEBACK_BYTES || fault("storage/writebackEarly");
    if (isDue) this.#writeback ??= this.#startWriteback(this.#file);
  }

  /** See `SnapshotWriter`. */
  async writtenBack(): Promise<void> {
    await this.#writeback;
  }

  /**
   * Syncs, verifies by reading back, publishes. Rejects with `CorruptionError` when it is not the snapshot of `expected`, and with
   * what `check` throws.
   */
  async seal(
    expected: EntryId,
    { check = () => {}, read = (file) => readSnapshot(file) }: Seal = {},
  ): Promise<StoredSnapshot> {
    const { latch } = this.#host;
    try {
      await this.#writeback;
      latch.check();
      this.append(new Uint8Array(0));
      await this.#file?.syncData();
      // One that began beside it may have failed, and only one of the two hears of a failure.
      await this.#writeback;
      latch.check();
      const summary = await this.#verify(expected, read);
      check(storedSnapshot(summary));
      await this.#host.publish(this.#path, summary);
      this.#close();
      return storedSnapshot(summary);
    } catch (error) {
      this.discard();
      throw latch.failUnlessFull(error, { file: this.#path, operation: "sync" });
    }
  }

  /** Closes and removes the file. */
  discard(): void {
    if (this.#file === undefined) return;
    this.#close();
    try {
      this.#host.disk.remove(this.#path);
    } catch (error) {
      throw this.#host.latch.fail(error, { file: this.#path, operation: "remove" });
    }
  }

  async #verify(expected: EntryId, read: ReadWhole): Promise<SnapshotSummary> {
    const file = this.#host.disk.open(this.#path, "read");
    try {
      const summary = await verifySnapshot(file, () => this.#host.pause(), { read });
      const { index, term } = summary.lastIncluded;
      if (index === expected.index && term === expected.term) return summary;
      throw new CorruptionError(this.#path, {
        offset: 0,
        what: `it ends at index ${index} (term ${term}), not at ${expected.index}`,
      });
    } finally {
      file.close();
    }
  }

  async #startWriteback(file: DiskFile): Promise<void> {
    this.#syncedLength = this.#length;
    try {
      await file.syncData();
    } catch (error) {
      this.#host.latch.fail(error, { file: this.#path, operation: "sync" });
    } finally {
      this.#writeback = undefined;
    }
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/** What is known of a snapshot that was verified. */
export function storedSnapshot(summary: SnapshotSummary): StoredSnapshot {
  const { lastIncluded, configuration, bytes, plainBytes, compression } = summary;
  return { lastIncluded, configuration, bytes, plainBytes, compression };
}

/** Reads all of `file` and verifies every checksum, with pauses. Rejects as `read` throws, one of those in snapshot_format.ts. */
export async function verifySnapshot(
  file: DiskFile,
  pause: () => Promise<void>,
  { read = (whole) => readSnapshot(whole) }: Pick<Seal, "read"> = {},
): Promise<SnapshotSummary> {
  const blocks = read(file);
  let bytes = 0;
  for (;;) {
    const step = blocks.next();
    if (step.done === true) return step.value;
    bytes += step.value.length;
    if (bytes < VERIFY_SLICE_BYTES && !fault("storage/verifiedInSlices")) continue;
    bytes = 0;
    await pause();
  }
}
