/** What a node's directory holds, for people and for tests that compare nodes. Reads only, and verifies every checksum. */

import { checksum } from "../base/checksum.ts";
import { CorruptionError, DirectoryLockedError, FormatVersionError } from "../base/errors.ts";
import type { Run } from "../raft/run.ts";
import type { Configuration, Entry, EntryId, NodeId } from "../raft/types.ts";
import type { Compression } from "./block_codec.ts";
import { setUint53, viewOf } from "./binary.ts";
import type { Damage } from "./damage.ts";
import type { Disk } from "./disk.ts";
import type { EncryptionFacts } from "./encryption/encryption.ts";
import {
  configurationOf,
  hardStateOf,
  lastEntryOf,
  loadDirectory,
  type LoadedDirectory,
  loadNodeFile,
} from "./load.ts";
import { type NodeFile, nodeIdsOf } from "./node_file.ts";
import { type ListedSnapshot, verifyListed } from "./snapshot_store.ts";
import type { Ownership } from "./storage.ts";
import { type ContentVersions, findOtherVersions, SNAPSHOTS_NAME } from "./version_check.ts";
import { MARK_NAME, type ScannedSegment, type WalScan } from "./wal_scan.ts";

/** What to tell beyond the outline. */
export interface InspectOptions {
  /** Lists `count` entries from index `from` on, as far as the log has them. */
  readonly entries?: { readonly from: number; readonly count: number };
  /** Takes the digest over these indexes (both included) instead of the whole log. */
  readonly digest?: { readonly from: number; readonly to: number };
  /** Tells commands and states of another version; not checked when left out. */
  readonly contents?: ContentVersions;
}

/** A file of another format version. */
export interface OtherVersion {
  readonly file: string;
  readonly version: number;
  /** The version that this program reads. */
  readonly known: number;
  /** One line that says all of it. */
  readonly what: string;
}

/** One snapshot file. */
export interface InspectedSnapshot {
  readonly file: string;
  readonly bytes: number;
  readonly lastIncluded: EntryId;
  /** Null when it is damaged. */
  readonly configuration: Configuration | null;
  readonly blocks: number;
  /** Null when it is damaged. */
  readonly compression: Compression | null;
  /** Of its blocks before they were compressed; 0 when it is damaged. */
  readonly plainBytes: number;
}

/** One segment of the log, in order. */
export interface InspectedSegment {
  readonly file: string;
  readonly sequence: number;
  readonly bytes: number;
  readonly usedBytes: number;
  readonly records: number;
  /** Lowest and highest index of any entry in it, replaced ones included; 0 when there is none. */
  readonly firstIndex: number;
  readonly lastIndex: number;
}

/** Checksum over index, term and content of each entry of a range: equal on two nodes when the entries are. */
export interface LogDigest {
  readonly from: number;
  readonly to: number;
  readonly entries: number;
  /** CRC-32, 8 hex digits. */
  readonly crc: string;
}

/** What the directory holds; JSON-able. Null stands for what is not there. */
export interface Inspection {
  readonly directory: string;
  /** True when a process has the directory open: then the last write may be seen half done. */
  readonly inUse: boolean;
  readonly ownership: Ownership | null;
  /** Null where the directory is not encrypted. */
  readonly encryption: EncryptionFacts | null;
  readonly hardState: {
    readonly currentTerm: number;
    readonly votedFor: NodeId | null;
    readonly clusterId: string | null;
  } | null;
  readonly initialConfiguration: Configuration | null;
  /** Newest first. */
  readonly snapshots: readonly InspectedSnapshot[];
  readonly segments: readonly InspectedSegment[];
  /** The log in the segments, from before the snapshot on if they reach back; null when it is empty. */
  readonly log: { readonly first: EntryId; readonly last: EntryId; readonly entries: number } | null;
  /** Entries after the snapshot: what a start would recover. */
  readonly recoverableEntries: number;
  /** What a start would go on from; null where it would be refused, and in a directory without a node file. */
  readonly recoverable: {
    readonly currentTerm: number;
    readonly clusterId: string | null;
    /** The last entry of the log, or the last that the snapshot replaces. */
    readonly last: EntryId;
    readonly configuration: Configuration;
  } | null;
  readonly digest: LogDigest;
  readonly entries?: readonly Entry[];
  readonly tornBytes: number;
  /** Segments without a durable record, removed at the next start. */
  readonly leftovers: readonly string[];
  /** A damaged mark is not a damage of the data: it is written again at the next start. */
  readonly mark: { readonly file: string; readonly state: WalScan["markState"]; readonly durableIndex: number | null };
  /** Not damaged: the program of that version reads them. What stands in them is not shown. */
  readonly otherVersions: readonly OtherVersion[];
  readonly damages: readonly Damage[];
}

