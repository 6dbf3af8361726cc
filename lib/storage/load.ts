/** Reads all of a data directory without changing it, and lists what is wrong. Shared by `openStorage` and `inspect`. */

import { CorruptionError } from "../base/errors.ts";
import type { Run } from "../raft/run.ts";
import { type Configuration, type EntryId, type HardState, type NodeId, ZERO_ENTRY_ID } from "../raft/types.ts";
import type { Damage } from "./damage.ts";
import type { Disk } from "./disk.ts";
import { RecordBodies } from "./encryption/record_bodies.ts";
import { LogReplay } from "./log_replay.ts";
import { decodeNodeFile, type NodeFile, nodeFileName } from "./node_file.ts";
import { readWhole } from "./read_whole.ts";
import { snapshotName, type SnapshotSummary } from "./snapshot_format.ts";
import { type ListedSnapshot, listSnapshots, type Verification, verifyListed } from "./snapshot_store.ts";
import { storedSnapshot } from "./snapshot_temporary.ts";
import type { StoredSnapshot } from "./storage.ts";
import { checkEntries, checkLevel, type ContentVersions, SNAPSHOTS_NAME, WAL_NAME } from "./version_check.ts";
import { scanWal, type WalScan } from "./wal_scan.ts";

/** What is read, and how. */
export interface LoadOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly pause: () => Promise<void>;
  /** Undefined when there is none: then there must be no data either. */
  readonly nodeFile: NodeFile | undefined;
  readonly contents?: ContentVersions | undefined;
  /** Also decode the entries that the snapshot replaces, as far as the log still has them. */
  readonly whole?: boolean;
  /** The newest snapshot is loaded next: its compression is left to that. */
  readonly isLoadedNext?: boolean;
}

/** What a directory holds. With damages the rest is only what could be read. */
export interface LoadedDirectory {
  /** All snapshots, newest first. */
  readonly listed: readonly ListedSnapshot[];
  readonly newest: StoredSnapshot | undefined;
  readonly scan: WalScan;
  readonly replay: LogReplay;
  /** The log after the newest snapshot. */
  readonly runs: readonly Run[];
  readonly damages: readonly Damage[];
}

/** Reads the node file; undefined when there is none. Throws `CorruptionError` or `FormatVersionError`. */
export function loadNodeFile(disk: Disk, directory: string, nodeId: NodeId): NodeFile | undefined {
  const path = `${directory}/${nodeFileName(nodeId)}`;
  if (!disk.exists(path)) return undefined;
  const keys = disk.encryption?.keysOf(directory);
  const bytes = readWhole(disk, path);
  return decodeNodeFile(bytes, path, keys?.plain.includes(nodeFileName(nodeId)) === true ? undefined : keys);
}

/** Reads snapshots and log. Rejects with `FormatVersionError`, also when there is damage: without the versions nothing can be judged. */
export async function loadDirectory(options: LoadOptions): Promise<LoadedDirectory> {
  const { disk, directory, pause, nodeFile, contents, whole, isLoadedNext } = options;
  const [wal, snapshots] = [`${directory}/${WAL_NAME}`, `${directory}/${SNAPSHOTS_NAME}`];
  const damages: Damage[] = [];
  const listed = listSnapshots(disk, snapshots);
  const summary = await verifyNewest({ disk, directory: snapshots, pause, isLoadedNext }, { listed, damages });
  if (summary !== undefined) {
    const file = `${snapshots}/${snapshotName(summary.lastIncluded)}`;
    checkLevel(summary.configuration, { contents, file, part: "the configuration in it" });
  }
  const end: EntryId = summary?.lastIncluded ?? ZERO_ENTRY_ID;
  const replay = new LogReplay(whole === true ? 0 : end.index);
  const bodies = new RecordBodies(disk.encryption?.keysOf(directory));
  const scan = scanWal(disk, wal, (record, body, { header }) => replay.take(record, body, bodies.of(header)));
  const missing = describeMissing({ nodeFile, listed, scan });
  const unreadable = findUnreadable(scan);
  const beginning = unreadable === undefined ? undefined : `${wal}/${unreadable}`;
  if (missing !== undefined && nodeFile === undefined) damages.push({ file: directory, offset: 0, what: missing });
  // Where the log itself shows what is wrong, that place says more than the directory.
  if (scan.damage !== undefined) damages.push(scan.damage);
  if (missing !== undefined && nodeFile !== undefined) {
    damages.push({ file: beginning ?? directory, offset: 0, what: missing });
  }
  const runs = replay.runsAfter(end);
  if (typeof runs !== "string") checkEntries(runs, { contents, scan, directory: wal });
  // Without its snapshot the log cannot be judged.
  const judged = listed.length === 0 || summary !== undefined;
  if (typeof runs === "string" && judged) damages.push({ file: beginning ?? wal, offset: 0, what: runs });
  return {
    listed,
    newest: summary && storedSnapshot(summary),
    scan,
    replay,
    runs: typeof runs === "string" ? [] : runs,
    damages,
  };
}

