/** What must hold of one server after each step, and between two steps. Across servers the tests look (tests/support). */

import { assert } from "../base/assert.ts";
import type { Core } from "./core.ts";
import type { Message } from "./messages.ts";
import type { PeerProgress, RaftStatus } from "./status.ts";
import type { EntryId } from "./types.ts";
import type { Update } from "./update.ts";

/** What an outsider can ask a server for. */
interface Observable {
  status(): RaftStatus;
}

/** The cheap ones, checked after every step in production too: a failure ends the process, with the disk still valid. */
export function assertInvariants(core: Core): void {
  const { log, commitIndex, appliedIndex } = core;
  assert(log.base.index <= appliedIndex, "Entries were dropped that are not applied");
  assert(appliedIndex <= commitIndex, "Entries were applied that are not committed");
  assert(commitIndex <= log.lastIndex, "Entries are committed that are not in the log");
  assert(log.durableIndex <= log.lastIndex, "Entries are durable that are not in the log");
  assert(log.lastTerm <= core.currentTerm, "The log has an entry of a later term than the current one");
}

/** The invariants that do not hold for a server, in words; none when all is well. */
export function checkInvariants(node: Observable): readonly string[] {
  const status = node.status();
  const flaws: string[] = [];
  function expect(holds: boolean, what: string): void {
    if (!holds) flaws.push(`Server ${status.id}: ${what}`);
  }
  const { lastEntry, lastDurable, snapshot, configuration } = status;
  expect(lastEntry.term <= status.currentTerm, "the last entry has a later term than the current one");
  expect(lastDurable.index <= lastEntry.index, "an entry is durable that is not in the log");
  expect(status.commitIndex <= lastEntry.index, "an entry is committed that is not in the log");
  expect(status.firstIndex <= lastEntry.index + 1, "the log begins after its end");
  expect(status.firstIndex <= snapshot.index + 1, "entries were dropped that no snapshot covers");
  expect(snapshot.index <= status.commitIndex, "the snapshot covers an entry that is not committed");
  expect(status.logBytes >= 0, "the log has fewer than no bytes");
  const ids = configuration.members.map(({ id }) => id);
  expect(ids.every((id, at) => at === 0 || (ids[at - 1] ?? id) < id), "the members are not in ascending order");
  if (status.role === "Leader") {
    expect(status.leaderId === status.id, "a leader does not know itself as leader");
    for (const peer of status.progress) flaws.push(...checkPeer(peer, lastEntry));
  } else {
    expect(status.leaderId !== status.id, "it takes itself for the leader and is none");
    expect(status.progress.length === 0 && !status.termCommitted, "it has a leader's state and is none");
  }
  if (status.role === "Candidate") expect(status.votedFor === status.id, "a candidate did not vote for itself");
  return flaws;
}

/** What is wrong with a step that led from `before` to `after` in one life of a server. */
export function checkStep(before: RaftStatus, after: RaftStatus, update: Update): readonly string[] {
  const flaws: string[] = [];
  function expect(holds: boolean, what: string): void {
    if (!holds) flaws.push(`Server ${after.id}: ${what}`);
  }
  const sameTerm = before.currentTerm === after.currentTerm;
  expect(before.currentTerm <= after.currentTerm, "the term fell");
  expect(before.commitIndex <= after.commitIndex, "the commit index fell");
  expect(before.snapshot.index <= after.snapshot.index, "the snapshot went back");
  const voteKept = before.votedFor === undefined || before.votedFor === after.votedFor;
  expect(!sameTerm || voteKept, "the vote of a term changed (B16)");
  const leads = sameTerm && before.role === "Leader" && after.role === "Leader";
  expect(!leads || before.lastEntry.index <= after.lastEntry.index, "a leader removed entries of its log");
  const hardStateChanged = !sameTerm || before.votedFor !== after.votedFor;
  expect(!hardStateChanged || update.hardState !== undefined, "a term or vote changed and is not written (B2)");
  expect(update.hardState === undefined || update.messages.length === 0, "a message leaves before its term is durable");
  expect(!update.messages.some(isPromise), "a vote or acknowledgement may leave before its term is durable (B2, B24)");
  for (const message of [...update.messages, ...update.durableMessages]) {
    expect(message.from === after.id, "a message has another sender");
    if (message.type === "AppendEntriesResult" && message.success) {
      expect(message.matchIndex <= after.lastDurable.index, "an acknowledgement of what is not durable (B15, B19)");
    }
  }
  let applied: number | undefined;
  for (const { firstIndex, lastIndex } of update.apply) {
    expect(applied === undefined || firstIndex === applied + 1, "entries are applied out of order");
    expect(lastIndex <= after.commitIndex, "an entry is applied that is not committed");
    applied = lastIndex;
  }
  for (const read of update.confirmedReads) {
    expect(
      after.role !== "Leader" || after.termCommitted,
      `read ${read.id} is confirmed before the term's commit (B4)`,
    );
  }
  return flaws;
}

function checkPeer(peer: PeerProgress, last: EntryId): readonly string[] {
  const flaws: string[] = [];
  if (peer.matchIndex >= peer.nextIndex) flaws.push(`Peer ${peer.id}: its match index is not below its next index`);
  if (peer.nextIndex > last.index + 1) flaws.push(`Peer ${peer.id}: it is to be sent entries that do not exist`);
  if (peer.matchIndex > last.index) flaws.push(`Peer ${peer.id}: it has acknowledged entries that do not exist`);
  return flaws;
}

/** Whether a message tells of this server's vote or disk. */
function isPromise(message: Message): boolean {
  if (message.type === "RequestVote" || message.type === "RequestVoteResult") return !message.preVote;
  return message.type === "AppendEntriesResult" || message.type === "InstallSnapshotResult";
}
