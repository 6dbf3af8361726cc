/**
 * Opens a data directory: lock, read, judge; only then write.
 *
 * Everything that can be refused (another version, damage, another node or cluster) is refused before the first change.
 */

import { AccessError, IncompatibleError, RemovedError } from "../base/errors.ts";
import { type Configuration, type HardState, type NodeId, toTerm } from "../raft/types.ts";
import { corruption } from "./damage.ts";
import type { Disk, DiskLock } from "./disk.ts";
import { FailureLatch } from "./failure_latch.ts";
import { DirectoryStorage } from "./directory_storage.ts";
import { hardStateOf, loadDirectory, type LoadedDirectory, loadNodeFile } from "./load.ts";
import { checkOwner, type NodeFile, nodeFileName, nodeIdsOf } from "./node_file.ts";
import { NodeStore, REMOVED_NAME } from "./node_store.ts";
import { SnapshotStore } from "./snapshot_store.ts";
import type { Recovered, Storage } from "./storage.ts";
import { type ContentVersions, findOtherVersions, SNAPSHOTS_NAME, WAL_NAME } from "./version_check.ts";
import { refuseHalfRestored } from "./restore_mark.ts";
import { SEGMENT_BYTES } from "./wal_format.ts";
import { recoverWal } from "./wal_recovery.ts";

const HELD_BY_CALLER: DiskLock = { release: () => {} };

/** What a directory is opened with. */
export interface OpenStorageOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly nodeId: NodeId;
  /** What the operator calls the cluster; with "" a directory of any name is taken. */
  readonly clusterName: string;
  /**
   * Written into a new directory; one that exists keeps its own. With the empty one a directory that holds nothing becomes a
   * new one: a node that could only wait in it has promised nothing.
   */
  readonly initialConfiguration: Configuration;
  /** 16 random hex digits, asked only for a new directory. */
  makeIdentity(): string;
  /** Tells commands and states of another version; not checked when left out. */
  readonly contents?: ContentVersions;
  /** The directory is being made from a backup, and the caller holds its lock; every other caller is refused such a one. */
  readonly isRestore?: boolean;
  /** Size of a log segment; `SEGMENT_BYTES` when left out. */
  readonly segmentBytes?: number;
  /** Lets the event loop go round while a snapshot is verified; a timer of 0 ms when left out. */
  pause?(): Promise<void>;
}

/**
 * Recovers `directory`, or makes a new one. Rejects with `MasterKeyError`, `RemovedError`, `FormatVersionError` (nothing was written), `DirectoryLockedError`,
 * `IncompatibleError`, `CorruptionError` (nothing but LOCK was written), `AccessError`, `NoSpaceError` or `DiskFailureError`.
 */
