/** The follower's side of AppendEntries (Raft 5.3, figure 2): checks, stores, and acknowledges what is durable. */

import { assert } from "../base/assert.ts";
import { fault } from "../base/faults.ts";
import { commitTo } from "./commit.ts";
import type { Core } from "./core.ts";
import { heardLeader } from "./election_timer.ts";
import { isForeign } from "./founding.ts";
import type { AppendEntries, AppendEntriesResult } from "./messages.ts";
import { becomeFollower } from "./roles.ts";
import { type NodeId, toIndex, toTerm } from "./types.ts";

/** How an AppendEntries was taken. Dropped: no honest leader of this term sends it (divergence D10). */
type Outcome = { readonly type: "Stored" | "Dropped" } | Conflict;

/** Raft 5.3, fast back-up: where the leader shall look for the last common entry. */
interface Conflict {
  readonly type: "Refused";
  readonly conflictIndex: number;
  readonly conflictTerm: number;
}

/** For a message of the current term. */
export function handleAppendEntries(core: Core, message: AppendEntries): void {
  if (fault("raft/appendDropped") || !isSound(message) || bringsForeign(core, message)) return;
  if (!acceptLeader(core, message.from)) return;
  core.following.round = Math.max(core.following.round, message.round);
  const outcome = store(core, message);
  if (outcome.type === "Dropped") return;
  if (outcome.type === "Refused") {
    refuse(core, message, outcome);
    return;
  }
  const last = message.prevLogIndex + (message.entries?.count ?? 0);
  core.following.matchedIndex = Math.max(core.following.matchedIndex, last);
  // Raft figure 2, step 5. The minimum is with the last entry of THIS message: what follows it here may differ (B10).
  commitTo(core, Math.min(message.leaderCommit, last));
  // Divergence D8. Entries that are not durable are acknowledged from `Persisted`; what needs no disk is answered at once.
  if (message.entries === undefined || message.confirm || last <= core.log.durableIndex) acknowledge(core);
}

/** Refuses a message of an older term (Raft 5.1), so that its sender learns the new one. */
export function refuseStaleLeader(core: Core, message: AppendEntries): void {
  refuse(core, message, { type: "Refused", conflictIndex: 0, conflictTerm: 0 });
}

/**
 * Takes the sender of an AppendEntries or InstallSnapshot of the current term as its leader (Raft 5.2).
 * False for a second leader in one term: an honest one cannot exist.
 */
export function acceptLeader(core: Core, from: NodeId): boolean {
  if (core.roleState.role === "Leader") return false;
  if (core.leaderId !== undefined && core.leaderId !== from) return false;
  becomeFollower(core, { term: core.currentTerm, leaderId: from });
  heardLeader(core);
  return true;
}

/** After a write became durable: tells the leader when there is more to acknowledge than it was told. */
export function acknowledgePersisted(core: Core): void {
  const { following } = core;
  if (fault("raft/acknowledgementLeftOut")) return;
  if (Math.min(following.matchedIndex, core.log.durableIndex) > following.acknowledgedIndex) acknowledge(core);
}

/** Tells the leader what equals its log and is durable here: never more (B15, B19). */
export function acknowledge(core: Core): void {
  if (core.leaderId === undefined || core.leaderId === core.id) return;
  const { following } = core;
  const matchIndex = Math.min(following.matchedIndex, core.log.durableIndex);
  following.acknowledgedIndex = Math.max(following.acknowledgedIndex, matchIndex);
  sendResult(core, {
    to: core.leaderId,
    success: true,
    matchIndex: toIndex(matchIndex),
    rejectedIndex: toIndex(0),
    conflictIndex: toIndex(0),
    conflictTerm: toTerm(0),
    round: following.round,
  });
}

function store(core: Core, message: AppendEntries): Outcome {
  const { log, following } = core;
  const { prevLogIndex, entries } = message;
  const covered = log.base.index - prevLogIndex;
  if (covered <= 0) {
    const conflict = findConflict(core, message);
    if (conflict !== undefined) return conflict;
  }
  // Entries the snapshot covers are committed, hence equal (B11); those already here stay: a delayed, shorter message
  // must not cut off what a later one brought (B8).
  let first = prevLogIndex + 1 + Math.max(0, covered);
  while (entries !== undefined && first <= entries.lastIndex && log.termAt(first) === entries.term) first += 1;
  if (entries === undefined || first > entries.lastIndex) return { type: "Stored" };
  if (first <= log.lastIndex) {
    // What is committed, or came from this very leader, no honest leader of this term replaces.
    if (first <= Math.max(core.commitIndex, following.matchedIndex)) return { type: "Dropped" };
    log.truncate(first);
  }
  core.outbox.write(log.append(entries.slice(first, entries.lastIndex)));
  return { type: "Stored" };
}

/** Raft figure 2, step 2: the entry before the first new one must be here, with the same term. */
function findConflict(core: Core, message: AppendEntries): Outcome | undefined {
  const { log } = core;
  const term = log.termAt(message.prevLogIndex);
  if (fault("raft/conflictOneBack") && term !== message.prevLogTerm && message.prevLogIndex > core.commitIndex + 1) {
    return { type: "Refused", conflictIndex: message.prevLogIndex, conflictTerm: 0 };
  }
  if (term === undefined) return { type: "Refused", conflictIndex: log.lastIndex + 1, conflictTerm: 0 };
  if (term === message.prevLogTerm) return undefined;
  if (message.prevLogIndex <= Math.max(core.commitIndex, core.following.matchedIndex)) return { type: "Dropped" };
  const firstOfTerm = log.firstIndexOfTerm(message.prevLogIndex);
  return { type: "Refused", conflictIndex: Math.max(firstOfTerm, core.commitIndex + 1), conflictTerm: term };
}

function refuse(core: Core, message: AppendEntries, conflict: Conflict): void {
  sendResult(core, {
    to: message.from,
    success: false,
    matchIndex: toIndex(0),
    rejectedIndex: message.prevLogIndex,
    conflictIndex: toIndex(conflict.conflictIndex),
    conflictTerm: toTerm(conflict.conflictTerm),
    round: message.term === core.currentTerm ? core.following.round : 0,
  });
}

function sendResult(core: Core, result: Omit<AppendEntriesResult, "type" | "from" | "term">): void {
  assert(result.matchIndex <= core.log.durableIndex, "Cannot acknowledge entries that are not durable");
  core.outbox.sendWhenDurable({ type: "AppendEntriesResult", from: core.id, term: core.currentTerm, ...result });
}

function bringsForeign(core: Core, { entries }: AppendEntries): boolean {
  return entries?.configurations.some(({ configuration }) => isForeign(core, configuration)) === true;
}

/** Whether the numbers of a message fit together; the transport has checked only their types. */
function isSound(message: AppendEntries): boolean {
  const { prevLogIndex, prevLogTerm, entries, term } = message;
  if (!Number.isSafeInteger(prevLogIndex) || !(prevLogIndex >= 0)) return false;
  if (!(prevLogTerm >= 0 && prevLogTerm <= term) || (prevLogIndex === 0) !== (prevLogTerm === 0)) return false;
  if (!Number.isSafeInteger(message.round) || !Number.isSafeInteger(message.leaderCommit)) return false;
  if (entries === undefined) return term > 0;
  if (entries.firstIndex !== prevLogIndex + 1 || !Number.isSafeInteger(entries.lastIndex)) return false;
  return entries.term >= prevLogTerm && entries.term <= term && entries.term > 0;
}