/** The last entry that a start has: of the log, or the last that the snapshot replaces. */
export function lastEntryOf({ runs, newest }: Pick<LoadedDirectory, "runs" | "newest">): EntryId {
  return runs.at(-1)?.last ?? newest?.lastIncluded ?? ZERO_ENTRY_ID;
}

/** The term, vote and cluster id that a start goes on with. */
export function hardStateOf({ hardState }: NodeFile, loaded: Pick<LoadedDirectory, "runs" | "newest">): HardState {
  const { term } = lastEntryOf(loaded);
  // ADR 23: a forced recovery names the new cluster in a snapshot first. No other snapshot has another id than the node file.
  const clusterId = loaded.newest?.configuration.clusterId ?? hardState.clusterId;
  const known = clusterId === undefined ? hardState : { ...hardState, clusterId };
  // The log may be durable before the term it is of. No vote was given in that term: a vote waits for the node file.
  return term > hardState.currentTerm ? { ...known, currentTerm: term, votedFor: undefined } : known;
}

/** The configuration that a start goes on with (Raft 6): the latest in the log, committed or not. */
export function configurationOf(
  { initialConfiguration }: NodeFile,
  { runs, newest }: Pick<LoadedDirectory, "runs" | "newest">,
): Configuration {
  const inLog = runs.findLast(({ configurations }) => configurations.length > 0)?.configurations.at(-1);
  return inLog?.configuration ?? newest?.configuration ?? initialConfiguration;
}

async function verifyNewest(
  place: Verification,
  { listed, damages }: { listed: readonly ListedSnapshot[]; damages: Damage[] },
): Promise<SnapshotSummary | undefined> {
  const newest = listed[0];
  if (newest === undefined) return undefined;
  try {
    return await verifyListed(place, newest);
  } catch (error) {
    // Also when the one before it is good: a snapshot gets its name only after it was synced and verified.
    if (!(error instanceof CorruptionError)) throw error;
    damages.push({ file: error.file, offset: error.offset, what: error.what });
    return undefined;
  }
}

/** The segment that, by its name, stands before all that could be read: if anything is missing there, it is in this one. */
function findUnreadable({ segments, leftovers }: WalScan): string | undefined {
  const first = segments[0]?.name;
  return leftovers.find((name) => first === undefined || name < first);
}

/** Files that must be there because others are. */
function describeMissing(found: {
  nodeFile: NodeFile | undefined;
  listed: readonly ListedSnapshot[];
  scan: WalScan;
}): string | undefined {
  const { nodeFile, listed, scan } = found;
  const segments = scan.segments.length + scan.leftovers.length;
  if (nodeFile === undefined) {
    // A vote that was given must not be forgotten, so an empty file must not be made up.
    if (segments + listed.length === 0) return undefined;
    return "the file RaftNode<id>.json with term and vote is missing, but there is a log or a snapshot";
  }
  // The first segment is durable before the first term is written.
  if (scan.segments.length > 0 || (nodeFile.hardState.currentTerm === 0 && listed.length === 0)) return undefined;
  return "the log has no segment, but the node has a term or a snapshot";
}
