/** Keeps `RaftNode<id>.json`: each change is a new file that takes the place of the old one. */

import { assert } from "../base/assert.ts";
import { NoSpaceError } from "../base/errors.ts";
import { fault } from "../base/faults.ts";
import type { HardState } from "../raft/types.ts";
import type { Disk, DiskFile } from "./disk.ts";
import type { DirectoryKeys } from "./encryption/directory_keys.ts";
import type { FailureLatch } from "./failure_latch.ts";
import { encodeNodeFile, type NodeFile, nodeFileName } from "./node_file.ts";

/** What the next file takes at least; so much is kept in hand. */
const RESERVE_BYTES = 4_096;

/** An empty file of this name says that the node was removed from its cluster. */
export const REMOVED_NAME = "REMOVED";

/** The hard state of one directory. */
export class NodeStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #latch: FailureLatch;
  readonly #keys: DirectoryKeys | undefined;
  #content: NodeFile;
  /** The next temporary file, already as long as it needs to be: an election must not fail because the disk is full. */
  #reserve: DiskFile | undefined;
  #saving = false;

  constructor(
    place: { disk: Disk; directory: string; latch: FailureLatch; keys?: DirectoryKeys | undefined },
    content: NodeFile,
  ) {
    this.#disk = place.disk;
    this.#directory = place.directory;
    this.#latch = place.latch;
    this.#keys = place.keys;
    this.#content = content;
  }

  /** See `Storage.saveHardState`. */
  async save(hardState: HardState): Promise<void> {
    this.#latch.check();
    assert(!this.#saving, "Cannot save the hard state: a save is in flight");
    this.#saving = true;
    this.#content = { ...this.#content, hardState };
    try {
      await this.#replace(encodeNodeFile(this.#content, this.#keys));
      this.prepareReserve();
    } catch (error) {
      // Without space nothing took the place of the old file yet: it may be tried again.
      throw this.#latch.failUnlessFull(error, { file: this.#path(), operation: "write" });
    } finally {
      this.#saving = false;
    }
  }

  /** See `Storage.markRemoved`. */
  async markRemoved(): Promise<void> {
    this.#latch.check();
    const path = `${this.#directory}/${REMOVED_NAME}`;
    try {
      this.#disk.open(path, "create").close();
      await this.#disk.syncDirectory(this.#directory);
    } catch (error) {
      throw this.#latch.failUnlessFull(error, { file: path, operation: "write" });
    }
  }

  /** Makes the next temporary file. Throws as the disk does, but goes on without when the disk is full. */
  prepareReserve(): void {
    if (fault("storage/nodeFileNotReserved")) return;
    const path = this.#temporaryPath();
    try {
      const file = this.#disk.open(path, "create");
      this.#reserve = file;
      file.writeAt(0, new Uint8Array(Math.max(RESERVE_BYTES, 2 * encodeNodeFile(this.#content, this.#keys).length)));
    } catch (error) {
      if (!(error instanceof NoSpaceError)) throw error;
    }
  }

  close(): void {
    this.#reserve?.close();
    this.#reserve = undefined;
  }

  async #replace(bytes: Uint8Array): Promise<void> {
    const temporary = this.#temporaryPath();
    const file = this.#reserve ?? this.#disk.open(temporary, "create");
    this.#reserve = undefined;
    try {
      file.writeAt(0, bytes);
      if (file.size() > bytes.length) file.truncate(bytes.length);
      await file.syncData();
    } finally {
      file.close();
    }
    this.#disk.rename(temporary, this.#path());
    await this.#disk.syncDirectory(this.#directory);
  }

  /** Where term and vote lie. */
  get path(): string {
    return this.#path();
  }

  #path(): string {
    return `${this.#directory}/${nodeFileName(this.#content.ownership.nodeId)}`;
  }

  #temporaryPath(): string {
    return `${this.#path()}.tmp`;
  }
}
