/** Looks at the version of every file of a data directory before anything else is judged, let alone changed. */

import { bytesToString } from "../base/bytes.ts";
import { CorruptionError, FormatVersionError } from "../base/errors.ts";
import { EntryReader, type Run } from "../raft/run.ts";
import type { Configuration } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { decodeNodeFile, nodeFileName, nodeIdsOf } from "./node_file.ts";
import { parseSnapshotName, readSnapshot } from "./snapshot_format.ts";
import { decodeMark, decodeSegmentHeader, MARK_BYTES, SEGMENT_HEADER_BYTES } from "./wal_format.ts";
import { MARK_NAME, type WalScan } from "./wal_scan.ts";

/** The directories inside a data directory. */
export const WAL_NAME = "wal";
export const SNAPSHOTS_NAME = "snapshots";

/** The version of a command stands within so many bytes at the start of what it is of. */
export const VERSION_BYTES_MAX = 64;

/** The version of something that storage carries without understanding it; undefined for what tells none. */
export interface ContentVersion<Content> {
  readonly known: number;
  find(content: Content): number | undefined;
}

/** The versions of what stands in snapshots and in the log. */
export interface ContentVersions {
  /** `find` gets the first block of a snapshot. */
  readonly state: ContentVersion<Uint8Array>;
  /** `find` gets a command, cut off behind its first `VERSION_BYTES_MAX` bytes. */
  readonly command: ContentVersion<string>;
  /** The highest level of a cluster that the program can take part in (ADR 18). */
  readonly levelMax: number;
}

/** Where to look. */
export interface VersionedDirectory {
  readonly disk: Disk;
  readonly directory: string;
  /** Contents are not looked at when left out. */
  readonly contents?: ContentVersions | undefined;
}

/**
 * The files of another version, by their heads: node file, snapshots with the state in them, mark, segments. Damage is left
 * to others to find. What stands further back in the log, its records and commands, is checked as it is read.
 */
export function findOtherVersions({ disk, directory, contents }: VersionedDirectory): readonly FormatVersionError[] {
  const found: FormatVersionError[] = [];
  const look = (path: string, read: (bytes: Uint8Array) => unknown): void => {
    const bytesMax = path.endsWith(".json") ? Infinity : Math.max(SEGMENT_HEADER_BYTES, MARK_BYTES);
    collectOther(found, () => read(readStart(path, { disk, bytesMax })));
  };
  for (const id of nodeIdsOf(disk.list(directory))) {
    const path = `${directory}/${nodeFileName(id)}`;
    look(path, (bytes) => decodeNodeFile(bytes, path));
  }
  for (const name of disk.list(`${directory}/${SNAPSHOTS_NAME}`)) {
    if (parseSnapshotName(name) === undefined) continue;
    const path = `${directory}/${SNAPSHOTS_NAME}/${name}`;
    collectOther(found, () => checkSnapshot(path, { disk, contents }));
  }
  for (const name of disk.list(`${directory}/${WAL_NAME}`)) {
    const path = `${directory}/${WAL_NAME}/${name}`;
    if (name === MARK_NAME) look(path, (bytes) => decodeMark(bytes, path));
    if (name.endsWith(".wal")) look(path, (bytes) => decodeSegmentHeader(bytes, path));
  }
  return found;
}

/** A log, where it is, and what is known. */
interface VersionedLog {
  readonly contents: ContentVersions | undefined;
  readonly scan: WalScan;
  readonly directory: string;
}

/** Throws `FormatVersionError` for the first entry of another version: to replay it as nothing would lose it. */
export function checkEntries(runs: readonly Run[], { contents, scan, directory }: VersionedLog): void {
  if (contents === undefined) return;
  const fileOf = (index: number): string => {
    const segment = scan.segments.findLast(({ lowestIndex, highestIndex }) =>
      lowestIndex <= index && index <= highestIndex
    );
    return segment?.path ?? directory;
  };
  for (const { index, configuration } of runs.flatMap(({ configurations }) => configurations)) {
    checkLevel(configuration, { contents, file: fileOf(index), part: `the configuration at index ${index}` });
  }
  const { known } = contents.command;
  for (const { index, start } of commandsOf(runs)) {
    const version = contents.command.find(start);
    if (version === undefined || version === known) continue;
    throw new FormatVersionError(fileOf(index), { version, known, part: `the command at index ${index}` });
  }
}

/** Throws `FormatVersionError` for a level that this program cannot take part in. */
export function checkLevel(
  { level = 0 }: Configuration,
  { contents, file, part }: Pick<VersionedLog, "contents"> & { readonly file: string; readonly part: string },
): void {
  if (contents === undefined || level <= contents.levelMax) return;
  throw new FormatVersionError(file, { version: level, known: contents.levelMax, part });
}

function* commandsOf(runs: readonly Run[]): Iterable<{ readonly index: number; readonly start: string }> {
  for (const { firstIndex, body } of runs) {
    const reader = new EntryReader(body);
    for (let index: number = firstIndex; reader.next(); index++) {
      if (!reader.isCommand) continue;
      yield { index, start: bytesToString(body, reader.start, Math.min(reader.end, reader.start + VERSION_BYTES_MAX)) };
    }
  }
}

function collectOther(found: FormatVersionError[], read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (error instanceof FormatVersionError) found.push(error);
    else if (!(error instanceof CorruptionError)) throw error;
  }
}

function readStart(path: string, { disk, bytesMax }: { disk: Disk; bytesMax: number }): Uint8Array {
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(Math.min(bytesMax, file.size()));
    return bytes.subarray(0, file.readAt(0, bytes));
  } finally {
    file.close();
  }
}

/** Only the head and the first block are read, which tells the format of the state. */
function checkSnapshot(path: string, { disk, contents }: Pick<VersionedDirectory, "disk" | "contents">): void {
  const file = disk.open(path, "read");
  try {
    const first = readSnapshot(file).next();
    if (first.done === true || contents === undefined) return;
    const { known } = contents.state;
    const version = contents.state.find(first.value);
    if (version === undefined || version === known) return;
    throw new FormatVersionError(path, { version, known, part: "the state in it" });
  } finally {
    file.close();
  }
}
