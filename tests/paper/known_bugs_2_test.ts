/**
 * Bugs that real Raft systems had, by their numbers in docs/known-bugs.md; each test fails on a core
 * that has the bug. This file: B10 to B24, those of them that lie in the core.
 *
 * | number | bug |
 * | --- | --- |
 * | B10 | commitIndex = leaderCommit without the last entry of this RPC as a bound |
 * | B11 | an index below the snapshot treated as a conflict |
 * | B12 | a stale snapshot installed over newer state, or the conflicting tail kept |
 * | B14 | the configuration is missing after a start from a snapshot |
 * | B15 | the leader counts itself before its own sync |
 * | B16 | a step-down within the term clears the vote |
 * | B17 | an answer of an older term or of an earlier life is counted |
 * | B18 | a removed leader counts itself |
 * | B19 | an overwritten entry is acknowledged (ABA) |
 * | B23 | pre-vote refused for ever because of a stale leader id |
 * | B24 | the vote for itself is not persisted |
 */

import { assert, assertEquals } from "@std/assert";
import { toTerm } from "../../lib/raft/types.ts";
import type { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer, TIMEOUT, TIMEOUT_MIN } from "../support/raft/server.ts";
import { configurationEntry, configurationOf, logOf, snapshotAt, termsOf } from "../support/raft/values.ts";
import { acknowledge, campaign, elect, leaderOf, makeCandidate, restart, until } from "./support.ts";
import { appended, appendEntries, installSnapshot, readIndexResult, requestVote, voted } from "./messages.ts";
import { encodeCommands } from "../../lib/raft/run.ts";

const SNAPSHOT = snapshotAt({ index: 5, term: 1 });

/** The matchIndex of each acknowledgement. */
function acknowledged(effects: Effects): number[] {
  return effects.sent("AppendEntriesResult").filter((answer) => answer.success).map((answer) => answer.matchIndex);
}

Deno.test("B10 a heartbeat commits nothing of a tail that the leader has not confirmed", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1, 1]) });
  const effects = server.receive(appendEntries({ term: 2, prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 4 }));
  assertEquals([termsOf(effects.applied), Number(server.status.commitIndex)], [[1, 1], 2]);
});

Deno.test("B10 a refused AppendEntries commits nothing", () => {
  const server = new RaftServer({ entries: logOf([1, 1]) });
  const effects = server.receive(appendEntries({ term: 2, prevLogIndex: 2, prevLogTerm: 2, leaderCommit: 2 }));
  assertEquals([effects.applied, Number(server.status.commitIndex)], [[], 0]);
});

Deno.test("B11 a follower takes entries that begin below its snapshot as matching up to there", () => {
  const server = new RaftServer({ snapshot: SNAPSHOT, entries: logOf([1], 6) });
  const effects = server.receive(
    appendEntries({ prevLogIndex: 2, prevLogTerm: 1, entries: logOf([1, 1, 1, 1, 1], 3) }),
  );
  const answer = effects.sole("AppendEntriesResult");
  assertEquals([answer.success, Number(answer.matchIndex)], [true, 7]);
  assertEquals(effects.written.map((entry) => Number(entry.index)), [7]);
});

Deno.test("B11 a request wholly below the snapshot is no conflict and truncates nothing", () => {
  const server = new RaftServer({ snapshot: SNAPSHOT, entries: logOf([1, 1], 6) });
  const effects = server.receive(appendEntries({ prevLogIndex: 1, prevLogTerm: 1, entries: logOf([1], 2) }));
  assert(effects.sole("AppendEntriesResult").success);
  assertEquals([effects.writes, Number(server.status.lastEntry.index)], [[], 7]);
});