/** What is wrong, gathered while the rest is read. */
interface Findings {
  readonly otherVersions: OtherVersion[];
  readonly damages: Damage[];
}

/** Reads `directory` without changing it. Damage and other versions are listed, not thrown. Throws `AccessError` when it cannot be read. */
export async function inspectDirectory(
  disk: Disk,
  directory: string,
  options: InspectOptions = {},
): Promise<Inspection> {
  const { contents } = options;
  const findings: Findings = { otherVersions: [], damages: [] };
  const { damages, otherVersions } = findings;
  const pause = () => Promise.resolve();
  const inUse = await isInUse(disk, directory);
  for (const other of findOtherVersions({ disk, directory, contents })) note(other, findings);
  const { nodeFile, hadNodeFile } = readNodeFile({ disk, directory, findings });
  const loaded = await collect(findings, () => {
    return loadDirectory({ disk, directory, pause, nodeFile, contents, whole: true });
  });
  // What is said about a missing node file is wrong when it is there but damaged.
  const found = loaded?.damages.filter((damage) => nodeFile !== undefined || !hadNodeFile || damage.file !== directory);
  damages.push(...found ?? []);
  // A start does not look into the snapshots before the newest.
  const starts = damages.length + otherVersions.length === 0;
  const recoverable = starts && nodeFile !== undefined && loaded !== undefined
    ? describeRecoverable(nodeFile, loaded)
    : null;
  const snapshots: InspectedSnapshot[] = [];
  for (const listed of loaded?.listed ?? []) {
    const known = listed === loaded?.listed[0];
    const path = `${directory}/${SNAPSHOTS_NAME}`;
    snapshots.push(
      await inspectSnapshot({ disk, directory: path, pause }, {
        listed,
        // What is wrong with the newest is known from above.
        findings: known ? { otherVersions: [], damages: [] } : findings,
      }),
    );
  }
  const encryption = disk.encryption?.describe(directory) ?? null;
  const described = { ...describeNode(nodeFile), snapshots, ...describeLog(loaded, options), recoverable };
  return { directory, inUse, encryption, ...described, otherVersions, damages };
}

/** Whether a node has the directory open, as far as this process may ask. Changes nothing. */
export async function isInUse(disk: Disk, directory: string): Promise<boolean> {
  const path = `${directory}/LOCK`;
  if (!disk.exists(path)) return false; // Taking the lock would create the file.
  try {
    (await disk.lock(path, directory)).release();
    return false;
  } catch (error) {
    // Without the right to write, the lock cannot be asked for; reading is still possible.
    return error instanceof DirectoryLockedError;
  }
}

/** Runs `read` and lists what it finds damaged or of another version. */
async function collect<T>(findings: Findings, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    note(error, findings);
    return undefined;
  }
}

function note(error: unknown, { otherVersions, damages }: Findings): void {
  if (error instanceof FormatVersionError) {
    const { file, version, known, message: what } = error;
    // Heads are looked at twice.
    if (!otherVersions.some((other) => other.what === what)) otherVersions.push({ file, version, known, what });
  } else if (error instanceof CorruptionError) {
    damages.push({ file: error.file, offset: error.offset, what: error.what });
  } else {
    throw error;
  }
}

function readNodeFile({ disk, directory, findings }: {
  readonly disk: Disk;
  readonly directory: string;
  readonly findings: Findings;
}): { readonly nodeFile: NodeFile | undefined; readonly hadNodeFile: boolean } {
  const ids = nodeIdsOf(disk.list(directory));
  const id = ids[0];
  const what = `files of several nodes: ${ids.join(", ")}`;
  if (ids.length > 1) findings.damages.push({ file: directory, offset: 0, what });
  if (id === undefined) return { nodeFile: undefined, hadNodeFile: false };
  try {
    return { nodeFile: loadNodeFile(disk, directory, id), hadNodeFile: true };
  } catch (error) {
    note(error, findings);
    return { nodeFile: undefined, hadNodeFile: true };
  }
}

