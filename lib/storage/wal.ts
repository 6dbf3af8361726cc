/** The write-ahead log in use: append, sync, roll, compact. Recovery is in wal_recovery.ts, layouts in wal_format.ts. */

import { assert } from "../base/assert.ts";
import { checksum } from "../base/checksum.ts";
import { NoSpaceError } from "../base/errors.ts";
import { fault } from "../base/faults.ts";
import { ENTRY_HEAD_BYTES, type Run } from "../raft/run.ts";
import { type Index, type Term, toIndex } from "../raft/types.ts";
import { viewOf } from "./binary.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { TAG_BYTES } from "./encryption/aead.ts";
import type { DirectoryKeys } from "./encryption/directory_keys.ts";
import { type RecordCipher, sealedBodyBytes } from "./encryption/record_cipher.ts";
import type { DurableSegment } from "./scrub.ts";
import type { FailureLatch } from "./failure_latch.ts";
import type { LogShape } from "./log_shape.ts";
import { maskBody } from "./record_mask.ts";
import type { SnapshotStore } from "./snapshot_store.ts";
import type { SpareSegment } from "./spare_segment.ts";
import {
  authenticatedHeader,
  encodeMark,
  encodeRecordHeader,
  encodeSegmentHeader,
  LEVEL_RECORD_VERSION,
  MARK_BYTES,
  RECORD_BODY_BYTES_MAX,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
  WAL_VERSION,
} from "./wal_format.ts";

/** For the headers of several records, and configurations, whose bytes the caller does not count. */
const BODY_SLACK_BYTES = 16_384;
/** Records up to this size are put together in a buffer that is kept; larger ones in one of their own. */
const SCRATCH_BYTES = 1_048_576;

/** A segment that is complete. */
export interface OldSegment {
  readonly name: string;
  readonly bytes: number;
  /** Behind its last record. */
  readonly end: number;
  /** Highest index of any entry in it, replaced ones included. */
  readonly highestIndex: number;
}

/** The segment that records are appended to. */
export interface CurrentSegment {
  readonly name: string;
  readonly file: DiskFile;
  readonly sequence: number;
  readonly bytes: number;
  /** Where the next record goes. */
  offset: number;
  highestIndex: number;
  /** Undefined where records are plain, or none can be appended any more. */
  readonly cipher?: RecordCipher | undefined;
}

/** Where the log stands after recovery. Everything in it is durable. */
export interface WalStart {
  readonly disk: Disk;
  readonly directory: string;
  readonly latch: FailureLatch;
  readonly segmentBytes: number;
  readonly older: OldSegment[];
  readonly current: CurrentSegment;
  readonly spare: SpareSegment;
  readonly mark: DiskFile;
  readonly shape: LogShape;
  readonly lastNumber: number;
  readonly chain: number;
  /** Above every epoch found. */
  readonly epoch: number;
  /** Asked for the term of the last entry of a complete snapshot. */
  readonly snapshots: Pick<SnapshotStore, "termAt">;
  /** Of an encrypted directory. */
  readonly keys?: DirectoryKeys | undefined;
}

/** A position in the log that a sync covers. */
interface Position {
  readonly number: number;
  readonly index: Index;
  readonly sequence: number;
  readonly offset: number;
}

/** The log of one directory. */
export class Wal {
  readonly #start: WalStart;
  readonly #latch: FailureLatch;
  readonly #shape: LogShape;
  readonly #older: OldSegment[];
  readonly #spare: SpareSegment;
  #current: CurrentSegment;
  #number: number;
  #chain: number;
  #durable: Position;
  /** Rolled segments with records that were never synced. */
  #unsynced: DiskFile[] = [];
  #directoryChanged = false;
  #appendedBytes = 0;
  #syncing = false;
  #compacting: Promise<void> = Promise.resolve();
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #scratchView = viewOf(this.#scratch);
  readonly #markBytes = new Uint8Array(MARK_BYTES);

