/** What a call is: its row, what it does, and what it works on. */

import type { CommandRow } from "./command_row.ts";
import type { Call } from "./commands.ts";
import type { Keyspace } from "./keyspace.ts";
import type { ErrorReply, Reply } from "./replies.ts";
import type { Shown } from "./rights.ts";
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
  /** What whoever asks may read; calls that go through keys pass over all others. */
  readonly shown: Shown;
}

/** What a read needs beside the state. */
export interface ReadSurroundings {
  /** A number in [0, 1). */
  random(): number;
  /** What whoever asks may read; everything when left out. */
  readonly shown?: Shown;
}

/** The entry that is applied, by what login, and what whoever submitted it may read. */
export interface Turn {
  readonly revision: number;
  readonly login: number;
  readonly shown: Shown;
}

/** What rights a call needs. */
export type Needs =
  /** None: it goes through keys, and passes over those that may not be read. */
  | "Shown"
  /** One of both for each key: it tells no more than whether the key is there. */
  | "Either"
  /** To write its keys: it tells no more of what was there than whether the key was. */
  | "Blind"
  /** To read and to write its keys. */
  | "Both"
  | { readonly reads: readonly string[]; readonly writes: readonly string[] };

/** One command of the table: its row, and what it does. */
export interface CallSpec extends CommandRow {
  /** Of a command that writes: whether a call of it changes nothing, by its form. */
  readonly onlyReads?: (call: Call) => boolean;
  /** Left out: to read its keys, and to write them if it writes; for a call without keys that is about every key. */
  readonly needs?: Needs | ((call: Call) => Needs);
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
