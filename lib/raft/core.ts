/** The state of one server that the files of this folder share. `RaftNode` owns it and shows nothing of it but copies. */

import type { Founding } from "./founding.ts";
import type { DiskWait } from "./hanging_disk.ts";
import type { RaftLog } from "./log.ts";
import type { RaftLimits, RaftOptions, ReadPoint } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import { isVoter } from "./quorum.ts";
import type { EntryId, NodeId, SnapshotDescription, Term } from "./types.ts";

/** Follows whoever leads, or waits. */
export interface FollowerState {
  readonly role: "Follower";
}

/** Thesis 9.6: asks whether it could win, without raising the term. */
export interface PreCandidateState {
  readonly role: "PreCandidate";
  readonly votes: Map<NodeId, boolean>;
}

/** Raft 5.2: asks for votes in its own new term. */
export interface CandidateState {
  readonly role: "Candidate";
  readonly votes: Map<NodeId, boolean>;
}

/** Who waits for a read: this server's own driver, or a peer that asked by ReadIndex. */
export type Reader =
  | { readonly type: "Local"; readonly id: number }
  | { readonly type: "Remote"; readonly from: NodeId; readonly incarnation: number; readonly token: number };

/** A read that waits for its round to be answered by a majority. */
export interface PendingRead {
  readonly reader: Reader;
  /** What may be read when the round has been answered; see `ReadPoint`. */
  readonly point: ReadPoint;
  readonly round: number;
}

/** Thesis 3.10: leadership on its way to `target`. */
export interface Transfer {
  readonly target: NodeId;
  elapsedTicks: number;
  timeoutNowSent: boolean;
}

/** What only a leader has; made anew in each term (Raft figure 2, "reinitialized after election"). */
export interface LeaderState {
  readonly role: "Leader";
  /** Every member but this server, in ascending order of id. */
  readonly progress: Map<NodeId, Progress>;
  /** An entry of the own term is committed: only now is the commit index known to be fresh (Raft 8, B4). */
  termCommitted: boolean;
  heartbeatElapsedTicks: number;
  /** Bytes of the commands above commitIndex. */
  uncommittedBytes: number;
  /** Counts ReadIndex rounds, from 1, never twice the same in a term (B6). */
  round: number;
  /** Reads that came before `termCommitted`. */
  heldReads: Reader[];
  /** In ascending order of round. */
  pendingReads: PendingRead[];
  transfer: Transfer | undefined;
}

/** What a server is at the moment, with the state that belongs to it. */
export type RoleState = FollowerState | PreCandidateState | CandidateState | LeaderState;

/** When this server campaigns, and whether it holds with a leader. */
export interface ElectionTimer {
  elapsedTicks: number;
  timeoutTicks: number;
  /** The timeout is a short one: the leader's connection broke, or an election met a refusal. */
  hurried: boolean;
  /** Campaigns that met a refusal since a leader was heard. */
  refusals: number;
  /** Since the leader was last heard; below `electionTimeoutTicksMin` this server sticks to it (thesis 4.2.3). */
  leaderSilentTicks: number;
  /** Of a drained server (drained.ts): a candidate without its entries asked for its vote since a leader was heard. */
  isNeeded: boolean;
  /** Of a drained server: election timeouts that it still lets pass. */
  timeoutsLeft: number;
}

/** What a follower tells its leader; all of one term. */
export interface Following {
  /** Everything up to here is known to equal the leader's log; never below commitIndex when it counts. */
  matchedIndex: number;
  /** The highest matchIndex told. */
  acknowledgedIndex: number;
  /** The highest ReadIndex round seen. */
  round: number;
}

/** A snapshot being received. */
export interface Receiving {
  readonly from: NodeId;
  readonly term: Term;
  readonly lastIncluded: EntryId;
  nextOffset: number;
  /** The last chunk was handed out; waits for `SnapshotInstalled` or `SnapshotRejected`. Nothing is applied meanwhile. */
  installing: boolean;
}

/** A read of this server's driver that was passed on to the leader. */
export interface ForwardedRead {
  readonly id: number;
  readonly sinceTicks: number;
}

/** One server. The readonly fields among the first group are written by roles.ts only. */
export interface Core {
  readonly roleState: RoleState;
  readonly currentTerm: Term;
  readonly votedFor: NodeId | undefined;
  readonly leaderId: NodeId | undefined;
  readonly electionsStarted: number;

  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly limits: RaftLimits;
  readonly log: RaftLog;
  readonly outbox: Outbox;
  readonly election: ElectionTimer;
  readonly following: Following;
  /** Invariant: `appliedIndex <= commitIndex <= log.lastIndex`. */
  commitIndex: number;
  /** The last entry handed out in `apply`, or covered by the snapshot in force. */
  appliedIndex: number;
  snapshot: SnapshotDescription | undefined;
  receiving: Receiving | undefined;
  /** By token, in ascending order. */
  readonly forwardedReads: Map<number, ForwardedRead>;
  lastToken: number;
  /** Ticks in this life, to age forwarded reads. */
  ticks: number;
  /** Its state is not sound, and for so many ticks it has led all the same; see quarantine.ts. */
  isQuarantined: boolean;
  quarantineTicks: number;
  readonly disk: DiskWait;
  readonly founding: Founding;
  /** Written by founding.ts only, once. */
  clusterId: string | undefined;
  /** Messages that were dropped because no election leads to their term. */
  strayTerms: number;
}

/** A server that is leader. */
export interface LeadingCore extends Core {
  readonly roleState: LeaderState;
}

/** Whether this server leads, for the compiler too. */
export function isLeading(core: Core): core is LeadingCore {
  return core.roleState.role === "Leader";
}

/**
 * Raft 6: learners, removed servers and servers that were never admitted do not campaign. But a voter that is left out of a
 * configuration not known to be committed may be the only one whose log can win (thesis 4.2.2, divergence D14). Nor does one
 * whose state is not sound.
 */
export function mayCampaign(core: Core): boolean {
  if (core.isQuarantined) return false;
  const { configuration, configurationIndex, previousConfiguration } = core.log;
  if (isVoter(configuration, core.id)) return true;
  if (configurationIndex <= core.commitIndex || previousConfiguration === undefined) return false;
  return isVoter(previousConfiguration, core.id);
}