Deno.test("B11 a leader survives a refusal that points below its snapshot", () => {
  const server = new RaftServer({ snapshot: SNAPSHOT, entries: logOf([1], 6) });
  elect(server);
  server.persist();
  const refused = { from: 3, term: 2, success: false, rejectedIndex: 6, conflictIndex: 2, conflictTerm: 1 };
  const effects = server.receive(appended(refused));
  assertEquals(Number(effects.sole("InstallSnapshot", 3).lastIncludedIndex), 5);
});

Deno.test("B11 a leader survives acknowledgements of nonsense: below its snapshot, above its log", () => {
  const server = leaderOf({ snapshot: SNAPSHOT, entries: logOf([1], 6) });
  const before = server.status.commitIndex;
  for (const from of [2, 3]) {
    server.receive(appended({ from, term: 2, matchIndex: 2 }));
    server.receive(appended({ from, term: 2, matchIndex: 1_000_000 }));
    server.receive(appended({ from, term: 2, success: false, rejectedIndex: 900, conflictIndex: 900 }));
    server.receive(appended({ from, term: 2, success: false, rejectedIndex: 7, conflictIndex: 0, conflictTerm: 8 }));
  }
  assertEquals([server.status.role, server.status.commitIndex], ["Leader", before]);
  const effects = [server.propose("a"), server.tick(HEARTBEAT), server.tick(HEARTBEAT)];
  for (const message of effects.flatMap((effect) => effect.sent("AppendEntries"))) assert(message.prevLogIndex <= 8);
  for (const effect of effects) acknowledge(server, effect);
  assertEquals(Number(server.status.commitIndex), 8);
});

Deno.test("B12 a snapshot that is not newer than the commit index changes nothing and is called installed", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1, 1, 1, 1, 1]), leaderCommit: 6 }));
  const effects = server.receive(installSnapshot({ done: true }));
  assertEquals(effects.snapshotChunks, []);
  assertEquals(effects.sole("InstallSnapshotResult").installed, true);
  assertEquals([server.status.lastEntry.index, server.status.commitIndex].map(Number), [6, 6]);
});

Deno.test("B12 a snapshot that arrives late, after newer entries were committed, takes nothing back", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1, 1, 1, 1, 1]) });
  server.receive(installSnapshot({ done: true }));
  // While the driver loads it, the leader commits more.
  server.receive(appendEntries({ prevLogIndex: 7, prevLogTerm: 1, leaderCommit: 7 }));
  server.run({ type: "SnapshotInstalled", snapshot: snapshotAt({ index: 5, term: 1 }, { bytes: 4 }) });
  assertEquals([server.status.lastEntry.index, server.status.commitIndex].map(Number), [7, 7]);
});

Deno.test("B12 an older snapshot that becomes ready after newer entries were applied applies nothing again", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1, 1, 1, 1, 1]), leaderCommit: 6 }));
  const late = server.run({ type: "SnapshotInstalled", snapshot: SNAPSHOT });
  const next = server.receive(appendEntries({ prevLogIndex: 6, prevLogTerm: 1, leaderCommit: 6 }));
  assertEquals([late.applied, next.applied], [[], []]);
  assertEquals([server.status.commitIndex, server.status.lastEntry.index].map(Number), [6, 6]);
});

Deno.test("B12 a log that conflicts with the snapshot's last entry is dropped whole", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1, 1, 2, 2, 2]) });
  server.receive(installSnapshot({ term: 4, lastIncludedTerm: 3, done: true }));
  server.run({ type: "SnapshotInstalled", snapshot: snapshotAt({ index: 5, term: 3 }, { bytes: 4 }) });
  const { lastEntry, firstIndex } = server.status;
  assertEquals([lastEntry.index, lastEntry.term, firstIndex].map(Number), [5, 3, 6]);
});

Deno.test("B12 what was acknowledged of a dropped log is not acknowledged again", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1, 1, 2, 2, 2]) });
  server.receive(installSnapshot({ term: 4, lastIncludedTerm: 3, done: true }));
  const snapshot = snapshotAt({ index: 5, term: 3 }, { bytes: 4 });
  server.run({ type: "SnapshotInstalled", snapshot });
  assertEquals(Number(server.status.lastDurable.index), 5);
  const answer = server.receive(appendEntries({ term: 4, prevLogIndex: 5, prevLogTerm: 3 })).sole(
    "AppendEntriesResult",
  );
  assertEquals(Number(answer.matchIndex), 5);
});

