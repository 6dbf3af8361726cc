/** Writes a snapshot block by block. */

import { assert } from "../base/assert.ts";
import { checksum } from "../base/checksum.ts";
import { fault } from "../base/faults.ts";
import { type Compression, packBlock } from "./block_codec.ts";
import {
  BLOCK_HEADER_BYTES,
  checkSnapshot,
  encodeBlockHeader,
  encodeFooter,
  encodeSnapshotHead,
  SNAPSHOT_BLOCK_BYTES_MAX,
  type SnapshotHead,
} from "./snapshot_format.ts";
import type { TemporarySnapshot } from "./snapshot_temporary.ts";
import type { SnapshotCheck, SnapshotReceiver, SnapshotWriter, StoredSnapshot } from "./storage.ts";

/** Blocks are gathered up to this size before they go to the page cache. */
const BUFFER_BYTES = 262_144;

/** Runs once when a writer or receiver has ended, however it did. */
export type EndListener = () => void;

/** A `SnapshotWriter` into a temporary file. */
export class SnapshotFileWriter implements SnapshotWriter {
  readonly #temporary: TemporarySnapshot;
  readonly #head: SnapshotHead;
  readonly #compression: Compression;
  readonly #onEnd: EndListener;
  #plainBytes = 0;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #used = 0;
  #blocks = 0;
  /** Checksum of everything that was flushed. */
  #total = 0;
  #open = true;

  constructor(temporary: TemporarySnapshot, head: SnapshotHead, onEnd: EndListener) {
    this.#temporary = temporary;
    this.#head = head;
    this.#compression = head.compression ?? "off";
    this.#onEnd = onEnd;
    this.#put(encodeSnapshotHead(head));
  }

  /** Bytes of its file so far. */
  get writtenBytes(): number {
    return this.#temporary.length;
  }

  write(block: Uint8Array): void {
    assert(this.#open, "Cannot write to a snapshot that has ended");
    assert(block.length > 0, "A snapshot block must not be empty: the footer begins as an empty block would");
    assert(block.length <= SNAPSHOT_BLOCK_BYTES_MAX, `Cannot write a snapshot block of ${block.length} bytes`);
    const stored = this.#compression === "off" ? block : packBlock(block, this.#compression);
    this.#makeRoom(BLOCK_HEADER_BYTES + stored.length);
    const start = this.#used + BLOCK_HEADER_BYTES;
    this.#buffer.set(stored, start);
    const encoded = this.#buffer.subarray(start, start + stored.length);
    encodeBlockHeader(encoded, this.#buffer.subarray(this.#used, start));
    this.#used = start + stored.length;
    this.#blocks += 1;
    this.#plainBytes += block.length;
  }

  writtenBack(): Promise<void> {
    return this.#temporary.writtenBack();
  }

  async finish(): Promise<StoredSnapshot> {
    assert(this.#open, "Cannot finish a snapshot that has ended");
    this.#open = false;
    try {
      this.#flush();
      this.#temporary.append(
        encodeFooter(this.#blocks, this.#total, this.#compression === "off" ? 0 : this.#plainBytes),
      );
      // What was compressed here is not undone again: the buffers for that, all at once, are more than the rest of a snapshot takes.
      return await this.#temporary.seal(this.#head.lastIncluded, { read: checkSnapshot });
    } catch (error) {
      this.#temporary.discard();
      throw error;
    } finally {
      this.#onEnd();
    }
  }

  abort(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#temporary.discard();
    this.#onEnd();
  }

  #put(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length && !fault("storage/blockFlushed")) return;
    this.#flush();
    if (bytes > this.#buffer.length) this.#buffer = new Uint8Array(bytes);
  }

  #flush(): void {
    const bytes = this.#buffer.subarray(0, this.#used);
    if (bytes.length > 0) this.#temporary.append(bytes);
    this.#total = checksum(bytes, this.#total);
    this.#used = 0;
  }
}

/** A `SnapshotReceiver` into a temporary file: the bytes are the file's, so they are verified as a whole at the end. */
export class SnapshotFileReceiver implements SnapshotReceiver {
  readonly #temporary: TemporarySnapshot;
  readonly #head: SnapshotHead;
  readonly #onEnd: EndListener;
  #open = true;

  constructor(temporary: TemporarySnapshot, head: SnapshotHead, onEnd: EndListener) {
    this.#temporary = temporary;
    this.#head = head;
    this.#onEnd = onEnd;
  }

  get nextOffset(): number {
    return this.#temporary.length;
  }

  /** Bytes of its file so far. */
  get writtenBytes(): number {
    return this.#temporary.length;
  }

  write(offset: number, data: Uint8Array): void {
    assert(this.#open, "Cannot write to a snapshot that has ended");
    assert(offset === this.nextOffset, `Cannot write at offset ${offset}: the next byte wanted is ${this.nextOffset}`);
    this.#temporary.append(data);
  }

  async finish(check?: SnapshotCheck): Promise<StoredSnapshot> {
    assert(this.#open, "Cannot finish a snapshot that has ended");
    this.#open = false;
    try {
      return await this.#temporary.seal(this.#head.lastIncluded, { check });
    } finally {
      this.#onEnd();
    }
  }

  abort(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#temporary.discard();
    this.#onEnd();
  }
}
