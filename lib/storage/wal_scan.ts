/**
 * Reads a whole write-ahead log and judges it: what is valid, what was never synced, what is damaged. Changes nothing.
 *
 * The rule (reasons in docs/formats.md): the valid log is the longest chain of records from the oldest segment on. What
 * stands behind it is damage exactly when something proves that records behind it were durable: the mark, or the
 * `durableNumber` of any record header that is still readable there. Otherwise it is a write that a crash tore.
 */

import { Buffer } from "node:buffer";
import { checksum } from "../base/checksum.ts";
import type { Damage } from "./damage.ts";
import type { Disk } from "./disk.ts";
import {
  decodeMark,
  decodeRecordHeader,
  decodeSegmentHeader,
  type DurableMark,
  MARK_BYTES,
  type ReadRecordHeader,
  RECORD_HEADER_BYTES,
  RECORD_MAGIC,
  type RecordPlace,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "./wal_format.ts";
import { endOfData } from "./zeros.ts";

/** The file with the durable position, in the directory of the segments. */
export const MARK_NAME = "durable.mark";

/** A segment of the valid chain. */
export interface ScannedSegment {
  readonly name: string;
  readonly path: string;
  readonly header: SegmentHeader;
  /** Size of the file. */
  readonly bytes: number;
  /** Offset behind the last valid record. */
  end: number;
  records: number;
  /** Number of the last record in it or before it. */
  lastNumber: number;
  /** Lowest and highest index of any entry in it, also of entries replaced since; 0 when there is none. */
  lowestIndex: number;
  highestIndex: number;
}

/** What a scan found. */
export interface WalScan {
  /** In order. The last one is where the log goes on. */
  readonly segments: readonly ScannedSegment[];
  /** Names of segments that hold nothing that was ever synced. */
  readonly leftovers: readonly string[];
  /** Bytes behind the valid chain that are not zero: a torn write. */
  readonly tornBytes: number;
  /** Where the torn bytes of the last segment end; its `end` when there are none. */
  readonly tornEnd: number;
  /** Number and checksum of the last valid record. */
  readonly lastNumber: number;
  readonly chain: number;
  /** The highest epoch seen anywhere. */
  readonly epoch: number;
  readonly mark: DurableMark | undefined;
  readonly markState: "valid" | "missing" | "damaged";
  readonly damage: Damage | undefined;
}

/** Gets each valid record in order. `body` is a view that is overwritten afterwards. A returned text is a damage. */
export type RecordVisitor = (record: ReadRecordHeader, body: Uint8Array, segment: ScannedSegment) => string | undefined;

/** Scans the log in `directory`; `disk` is only read. Throws `FormatVersionError` for another version. */
export function scanWal(disk: Disk, directory: string, visit: RecordVisitor): WalScan {
  return new WalScanner(disk, directory, visit).run();
}

/** A file that ought to be a segment. */
interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly header: SegmentHeader | undefined;
}

class WalScanner {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #visit: RecordVisitor;
  /** Reused for each segment. */
  #buffer = new Uint8Array(0);
  #number = 0;
  #chain = 0;
  #epoch = 0;
  #damage: Damage | undefined;

  constructor(disk: Disk, directory: string, visit: RecordVisitor) {
    this.#disk = disk;
    this.#directory = directory;
    this.#visit = visit;
  }