Deno.test("B14 a start from a snapshot knows its members, and entries after it count more", () => {
  const configuration = configurationOf([1, 2, 3, 4]);
  const snapshot = snapshotAt({ index: 5, term: 1 }, { configuration });
  assertEquals(new RaftServer({ snapshot }).status.configuration, configuration);
  const newer = configurationOf([1, 2, 3, 4], { learners: [5] });
  const entries = [configurationEntry({ index: 6, term: 1 }, newer)];
  const server = new RaftServer({ snapshot, entries });
  assertEquals(server.status.configuration, newer);
  server.receive(appendEntries({ term: 2, prevLogIndex: 5, prevLogTerm: 1, entries: logOf([2], 6) }));
  assertEquals(server.status.configuration, configuration);
});

Deno.test("B15 a follower's copy alone does not commit what the leader has not on disk", () => {
  const server = leaderOf();
  server.step({ type: "Propose", id: 1, commands: encodeCommands(["a"]) });
  const effects = server.step({ type: "Receive", message: appended({ from: 2, matchIndex: 2 }) });
  assertEquals([effects.applied, Number(server.status.commitIndex)], [[], 1]);
});

Deno.test("B15 a cluster of one commits when its write is durable, not before", () => {
  const server = new RaftServer({ voters: [1] });
  until(() => server.status.role === "Leader", () => server.step({ type: "Tick" }));
  assertEquals([server.status.termCommitted, server.applied], [false, []]);
  server.persist();
  assertEquals([server.status.termCommitted, server.applied.length], [true, 1]);
  assertEquals(server.step({ type: "Propose", id: 1, commands: encodeCommands(["a"]) }).apply, []);
  assertEquals(server.persist().apply.length, 1);
});

Deno.test("B16 a candidate that follows the term's leader keeps the vote it gave itself", () => {
  const server = new RaftServer();
  makeCandidate(server);
  server.receive(appendEntries({ from: 3 }));
  server.tick(TIMEOUT_MIN + 1);
  assertEquals([server.status.votedFor, server.hardState.votedFor], [1, 1]);
  const answer = server.receive(requestVote({ from: 2, term: 1 })).sole("RequestVoteResult");
  assertEquals(answer.voteGranted, false);
});

Deno.test("B16 a leader that steps down for want of a quorum keeps its vote", () => {
  const server = leaderOf();
  until(() => server.status.role !== "Leader", () => server.tick());
  assertEquals([server.status.votedFor, Number(server.status.currentTerm)], [1, 1]);
  const answers = server.receive(requestVote({ from: 2, term: 1, lastLogIndex: 9, lastLogTerm: 1 }));
  assert(answers.sent("RequestVoteResult").every((answer) => !answer.voteGranted));
});

Deno.test("B17 votes and acknowledgements of an older term count for nothing", () => {
  const candidate = new RaftServer({ term: 4 });
  makeCandidate(candidate);
  for (const from of [2, 3]) candidate.receive(voted({ from, term: 4 }));
  assertEquals(candidate.status.role, "Candidate");
  const leader = leaderOf({ term: 4 });
  leader.propose("a");
  for (const from of [2, 3]) leader.receive(appended({ from, term: 4, matchIndex: 2 }));
  assertEquals(Number(leader.status.commitIndex), 1);
});

Deno.test("B17 an answer to a question of an earlier life confirms nothing in this one", () => {
  const first = new RaftServer({ incarnation: 1000 });
  first.receive(appendEntries());
  const { token } = first.read(7).sole("ReadIndex");
  const second = new RaftServer({ term: 1, incarnation: 2000 });
  second.receive(appendEntries());
  assertEquals(second.read(7).sole("ReadIndex").incarnation, 2000);
  assertEquals(second.receive(readIndexResult({ token, incarnation: 1000 })).confirmedReads, []);
});

