/** Makes a scanned log fit to go on: cuts the torn tail off, makes what is left durable, opens it. The only part of recovery that writes. */

import { NoSpaceError } from "../base/errors.ts";
import { fault } from "../base/faults.ts";
import { toIndex } from "../raft/types.ts";
import type { Disk, DiskFile } from "./disk.ts";
import type { DirectoryKeys } from "./encryption/directory_keys.ts";
import type { FailureLatch } from "./failure_latch.ts";
import type { LogShape } from "./log_shape.ts";
import { SpareSegment } from "./spare_segment.ts";
import { type CurrentSegment, Wal, type WalStart } from "./wal.ts";
import { encodeMark, encodeSegmentHeader, MARK_BYTES, SEGMENT_HEADER_BYTES, segmentName } from "./wal_format.ts";
import { MARK_NAME, type ScannedSegment, type WalScan } from "./wal_scan.ts";
import { writeZeros } from "./zeros.ts";

/** Bytes that are written again at a time. */
const REWRITE_BYTES = 1_048_576;

/** A log that was scanned and found undamaged. */
export interface WalRecovery {
  readonly disk: Disk;
  /** Exists. */
  readonly directory: string;
  readonly latch: FailureLatch;
  readonly segmentBytes: number;
  readonly scan: WalScan;
  readonly shape: LogShape;
  /** Index of the first entry when the log is empty. */
  readonly firstIndex: number;
  readonly snapshots: WalStart["snapshots"];
  /** Of an encrypted directory. */
  readonly keys?: DirectoryKeys | undefined;
}

/** Opens the log for appending; afterwards everything that the scan found is durable. Throws and rejects as the disk does. */
export async function recoverWal(recovery: WalRecovery): Promise<Wal> {
  const { disk, directory, latch, segmentBytes, scan, shape, snapshots, keys } = recovery;
  for (const name of disk.list(directory)) if (name.endsWith(".tmp")) disk.remove(`${directory}/${name}`);
  const epoch = scan.epoch + 1;
  const spare = new SpareSegment({ disk, directory, latch, segmentBytes });
  const last = scan.segments.at(-1);
  const current = last === undefined ? await createFirst(recovery, { spare, epoch }) : await reopenLast(recovery, last);
  // A start on a full disk still has room for what a leader must append without asking.
  if (keys !== undefined && current.cipher === undefined) spare.ensure(segmentBytes);
  const mark = await openMark(disk, directory);
  const { lastNumber, chain } = scan;
  const older = scan.segments.slice(0, -1).map(({ name, bytes, end, highestIndex }) => {
    return { name, bytes, end, highestIndex };
  });
  const position = { sequence: current.sequence, offset: current.offset };
  writeFirstMark(mark, { epoch, number: lastNumber, index: toIndex(shape.lastIndex), ...position });
  const place = { disk, directory, latch, segmentBytes };
  return new Wal({ ...place, older, current, spare, mark, shape, lastNumber, chain, epoch, snapshots, keys });
}

async function createFirst(
  recovery: WalRecovery,
  { spare, epoch }: { spare: SpareSegment; epoch: number },
): Promise<CurrentSegment> {
  const { disk, directory, segmentBytes, scan } = recovery;
  await removeLeftovers(recovery);
  const firstIndex = toIndex(recovery.firstIndex);
  const name = segmentName({ firstIndex, sequence: 1 }, () => false);
  if (!spare.ensure(segmentBytes)) throw new NoSpaceError(directory);
  const bytes = spare.bytes;
  const { salt, cipher } = recovery.keys?.newSegment() ?? {};
  const header = { sequence: 1, epoch, firstNumber: scan.lastNumber + 1, firstIndex, chain: scan.chain, salt };
  await spare.write(encodeSegmentHeader(header));
  const file = spare.take(`${directory}/${name}`);
  await disk.syncDirectory(directory);
  return { name, file, sequence: 1, bytes, offset: SEGMENT_HEADER_BYTES, highestIndex: 0, cipher };
}

async function reopenLast(recovery: WalRecovery, last: ScannedSegment): Promise<CurrentSegment> {
  const { disk, directory, segmentBytes, scan } = recovery;
  const file = disk.open(last.path, "write");
  // Zeros first, durable before anything is appended: a record of the torn tail must never be found again.
  writeZeros(file, { from: last.end, to: scan.tornEnd });
  rewriteUnproven(file, last, scan);
  if (recovery.keys === undefined) extend(file, segmentBytes);
  // Only what was encrypted in this life may be encrypted with its key: the next record begins a segment.
  else file.truncate(last.end);
  await file.syncData();
  await syncUnproven(recovery, last);
  await removeLeftovers(recovery);
  await disk.syncDirectory(directory);
  return {
    name: last.name,
    file,
    sequence: last.header.sequence,
    bytes: file.size(),
    offset: last.end,
    highestIndex: last.highestIndex,
  };
}

/** The older segments with records that no mark vouches for. */
async function syncUnproven({ disk, scan }: WalRecovery, last: ScannedSegment): Promise<void> {
  for (const segment of scan.segments) {
    if (segment === last || segment.lastNumber <= (scan.mark?.number ?? 0)) continue;
    const file = disk.open(segment.path, "write");
    try {
      rewriteUnproven(file, segment, scan);
      await file.syncData();
    } finally {
      file.close();
    }
  }
}

/**
 * Writes again, as they are, the bytes of a segment that no mark vouches for: they may be in the page cache only. When the
 * process before ended because a sync failed, Linux takes their pages for clean, and a sync alone would not write them.
 */
function rewriteUnproven(file: DiskFile, segment: ScannedSegment, { mark }: WalScan): void {
  const { sequence } = segment.header;
  if (mark !== undefined && mark.sequence > sequence) return;
  const from = mark?.sequence === sequence ? Math.min(mark.offset, segment.end) : 0;
  const buffer = new Uint8Array(Math.min(REWRITE_BYTES, segment.end - from));
  for (let at = from; at < segment.end;) {
    const count = file.readAt(at, buffer.subarray(0, Math.min(buffer.length, segment.end - at)));
    file.writeAt(at, buffer.subarray(0, count));
    at += count;
  }
}

async function removeLeftovers({ disk, directory, scan }: WalRecovery): Promise<void> {
  for (const name of scan.leftovers) disk.remove(`${directory}/${name}`);
  if (scan.leftovers.length > 0) await disk.syncDirectory(directory);
}

/** Preallocates a segment that is shorter than it should be, as far as the disk has room. */
function extend(file: DiskFile, segmentBytes: number): void {
  if (fault("storage/notExtended")) return;
  try {
    writeZeros(file, { from: file.size(), to: segmentBytes });
  } catch (error) {
    if (!(error instanceof NoSpaceError)) throw error;
  }
}

async function openMark(disk: Disk, directory: string): Promise<DiskFile> {
  const path = `${directory}/${MARK_NAME}`;
  if (disk.exists(path)) {
    const file = disk.open(path, "write");
    if (file.size() === MARK_BYTES) return file;
    file.close();
  }
  const file = disk.open(path, "create");
  file.writeAt(0, new Uint8Array(MARK_BYTES));
  await file.syncData();
  await disk.syncDirectory(directory);
  return file;
}

function writeFirstMark(file: DiskFile, mark: Parameters<typeof encodeMark>[0]): void {
  const bytes = new Uint8Array(MARK_BYTES);
  encodeMark(mark, bytes);
  file.writeAt(0, bytes);
}
