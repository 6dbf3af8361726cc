/**
 * Bugs that real Raft systems had, by their numbers in docs/known-bugs.md; each test fails on a core
 * that has the bug. This file: B1 to B9.
 *
 * | number | bug |
 * | --- | --- |
 * | B1 | membership change before an own-term commit, or two pending |
 * | B2 | vote or term answered before it is durable |
 * | B3 | an older term's entry committed by counting (figure 8) |
 * | B4 | read served before the first commit of the own term |
 * | B5 | read index answered before the quorum confirms |
 * | B6 | read token or round reused: a delayed answer confirms a new read |
 * | B7 | leadership trusted after a pause |
 * | B8 | a delayed shorter AppendEntries truncates the log |
 * | B9 | conflicting entry replaced, its tail kept |
 */

import { assert, assertEquals } from "@std/assert";
import { toTerm } from "../../lib/raft/types.ts";
import { appended, appendEntries, readIndex, readIndexResult, requestVote } from "./messages.ts";
import { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer, TIMEOUT } from "../support/raft/server.ts";
import { configurationEntry, configurationOf, logOf, termsOf } from "../support/raft/values.ts";
import { acknowledge, campaign, elect, leaderOf } from "./support.ts";

Deno.test("B1 the new leader of the raft-dev counterexample may not change the members before it commits", () => {
  // The log ends with a simple change of an older term that may or may not be committed.
  const configuration = configurationOf([1, 2, 3, 4]);
  const server = new RaftServer({ entries: [...logOf([1]), configurationEntry({ index: 2, term: 1 }, configuration)] });
  const effects = elect(server);
  server.persist();
  for (const from of [2, 3]) server.receive(appended({ from, term: 2, matchIndex: 2 }));
  assertEquals(server.change([1, 2, 3]).refused.map(({ refusal }) => refusal.reason), ["TermNotCommitted"]);
  acknowledge(server, effects);
  assertEquals(server.change([1, 2, 3]).refused, []);
});

Deno.test("B1 a change is pending until its last entry is committed, learner changes included", () => {
  const server = leaderOf();
  const first = server.change([1, 2, 3], [4]);
  const second = server.change([1, 2, 3], [5]);
  assertEquals(second.refused.map(({ refusal }) => refusal.reason), ["ChangeInProgress"]);
  assertEquals(second.writes, []);
  acknowledge(server, first, [2]);
  assertEquals(server.change([1, 2, 3], [5]).refused, []);
});

Deno.test("B1 a new leader leaves a joint configuration only after a commit of its own, however committed that is", () => {
  const joint = configurationOf([1, 4, 5], { votersOld: [1, 2, 3] });
  const server = new RaftServer({ entries: [...logOf([1]), configurationEntry({ index: 2, term: 1 }, joint)] });
  server.receive(appendEntries({ prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 2 }));
  assertEquals(Number(server.status.commitIndex), 2);
  const elected = new Effects([elect(server), server.persist()]);
  assertEquals(elected.written.map((entry) => entry.type), ["NoOp"]);
  const after = acknowledge(server, elected);
  assertEquals(after.written.map((entry) => entry.type), ["Configuration"]);
});

Deno.test("B2 a vote leaves in the step that makes it durable, among the messages that wait", () => {
  const effects = new RaftServer().step({ type: "Receive", message: requestVote({ term: 4 }) });
  assertEquals(effects.hardState, { currentTerm: toTerm(4), votedFor: 2 });
  assertEquals(effects.messages, []);
  assertEquals(effects.durableMessages.map((message) => message.type), ["RequestVoteResult"]);
});

Deno.test("B2 a vote that is given again waits too: the first may not be durable yet", () => {
  const server = new RaftServer();
  server.step({ type: "Receive", message: requestVote({ term: 4 }) });
  const again = server.step({ type: "Receive", message: requestVote({ term: 4 }) });
  assertEquals([again.messages, again.durableMessages.length], [[], 1]);
});

Deno.test("B2 an acknowledgement in a new term waits for that term to be durable", () => {
  const server = new RaftServer();
  const heartbeat = server.step({ type: "Receive", message: appendEntries({ term: 4 }) });
  assertEquals(heartbeat.hardState, { currentTerm: toTerm(4), votedFor: undefined });
  assertEquals(heartbeat.messages, []);
  assertEquals(heartbeat.durableMessages.map((message) => message.type), ["AppendEntriesResult"]);
});

