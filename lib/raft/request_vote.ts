/** RequestVote and its result (Raft 5.2, 5.4.1), and the same as PreVote (thesis 9.6) with leader stickiness (4.2.3). */

import { fault } from "../base/faults.ts";
import { type Core, isLeading, mayCampaign } from "./core.ts";
import { isDrained } from "./drained.ts";
import { hurryElection, retryElection } from "./election_timer.ts";
import type { RequestVote, RequestVoteResult } from "./messages.ts";
import { wouldFoundBeside } from "./founding.ts";
import { hasQuorum } from "./quorum.ts";
import { countVotes, grantVote } from "./roles.ts";
import type { Term } from "./types.ts";

/**
 * Whether this server holds with a leader it has reason to believe alive (thesis 4.2.3): then it neither votes nor lets
 * its term be raised by a candidate (divergence D1). Judged by when the leader was heard, never by a remembered name (B23).
 */
export function sticksToLeader(core: Core): boolean {
  const { electionTimeoutTicksMin } = core.limits;
  if (fault("raft/leaderForgotten")) return false;
  if (!isLeading(core)) return core.election.leaderSilentTicks < electionTimeoutTicksMin;
  const { progress } = core.roleState;
  return hasQuorum(core.log.configuration, (id) => {
    const peer = progress.get(id);
    return id === core.id || (peer !== undefined && peer.inContact && peer.silentTicks < electionTimeoutTicksMin);
  });
}

/** Raft 5.2, for a request of the current term: at most one vote in a term, for a candidate whose log is no older. */
export function handleRequestVote(core: Core, request: RequestVote): void {
  const free = core.votedFor === undefined || core.votedFor === request.from;
  const voteGranted = free && core.leaderId === undefined && mayVote(core) && isUpToDate(core, request) &&
    !wouldFoundBeside(core, request) && !fault("raft/voteRefused");
  if (voteGranted) grantVote(core, request.from);
  core.outbox.sendWhenDurable({
    type: "RequestVoteResult",
    from: core.id,
    to: request.from,
    term: core.currentTerm,
    preVote: false,
    voteGranted,
  });
}

/** Refuses a request of an old term, or one that comes while the leader is alive; the term stays. */
export function refuseVote(core: Core, request: RequestVote): void {
  const result: RequestVoteResult = {
    type: "RequestVoteResult",
    from: core.id,
    to: request.from,
    term: core.currentTerm,
    preVote: request.preVote,
    voteGranted: false,
  };
  if (request.preVote) core.outbox.send(result);
  else core.outbox.sendWhenDurable(result);
}

/** Thesis 9.6: says whether it would vote in the term asked for. Changes neither term nor vote. */
export function handlePreVote(core: Core, request: RequestVote): void {
  const later = request.term > core.currentTerm;
  const upToDate = isUpToDate(core, request) && !wouldFoundBeside(core, request);
  if (later && upToDate && mayVote(core) && !sticksToLeader(core) && !fault("raft/preVoteRefused")) {
    core.outbox.send({
      type: "RequestVoteResult",
      from: core.id,
      to: request.from,
      term: request.term,
      preVote: true,
      voteGranted: true,
    });
    // Both would campaign in the same moment and split the vote.
    if (core.election.hurried) hurryElection(core);
    return;
  }
  refuseVote(core, request);
  // Divergence D2. The other one cannot win against this log: nobody gains by waiting for a whole timeout.
  if (!later || upToDate || sticksToLeader(core) || !waitsForElection(core)) return;
  // A drained server leaves a whole timeout to others whose log may do.
  if (isDrained(core.log.configuration, core.id)) core.election.isNeeded = true;
  else hurryElection(core);
}

/** Counts an answer to the campaign under way; `result.term` is the current one, or the next for a granted PreVote. */
export function handleRequestVoteResult(core: Core, result: RequestVoteResult): void {
  const state = core.roleState;
  const asked = result.preVote ? "PreCandidate" : "Candidate";
  if (state.role !== asked || state.votes.has(result.from)) return;
  state.votes.set(result.from, result.voteGranted);
  countVotes(core);
  if (!result.preVote && !result.voteGranted && !core.election.hurried) retryElection(core);
}

/** Whether a granted PreVote answers the question this server asks now. */
export function answersPreVote(core: Core, term: Term): boolean {
  return core.roleState.role === "PreCandidate" && term === core.currentTerm + 1;
}

function waitsForElection(core: Core): boolean {
  return core.roleState.role === "Follower" && mayCampaign(core) && !core.election.hurried;
}

/**
 * Divergence D6. A server never admitted knows no members: it votes for nobody, lest a wiped directory votes twice (B22). Nor does one in
 * quarantine, whose word is not to be trusted.
 */
function mayVote(core: Core): boolean {
  return core.log.configuration.voters.length > 0 && !core.isQuarantined;
}

/** Raft 5.4.1: the last entry of the candidate has a later term, or the same term and no lower an index. */
function isUpToDate(core: Core, request: RequestVote): boolean {
  const { lastTerm, lastIndex } = core.log;
  if (request.lastLogTerm !== lastTerm) return request.lastLogTerm > lastTerm;
  return request.lastLogIndex >= lastIndex;
}