export async function openStorage(options: OpenStorageOptions): Promise<Storage> {
  const { disk, directory } = options;
  disk.makeDirectory(directory);
  // A key that is missing or wrong is refused before anything else is looked at.
  disk.encryption?.keysOf(directory);
  if (disk.exists(`${directory}/${REMOVED_NAME}`)) throw new RemovedError(options.nodeId, { directory, isOwn: true });
  if (options.isRestore !== true) refuseHalfRestored(disk, directory);
  // Even LOCK would be a change. Where it stands, a node may be running, whose files may change while they are read.
  if (!disk.exists(`${directory}/LOCK`)) await readVersions(options);
  // The node file is the first that is made durable: without it an earlier start may have ended before its first sync.
  if (!disk.exists(`${directory}/${nodeFileName(options.nodeId)}`)) await syncAncestors(disk, directory);
  if (options.isRestore === true) return await openLocked(options, HELD_BY_CALLER);
  const lock = await disk.lock(`${directory}/LOCK`, directory);
  try {
    // Again under the lock: a restore may have begun while it was waited for.
    refuseHalfRestored(disk, directory);
    return await openLocked(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Makes the names on the way to `directory` durable: any of them may be new. */
async function syncAncestors(disk: Disk, directory: string): Promise<void> {
  for (let path = directory; path !== "/" && path !== ".";) {
    path = parentOf(path);
    try {
      await disk.syncDirectory(path);
    } catch (error) {
      // What may not even be opened was not made by this program, nor was anything above it.
      if (error instanceof AccessError) return;
      throw error;
    }
  }
}

async function openLocked(options: OpenStorageOptions, lock: DiskLock): Promise<Storage> {
  const { disk, directory } = options;
  const pause = pauseOf(options);
  refuseOtherVersions(options);
  const found = readNodeFile(options);
  const { contents } = options;
  const loaded = await loadDirectory({ disk, directory, pause, nodeFile: found, contents, isLoadedNext: true });
  const damage = loaded.damages[0];
  if (damage !== undefined) throw corruption(damage);

  const latch = new FailureLatch();
  const kept = found !== undefined && isToBeRenewed(found, loaded, options) ? undefined : found;
  const content = kept ?? newNodeFile(options);
  const { ownership } = content;
  const keys = await disk.encryption?.begin(directory, ownership);
  const node = new NodeStore({ disk, directory, latch, keys }, content);
  const isPlain = keys?.plain.includes(nodeFileName(ownership.nodeId)) === true;
  if (kept === undefined || isPlain) await node.save(content.hardState);
  if (isPlain) await disk.encryption?.begin(directory, ownership);
  const [walDirectory, snapshotDirectory] = [`${directory}/${WAL_NAME}`, `${directory}/${SNAPSHOTS_NAME}`];
  disk.makeDirectory(walDirectory);
  disk.makeDirectory(snapshotDirectory);
  await disk.syncDirectory(directory);
  const { listed, newest } = loaded;
  const snapshots = new SnapshotStore({ disk, directory: snapshotDirectory, latch, pause, listed, newest });
  await snapshots.tidy();
  const wal = await recoverWal({
    disk,
    directory: walDirectory,
    latch,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
    scan: loaded.scan,
    shape: loaded.replay.shape,
    firstIndex: (newest?.lastIncluded.index ?? 0) + 1,
    snapshots,
    keys,
  });
  // After what a crash had left was removed: on a full disk that is the room for it.
  if (kept !== undefined && !isPlain) node.prepareReserve();
  const recovered = describe(content, { loaded, existed: kept !== undefined });
  return new DirectoryStorage({ disk, walDirectory, directory, recovered, lock, node, snapshots, wal });
}

/** Reads all that has a version, and rejects with `FormatVersionError` for another one. Damage is left to be judged later. */
async function readVersions(options: OpenStorageOptions): Promise<void> {
  const { disk, directory, contents } = options;
  refuseOtherVersions(options);
  await loadDirectory({ disk, directory, pause: pauseOf(options), nodeFile: undefined, contents });
}

function pauseOf(options: OpenStorageOptions): () => Promise<void> {
  return () => options.pause?.() ?? turn();
}

/** Before any damage: without its version nothing of a file can be judged. */
function refuseOtherVersions(options: OpenStorageOptions): void {
  const other = findOtherVersions(options)[0];
  if (other !== undefined) throw other;
}

function readNodeFile({ disk, directory, nodeId, clusterName }: OpenStorageOptions): NodeFile | undefined {
  const other = nodeIdsOf(disk.list(directory)).find((id) => id !== nodeId);
  if (other !== undefined) {
    const name = nodeFileName(other);
    throw new IncompatibleError(`Cannot use ${directory} for node ${nodeId}: it holds ${name} of another node`);
  }
  const content = loadNodeFile(disk, directory, nodeId);
  if (content !== undefined) {
    checkOwner(content.ownership, { nodeId, clusterName, file: `${directory}/${nodeFileName(nodeId)}` });
  }
  return content;
}

function newNodeFile({ nodeId, clusterName, initialConfiguration, makeIdentity }: OpenStorageOptions): NodeFile {
  const hardState: HardState = { currentTerm: toTerm(0), votedFor: undefined };
  return { ownership: { nodeId, clusterName, identity: makeIdentity() }, hardState, initialConfiguration };
}

/** Whether a new identity is asked for, and nothing was ever done under the old one. */
function isToBeRenewed(found: NodeFile, loaded: LoadedDirectory, options: OpenStorageOptions): boolean {
  if (options.initialConfiguration.members.length > 0 || found.initialConfiguration.members.length === 0) return false;
  const { currentTerm, votedFor, clusterId } = found.hardState;
  const isBlank = currentTerm === 0 && votedFor === undefined && clusterId === undefined;
  return isBlank && loaded.runs.length === 0 && loaded.newest === undefined;
}

function describe(content: NodeFile, { loaded, existed }: { loaded: LoadedDirectory; existed: boolean }): Recovered {
  const { ownership, initialConfiguration } = content;
  const { runs, newest: snapshot, scan } = loaded;
  const hardState = hardStateOf(content, loaded);
  return { ownership, existed, hardState, initialConfiguration, snapshot, runs, tornBytes: scan.tornBytes };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function parentOf(path: string): string {
  const slash = path.replace(/\/+$/, "").lastIndexOf("/");
  return slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}
