/** A log that is damaged, and the oracle for it: what is proved to have been durable is found or refused, never lost in silence. */

import { Run } from "../../lib/raft/run.ts";
import { Buffer } from "node:buffer";
import { bytesToString } from "../../lib/base/bytes.ts";
import { CorruptionError } from "../../lib/base/errors.ts";
import type { Entry } from "../../lib/raft/types.ts";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { SECTOR_BYTES } from "../support/memory/memory_file.ts";
import { loadDirectory, loadNodeFile } from "../../lib/storage/load.ts";
import {
  decodeRecordHeader,
  RECORD_HEADER_BYTES,
  RECORD_MAGIC,
  SEGMENT_HEADER_BYTES,
} from "../../lib/storage/wal_format.ts";
import { DIRECTORY, durableCopy, id, MARK, open } from "../unit/storage/support.ts";
import { logText } from "./history.ts";
import { errorText, start } from "./outcome.ts";
import { entriesIn } from "../support/runs.ts";

/** A record as it was written. */
export interface WrittenRecord {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  /** What its header proves to have been durable before it. */
  readonly durableNumber: number;
}

/** A log before it is damaged. */
export interface WrittenLog {
  readonly segmentBytes: number;
  /** With everything on the drive. Not to be changed. */
  readonly disk: MemoryDisk;
  /** Its files. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** In order; record number `n` is at `n - 1`. */
  readonly records: readonly WrittenRecord[];
  /** How many of the records a sync has acknowledged. */
  readonly acknowledged: number;
  /** What each sector of the segments held before, by `path:sector`, oldest first. */
  readonly earlier: ReadonlyMap<string, readonly Uint8Array[]>;
  /** `logs[n]` is the text of the log of the first `n` records. */
  readonly logs: readonly string[];
}

/** How a log is made: `synced` records with a sync each, then `unsynced` ones; each of one entry of `bytes` bytes. */
export interface LogPlan {
  readonly segmentBytes: number;
  readonly synced: number;
  readonly unsynced: number;
  readonly bytes: number;
}

/** What became of a damaged log. */
export type Verdict =
  | { readonly type: "Whole" }
  /** Only records that were never acknowledged are missing. */
  | { readonly type: "Shorter" }
  | { readonly type: "Refused"; readonly error: CorruptionError }
  /** Acknowledged records are missing, and nothing that is still readable proves that they were durable. */
  | { readonly type: "Unprovable"; readonly lost: number }
  | { readonly type: "Wrong"; readonly what: string };

const TERM = 3;

/** Writes a log. */
export async function writeLog({ segmentBytes, synced, unsynced, bytes }: LogPlan): Promise<WrittenLog> {
  const live = new MemoryDisk();
  const earlier = new Map<string, Uint8Array[]>();
  const storage = await open(live, { segmentBytes });
  live.hooks.afterCall = (operation, path) => {
    if (operation === "write" && path.endsWith(".wal")) {
      rememberSectors(earlier, path, live.contents(path) ?? new Uint8Array(0));
    }
  };
  const { term } = id(0, TERM);
  await storage.saveHardState({ currentTerm: term, votedFor: 0 });
  for (let index = 1; index <= synced + unsynced; index++) {
    storage.append(Run.of(commands(index, { count: 1, bytes })));
    if (index <= synced) await storage.sync();
  }
  const disk = durableCopy(live);
  const files = disk.files();
  const logs = Array.from({ length: synced + unsynced + 1 }, (_, count) => logText(commands(1, { count, bytes })));
  return { segmentBytes, disk, files, records: findRecords(files), acknowledged: synced, earlier, logs };
}

/** Puts other bytes in the place of a sector, as far as the file reaches. */
export function replaceSector(image: MemoryDisk, place: { path: string; sector: number }, content: Uint8Array): void {
  image.damage(place.path, (bytes) => {
    const target = bytes.subarray(place.sector * SECTOR_BYTES, (place.sector + 1) * SECTOR_BYTES);
    target.fill(0);
    target.set(content.subarray(0, target.length));
  });
}

/** The judgement of a start, without its writes: `loadDirectory` is all that a start does before it. */
export async function loadDamaged(log: WrittenLog, image: MemoryDisk): Promise<Verdict> {
  try {
    const nodeFile = loadNodeFile(image, DIRECTORY, 0);
    const loaded = await loadDirectory({ disk: image, directory: DIRECTORY, pause: () => Promise.resolve(), nodeFile });
    const damage = loaded.damages[0];
    if (damage === undefined) return judgeFound(log, image, logText(entriesIn(loaded.runs)));
    return judgeRefusal(log, image, new CorruptionError(damage.file, damage));
  } catch (error) {
    return { type: "Wrong", what: String(error) };
  }
}

/** A whole start, which may write to `image`. A refusal must leave every byte as it was. */
export async function startDamaged(log: WrittenLog, image: MemoryDisk): Promise<Verdict> {
  const before = durableCopy(image);
  const { outcome, storage } = await start(image, log.segmentBytes);
  if (outcome.type === "Failed") return { type: "Wrong", what: errorText(outcome) };
  if (outcome.type === "Refused") {
    if (!sameFiles(before, image)) return { type: "Wrong", what: "A refused start has changed a file" };
    return judgeRefusal(log, before, outcome.error);
  }
  await storage?.close();
  const { hardState, log: found } = outcome.found;
  if (hardState.currentTerm !== id(0, TERM).term || hardState.votedFor !== 0) {
    return { type: "Wrong", what: `The term found is ${hardState.currentTerm}, the vote ${hardState.votedFor}` };
  }
  return judgeFound(log, before, found);
}