  run(): WalScan {
    const { mark, markState } = this.#readMark();
    const candidates = this.#findCandidates();
    const readable = candidates.filter(hasHeader).sort((left, right) => left.header.sequence - right.header.sequence);
    const segments = this.#walkChain(readable);
    const last = segments.at(-1);
    const rest = candidates.filter((candidate) => !segments.some((segment) => segment.name === candidate.name));
    let tornEnd = last?.end ?? 0;
    let tornBytes = 0;
    if (this.#damage === undefined) {
      const tail = last === undefined ? new Uint8Array(0) : this.#read(last);
      tornEnd = endOfData(tail, last?.end ?? 0);
      tornBytes = tornEnd - (last?.end ?? 0) + this.#judge({ last, tail: tail.subarray(0, tornEnd), rest, mark });
    }
    return {
      segments,
      leftovers: rest.map((candidate) => candidate.name),
      tornBytes,
      tornEnd,
      lastNumber: this.#number,
      chain: this.#chain,
      epoch: Math.max(this.#epoch, mark?.epoch ?? 0),
      mark,
      markState,
      damage: this.#damage,
    };
  }

  #readMark(): Pick<WalScan, "mark" | "markState"> {
    const path = `${this.#directory}/${MARK_NAME}`;
    if (!this.#disk.exists(path)) return { mark: undefined, markState: "missing" };
    const file = this.#disk.open(path, "read");
    try {
      const bytes = new Uint8Array(MARK_BYTES);
      file.readAt(0, bytes);
      if (endOfData(bytes, 0) === 0) return { mark: undefined, markState: "missing" };
      // A damaged mark proves nothing, and it may be damaged without fault: it is never synced by itself.
      const mark = decodeMark(bytes, path);
      return { mark, markState: mark === undefined ? "damaged" : "valid" };
    } finally {
      file.close();
    }
  }

  #findCandidates(): Candidate[] {
    const candidates: Candidate[] = [];
    for (const name of this.#disk.list(this.#directory)) {
      if (!name.endsWith(".wal")) continue;
      const path = `${this.#directory}/${name}`;
      const file = this.#disk.open(path, "read");
      const bytes = new Uint8Array(Math.min(SEGMENT_HEADER_BYTES, file.size()));
      file.readAt(0, bytes);
      const header = decodeSegmentHeader(bytes, path);
      // A sound header of another segment, which a disk wrote to the wrong place, says nothing of this one.
      const isOwn = header !== undefined &&
        [false, true].some((isTaken) => segmentName(header, () => isTaken) === name);
      candidates.push({ name, path, bytes: file.size(), header: isOwn ? header : undefined });
      file.close();
    }
    return candidates;
  }

  #walkChain(readable: readonly (Candidate & { readonly header: SegmentHeader })[]): ScannedSegment[] {
    const segments: ScannedSegment[] = [];
    for (const { name, path, bytes, header } of readable) {
      this.#epoch = Math.max(this.#epoch, header.epoch);
      const previous = segments.at(-1)?.header;
      if (previous === undefined) {
        this.#number = header.firstNumber - 1;
        this.#chain = header.chain;
      } else if (previous.sequence === header.sequence) {
        this.#damage = { file: path, offset: 0, what: `a second segment with sequence number ${header.sequence}` };
        break;
      } else if (
        previous.sequence + 1 !== header.sequence || this.#number + 1 !== header.firstNumber ||
        this.#chain !== header.chain || previous.epoch > header.epoch
      ) break;
      const segment = { name, path, header, bytes, end: SEGMENT_HEADER_BYTES, records: 0 };
      segments.push(this.#walkSegment({ ...segment, lastNumber: this.#number, lowestIndex: 0, highestIndex: 0 }));
      if (this.#damage !== undefined) break;
    }
    return segments;
  }

  #walkSegment(segment: ScannedSegment): ScannedSegment {
    const bytes = this.#read(segment);
    let epoch = segment.header.epoch;
    for (;;) {
      const record = decodeRecordHeader(bytes, { file: segment.path, offset: segment.end });
      if (record === undefined || !this.#follows(record, { segment, epoch })) break;
      const from = segment.end + RECORD_HEADER_BYTES;
      const body = bytes.subarray(from, from + record.bodyBytes);
      if (body.length < record.bodyBytes || checksum(body) !== record.bodyChecksum) break;
      const problem = this.#visit(record, body, segment);
      if (problem !== undefined) {
        this.#damage = { file: segment.path, offset: segment.end, what: problem };
        break;
      }
      epoch = record.epoch;
      this.#number = record.number;
      this.#chain = record.checksum;
      addRecord(segment, record);
    }
    this.#epoch = Math.max(this.#epoch, epoch);
    return segment;
  }

  #follows(record: ReadRecordHeader, { segment, epoch }: { segment: ScannedSegment; epoch: number }): boolean {
    return record.number === this.#number + 1 && record.chain === this.#chain && record.epoch >= epoch &&
      record.sequence === segment.header.sequence && record.offset === segment.end;
  }