Deno.test("B2 a refused vote in a new term waits for that term to be durable", () => {
  const server = new RaftServer({ entries: logOf([3]) });
  const effects = server.step({ type: "Receive", message: requestVote({ term: 9 }) });
  assertEquals(effects.hardState, { currentTerm: toTerm(9), votedFor: undefined });
  assertEquals(effects.messages, []);
});

Deno.test("B3 old entries on all servers stay uncommitted until the own no-op is on a majority", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 2]) });
  elect(server);
  server.persist();
  for (const from of [2, 3]) server.receive(appended({ from, term: 3, matchIndex: 3 }));
  assertEquals(Number(server.status.commitIndex), 0);
  const effects = server.receive(appended({ from: 2, term: 3, matchIndex: 4 }));
  assertEquals(termsOf(effects.applied), [1, 1, 2, 3]);
});

Deno.test("B4 a new leader confirms no read at an old commit index", () => {
  const server = new RaftServer({ entries: logOf([1, 1]) });
  server.receive(appendEntries({ prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 1 }));
  elect(server);
  server.persist();
  const { round } = server.read(7).sent("AppendEntries")[0] ?? { round: 99 };
  for (const from of [2, 3]) {
    assertEquals(server.receive(appended({ from, term: 2, matchIndex: 2, round })).confirmedReads, []);
  }
  const [confirmed] = acknowledge(server, server.tick(HEARTBEAT)).confirmedReads;
  assertEquals(Number(confirmed?.index), 3);
});

Deno.test("B4 nor for a follower", () => {
  const server = new RaftServer({ entries: logOf([1, 1]) });
  elect(server);
  server.persist();
  const asked = server.receive(readIndex({ term: 2, from: 3 }));
  const early = server.receive(appended({ term: 2, matchIndex: 2, round: 99 }));
  for (const answer of [...asked.sent("ReadIndexResult"), ...early.sent("ReadIndexResult")]) {
    assertEquals(answer.confirmed, false);
  }
});

Deno.test("B5 a leader that just heard a majority still asks again for a read", () => {
  const server = leaderOf();
  acknowledge(server, server.tick(HEARTBEAT));
  const effects = server.read(7);
  assertEquals(effects.confirmedReads, []);
  assertEquals(server.tick(1).confirmedReads, []);
});

Deno.test("B5 answers with a larger term, from learners or of an old round confirm nothing", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5], learners: [6] });
  const { round } = server.read(7).sent("AppendEntries")[0] ?? { round: 0 };
  for (
    const answer of [
      appended({ from: 2, matchIndex: 1, round: round - 1 }),
      appended({ from: 3, matchIndex: 1, round }),
      appended({ from: 3, matchIndex: 1, round }),
      appended({ from: 6, matchIndex: 1, round }),
      appended({ from: 99, matchIndex: 1, round }),
      appended({ from: 4, matchIndex: 1, round, term: 0 }),
    ]
  ) assertEquals(server.receive(answer).confirmedReads, []);
  assertEquals(server.receive(appended({ from: 5, matchIndex: 1, round })).confirmedIds, [7]);
});

Deno.test("B6 a delayed answer to an old round does not confirm a new read", () => {
  const server = leaderOf();
  const first = server.read(7);
  assertEquals(acknowledge(server, first, [2]).confirmedIds, [7]);
  server.read(8);
  // Server 3 answers the first round only now.
  assertEquals(acknowledge(server, first, [3]).confirmedIds, []);
});

Deno.test("B6 rounds rise within a term, also across heartbeats", () => {
  const server = leaderOf();
  let last = -1;
  for (let id = 1; id <= 5; id++) {
    const rounds = server.read(id).sent("AppendEntries").map((message) => message.round);
    assertEquals(rounds.length, 2);
    assert(rounds.every((round) => round > last), `${rounds} after ${last}`);
    last = Math.max(...rounds);
    server.tick(HEARTBEAT);
  }
});

Deno.test("B6 an answer to a round that was never asked confirms no read to come", () => {
  const server = leaderOf();
  for (const from of [2, 3]) server.receive(appended({ from, matchIndex: 1, round: 1_000 }));
  assertEquals(server.read(7).confirmedReads, []);
});

