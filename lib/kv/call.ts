/** What a call is: its row, what it does, and what it works on. */

import type { CommandRow } from "./command_row.ts";
import type { Call } from "./commands.ts";
import type { Keyspace } from "./keyspace.ts";
import type { ErrorReply, Reply } from "./replies.ts";
import type { CursorMemory } from "./scan_cursor.ts";

/** What a call works on. */
export interface CallContext {
  readonly keys: Keyspace;
  /** Log index of the entry that the call belongs to; 0 in a read. */
  readonly revision: number;
  /** Milliseconds since 1970: of the log for a write, of the node for a read. */
  readonly nowMs: number;
  /** A number in [0, 1), the same on every node for a write. */
  random(): number;
  /** Cursors given out by this node; undefined for a write, which must not depend on them. */
  readonly cursors: CursorMemory | undefined;
}

/** One command of the table: its row, and what it does. */
export interface CallSpec extends CommandRow {
  /** Of a command that writes: whether a call of it changes nothing, by its form. */
  readonly onlyReads?: (call: Call) => boolean;
  /** What can be told without the state: an error means that the call would change nothing. */
  readonly check?: (call: Call) => ErrorReply | undefined;
  readonly run: (call: Call, context: CallContext) => Reply;
}

/** The word at a place; "" where there is none, which the arity has ruled out before. */
export function wordAt(call: Call, at: number): string {
  return call[at] ?? "";
}

/** The reply to too few or too many words. */
export function wrongArity(name: string): ErrorReply {
  return { error: `ERR wrong number of arguments for '${name.toLowerCase()}' command` };
}
