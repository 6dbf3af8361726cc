/**
 * Raft 5.1, basics. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 5.1 | each server is leader, follower or candidate; it starts as a follower |
 * | 5.1 | followers are passive: they issue no requests on their own |
 * | 5.1 | a follower redirects a client to the leader |
 * | 5.1 | terms are consecutive integers; each begins with an election |
 * | 5.1 | a term may end without a leader; the next then begins |
 * | 5.1 | each server stores a current term, which only rises |
 * | 5.1 | terms are exchanged whenever servers communicate |
 * | 5.1 | the smaller term is updated to the larger |
 * | 5.1 | a candidate or leader with a stale term becomes a follower |
 * | 5.1 | a request with a stale term is rejected |
 * | 5.1 | servers retry RPCs that are not answered in time |
 * | 5.1 | RPCs are issued in parallel |
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Message } from "../../lib/raft/messages.ts";
import { toTerm } from "../../lib/raft/types.ts";
import {
  appended,
  appendEntries,
  chunkTaken,
  installSnapshot,
  readIndex,
  readIndexResult,
  requestVote,
  timeoutNow,
  voted,
} from "./messages.ts";
import { HEARTBEAT, RaftServer, TIMEOUT } from "../support/raft/server.ts";
import { logOf, termsOf } from "../support/raft/values.ts";
import { acknowledge, campaign, elect, leaderOf, makeCandidate, until } from "./support.ts";

Deno.test("5.1 a server is a follower when it starts, whatever it was before", () => {
  const server = new RaftServer({ term: 3, votedFor: 1, entries: logOf([1, 3]) });
  assertEquals(server.status.role, "Follower");
  assertEquals(server.status.currentTerm, 3);
  assertEquals(server.status.leaderId, undefined);
});

Deno.test("5.1 a follower issues no requests on its own", () => {
  const server = new RaftServer();
  for (let count = 0; count < 20; count++) {
    const effects = server.receive(appendEntries());
    const idle = server.tick(HEARTBEAT);
    assertEquals([...idle.messages, ...idle.durableMessages], []);
    assertEquals(effects.sent("RequestVote").length + effects.sent("AppendEntries").length, 0);
  }
});

Deno.test("5.1 a follower appends no client's command and names the leader instead", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ from: 3 }));
  const effects = server.propose("a");
  assertEquals(effects.refused, [{ id: 1, refusal: { reason: "NotLeader", leaderId: 3 } }]);
  assertEquals(effects.accepted, []);
  assertEquals(server.log, []);
});

Deno.test("5.1 an election begins the next term in number", () => {
  const server = new RaftServer({ term: 4 });
  const requests = makeCandidate(server).sent("RequestVote");
  assertEquals(requests.map((request) => request.term), [toTerm(5), toTerm(5)]);
  assertEquals(server.status.currentTerm, 5);
});

Deno.test("5.1 a term may end without a leader, and a new one begins", () => {
  const server = new RaftServer();
  makeCandidate(server);
  for (const peer of [2, 3]) server.receive(voted({ from: peer, voteGranted: false }));
  assert(server.status.role !== "Leader");
  until(() => server.status.role === "Candidate" && server.status.currentTerm === 2, () => {
    for (const ask of server.tick().sent("RequestVote")) {
      if (ask.preVote) server.receive(voted({ from: ask.to, term: ask.term, preVote: true }));
    }
  });
});

Deno.test("5.1 the current term never falls", () => {
  const server = new RaftServer({ term: 5 });
  const stale: Message[] = [appendEntries(), requestVote(), voted(), appended(), installSnapshot(), timeoutNow()];
  for (const message of stale) {
    assertEquals(server.receive(message).hardState, undefined, message.type);
    assertEquals(server.status.currentTerm, 5, message.type);
  }
});

Deno.test("5.1 every message carries the sender's current term", () => {
  const server = leaderOf({ term: 7 });
  const effects = server.propose("a");
  assertGreater(effects.sent("AppendEntries").length, 0);
  for (const message of effects.sent("AppendEntries")) assertEquals(message.term, 8);
  const follower = new RaftServer({ term: 7 });
  assertEquals(follower.receive(appendEntries({ term: 7 })).sole("AppendEntriesResult").term, 7);
  assertEquals(follower.receive(requestVote({ term: 6 })).sole("RequestVoteResult").term, 7);
});

const OF_TERM_9: readonly Message[] = [
  appendEntries({ term: 9 }),
  appended({ term: 9 }),
  requestVote({ term: 9 }),
  voted({ term: 9, voteGranted: false }),
  installSnapshot({ term: 9 }),
  chunkTaken({ term: 9 }),
  readIndex({ term: 9 }),
  readIndexResult({ term: 9, confirmed: false }),
];
for (const message of OF_TERM_9) {
  Deno.test(`5.1 a larger term is adopted from ${message.type}`, () => {
    const server = new RaftServer({ term: 2, votedFor: 3 });
    const effects = server.step({ type: "Receive", message });
    assertEquals(server.status.currentTerm, 9);
    assertEquals(effects.hardState?.currentTerm, 9);
  });
}

Deno.test("5.1 a candidate that meets a larger term becomes a follower", () => {
  const server = new RaftServer();
  makeCandidate(server);
  server.receive(voted({ term: 4, voteGranted: false }));
  assertEquals([server.status.role, server.status.currentTerm], ["Follower", toTerm(4)]);
});

Deno.test("5.1 a leader that meets a larger term becomes a follower", () => {
  const server = leaderOf();
  const { hardState } = server.receive(appended({ term: 4, success: false }));
  assertEquals([server.status.role, server.status.leaderId], ["Follower", undefined]);
  assertEquals(hardState, { currentTerm: toTerm(4), votedFor: undefined });
});

Deno.test("5.1 a stale AppendEntries is refused with the current term and changes nothing", () => {
  const server = new RaftServer({ term: 3, entries: logOf([1, 3]) });
  const entries = logOf([2], 2);
  const effects = server.receive(appendEntries({ term: 2, prevLogIndex: 1, prevLogTerm: 1, entries, leaderCommit: 2 }));
  const answer = effects.sole("AppendEntriesResult");
  assertEquals([answer.success, answer.term], [false, toTerm(3)]);
  assertEquals([effects.writes, effects.applied], [[], []]);
  assertEquals([server.status.leaderId, termsOf(server.log)], [undefined, [1, 3]]);
  assertEquals(server.status.commitIndex, 0);
});

Deno.test("5.1 a stale RequestVote is refused with the current term", () => {
  const answer = new RaftServer({ term: 3 }).receive(requestVote({ term: 2 })).sole("RequestVoteResult");
  assertEquals([answer.voteGranted, answer.term], [false, toTerm(3)]);
});

Deno.test("5.1 a stale InstallSnapshot is refused with the current term", () => {
  const effects = new RaftServer({ term: 3 }).receive(installSnapshot({ term: 2 }));
  const answer = effects.sole("InstallSnapshotResult");
  assertEquals([answer.installed, answer.term], [false, toTerm(3)]);
  assertEquals(effects.snapshotChunks, []);
});

Deno.test("5.1 a leader repeats an unanswered request", () => {
  const server = new RaftServer();
  elect(server);
  server.persist();
  // Only server 2 ever answers, so the leader stays in office but must keep asking server 3.
  let asked = 0;
  for (let count = 0; count < TIMEOUT * 2; count++) {
    const effects = server.tick();
    asked += effects.sent("AppendEntries", 3).length;
    acknowledge(server, effects, [2]);
  }
  assertEquals(server.status.role, "Leader");
  assertGreater(asked, 5);
});

Deno.test("5.1 requests go to all peers at once, not one after the other's answer", () => {
  const server = new RaftServer({ voters: [1, 2, 3, 4, 5] });
  assertEquals(campaign(server).sent("RequestVote").map((message) => message.to).sort(), [2, 3, 4, 5]);
  const leader = leaderOf({ voters: [1, 2, 3, 4, 5] });
  assertEquals(leader.propose("a").sent("AppendEntries").map((message) => message.to).sort(), [2, 3, 4, 5]);
});
