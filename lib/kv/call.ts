/** What a call is: its place in the table, and what it works on. */

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

/** A subcommand, as HELP tells of it. */
export interface SubcommandSpec {
  /** Number of words, command and subcommand included. */
  readonly least: number;
  readonly most: number;
  /** What stands behind its name; "" for nothing. */
  readonly usage: string;
  /** One sentence. */
  readonly summary: string;
}

/** One command of the table, with the arity of Redis: the name counts, and a negative number is the least. */
export interface CallSpec {
  /** In capitals. */
  readonly name: string;
  readonly arity: number;
  readonly access: "Read" | "Write";
  /** Places of the keys among the words, as COMMAND tells them; 0 for none, a negative `last` counts from the end. */
  readonly keys: { readonly first: number; readonly last: number; readonly step: number };
  /** One sentence for COMMAND DOCS. */
  readonly summary: string;
  /** Its subcommands by name in capitals. They are a part of the name: another one is refused at once, even in a MULTI. */
  readonly subcommands?: ReadonlyMap<string, SubcommandSpec>;
  /** What can be told without the state: an error means that the call would change nothing. */
  readonly check?: (call: Call) => ErrorReply | undefined;
  readonly run: (call: Call, context: CallContext) => Reply;
}

/** Keys at the first place only. */
export const FIRST_KEY = { first: 1, last: 1, step: 1 } as const;
/** Every word is a key. */
export const ALL_KEYS = { first: 1, last: -1, step: 1 } as const;
/** No key. */
export const NO_KEYS = { first: 0, last: 0, step: 0 } as const;

/** The word at a place; "" where there is none, which the arity has ruled out before. */
export function wordAt(call: Call, at: number): string {
  return call[at] ?? "";
}

/** The reply to too few or too many words. */
export function wrongArity(name: string): ErrorReply {
  return { error: `ERR wrong number of arguments for '${name.toLowerCase()}' command` };
}