Deno.test("B17 an answer of the deposed leader confirms nothing", () => {
  const server = new RaftServer();
  server.receive(appendEntries());
  const { token, incarnation } = server.read(7).sole("ReadIndex");
  server.receive(appendEntries({ from: 3, term: 2 }));
  server.read(8);
  assertEquals(server.receive(readIndexResult({ from: 2, term: 1, token, incarnation })).confirmedReads, []);
  assertEquals(server.receive(readIndexResult({ from: 2, term: 1, token: token + 1, incarnation })).confirmedReads, []);
});

Deno.test("B18 a leader that removes itself counts itself in the old majority only, for commitment", () => {
  const server = leaderOf();
  server.change([2, 3]);
  // Joint: old {1, 2, 3} has 1 and 2, new {2, 3} has only 2.
  assertEquals(server.receive(appended({ from: 2, matchIndex: 2 })).apply, []);
  server.receive(appended({ from: 3, matchIndex: 2 }));
  assertEquals(Number(server.status.commitIndex), 2);
  server.receive(appended({ from: 3, matchIndex: 3 }));
  assertEquals([Number(server.status.commitIndex), server.status.role], [2, "Leader"]);
});

Deno.test("B18 and does not count itself to confirm a read", () => {
  const server = leaderOf();
  server.change([2, 3]);
  for (const from of [2, 3]) server.receive(appended({ from, matchIndex: 2 }));
  const { round } = server.read(7).sent("AppendEntries", 2).at(-1) ?? { round: 99 };
  assertEquals(server.receive(appended({ from: 2, matchIndex: 2, round })).confirmedReads, []);
  assertEquals(server.receive(appended({ from: 3, matchIndex: 2, round })).confirmedIds, [7]);
});

Deno.test("B19 a write that was overwritten acknowledges nothing when it becomes durable", () => {
  const server = new RaftServer({ entries: logOf([1]) });
  const old = appendEntries({ term: 2, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([2, 2, 2], 2) });
  server.step({ type: "Receive", message: old });
  const other = appendEntries({ from: 3, term: 3, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([3, 3], 2) });
  server.step({ type: "Receive", message: other });
  for (const match of acknowledged(server.persist(1))) assertEquals(match, 1);
  assertEquals(Number(server.status.lastDurable.index), 1);
  assertEquals(acknowledged(server.persist(1)), [3]);
});

Deno.test("B19 of a write whose tail was overwritten only the rest counts", () => {
  const server = new RaftServer();
  server.step({ type: "Receive", message: appendEntries({ term: 2, entries: logOf([2, 2, 2]) }) });
  const other = appendEntries({ from: 3, term: 3, prevLogIndex: 2, prevLogTerm: 2, entries: logOf([3], 3) });
  server.step({ type: "Receive", message: other });
  assertEquals(acknowledged(server.persist(1)), [2]);
  assertEquals(acknowledged(server.persist(1)), [3]);
});

Deno.test("B19 an entry that comes back after it was overwritten counts with its last write only", () => {
  const server = new RaftServer();
  const receive = (message: ReturnType<typeof appendEntries>) => server.step({ type: "Receive", message });
  receive(appendEntries({ from: 2, term: 2, entries: logOf([2]) }));
  receive(appendEntries({ from: 3, term: 3, entries: logOf([3]) }));
  receive(appendEntries({ from: 2, term: 4, entries: logOf([2]) }));
  assertEquals(acknowledged(server.persist(1)).filter((match) => match > 0), []);
  assertEquals(acknowledged(server.persist(1)).filter((match) => match > 0), []);
  assertEquals(acknowledged(server.persist(1)), [1]);
});