Deno.test("B6 a round of the leader's earlier term does not confirm a read of its later one", () => {
  const server = leaderOf();
  const old = server.read(7).sent("AppendEntries", 2);
  server.receive(appended({ term: 2, success: false }));
  const effects = elect(server);
  acknowledge(server, new Effects([effects, server.persist()]));
  server.read(8);
  for (const { round } of old) {
    assertEquals(server.receive(appended({ term: 1, matchIndex: 1, round })).confirmedReads, []);
  }
});

Deno.test("B6 a follower does not take the answer to a refused read for a new one", () => {
  const server = new RaftServer();
  server.receive(appendEntries());
  const old = server.read(7).sole("ReadIndex");
  server.run({ type: "PeerDisconnected", peer: 2 });
  server.receive(appendEntries());
  server.read(8);
  const { token, incarnation } = old;
  assertEquals(server.receive(readIndexResult({ token, incarnation })).confirmedReads, []);
});

Deno.test("B7 a leader that was paused confirms a new read only by a new round", () => {
  const server = leaderOf();
  const before = server.read(7);
  server.run({ type: "Stalled" });
  server.read(8);
  assert(!acknowledge(server, before).confirmedIds.includes(8));
});

Deno.test("B7 a leader that was paused asks again for the reads that waited", () => {
  const server = leaderOf();
  const before = server.read(7);
  const after = server.run({ type: "Stalled" });
  assertEquals(acknowledge(server, before).confirmedIds, []);
  assertEquals(acknowledge(server, after, [2]).confirmedIds, [7]);
});

Deno.test("B7 a leader that was paused holds nobody back from voting until it has heard a majority again", () => {
  const server = leaderOf();
  server.run({ type: "Stalled" });
  const request = requestVote({ term: 2, preVote: true, lastLogIndex: 1, lastLogTerm: 1 });
  assert(server.receive(request).sole("RequestVoteResult").voteGranted);
  acknowledge(server, server.tick(HEARTBEAT));
  assertEquals(server.receive(request).sole("RequestVoteResult").voteGranted, false);
});

Deno.test("B7 a leader that was paused and deposed meanwhile refuses its reads", () => {
  const server = leaderOf();
  server.run({ type: "Stalled" });
  const effects = new Effects([server.read(8), server.receive(appendEntries({ from: 3, term: 2 }))]);
  assertEquals([effects.confirmedReads, effects.refusedReads.map(({ id }) => id)], [[], [8]]);
});

Deno.test("B7 a follower that was paused waits a whole timeout before it campaigns", () => {
  const server = new RaftServer();
  server.receive(appendEntries());
  server.tick(TIMEOUT - 2);
  server.run({ type: "Stalled" });
  assertEquals(server.tick(TIMEOUT - 2).sent("RequestVote"), []);
  assert(campaign(server).sent("RequestVote").length > 0);
});

Deno.test("B8 a delayed AppendEntries with fewer entries leaves the later ones", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1, 1]) }));
  for (const count of [2, 1, 0]) {
    assertEquals(server.receive(appendEntries({ entries: logOf([1, 1, 1].slice(0, count)) })).writes, []);
  }
  assertEquals([termsOf(server.log), Number(server.status.lastEntry.index)], [[1, 1, 1], 3]);
});

Deno.test("B8 an acknowledged entry stays acknowledged after a delayed heartbeat", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1, 1]) }));
  server.receive(appendEntries());
  const answer = server.receive(appendEntries({ prevLogIndex: 3, prevLogTerm: 1 })).sole("AppendEntriesResult");
  assertEquals([answer.success, Number(answer.matchIndex)], [true, 3]);
});

Deno.test("B9 the tail of a replaced entry is gone from the log, for elections too", () => {
  const server = new RaftServer({ entries: logOf([1, 2, 2, 2]) });
  server.receive(appendEntries({ term: 3, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([3], 2) }));
  assertEquals([server.status.lastEntry.index, server.status.lastEntry.term].map(Number), [2, 3]);
  const [request] = campaign(server).sent("RequestVote");
  assertEquals([request?.lastLogIndex, request?.lastLogTerm].map(Number), [2, 3]);
});

Deno.test("B9 an entry of the removed tail matches nothing any more", () => {
  const server = new RaftServer({ entries: logOf([1, 2, 2, 2]) });
  server.receive(appendEntries({ term: 3, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([3], 2) }));
  const answer = server.receive(appendEntries({ term: 3, prevLogIndex: 4, prevLogTerm: 2 }));
  assertEquals(answer.sole("AppendEntriesResult").success, false);
});
