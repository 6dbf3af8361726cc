/**
 * Whether entries that are not applied yet make users. A node that has just started, joined or lags may hold a log with them while its
 * state knows of none: to take everybody for entitled would show that log to anybody.
 */

import type { UsersView } from "../../kv/users.ts";
import { EntryReader, type Run } from "../../raft/run.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import { type EntryId, ZERO_ENTRY_ID } from "../../raft/types.ts";
import type { Applied } from "../effects/applied.ts";

const END_OF_HEADER = ";".charCodeAt(0);
const LETTERS: readonly number[] = [..."UR"].map((letter) => letter.charCodeAt(0));
/** No head of a command is longer. */
const HEAD_BYTES_MAX = 128;

/** What is looked at. */
export interface UnappliedParts {
  readonly raft: Pick<RaftNode, "logRuns">;
  readonly applied: { readonly state: { readonly users: Pick<UsersView, "size"> }; readonly id: Applied["id"] };
}

/** Looks at each entry once, as long as it is not replaced. */
export class UnappliedUsers {
  readonly #parts: UnappliedParts;
  /** Up to here no entry is about users. */
  #lookedAt: EntryId = ZERO_ENTRY_ID;

  /** Nothing has been looked at. */
  constructor(parts: UnappliedParts) {
    this.#parts = parts;
  }

  /** Whether there are users, or the log in memory makes some. */
  exist(): boolean {
    const { raft, applied } = this.#parts;
    if (applied.state.users.size > 0) return true;
    // Another leader may have replaced what was looked at; the entry at the end tells that of all before it.
    const { index, term } = this.#lookedAt;
    if (index > applied.id.index && raft.logRuns(index - 1)[0]?.term !== term) this.#lookedAt = ZERO_ENTRY_ID;
    for (const run of raft.logRuns(Math.max(this.#lookedAt.index, applied.id.index))) {
      if (makesUsers(run)) return true;
      this.#lookedAt = { index: run.lastIndex, term: run.term };
    }
    return false;
  }
}

function makesUsers({ body }: Run): boolean {
  const reader = new EntryReader(body);
  while (!reader.isAtEnd) {
    reader.next();
    if (reader.isCommand && isAboutUsers(body, reader)) return true;
  }
  return false;
}

function isAboutUsers(body: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): boolean {
  for (let at = start; at < Math.min(end, start + HEAD_BYTES_MAX); at++) {
    if (body[at] === END_OF_HEADER) return LETTERS.includes(body[at + 1] ?? 0);
  }
  return false;
}