Deno.test("B19 a write begun before a snapshot replaced the log acknowledges nothing above the snapshot", () => {
  const server = new RaftServer();
  server.step({ type: "Receive", message: appendEntries({ term: 2, entries: logOf([2, 2, 2, 2]) }) });
  const chunk = installSnapshot({ from: 3, term: 3, lastIncludedIndex: 2, lastIncludedTerm: 3, done: true });
  server.step({ type: "Receive", message: chunk });
  server.step({ type: "SnapshotInstalled", snapshot: snapshotAt({ index: 2, term: 3 }, { bytes: 4 }) });
  const next = appendEntries({ from: 3, term: 3, prevLogIndex: 2, prevLogTerm: 3, entries: logOf([3, 3], 3) });
  server.step({ type: "Receive", message: next });
  for (const match of acknowledged(server.persist(1))) assertEquals(match, 2);
  assertEquals(Number(server.status.lastDurable.index), 2);
  assertEquals(acknowledged(server.persist(1)), [4]);
});

Deno.test("B19 a deposed leader's own write does not count for the leader that comes after", () => {
  const server = leaderOf();
  server.step({ type: "Propose", id: 1, commands: encodeCommands(["a", "b"]) });
  const other = appendEntries({ from: 3, term: 2, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([2], 2) });
  server.step({ type: "Receive", message: other });
  for (const match of acknowledged(server.persist(1))) assertEquals(match, 1);
  assertEquals(acknowledged(server.persist(1)), [2]);
});

Deno.test("B23 a follower that has not heard its leader for the shortest timeout grants, whoever it thinks leads", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ from: 3 }));
  server.tick(TIMEOUT_MIN + 1);
  assert(server.receive(requestVote({ term: 2, preVote: true })).sole("RequestVoteResult").voteGranted);
});

Deno.test("B23 a follower whose leader's connection ended grants at once", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ from: 3 }));
  server.run({ type: "PeerDisconnected", peer: 3 });
  assert(server.receive(requestVote({ term: 2, preVote: true })).sole("RequestVoteResult").voteGranted);
  assert(server.receive(requestVote({ term: 2 })).sole("RequestVoteResult").voteGranted);
});

Deno.test("B23 a pre-candidate, and a leader that lost its quorum, grant to others", () => {
  const asking = new RaftServer();
  asking.receive(appendEntries({ from: 3 }));
  campaign(asking);
  assert(asking.receive(requestVote({ term: 2, preVote: true })).sole("RequestVoteResult").voteGranted);
  const server = leaderOf();
  server.tick(TIMEOUT * 2 + 1);
  const request = requestVote({ term: 2, preVote: true, lastLogIndex: 1, lastLogTerm: 1 });
  assert(server.receive(request).sole("RequestVoteResult").voteGranted);
});

Deno.test("B24 requests for votes leave in the step that makes the own vote durable, among the messages that wait", () => {
  const server = new RaftServer();
  const effects = makeCandidate(server);
  assertEquals(effects.hardState, { currentTerm: toTerm(1), votedFor: 1 });
  assertEquals(effects.messages, []);
  assertEquals(effects.durableMessages.map((message) => message.type), ["RequestVote", "RequestVote"]);
});

Deno.test("B24 a candidate that restarts does not vote for another in its term", () => {
  const server = new RaftServer();
  makeCandidate(server);
  restart(server);
  assertEquals(server.receive(requestVote({ term: 1 })).sole("RequestVoteResult").voteGranted, false);
});

Deno.test("B24 a cluster of one sends nothing of its new term before the term is durable", () => {
  const server = new RaftServer({ voters: [1], learners: [2] });
  until(() => server.status.role === "Leader", () => {
    const effects = server.step({ type: "Tick" });
    if (effects.hardState !== undefined) assertEquals(effects.messages, []);
  });
  assertEquals(server.hardState, { currentTerm: toTerm(1), votedFor: 1 });
});
