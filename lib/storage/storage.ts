/** What the driver asks of storage. `openStorage` in `open.ts` recovers a directory and returns a `Storage`. */

import type { Run } from "../raft/run.ts";
import type { Compression } from "./block_codec.ts";
import type { ScrubStep } from "./scrub.ts";
import type { Configuration, EntryId, HardState, Index, NodeId, SnapshotDescription } from "../raft/types.ts";
import type { DiskSpace } from "./disk.ts";

/** Who a data directory belongs to; written once, checked at each start. */
export interface Ownership {
  readonly nodeId: NodeId;
  /** The name that the operator gave to the cluster (`--cluster-id`); "" when none was given. */
  readonly clusterName: string;
  /** Random name of this directory, made when it was created: 16 hex digits. */
  readonly identity: string;
}

/** What was found in the directory at start. Everything here is durable. */
export interface Recovered {
  readonly ownership: Ownership;
  /** False when the directory was created, or given a new identity, by this start. */
  readonly existed: boolean;
  readonly hardState: HardState;
  /** The configuration the node was first started with. */
  readonly initialConfiguration: Configuration;
  readonly snapshot: StoredSnapshot | undefined;
  /** The log after the snapshot, contiguous. */
  readonly runs: readonly Run[];
  /** Bytes of an unacknowledged, incomplete last write that were cut off. */
  readonly tornBytes: number;
}

/** Sizes for LOGSIZE and METRICS. */
export interface StorageSizes {
  readonly segments: number;
  readonly walBytes: number;
  readonly snapshots: number;
  readonly snapshotBytes: number;
  /** The newest of them; 0 while there is none. */
  readonly newestSnapshotBytes: number;
  /** Of snapshots in the making. */
  readonly temporaryBytes: number;
}

/** A snapshot in the directory. */
export interface StoredSnapshot extends SnapshotDescription {
  /** Of its blocks before they were compressed. */
  readonly plainBytes: number;
  readonly compression: Compression;
}

/** Looks at a snapshot that was received and verified; what it throws keeps it out of the directory. */
export type SnapshotCheck = (snapshot: StoredSnapshot) => void;

/** A snapshot being written by this node. Blocks are not empty, and at most `SNAPSHOT_BLOCK_BYTES_MAX` long. */
export interface SnapshotWriter {
  /** Into the page cache only. Throws `NoSpaceError`: then `abort` and go on without a snapshot. */
  write(block: Uint8Array): void;
  /** Resolves when nothing is on its way from the page cache to the disk, at once when nothing was. Never rejects: the next `write` throws. */
  writtenBack(): Promise<void>;
  /**
   * Footer, sync, verification by reading it back in slices, rename, directory sync. Older ones but the previous go.
   * Rejects with `NoSpaceError` (nothing is left behind), `CorruptionError` or `DiskFailureError`.
   */
  finish(): Promise<StoredSnapshot>;
  /** Removes the temporary file. */
  abort(): void;
}

/** A snapshot being received from the leader as the bytes of its file. */
export interface SnapshotReceiver {
  /** The next byte wanted. */
  readonly nextOffset: number;
  /** `offset` must be `nextOffset`. Throws `NoSpaceError`. */
  write(offset: number, data: Uint8Array): void;
  /**
   * Verifies every checksum, syncs, renames. Rejects with `CorruptionError`, `FormatVersionError` or what `check` throws (the file is
   * removed), or `DiskFailureError`.
   */
  finish(check?: SnapshotCheck): Promise<StoredSnapshot>;
  abort(): void;
}

/** A snapshot opened for reading; goes on working after newer snapshots have replaced its file. */
export interface SnapshotSource {
  readonly description: StoredSnapshot;
  /** A copy of up to `lengthMax` bytes of the file at `offset`. */
  readChunk(offset: number, lengthMax: number): Uint8Array;
  /** The state machine's blocks in the order written, each valid until the next; each checksum is verified. Throws `CorruptionError`. */
  blocks(): Iterable<Uint8Array>;
  /** Verifies each checksum without undoing the compression, a block at each step. Throws `CorruptionError`. */
  check(): Iterable<unknown>;
  close(): void;
}

/**
 * Log, hard state and snapshots of one node in one directory.
 *
 * Any `DiskFailureError`, thrown or rejected, is final: the driver acknowledges nothing of that batch and ends the process.
 */
export interface Storage {
  readonly directory: string;
  readonly recovered: Recovered;

  /**
   * Makes room for a write of `bytes` command bytes with `entries` entries, preallocating a segment if need be.
   * False when the disk is full: then nothing may be appended now; a later call may succeed.
   */
  reserve(bytes: number, entries: number): boolean;

  /** The same for entries whose encoded form is known to have `bodyBytes` bytes, and for exactly these. */
  reserveBody(bodyBytes: number): boolean;

  /**
   * Writes `run` as one record, into the page cache only. Entries at or above the first index are replaced. */
  append(run: Run): void;

  /** Makes everything appended before the call durable with one fdatasync (more only when segments rolled). One at a time. */
  sync(): Promise<void>;

  /** Temporary file, sync, rename, directory sync. One at a time; may run beside `sync`. */
  saveHardState(hardState: HardState): Promise<void>;

  /** The node was removed from its cluster: durable, and the directory is refused from now on. */
  markRemoved(): Promise<void>;

  /** Starts a snapshot of the state at `lastIncluded`, in a form that programs of before read unless it is to be compressed. One at a time. */
  createSnapshot(lastIncluded: EntryId, configuration: Configuration, compression?: Compression): SnapshotWriter;
  /** Starts to receive one. A receiver not finished is aborted. */
  receiveSnapshot(lastIncluded: EntryId, configuration: Configuration): SnapshotReceiver;
  /** The newest complete snapshot, or undefined. */
  openSnapshot(): SnapshotSource | undefined;

  /** Removes segments that hold only entries at or below `index`. Call after a snapshot at or above it is complete. */
  compact(index: Index): Promise<void>;

  /**
   * Reads all that is durable once more: first the snapshots, then the log, then the files with term and vote and with the keys. Each step reads one piece; to
   * end it early, `return`. What is written or removed meanwhile is passed over.
   */
  scrub(): Iterator<ScrubStep, void>;
  /** Makes the log go on in another segment than that one; durable with the next `sync`. False when the disk is full. */
  leaveSegment(name: string): boolean;
  /** The index that a snapshot must reach before `compact` removes the segment; undefined when there is no such segment. */
  indexCovering(name: string): number | undefined;
  /**
   * Writes the file with the keys of an encrypted directory as it was when it was last sound, unless it is sound. False while `kvstore rekey`
   * is at work on it. Rejects with `IncompatibleError` where there are no keys, and as the disk does.
   */
  restoreKeyFile(): Promise<boolean>;
  /** Removes a snapshot, but never the newest. */
  dropSnapshot(id: EntryId): Promise<void>;

  sizes(): StorageSizes;

  /** Of the file system of the directory; undefined where nothing tells. Throws `AccessError`. */
  space(): DiskSpace | undefined;

  /**
   * From now on `reserve` and `reserveBody` prepare no segment that would leave less than `bytes` free: so much is for the next
   * snapshot, without which the log never gets shorter. 0 at first. What must be appended without asking may take of it.
   */
  keepFree(bytes: number): void;

  /** Waits for what is in flight, closes files, releases the lock. */
  close(): Promise<void>;
}