  /** Decides between damage and torn write for everything behind the chain; returns the torn bytes of `rest`. */
  #judge(found: {
    last: ScannedSegment | undefined;
    /** The bytes of the last segment up to the last one that is not zero. */
    tail: Uint8Array;
    rest: readonly Candidate[];
    mark: DurableMark | undefined;
  }): number {
    const { last, tail, rest, mark } = found;
    const behind = this.#provenIn(tail, { file: last?.path ?? this.#directory, offset: last?.end ?? 0 });
    let durableNumber = Math.max(this.#number, mark?.number ?? 0, behind.durableNumber);
    let headless: { candidate: Candidate; lowestNumber: number } | undefined;
    let tornBytes = 0;
    for (const candidate of rest) {
      const bytes = this.#read(candidate);
      const { durableNumber: proven, lowestNumber } = this.#provenIn(bytes, {
        file: candidate.path,
        offset: 0,
      });
      durableNumber = Math.max(durableNumber, proven);
      tornBytes += endOfData(bytes, 0);
      const isNearer = headless === undefined || lowestNumber < headless.lowestNumber;
      if (candidate.header === undefined && endOfData(bytes, 0) > 0 && isNearer) headless = { candidate, lowestNumber };
    }
    const cut = last === undefined ? undefined : { file: last.path, offset: last.end };
    if (headless !== undefined && headless.lowestNumber <= durableNumber) {
      // Its records were synced, hence its header was too.
      this.#damage = { file: headless.candidate.path, offset: 0, what: "the segment header is damaged" };
    } else if (durableNumber > this.#number) {
      const what = `record ${this.#number + 1} is damaged or missing, but records up to ${durableNumber} were durable`;
      const hasData = tail.length > (last?.end ?? 0);
      // Without data behind the chain, a segment that cannot be told by its header is where the records must have been.
      const next = headless === undefined ? undefined : { file: headless.candidate.path, offset: 0 };
      const place = (hasData ? cut : next ?? cut) ?? { file: rest[0]?.path ?? this.#directory, offset: 0 };
      this.#damage = { ...place, what: hasData || place === next ? what : `${what}; no data stands here` };
    }
    return tornBytes;
  }

  /** What the record headers that are readable at or after `from` prove, whatever stands between them. */
  #provenIn(bytes: Uint8Array, { file, offset: from }: RecordPlace): { durableNumber: number; lowestNumber: number } {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let durableNumber = 0;
    let lowestNumber = Infinity;
    for (let at = buffer.indexOf(RECORD_MAGIC, from); at >= 0; at = buffer.indexOf(RECORD_MAGIC, at + 1)) {
      const record = decodeRecordHeader(bytes, { file, offset: at });
      if (record === undefined) continue;
      this.#epoch = Math.max(this.#epoch, record.epoch);
      durableNumber = Math.max(durableNumber, record.durableNumber);
      lowestNumber = Math.min(lowestNumber, record.number);
    }
    return { durableNumber, lowestNumber };
  }

  #read(file: { readonly path: string; readonly bytes: number }): Uint8Array {
    if (this.#buffer.length < file.bytes) this.#buffer = new Uint8Array(file.bytes);
    const handle = this.#disk.open(file.path, "read");
    try {
      return this.#buffer.subarray(0, handle.readAt(0, this.#buffer.subarray(0, file.bytes)));
    } finally {
      handle.close();
    }
  }
}

function hasHeader(candidate: Candidate): candidate is Candidate & { readonly header: SegmentHeader } {
  return candidate.header !== undefined;
}

function addRecord(segment: ScannedSegment, record: ReadRecordHeader): void {
  const lastIndex = record.firstIndex + record.count - 1;
  segment.end += RECORD_HEADER_BYTES + record.bodyBytes;
  segment.records += 1;
  segment.lastNumber = record.number;
  segment.lowestIndex = segment.records === 1 ? record.firstIndex : Math.min(segment.lowestIndex, record.firstIndex);
  segment.highestIndex = Math.max(segment.highestIndex, lastIndex);
}
