/** Turns the bodies of records, as they stand in the log, into what was appended. */

import { applyMask } from "../record_mask.ts";
import { authenticatedHeader, type ReadRecordHeader, type SegmentHeader } from "../wal_format.ts";
import type { DirectoryKeys } from "./directory_keys.ts";
import type { RecordCipher } from "./record_cipher.ts";

/** The body of one record; a text says why there is none. */
export type OpenBody = (record: ReadRecordHeader, body: Uint8Array) => Uint8Array | string;

/** The bodies of plain segments. */
export function openPlainBody({ mask }: ReadRecordHeader, body: Uint8Array): Uint8Array {
  return applyMask(body, mask);
}

/** Opens the bodies of each segment in turn. */
export class RecordBodies {
  readonly #keys: DirectoryKeys | undefined;
  #last: { readonly sequence: number; readonly cipher: RecordCipher } | undefined;

  /** `keys` of the directory; undefined where it is not encrypted. */
  constructor(keys: DirectoryKeys | undefined) {
    this.#keys = keys;
  }

  /** How the bodies of that segment are opened. */
  of({ sequence, salt }: SegmentHeader): OpenBody {
    if (salt === undefined) return openPlainBody;
    const keys = this.#keys;
    if (keys === undefined) return () => "the record is encrypted, and the file RaftKeys.json is missing";
    if (this.#last?.sequence !== sequence) this.#last = { sequence, cipher: keys.segment(salt) };
    const { cipher } = this.#last;
    return (record, body) => {
      const sealed = { number: record.number, header: authenticatedHeader(record) };
      return cipher.open(applyMask(body, record.mask), sealed) ??
        "the record is not authentic: it was changed, or is of another directory or place";
    };
  }
}
