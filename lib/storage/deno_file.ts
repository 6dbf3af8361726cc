/** An open file of the real file system: positioned reads and writes over `Deno.FsFile`, and errors told apart. */

import { assert } from "../base/assert.ts";
import { AccessError, DiskFailureError, NoSpaceError } from "../base/errors.ts";
import type { DiskFile } from "./disk.ts";

/** Tells whether the system says that no block, inode or quota is left. */
export function isNoSpace(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = (error as { code?: unknown }).code;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** The error of an operation that changes nothing in an open file: no space, or the system refused. */
export function refusal(
  error: unknown,
  { file, operation }: { file: string; operation: string },
): NoSpaceError | AccessError {
  return isNoSpace(error) ? new NoSpaceError(file) : new AccessError(file, { operation, cause: error });
}

/**
 * A `DiskFile` over `Deno.FsFile`. A sync goes through a handle of its own: the runtime duplicates the descriptor for it, and where the
 * system has none left it lends its own, so that a write in the meantime would find the handle busy.
 */
export class DenoFile implements DiskFile {
  readonly #file: Deno.FsFile;
  readonly #forSyncs: Deno.FsFile | undefined;
  #size: number;
  /** Where the descriptor stands, so that sequential writes need no seek. */
  #position = 0;
  #syncsInFlight = 0;
  #closeWanted = false;

  /** Takes over the handles; `forSyncs` is one of the same file, left out where nothing is written. */
  constructor(
    readonly path: string,
    { file, forSyncs }: { readonly file: Deno.FsFile; readonly forSyncs?: Deno.FsFile },
  ) {
    this.#file = file;
    this.#forSyncs = forSyncs;
    this.#size = file.statSync().size;
  }

  size(): number {
    return this.#size;
  }

  readAt(offset: number, target: Uint8Array): number {
    try {
      this.#seek(offset);
      let total = 0;
      while (total < target.length) {
        const count = this.#file.readSync(target.subarray(total));
        if (count === null || count === 0) break;
        total += count;
        this.#position += count;
      }
      return total;
    } catch (error) {
      this.#position = -1;
      throw new DiskFailureError(this.path, { operation: "read", cause: error });
    }
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    try {
      this.#seek(offset);
      let written = 0;
      while (written < bytes.length) {
        // A write may be short, above all just before the disk is full.
        const count = this.#file.writeSync(written === 0 ? bytes : bytes.subarray(written));
        assert(count > 0, "A write must make progress");
        written += count;
        this.#position += count;
        if (this.#position > this.#size) this.#size = this.#position;
      }
    } catch (error) {
      this.#position = -1;
      throw isNoSpace(error)
        ? new NoSpaceError(this.path)
        : new DiskFailureError(this.path, { operation: "write", cause: error });
    }
  }

  async syncData(): Promise<void> {
    this.#syncsInFlight += 1;
    try {
      await (this.#forSyncs ?? this.#file).syncData();
    } catch (error) {
      throw new DiskFailureError(this.path, { operation: "sync", cause: error });
    } finally {
      this.#syncsInFlight -= 1;
      if (this.#closeWanted && this.#syncsInFlight === 0) this.#close();
    }
  }

  truncate(size: number): void {
    try {
      this.#file.truncateSync(size);
      this.#size = size;
    } catch (error) {
      throw isNoSpace(error)
        ? new NoSpaceError(this.path)
        : new DiskFailureError(this.path, { operation: "truncate", cause: error });
    }
  }

  close(): void {
    if (this.#closeWanted) return;
    this.#closeWanted = true;
    // A descriptor under a running fdatasync is closed when that ends.
    if (this.#syncsInFlight === 0) this.#close();
  }

  #close(): void {
    this.#file.close();
    this.#forSyncs?.close();
  }

  #seek(offset: number): void {
    if (this.#position === offset) return;
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    this.#position = offset;
  }
}
