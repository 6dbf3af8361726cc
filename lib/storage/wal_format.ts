/** The bytes of the write-ahead log: segment headers, record headers, the mark. Layouts are in docs/formats.md. */

import { FormatVersionError } from "../base/errors.ts";
import { type Index, type Term, toIndex, toTerm } from "../raft/types.ts";
import { getUint53, hasMagic, isSealed, seal, setUint53, viewOf } from "./binary.ts";
import { isOtherVersion } from "./format_version.ts";

/** Version of segments, the mark, and records. */
export const WAL_VERSION = 3;
/** Version of a record with a configuration that names a level: programs that know no levels are to refuse it (ADR 18). */
export const LEVEL_RECORD_VERSION = 4;
/** Version of a segment whose records are encrypted. */
export const SEALED_SEGMENT_VERSION = 5;
/** Default size of a segment: a roll every 16 MiB, and recovery reads one segment at a time. */
export const SEGMENT_BYTES = 16 * 1_048_576;
export const SEGMENT_HEADER_BYTES = 64;
export const RECORD_HEADER_BYTES = 92;
export const MARK_BYTES = 64;
/** The longest body of a record: the entries of one message, or one entry of any length. */
export const RECORD_BODY_BYTES_MAX = 33_554_432;

/** Stands nowhere in a body (record_mask.ts), so that no value can look like a record to a scan. */
export const RECORD_MAGIC: Uint8Array = new Uint8Array([0x01, 0x4b, 0x52, 0x03]);
/** A segment begins with it. */
export const SEGMENT_MAGIC: Uint8Array = new Uint8Array([0x01, 0x4b, 0x56, 0x57, 0x41, 0x4c, 0x03, 0x0a]);
const MARK_MAGIC = new Uint8Array([0x01, 0x4b, 0x56, 0x4d, 0x52, 0x4b, 0x03, 0x0a]);

const SEGMENT_VERSIONS: readonly number[] = [WAL_VERSION, SEALED_SEGMENT_VERSION];
const SALT_OFFSET = 40;
const SALT_BYTES = 16;
const FLAG_RESTART = 1;
/** Up to here a header does not depend on how the body is encrypted. */
const AUTHENTICATED_BYTES = 80;

/** The head of a segment. */
export interface SegmentHeader {
  /** Position among all segments ever made in this directory, from 1, without gaps. */
  readonly sequence: number;
  /** Counts the openings of the directory: a record of an earlier life cannot follow one of a later life. */
  readonly epoch: number;
  /** Number of the first record that this segment may hold. */
  readonly firstNumber: number;
  /** Index expected next when the segment was made; also in its name. */
  readonly firstIndex: Index;
  /** Checksum of the record before, the link of the chain across segments. */
  readonly chain: number;
  /** From which the key of the segment follows; undefined where its records are plain. 16 bytes. */
  readonly salt?: Uint8Array | undefined;
}

/** The head of a record: one append. */
export interface RecordHeader {
  /** `WAL_VERSION` or `LEVEL_RECORD_VERSION`. */
  readonly version: number;
  /** Counts the records of this directory from 1, without gaps. */
  readonly number: number;
  /** Number of the last record known to be durable when this one was written. The proof that recovery goes by. */
  readonly durableNumber: number;
  /** Last index known to be durable then. */
  readonly durableIndex: Index;
  readonly firstIndex: Index;
  /** The term of every entry of the record. */
  readonly term: Term;
  /** The term of the entry before the first. */
  readonly prevTerm: Term;
  readonly count: number;
  /** The log was replaced by a snapshot that ends just before the first entry: all earlier entries are void. */
  readonly restart: boolean;
  readonly epoch: number;
  /** Where the record is, so that a misplaced write shows. */
  readonly sequence: number;
  readonly offset: number;
  /** Checksum of the header of the record before: a lost write shows. */
  readonly chain: number;
  readonly bodyBytes: number;
  /** Of the body as it stands here. */
  readonly bodyChecksum: number;
  /** See `MaskedBody`. */
  readonly mask: number;
}

/** A record header as read, with its own checksum: the next record's `chain`. */
export interface ReadRecordHeader extends RecordHeader {
  readonly checksum: number;
}

/** What is known to be durable, overwritten in place after each sync. */
export interface DurableMark {
  readonly epoch: number;
  /** Number of the last durable record, its last index, and the position just behind it. */
  readonly number: number;
  readonly index: Index;
  readonly sequence: number;
  readonly offset: number;
}

