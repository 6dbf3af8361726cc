/** What an entry did to keys, for those who watch. */

import type { Span } from "../store/span.ts";
import type { RecordView } from "../store/record.ts";
import type { KeyRecord } from "./key_record.ts";

/** One key after one entry: an entry that touches a key several times gives one change of it. */
export interface Change {
  /** `Expire` is a removal because the key's deadline had come. */
  readonly type: "Put" | "Delete" | "Expire";
  readonly key: string;
  /** The key as the entry left it; undefined after a removal. */
  readonly record: KeyRecord | undefined;
  /** Revision of the key before the entry; undefined when it was not there. */
  readonly previousRevision: number | undefined;
  /** What the entry replaced, also where its deadline had come; undefined when the key was not there. */
  readonly previous: KeyRecord | undefined;
}

/** More keys than this are not told one by one when an entry removes them all: the state jumps instead. */
export const CLEARED_KEYS_TOLD_MAX = 10_000;
/** The same where the values that an entry replaces or removes, or those that it leaves, have more bytes than this together. */
export const REPLACED_BYTES_TOLD_MAX = 67_108_864;

/** Is told of every entry that is applied, in order, by exactly one call, synchronously. Never throws. */
export interface ChangeSink {
  /**
   * The next entry does what `command` does, a Put without time and session as the log has it, and leaves its key without a
   * deadline; `before` is the record of its key so far. Both are to be read at once. The most frequent entries of all, so their change
   * is not made until somebody wants it.
   */
  puts(command: Span, before: RecordView | undefined): void;
  /** The next entry made these changes, which `unpackChanges` reads; none when they have no length. To be copied at once. */
  changed(changes: Span): void;
  /** The state is now that of `revision`, and what changed since the entry before is not told. */
  jumped(revision: number): void;
}
