/** Hand-made messages: from server 2 to server 1 in term 1 unless a test says otherwise. */

import type {
  AppendEntries,
  AppendEntriesResult,
  InstallSnapshot,
  InstallSnapshotResult,
  ReadIndex,
  ReadIndexResult,
  RequestVote,
  RequestVoteResult,
  TimeoutNow,
} from "../../lib/raft/messages.ts";
import type { Entry } from "../../lib/raft/types.ts";
import { configurationOf } from "../support/raft/values.ts";
import { runOf } from "../support/runs.ts";

/** The fields of a message, all optional, with plain numbers where the contract has branded ones. */
type Fields<M> = { readonly [K in keyof M]?: M[K] extends number ? number : M[K] };

const ENVELOPE = { from: 2, to: 1, term: 1 };

/** A heartbeat that matches an empty log. */
export function appendEntries(
  { entries, ...fields }: Fields<Omit<AppendEntries, "entries">> & { readonly entries?: readonly Entry[] } = {},
): AppendEntries {
  const rest = { prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, round: 0, confirm: false };
  return { type: "AppendEntries", ...ENVELOPE, ...rest, ...fields, entries: runOf(entries ?? []) } as AppendEntries;
}

/** A success that says nothing matches yet. */
export function appended(fields: Fields<AppendEntriesResult> = {}): AppendEntriesResult {
  const rest = { success: true, matchIndex: 0, rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0, round: 0 };
  return { type: "AppendEntriesResult", ...ENVELOPE, ...rest, ...fields } as AppendEntriesResult;
}

/** A candidate with an empty log. */
export function requestVote(fields: Fields<RequestVote> = {}): RequestVote {
  const rest = { preVote: false, leadershipTransfer: false, lastLogIndex: 0, lastLogTerm: 0 };
  return { type: "RequestVote", ...ENVELOPE, ...rest, ...fields } as RequestVote;
}

/** A granted vote. */
export function voted(fields: Fields<RequestVoteResult> = {}): RequestVoteResult {
  return { type: "RequestVoteResult", ...ENVELOPE, preVote: false, voteGranted: true, ...fields } as RequestVoteResult;
}

/** A first chunk of four bytes of a snapshot up to entry 5 of term 1. */
export function installSnapshot(fields: Fields<InstallSnapshot> = {}): InstallSnapshot {
  const rest = { lastIncludedIndex: 5, lastIncludedTerm: 1, offset: 0, done: false, round: 0 };
  const configuration = configurationOf([1, 2, 3]);
  const data = new Uint8Array(4);
  return { type: "InstallSnapshot", ...ENVELOPE, ...rest, configuration, data, ...fields } as InstallSnapshot;
}

/** An answer that wants the chunk at `nextOffset`. */
export function chunkTaken(fields: Fields<InstallSnapshotResult> = {}): InstallSnapshotResult {
  const rest = { lastIncludedIndex: 5, nextOffset: 0, installed: false, rejected: false, round: 0 };
  return { type: "InstallSnapshotResult", ...ENVELOPE, ...rest, ...fields } as InstallSnapshotResult;
}

/** The order to campaign at once. */
export function timeoutNow(fields: Fields<TimeoutNow> = {}): TimeoutNow {
  return { type: "TimeoutNow", ...ENVELOPE, ...fields } as TimeoutNow;
}

/** A follower's question. */
export function readIndex(fields: Fields<ReadIndex> = {}): ReadIndex {
  return { type: "ReadIndex", ...ENVELOPE, incarnation: 5, token: 1, ...fields } as ReadIndex;
}

/** A leader's confirmation. */
export function readIndexResult(fields: Fields<ReadIndexResult> = {}): ReadIndexResult {
  const rest = { incarnation: 77, token: 1, confirmed: true, readIndex: 0, timeMs: 0 };
  return { type: "ReadIndexResult", ...ENVELOPE, ...rest, ...fields } as ReadIndexResult;
}
