/** A complete snapshot, opened for reading. */

import type { DiskFile } from "./disk.ts";
import { checkSnapshot, readSnapshot } from "./snapshot_format.ts";
import type { SnapshotSource, StoredSnapshot } from "./storage.ts";

/** A `SnapshotSource` over an open file; the system keeps the file for it after its removal. */
export class SnapshotFileSource implements SnapshotSource {
  readonly #file: DiskFile;

  constructor(readonly description: StoredSnapshot, file: DiskFile) {
    this.#file = file;
  }

  readChunk(offset: number, lengthMax: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(lengthMax, this.description.bytes - offset)));
    return bytes.subarray(0, this.#file.readAt(offset, bytes));
  }

  *blocks(): Iterable<Uint8Array> {
    yield* readSnapshot(this.#file);
  }

  *check(): Iterable<unknown> {
    yield* checkSnapshot(this.#file);
  }

  close(): void {
    this.#file.close();
  }
}
