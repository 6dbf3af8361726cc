/** The RPCs between servers, with the field names of the paper. Each travels one way; a result is a message too. */

import type { Run } from "./run.ts";
import type { Configuration, Index, NodeId, Term } from "./types.ts";

/** What every message carries. */
interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's currentTerm; for a PreVote request the term it would campaign in. */
  readonly term: Term;
}

/** Raft 5.2; with `preVote` the question of the thesis 9.6, which changes no state at the receiver. */
export interface RequestVote extends Envelope {
  readonly type: "RequestVote";
  readonly preVote: boolean;
  /** Thesis 4.2.3 and 3.10: set when the leader itself asked for this election; lifts leader stickiness. */
  readonly leadershipTransfer: boolean;
  readonly lastLogIndex: Index;
  readonly lastLogTerm: Term;
}

/** For a granted PreVote `term` is the term asked for; else the sender's currentTerm. */
export interface RequestVoteResult extends Envelope {
  readonly type: "RequestVoteResult";
  readonly preVote: boolean;
  readonly voteGranted: boolean;
  /** The date of the sender's machine, and the latest time of the cluster known there. The driver fills them in. */
  readonly dateMs?: number;
  readonly timeMs?: number;
}

/** Raft 5.3. All `entries` are of one term (`docs/divergence.md`); a heartbeat has none. */
export interface AppendEntries extends Envelope {
  readonly type: "AppendEntries";
  readonly prevLogIndex: Index;
  readonly prevLogTerm: Term;
  readonly entries: Run | undefined;
  readonly leaderCommit: Index;
  /** The leader's confirmation round for ReadIndex: rises within a term, never reused in it. Echoed in the result. */
  readonly round: number;
  /** Set when a read waits for this round: the receiver answers at once and not only when the entries are durable. */
  readonly confirm: boolean;
  /** The leader's time at `leaderCommit`, for reads that ask nobody. The driver fills it in where there are no entries. */
  readonly timeMs?: number;
  /** What a majority says the date is, as far as the leader knows; by the driver too. */
  readonly dateMs?: number;
}

/** Answers AppendEntries. On success everything up to `matchIndex` equals the leader's log AND is durable here. */
export interface AppendEntriesResult extends Envelope {
  readonly type: "AppendEntriesResult";
  readonly success: boolean;
  /** On success as above; on failure 0. */
  readonly matchIndex: Index;
  /** On failure the refused prevLogIndex, so that a late refusal is recognised; on success 0. */
  readonly rejectedIndex: Index;
  /** Raft 5.3, fast back-up, on failure: the first index of `conflictTerm`, or the last index + 1 when the log is short. */
  readonly conflictIndex: Index;
  /** The term of the entry at the refused prevLogIndex, or 0 when there is none. */
  readonly conflictTerm: Term;
  /** Highest round seen from this leader in this term. */
  readonly round: number;
  /** The date of the sender's machine. The driver fills it in. */
  readonly dateMs?: number;
}

/** Raft 7: one chunk of a snapshot. The core leaves `data` empty; the driver fills it from the file at `offset`. */
export interface InstallSnapshot extends Envelope {
  readonly type: "InstallSnapshot";
  readonly lastIncludedIndex: Index;
  readonly lastIncludedTerm: Term;
  readonly configuration: Configuration;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly done: boolean;
  readonly round: number;
}

/** Answers InstallSnapshot. */
export interface InstallSnapshotResult extends Envelope {
  readonly type: "InstallSnapshotResult";
  readonly lastIncludedIndex: Index;
  /** The next byte wanted; 0 starts again. */
  readonly nextOffset: number;
  /** The snapshot, or something newer, is in force and durable here. */
  readonly installed: boolean;
  /** What came could not be used (damage, no space): before it is sent again there is to be a pause. */
  readonly rejected: boolean;
  readonly round: number;
}

/** Thesis 3.10: the leader asks the receiver to campaign at once. */
export interface TimeoutNow extends Envelope {
  readonly type: "TimeoutNow";
}

/** Thesis 6.4: a follower asks the leader for a commit index that is confirmed after the question was asked. */
export interface ReadIndex extends Envelope {
  readonly type: "ReadIndex";
  /** The asking process' own random name of this life, so that an answer to an earlier life confirms nothing. */
  readonly incarnation: number;
  /** Never reused within `incarnation`. */
  readonly token: number;
}

/** Answers ReadIndex. */
export interface ReadIndexResult extends Envelope {
  readonly type: "ReadIndexResult";
  readonly incarnation: number;
  readonly token: number;
  /** False when the sender is not a confirmed leader; then `readIndex` is 0. */
  readonly confirmed: boolean;
  readonly readIndex: Index;
  /** The time by which the readers shall judge deadlines; see `ReadPoint`. 0 with `confirmed` false. */
  readonly timeMs: number;
}

/** Every message, told apart by `type`. */
export type Message =
  | RequestVote
  | RequestVoteResult
  | AppendEntries
  | AppendEntriesResult
  | InstallSnapshot
  | InstallSnapshotResult
  | TimeoutNow
  | ReadIndex
  | ReadIndexResult;
