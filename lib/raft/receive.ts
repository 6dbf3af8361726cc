/** What a message does by its term alone (Raft 5.1), before its own handler sees it. */

import { unreachable } from "../base/assert.ts";
import { handleAppendEntries, refuseStaleLeader } from "./append_entries.ts";
import { handleAppendEntriesResult } from "./append_entries_result.ts";
import { type Core, isLeading } from "./core.ts";
import { handleInstallSnapshot, refuseStaleSnapshot } from "./install_snapshot.ts";
import { handleInstallSnapshotResult } from "./install_snapshot_result.ts";
import type { Message } from "./messages.ts";
import { handleReadIndex, handleReadIndexResult, refuseReadIndex } from "./read_index.ts";
import { answersPreVote, handlePreVote, handleRequestVote, handleRequestVoteResult } from "./request_vote.ts";
import { refuseVote, sticksToLeader } from "./request_vote.ts";
import { becomeFollower } from "./roles.ts";
import { handleTimeoutNow } from "./transfer.ts";

/** The last term that there can be: beyond it numbers are no longer counted one by one. */
const TERM_MAX = 2 ** 52;
/** Terms rise by one for each campaign: no server is so far behind the others (divergence D18). */
const TERM_STEP_MAX = 2 ** 32;
/** From here on, as near to the end, a message may lead on by so much only. */
const LATE_TERM = TERM_MAX - TERM_STEP_MAX;
const LATE_TERM_STEP_MAX = 2 ** 20;

/** Takes one message. Whatever a peer says, nothing is thrown: a message that makes no sense is dropped (divergence D10). */
export function handleMessage(core: Core, message: Message): void {
  const { term } = message;
  if (message.to !== core.id || message.from === core.id) return;
  if (!Number.isSafeInteger(term) || term < 0) return;
  if (isStray(core, term)) {
    core.strayTerms += 1;
    return;
  }
  if (isSettledWithoutTerm(core, message)) return;
  // Raft 5.1: a higher term ends whatever this server was; then the message is one of the current term.
  if (term > core.currentTerm) becomeFollower(core, { term, leaderId: undefined });
  if (term < core.currentTerm) refuseStale(core, message);
  else handleCurrent(core, message);
}

/** Whether no election leads from here to that term. Taken over, it would leave too few terms, or none, for elections. */
function isStray({ currentTerm }: Core, term: number): boolean {
  if (term <= currentTerm) return false;
  const step = term - currentTerm;
  return term > TERM_MAX || step > TERM_STEP_MAX || (term > LATE_TERM && step > LATE_TERM_STEP_MAX);
}

/** PreVote and stickiness: messages that must not raise the term here, though theirs is higher. */
function isSettledWithoutTerm(core: Core, message: Message): boolean {
  if (message.type === "RequestVoteResult" && message.preVote && message.voteGranted) {
    if (answersPreVote(core, message.term)) handleRequestVoteResult(core, message);
    return true;
  }
  if (message.type !== "RequestVote") return false;
  if (message.preVote) {
    handlePreVote(core, message);
    return true;
  }
  // Thesis 4.2.3: a server that hears its leader neither votes nor takes the candidate's term, unless the leader itself
  // asked for the election.
  if (message.term <= core.currentTerm || message.leadershipTransfer || !sticksToLeader(core)) return false;
  refuseVote(core, message);
  return true;
}

/** Raft 5.1: requests of an older term are refused; results of an older term belong to nothing any more (B17). */
function refuseStale(core: Core, message: Message): void {
  switch (message.type) {
    case "RequestVote":
      refuseVote(core, message);
      break;
    case "AppendEntries":
      refuseStaleLeader(core, message);
      break;
    case "InstallSnapshot":
      refuseStaleSnapshot(core, message);
      break;
    case "ReadIndex":
      refuseReadIndex(core, message);
      break;
    case "RequestVoteResult":
    case "AppendEntriesResult":
    case "InstallSnapshotResult":
    case "ReadIndexResult":
    case "TimeoutNow":
      break;
    default:
      unreachable(message);
  }
}

function handleCurrent(core: Core, message: Message): void {
  switch (message.type) {
    case "RequestVote":
      handleRequestVote(core, message);
      break;
    case "RequestVoteResult":
      handleRequestVoteResult(core, message);
      break;
    case "AppendEntries":
      handleAppendEntries(core, message);
      break;
    case "AppendEntriesResult":
      if (isLeading(core)) handleAppendEntriesResult(core, message);
      break;
    case "InstallSnapshot":
      handleInstallSnapshot(core, message);
      break;
    case "InstallSnapshotResult":
      if (isLeading(core)) handleInstallSnapshotResult(core, message);
      break;
    case "TimeoutNow":
      handleTimeoutNow(core, message.from);
      break;
    case "ReadIndex":
      handleReadIndex(core, message);
      break;
    case "ReadIndexResult":
      handleReadIndexResult(core, message);
      break;
    default:
      unreachable(message);
  }
}