/** The bytes of a segment header. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  bytes.set(SEGMENT_MAGIC);
  view.setUint32(8, header.salt === undefined ? WAL_VERSION : SEALED_SEGMENT_VERSION, true);
  view.setUint32(12, header.sequence, true);
  view.setUint32(16, header.epoch, true);
  view.setUint32(20, header.chain, true);
  setUint53(view, { offset: 24, value: header.firstNumber });
  setUint53(view, { offset: 32, value: header.firstIndex });
  if (header.salt !== undefined) bytes.set(header.salt, SALT_OFFSET);
  seal(bytes);
  return bytes;
}

/** Reads a segment header; undefined when it is not one. Throws `FormatVersionError` for another version. */
export function decodeSegmentHeader(bytes: Uint8Array, file: string): SegmentHeader | undefined {
  if (!hasMagic(bytes, { magic: SEGMENT_MAGIC, offset: 0 }) || bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  const block = bytes.subarray(0, SEGMENT_HEADER_BYTES);
  const view = viewOf(block);
  const version = view.getUint32(8, true);
  const sealed = isSealed(block);
  if (SEGMENT_VERSIONS.every((known) => isOtherVersion({ version, known, sealed }))) {
    throw new FormatVersionError(file, { version, known: WAL_VERSION });
  }
  if (!sealed) return undefined;
  return {
    sequence: view.getUint32(12, true),
    epoch: view.getUint32(16, true),
    chain: view.getUint32(20, true),
    firstNumber: getUint53(view, 24),
    firstIndex: toIndex(getUint53(view, 32)),
    ...(version === SEALED_SEGMENT_VERSION ? { salt: block.slice(SALT_OFFSET, SALT_OFFSET + SALT_BYTES) } : {}),
  };
}

/** Writes a record header into `target`, whose `view` is given because this runs for each append. Returns its checksum. */
export function encodeRecordHeader(header: RecordHeader, target: { bytes: Uint8Array; view: DataView }): number {
  const { bytes, view } = target;
  bytes.set(RECORD_MAGIC);
  view.setUint16(4, header.version, true);
  view.setUint16(6, header.restart ? FLAG_RESTART : 0, true);
  view.setUint32(8, header.bodyBytes, true);
  view.setUint32(12, header.count, true);
  setUint53(view, { offset: 16, value: header.number });
  setUint53(view, { offset: 24, value: header.durableNumber });
  setUint53(view, { offset: 32, value: header.durableIndex });
  setUint53(view, { offset: 40, value: header.firstIndex });
  setUint53(view, { offset: 48, value: header.term });
  setUint53(view, { offset: 56, value: header.prevTerm });
  view.setUint32(64, header.epoch, true);
  view.setUint32(68, header.sequence, true);
  view.setUint32(72, header.offset, true);
  view.setUint32(76, header.chain, true);
  view.setUint32(80, header.bodyChecksum, true);
  view.setUint32(84, header.mask, true);
  return seal(bytes.subarray(0, RECORD_HEADER_BYTES));
}

/** The part of a record header that the encryption of its body is bound to. */
export function authenticatedHeader(header: RecordHeader): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  encodeRecordHeader(header, { bytes, view: viewOf(bytes) });
  return bytes.subarray(0, AUTHENTICATED_BYTES);
}

/** Where bytes come from, for what is said of them. */
export interface RecordPlace {
  readonly file: string;
  readonly offset: number;
}

/**
 * Reads the record header at an offset; undefined when there is no valid one. Throws `FormatVersionError` for another
 * version, but only when the checksum holds: a write that a crash tore may have left anything here.
 */
export function decodeRecordHeader(bytes: Uint8Array, { file, offset }: RecordPlace): ReadRecordHeader | undefined {
  if (!hasMagic(bytes, { magic: RECORD_MAGIC, offset }) || offset + RECORD_HEADER_BYTES > bytes.length) {
    return undefined;
  }
  const block = bytes.subarray(offset, offset + RECORD_HEADER_BYTES);
  if (!isSealed(block)) return undefined;
  const view = viewOf(block);
  const version = view.getUint16(4, true);
  if (version !== WAL_VERSION && version !== LEVEL_RECORD_VERSION) {
    throw new FormatVersionError(file, {
      version,
      known: LEVEL_RECORD_VERSION,
      part: `the record at offset ${offset}`,
    });
  }
  return {
    version,
    restart: (view.getUint16(6, true) & FLAG_RESTART) !== 0,
    bodyBytes: view.getUint32(8, true),
    count: view.getUint32(12, true),
    number: getUint53(view, 16),
    durableNumber: getUint53(view, 24),
    durableIndex: toIndex(getUint53(view, 32)),
    firstIndex: toIndex(getUint53(view, 40)),
    term: toTerm(getUint53(view, 48)),
    prevTerm: toTerm(getUint53(view, 56)),
    epoch: view.getUint32(64, true),
    sequence: view.getUint32(68, true),
    offset: view.getUint32(72, true),
    chain: view.getUint32(76, true),
    bodyChecksum: view.getUint32(80, true),
    mask: view.getUint32(84, true),
    checksum: view.getUint32(88, true),
  };
}

/** Writes the mark into `target` (`MARK_BYTES` long). */
export function encodeMark(mark: DurableMark, target: Uint8Array): void {
  const view = viewOf(target);
  target.set(MARK_MAGIC);
  view.setUint32(8, WAL_VERSION, true);
  view.setUint32(12, mark.epoch, true);
  setUint53(view, { offset: 16, value: mark.number });
  setUint53(view, { offset: 24, value: mark.index });
  view.setUint32(32, mark.sequence, true);
  view.setUint32(36, mark.offset, true);
  seal(target);
}

/**
 * Reads the mark; undefined when it is not a valid one. Throws `FormatVersionError` for another version, but only when the
 * checksum holds: it is overwritten in place, so what does not hold proves nothing.
 */
export function decodeMark(bytes: Uint8Array, file: string): DurableMark | undefined {
  if (
    bytes.length < MARK_BYTES || !hasMagic(bytes, { magic: MARK_MAGIC, offset: 0 }) ||
    !isSealed(bytes.subarray(0, MARK_BYTES))
  ) {
    return undefined;
  }
  const view = viewOf(bytes);
  const version = view.getUint32(8, true);
  if (version !== WAL_VERSION) throw new FormatVersionError(file, { version, known: WAL_VERSION });
  return {
    epoch: view.getUint32(12, true),
    number: getUint53(view, 16),
    index: toIndex(getUint53(view, 24)),
    sequence: view.getUint32(32, true),
    offset: view.getUint32(36, true),
  };
}

/** The name of a segment. A name that is taken, after a truncation, gets the sequence number as well. */
export function segmentName(
  { firstIndex, sequence }: { firstIndex: Index; sequence: number },
  isTaken: (name: string) => boolean,
): string {
  const index = String(firstIndex).padStart(20, "0");
  const plain = `${index}.wal`;
  return isTaken(plain) ? `${index}-${sequence}.wal` : plain;
}