async function inspectSnapshot(
  place: { disk: Disk; directory: string; pause: () => Promise<void> },
  { listed, findings }: { listed: ListedSnapshot; findings: Findings },
): Promise<InspectedSnapshot> {
  const { name, bytes, lastIncluded } = listed;
  const file = `${place.directory}/${name}`;
  const summary = await collect(findings, () => verifyListed(place, listed));
  const { configuration = null, compression = null, blocks = 0, plainBytes = 0 } = summary ?? {};
  return { file, bytes, lastIncluded, configuration, blocks, compression, plainBytes };
}

function describeNode(
  nodeFile: NodeFile | undefined,
): Pick<Inspection, "ownership" | "hardState" | "initialConfiguration"> {
  if (nodeFile === undefined) return { ownership: null, hardState: null, initialConfiguration: null };
  const { ownership, hardState, initialConfiguration } = nodeFile;
  const { currentTerm, votedFor = null, clusterId = null } = hardState;
  return { ownership, hardState: { currentTerm, votedFor, clusterId }, initialConfiguration };
}

function describeRecoverable(nodeFile: NodeFile, loaded: LoadedDirectory): Inspection["recoverable"] {
  const { currentTerm, clusterId = null } = hardStateOf(nodeFile, loaded);
  const { index, term } = lastEntryOf(loaded);
  return { currentTerm, clusterId, last: { index, term }, configuration: configurationOf(nodeFile, loaded) };
}

function describeLog(loaded: LoadedDirectory | undefined, options: InspectOptions) {
  const runs = loaded?.replay.runs ?? [];
  const [first, last] = [runs[0]?.first, runs.at(-1)?.last];
  const scan = loaded?.scan;
  const { from, to } = options.digest ?? { from: first?.index ?? 0, to: last?.index ?? 0 };
  const listed = options.entries === undefined
    ? undefined
    : sliceOf(runs, options.entries).flatMap((run) => run.entries());
  return {
    segments: (scan?.segments ?? []).map(describeSegment),
    log: first === undefined || last === undefined ? null : {
      first: { index: first.index, term: first.term },
      last: { index: last.index, term: last.term },
      entries: countOf(runs),
    },
    recoverableEntries: countOf(loaded?.runs ?? []),
    digest: digestOf(runs, { from, to }),
    ...(listed === undefined ? {} : { entries: listed }),
    tornBytes: scan?.tornBytes ?? 0,
    leftovers: scan?.leftovers ?? [],
    mark: { file: MARK_NAME, state: scan?.markState ?? "missing", durableIndex: scan?.mark?.index ?? null },
  } as const;
}

function describeSegment(segment: ScannedSegment): InspectedSegment {
  return {
    file: segment.path,
    sequence: segment.header.sequence,
    bytes: segment.bytes,
    usedBytes: segment.end,
    records: segment.records,
    firstIndex: segment.lowestIndex,
    lastIndex: segment.highestIndex,
  };
}

function countOf(runs: readonly Run[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** The entries `from` to `from + count - 1`, as far as they are there. */
function sliceOf(runs: readonly Run[], { from, count }: { from: number; count: number }): readonly Run[] {
  const to = from + count - 1;
  const some = runs.filter((run) => run.lastIndex >= from && run.firstIndex <= to);
  return some.map((run) => run.slice(Math.max(from, run.firstIndex), Math.min(to, run.lastIndex)));
}

function digestOf(runs: readonly Run[], { from, to }: { from: number; to: number }): LogDigest {
  const id = new Uint8Array(16);
  const view = viewOf(id);
  const slice = sliceOf(runs, { from, count: to - from + 1 });
  let crc = 0;
  for (const run of slice) {
    for (let index: number = run.firstIndex; index <= run.lastIndex; index++) {
      setUint53(view, { offset: 0, value: index });
      setUint53(view, { offset: 8, value: run.term });
      crc = checksum(run.slice(index, index).body, checksum(id, crc));
    }
  }
  return { from, to, entries: countOf(slice), crc: crc.toString(16).padStart(8, "0") };
}