  constructor(start: WalStart) {
    this.#start = start;
    this.#latch = start.latch;
    this.#shape = start.shape;
    this.#older = start.older;
    this.#spare = start.spare;
    this.#current = start.current;
    this.#number = start.lastNumber;
    this.#chain = start.chain;
    this.#durable = this.#position();
  }

  /** See `Storage.reserve`. Costs nothing while the current segment or the prepared one is large enough. */
  reserve(bytes: number, entries: number): boolean {
    return this.reserveBody(bytes + entries * ENTRY_HEAD_BYTES + BODY_SLACK_BYTES);
  }

  /** See `Storage.reserveBody`. */
  reserveBody(bodyBytes: number): boolean {
    this.#latch.check();
    if (fault("storage/reserveRefused")) return false;
    const record = this.#recordBytes(bodyBytes);
    return this.#current.bytes - this.#current.offset >= record || this.#spare.spares(SEGMENT_HEADER_BYTES + record);
  }

  /** See `Storage.keepFree`. */
  keepFree(bytes: number): void {
    this.#spare.keptBytes = bytes;
  }

  /** See `Storage.append`. Without a `reserve` before it may throw `NoSpaceError`, and has then written nothing. */
  append(run: Run): void {
    this.#latch.check();
    if (run.count > 1 && this.#hasRoomToSplit(run) && fault("storage/recordOfOneEntry")) {
      for (let index: number = run.firstIndex; index <= run.lastIndex; index++) this.append(run.slice(index, index));
      return;
    }
    assert(run.bytes <= RECORD_BODY_BYTES_MAX, `Cannot append ${run.bytes} bytes in one record`);
    const { first } = run;
    const restart = this.#contradictsSnapshot(first.index - 1);
    const prevTerm = restart ?? this.#shape.termAt(first.index - 1);
    assert(prevTerm !== undefined, `Cannot append entry ${first.index}: last index is ${this.#shape.lastIndex}`);
    const bytes = this.#recordBytes(run.body.length);
    const isFull = this.#current.offset + bytes > this.#current.bytes;
    if (isFull || (this.#mayRollEarly(bytes) && fault("storage/rolledEarly"))) this.#roll(bytes, first.index);
    const namesLevel = run.configurations.some(({ configuration }) => configuration.level !== undefined);
    const unsealed: RecordHeader = {
      version: namesLevel ? LEVEL_RECORD_VERSION : WAL_VERSION,
      number: this.#number + 1,
      durableNumber: this.#durable.number,
      durableIndex: this.#durable.index,
      firstIndex: first.index,
      term: first.term,
      prevTerm,
      count: run.count,
      restart: restart !== undefined,
      epoch: this.#start.epoch,
      sequence: this.#current.sequence,
      offset: this.#current.offset,
      chain: this.#chain,
      bodyBytes: bytes - RECORD_HEADER_BYTES,
      bodyChecksum: 0,
      mask: 0,
    };
    const { bytes: body, mask } = maskBody(this.#seal(run.body, unsealed), this.#chain);
    const header = { ...unsealed, bodyChecksum: checksum(body), mask };
    const problem = this.#shape.take(header);
    assert(problem === undefined, `Cannot append entry ${first.index}: ${problem}`);
    this.#write(header, body);
  }

  /** See `Storage.sync`. */
  async sync(): Promise<void> {
    this.#latch.check();
    assert(!this.#syncing, "Cannot sync the log: a sync is in flight");
    if (this.#number === this.#durable.number && !this.#directoryChanged) return;
    this.#syncing = true;
    const target = this.#position();
    const rolled = this.#unsynced;
    this.#unsynced = [];
    try {
      const pending = this.#startSyncs(rolled);
      // This is work for the event loop while the disk is at work for us.
      this.#spare.prepare(this.#appendedBytes);
      this.#appendedBytes = 0;
      await pending;
      this.#latch.check();
    } catch (error) {
      throw this.#latch.fail(error, { file: this.#start.directory, operation: "sync" });
    } finally {
      this.#syncing = false;
      for (const file of rolled) file.close();
    }
    this.#durable = target;
    if (!fault("storage/markNotWritten")) this.#writeMark();
  }

  /** See `Storage.compact`. Calls are carried out one after the other. */
  compact(index: Index): Promise<void> {
    if (fault("storage/compactionSkipped")) return this.#compacting;
    const run = this.#compacting.then(() => this.#removeUpTo(index));
    this.#compacting = run.catch(() => {}); // The caller gets the error; the next call finds it in the latch.
    return run;
  }

  /** The segments as far as they are durable, oldest first. */
  durableSegments(): readonly DurableSegment[] {
    const { sequence: durable, offset } = this.#durable;
    const first = this.#current.sequence - this.#older.length;
    const all = [...this.#older, { name: this.#current.name, end: this.#current.offset }];
    return all.slice(0, durable - first + 1).map(({ name, end }, at) => {
      return { name, sequence: first + at, end: first + at === durable ? offset : end };
    });
  }

  /** The index that a snapshot must reach before the segment may be removed; undefined when there is no such segment. */
  indexCovering(name: string): number | undefined {
    const all = [...this.#older, this.#current];
    const at = all.findIndex((segment) => segment.name === name);
    return at < 0 ? undefined : Math.max(...all.slice(0, at + 1).map(({ highestIndex }) => highestIndex));
  }

  /** See `Storage.leaveSegment`. */
  leave(name: string): boolean {
    this.#latch.check();
    if (name !== this.#current.name) return true;
    if (!this.#spare.ensure(SEGMENT_HEADER_BYTES)) return false;
    this.#roll(0, toIndex(this.#shape.lastIndex + 1));
    return true;
  }

  /** Segments and their bytes, the prepared one included. */
  sizes(): { segments: number; walBytes: number } {
    const older = this.#older.reduce((sum, segment) => sum + segment.bytes, 0);
    return { segments: this.#older.length + 1, walBytes: older + this.#current.bytes + this.#spare.bytes };
  }

  /** Waits for what is in flight and closes all files. The caller has waited for `sync`. */
  async close(): Promise<void> {
    await this.#compacting;
    await this.#spare.close();
    for (const file of [...this.#unsynced, this.#current.file, this.#start.mark]) file.close();
  }

  /** The term to go on from, when a snapshot that ends at `index` has replaced a log that says otherwise (Raft 7). */
  #contradictsSnapshot(index: number): Term | undefined {
    const term = this.#start.snapshots.termAt(index);
    return term === this.#shape.termAt(index) ? undefined : term;
  }

  #hasRoomToSplit(run: Run): boolean {
    const each = RECORD_HEADER_BYTES + (this.#start.keys === undefined ? 0 : 2 * TAG_BYTES);
    return this.#current.bytes - this.#current.offset >= run.bytes + run.count * each;
  }

  #recordBytes(bodyBytes: number): number {
    return RECORD_HEADER_BYTES + (this.#start.keys === undefined ? bodyBytes : sealedBodyBytes(bodyBytes));
  }

  #seal(body: Uint8Array, header: RecordHeader): Uint8Array {
    const { cipher } = this.#current;
    assert(cipher !== undefined || this.#start.keys === undefined, "An encrypted log must not get a plain record");
    return cipher?.seal(body, { number: header.number, header: authenticatedHeader(header) }) ?? body;
  }

  #mayRollEarly(recordBytes: number): boolean {
    return this.#current.offset > SEGMENT_HEADER_BYTES && this.#spare.bytes >= SEGMENT_HEADER_BYTES + recordBytes;
  }

  #write(header: RecordHeader, body: Uint8Array): void {
    const bytes = RECORD_HEADER_BYTES + body.length;
    const large = bytes > SCRATCH_BYTES || fault("storage/bufferNotKept") ? new Uint8Array(bytes) : undefined;
    const target = large === undefined
      ? { bytes: this.#scratch, view: this.#scratchView }
      : { bytes: large, view: viewOf(large) };
    const chain = encodeRecordHeader(header, target);
    target.bytes.set(body, RECORD_HEADER_BYTES);
    try {
      this.#current.file.writeAt(this.#current.offset, target.bytes.subarray(0, bytes));
    } catch (error) {
      throw this.#latch.fail(error, { file: this.#current.file.path, operation: "write" });
    }
    this.#chain = chain;
    this.#number = header.number;
    this.#appendedBytes += bytes;
    this.#current.offset += bytes;
    this.#current.highestIndex = Math.max(this.#current.highestIndex, header.firstIndex + header.count - 1);
  }

  #roll(recordBytes: number, firstIndex: Index): void {
    const { directory, epoch } = this.#start;
    if (!this.#spare.ensure(SEGMENT_HEADER_BYTES + recordBytes)) throw new NoSpaceError(directory);
    const { name: currentName, bytes, offset: end, highestIndex, file: rolled } = this.#current;
    const sequence = this.#current.sequence + 1;
    const names = new Set([...this.#older.map((segment) => segment.name), currentName]);
    const name = segmentName({ firstIndex, sequence }, (taken) => names.has(taken));
    const size = this.#spare.bytes;
    try {
      const file = this.#spare.take(`${directory}/${name}`);
      const { salt, cipher } = this.#start.keys?.newSegment() ?? {};
      const header = { sequence, epoch, firstNumber: this.#number + 1, firstIndex, chain: this.#chain, salt };
      file.writeAt(0, encodeSegmentHeader(header));
      this.#current = { name, file, sequence, bytes: size, offset: SEGMENT_HEADER_BYTES, highestIndex: 0, cipher };
    } catch (error) {
      throw this.#latch.fail(error, { file: `${directory}/${name}`, operation: "start segment" });
    }
    this.#older.push({ name: currentName, bytes, end, highestIndex });
    this.#unsynced.push(rolled);
    this.#directoryChanged = true;
  }

  #startSyncs(rolled: readonly DiskFile[]): Promise<unknown> {
    const current = this.#current.file.syncData();
    if (rolled.length === 0 && !this.#directoryChanged && !fault("storage/directorySynced")) return current;
    this.#directoryChanged = false;
    const others = rolled.map((file) => file.syncData());
    return Promise.all([current, ...others, this.#start.disk.syncDirectory(this.#start.directory)]);
  }

  #position(): Position {
    const { sequence, offset } = this.#current;
    return { number: this.#number, index: toIndex(this.#shape.lastIndex), sequence, offset };
  }

  #writeMark(): void {
    encodeMark({ epoch: this.#start.epoch, ...this.#durable }, this.#markBytes);
    try {
      this.#start.mark.writeAt(0, this.#markBytes);
    } catch (error) {
      // The mark only adds proof; on a full copy-on-write disk the log goes on without it.
      if (!(error instanceof NoSpaceError)) {
        throw this.#latch.fail(error, { file: this.#start.mark.path, operation: "write" });
      }
    }
  }

  async #removeUpTo(index: Index): Promise<void> {
    const { disk, directory } = this.#start;
    for (let oldest = this.#older[0]; oldest !== undefined; oldest = this.#older[0]) {
      // A crash may leave a segment that was never synced without its header: one that is durable must stay before it.
      const sequence = this.#current.sequence - this.#older.length;
      if (oldest.highestIndex > index || sequence >= this.#durable.sequence) return;
      this.#latch.check();
      try {
        disk.remove(`${directory}/${oldest.name}`);
        this.#older.shift();
        // One at a time: were two removals in flight, a crash could leave a hole between segments.
        await disk.syncDirectory(directory);
      } catch (error) {
        throw this.#latch.fail(error, { file: `${directory}/${oldest.name}`, operation: "remove" });
      }
      if (fault("storage/compactionOfOne")) return;
    }
  }
}
