/**
 * The role, the term and the vote of a server: the only writers of them, and of the leader it knows.
 *
 * ```
 *               timeout               majority would vote              majority voted
 *   Follower -------------> PreCandidate ------------> Candidate ----------------------> Leader
 *      ^  |                     |    ^                  |  |  ^                             |
 *      |  +--- TimeoutNow ------|----|------------------|--|--+                             |
 *      |                        |    +--- timeout ------+  |                                |
 *      +------------------------+-------------------------+--------------------------------+
 *             a leader of the term, a higher term, a lost election; a leader: no quorum, or removed
 * ```
 */

import { assert } from "../base/assert.ts";
import { type Core, isLeading, type LeaderState, mayCampaign } from "./core.ts";
import { forgetLeaderContact, restartElectionTimer } from "./election_timer.ts";
import { diskHangs } from "./hanging_disk.ts";
import { voteOutcome } from "./quorum.ts";
import { failForwardedReads, failLeaderReads } from "./read_index.ts";
import { appendAsLeader, refreshProgress } from "./replication.ts";
import { Run } from "./run.ts";
import { type NodeId, type Term, toIndex, toTerm } from "./types.ts";

type RoleFields = "roleState" | "currentTerm" | "votedFor" | "leaderId" | "electionsStarted";
type WritableCore = { -readonly [Field in RoleFields]: Core[Field] };

/** A term and who leads in it, as far as known. */
export interface TermAndLeader {
  readonly term: Term;
  readonly leaderId: NodeId | undefined;
}

/** Raft 5.1: follows in `term`, its own or a higher one. In its own term the vote stays what it was (B16). */
export function becomeFollower(core: Core, at: TermAndLeader): void {
  assert(at.term >= core.currentTerm, `Cannot go back from term ${core.currentTerm} to ${at.term}`);
  if (at.term > core.currentTerm) enterTerm(core, at.term);
  if (isLeading(core)) {
    failLeaderReads(core, at.leaderId);
    // A leader's silence says nothing about another leader: it may vote at once.
    forgetLeaderContact(core);
  }
  if (core.roleState.role !== "Follower") {
    (core as WritableCore).roleState = { role: "Follower" };
    restartElectionTimer(core);
  }
  setLeader(core, at.leaderId);
}

/** Thesis 9.6: asks the others whether they would vote, before the term is raised. */
export function becomePreCandidate(core: Core): void {
  startCampaign(core);
  (core as WritableCore).roleState = { role: "PreCandidate", votes: new Map([[core.id, true]]) };
  askForVotes(core, { preVote: true, leadershipTransfer: false });
  countVotes(core);
}

/** Raft 5.2: raises the term, votes for itself, asks all voters. */
export function becomeCandidate(core: Core, leadershipTransfer: boolean): void {
  startCampaign(core);
  enterTerm(core, toTerm(core.currentTerm + 1));
  const writable: WritableCore = core;
  writable.votedFor = core.id;
  writable.electionsStarted += 1;
  writable.roleState = { role: "Candidate", votes: new Map([[core.id, true]]) };
  askForVotes(core, { preVote: false, leadershipTransfer });
  countVotes(core);
}

/** Raft 5.2 and 8: leads from now on, and says so with an entry of the new term. */
export function becomeLeader(core: Core): void {
  assert(core.roleState.role === "Candidate", `Cannot lead from role ${core.roleState.role}`);
  const state: LeaderState = {
    role: "Leader",
    progress: new Map(),
    termCommitted: false,
    heartbeatElapsedTicks: 0,
    uncommittedBytes: core.log.bytesBetween(core.commitIndex + 1, core.log.lastIndex),
    round: 0,
    heldReads: [],
    pendingReads: [],
    transfer: undefined,
  };
  (core as WritableCore).roleState = state;
  setLeader(core, core.id);
  if (!isLeading(core)) return;
  refreshProgress(core);
  // Raft 8: the no-op commits what earlier terms left behind, which counting alone must not (Raft 5.4.2, B3).
  appendAsLeader(core, Run.of([{ type: "NoOp", index: toIndex(core.log.lastIndex + 1), term: core.currentTerm }]));
}

/** Raft 5.2: the vote of this term, given once. The answer waits for it to be durable (B2). */
export function grantVote(core: Core, candidate: NodeId): void {
  assert(core.votedFor === undefined || core.votedFor === candidate, "Cannot vote twice in a term");
  if (core.roleState.role !== "Follower") becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
  (core as WritableCore).votedFor = candidate;
  restartElectionTimer(core);
}

/** The leader this server knows; what it asked of another one is refused. */
export function setLeader(core: Core, leaderId: NodeId | undefined): void {
  if (core.leaderId === leaderId) return;
  (core as WritableCore).leaderId = leaderId;
  failForwardedReads(core);
}

/** Acts on the votes of a campaign: goes on when it is won, gives up when it is lost. */
export function countVotes(core: Core): void {
  const state = core.roleState;
  if (state.role !== "PreCandidate" && state.role !== "Candidate") return;
  const outcome = voteOutcome(core.log.configuration, state.votes);
  if (outcome === "Lost") becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
  else if (outcome === "Won" && state.role === "PreCandidate") {
    if (diskHangs(core)) becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
    else becomeCandidate(core, false);
  } else if (outcome === "Won") becomeLeader(core);
}

function startCampaign(core: Core): void {
  assert(mayCampaign(core), `Cannot campaign: server ${core.id} is no voter`);
  assert(!isLeading(core), "Cannot campaign as leader");
  setLeader(core, undefined);
  forgetLeaderContact(core);
  restartElectionTimer(core);
}

function enterTerm(core: Core, term: Term): void {
  const writable: WritableCore = core;
  writable.currentTerm = term;
  writable.votedFor = undefined;
  // Nothing was verified against this term's leader but what is committed: that every leader has (Raft 5.4).
  core.following.matchedIndex = core.commitIndex;
  core.following.acknowledgedIndex = 0;
  core.following.round = 0;
}

function askForVotes(core: Core, options: { readonly preVote: boolean; readonly leadershipTransfer: boolean }): void {
  const { log, outbox, id } = core;
  const { voters, votersOld } = log.configuration;
  for (const to of new Set([...voters, ...votersOld])) {
    if (to === id) continue;
    const request = {
      type: "RequestVote",
      from: id,
      to,
      term: options.preVote ? toTerm(core.currentTerm + 1) : core.currentTerm,
      preVote: options.preVote,
      leadershipTransfer: options.leadershipTransfer,
      lastLogIndex: log.lastIndex,
      lastLogTerm: log.lastTerm,
    } as const;
    // B24: a request for a real vote tells that this server has voted for itself.
    if (options.preVote) outbox.send(request);
    else outbox.sendWhenDurable(request);
  }
}