function judgeFound(log: WrittenLog, image: MemoryDisk, found: string): Verdict {
  const { firstBad, proved } = compare(log, image);
  if (found !== log.logs[firstBad - 1]) {
    return { type: "Wrong", what: `Records before ${firstBad} are whole, found:\n${found}` };
  }
  if (firstBad <= proved) return { type: "Wrong", what: `Record ${firstBad} is lost, durable was ${proved}` };
  if (firstBad <= log.acknowledged) return { type: "Unprovable", lost: log.acknowledged - firstBad + 1 };
  return { type: firstBad > log.records.length ? "Whole" : "Shorter" };
}

function judgeRefusal(log: WrittenLog, image: MemoryDisk, error: CorruptionError): Verdict {
  const { firstBad, headerBad } = compare(log, image);
  const record = log.records[firstBad - 1];
  if (record === undefined || firstBad > log.acknowledged) {
    return { type: "Wrong", what: `Refused, though nothing acknowledged is damaged: ${error.message}` };
  }
  const expected = headerBad ? 0 : record.start;
  if (error.file === record.path && error.offset === expected) return { type: "Refused", error };
  const before = log.records[firstBad - 2];
  // A segment without its header and without data cannot be told from none: then the place where it should follow is named.
  if (headerBad && error.file === before?.path && error.offset === before.end) return { type: "Refused", error };
  // Of two segments that say they are the same, either may be the right one.
  if (headerBad && error.what.startsWith("a second segment")) return { type: "Refused", error };
  return { type: "Wrong", what: `The damage is in ${record.path} at offset ${expected}, but: ${error.message}` };
}

/** The first record that is not as it was written, and what the readable rest proves. */
function compare(log: WrittenLog, image: MemoryDisk): { firstBad: number; headerBad: boolean; proved: number } {
  const contents = new Map(Array.from(log.files.keys(), (path) => [path, image.contents(path) ?? new Uint8Array(0)]));
  const same = (path: string, from: number, to: number): boolean => {
    const [left, right] = [log.files.get(path) ?? new Uint8Array(0), contents.get(path) ?? new Uint8Array(0)];
    return right.length >= to && equal(left.subarray(from, to), right.subarray(from, to));
  };
  const isHeaderBad = (record: WrittenRecord): boolean => !same(record.path, 0, SEGMENT_HEADER_BYTES);
  let firstBad = log.records.findIndex((record) => isHeaderBad(record) || !same(record.path, record.start, record.end));
  if (firstBad < 0) firstBad = log.records.length;
  const bad = log.records[firstBad];
  let proved = same(MARK, 0, log.files.get(MARK)?.length ?? 0) ? log.acknowledged : 0;
  for (const record of log.records.slice(firstBad)) {
    const isReadable = same(record.path, record.start, record.start + RECORD_HEADER_BYTES);
    if (isReadable) proved = Math.max(proved, record.durableNumber);
  }
  return { firstBad: firstBad + 1, headerBad: bad !== undefined && isHeaderBad(bad), proved };
}

/** Plain text, which is quick to read: the same log is read many thousand times. */
function commands(first: number, { count, bytes }: { count: number; bytes: number }): Entry[] {
  return Array.from({ length: count }, (_, at): Entry => {
    const command = `command ${first + at} `.padEnd(bytes, "abcdefghijklmnopqrstuvwxyz");
    return { type: "Command", ...id(first + at, TERM), command };
  });
}

function findRecords(files: ReadonlyMap<string, Uint8Array>): WrittenRecord[] {
  const records: (WrittenRecord & { readonly number: number })[] = [];
  for (const [path, bytes] of files) {
    if (!path.endsWith(".wal")) continue;
    const text = bytesToString(bytes);
    const magic = bytesToString(RECORD_MAGIC);
    for (let at = text.indexOf(magic); at >= 0; at = text.indexOf(magic, at + 1)) {
      const header = decodeRecordHeader(bytes, { file: "", offset: at });
      if (header === undefined) continue;
      const { number, durableNumber, bodyBytes } = header;
      records.push({ path, start: at, end: at + RECORD_HEADER_BYTES + bodyBytes, number, durableNumber });
    }
  }
  return records.sort((left, right) => left.number - right.number);
}

function rememberSectors(earlier: Map<string, Uint8Array[]>, path: string, bytes: Uint8Array): void {
  for (let sector = 0; sector * SECTOR_BYTES < bytes.length; sector++) {
    const content = bytes.slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    const known = earlier.get(`${path}:${sector}`) ?? [];
    if (!equal(content, known.at(-1))) earlier.set(`${path}:${sector}`, [...known, content]);
  }
}

function sameFiles(left: MemoryDisk, right: MemoryDisk): boolean {
  const [before, after] = [left.files(), right.files()];
  const names = (files: ReadonlyMap<string, Uint8Array>) =>
    Array.from(files.keys()).filter((path) => !path.endsWith("/LOCK")).join();
  if (names(before) !== names(after)) return false;
  return Array.from(before).every(([path, bytes]) => path.endsWith("/LOCK") || equal(bytes, after.get(path)));
}

function equal(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return right !== undefined && Buffer.compare(left, right) === 0;
}
