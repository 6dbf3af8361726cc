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

/** Terms rise by one for each campaign: a term beyond this never comes from an election, and must not end all further ones. */
const TERM_MAX = 2 ** 52;

/** Takes one message. Whatever a peer says, nothing is thrown: a message that makes no sense is dropped (divergence D10). */
export function handleMessage(core: Core, message: Message): void {
  const { term } = message;
  if (message.to !== core.id || message.from === core.id) return;
  if (!Number.isSafeInteger(term) || term < 0 || term > TERM_MAX) return;
  if (isSettledWithoutTerm(core, message)) return;
  // Raft 5.1: a higher term ends whatever this server was; then the message is one of the current term.
  if (term > core.currentTerm) becomeFollower(core, { term, leaderId: undefined });
  if (term < core.currentTerm) refuseStale(core, message);
  else handleCurrent(core, message);
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
