/**
 * Raft 5.2, leader election. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 5.2 | a server stays a follower while it gets valid RPCs from a leader or candidate |
 * | 5.2 | leaders send periodic heartbeats to all followers |
 * | 5.2 | a follower that hears nothing for an election timeout begins an election |
 * | 5.2 | it increments its term, becomes a candidate, votes for itself, asks all others in parallel |
 * | 5.2 | it wins with votes of a majority of the full cluster for the same term |
 * | 5.2 | a server votes for at most one candidate in a term, first come first served |
 * | 5.2 | the winner sends heartbeats to all to prevent new elections |
 * | 5.2 | a candidate recognises a leader whose term is at least its own |
 * | 5.2 | a candidate refuses a leader of a smaller term and goes on |
 * | 5.2 | split vote: it times out, increments its term, asks again |
 * | 5.2 | timeouts are chosen anew at the start of each election |
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { toTerm } from "../../lib/raft/types.ts";
import { appendEntries, requestVote, voted } from "./messages.ts";
import { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer, TIMEOUT, TIMEOUT_MIN } from "../support/raft/server.ts";
import { logOf } from "../support/raft/values.ts";
import { acknowledge, campaign, elect, grant, leaderOf, makeCandidate, until } from "./support.ts";

Deno.test("5.2 heartbeats of the leader keep a follower from campaigning", () => {
  const server = new RaftServer();
  for (let count = 0; count < 10; count++) {
    server.receive(appendEntries());
    assertEquals(server.tick(TIMEOUT - 2).sent("RequestVote"), []);
  }
  assertEquals([server.status.role, server.status.leaderId], ["Follower", 2]);
});

Deno.test("5.2 granting a vote restarts the voter's timer", () => {
  const server = new RaftServer();
  server.tick(TIMEOUT - 2);
  assert(server.receive(requestVote()).sole("RequestVoteResult").voteGranted);
  assertEquals(server.tick(TIMEOUT - 2).sent("RequestVote"), []);
  assertGreater(server.tick(4).sent("RequestVote").length, 0);
});

Deno.test("5.2 an RPC that is not valid (stale, or a refused vote) does not restart the timer", () => {
  const server = new RaftServer({ term: 3, entries: logOf([3]) });
  server.tick(TIMEOUT - 2);
  server.receive(appendEntries({ term: 2 }));
  server.receive(requestVote({ term: 3 }));
  assertGreater(server.tick(4).sent("RequestVote").length, 0);
});

Deno.test("5.2 a leader sends heartbeats without entries to every follower in each interval", () => {
  const server = leaderOf();
  for (let count = 0; count < 5; count++) {
    const effects = server.tick(HEARTBEAT);
    for (const peer of [2, 3]) assertGreater(effects.sent("AppendEntries", peer).length, 0);
    assert(effects.sent("AppendEntries").every((message) => message.entries === undefined));
    acknowledge(server, effects);
  }
});

Deno.test("5.2 a follower that hears nothing campaigns after the drawn timeout, not before", () => {
  const server = new RaftServer({ drawElectionTimeout: () => 40 });
  assertEquals(server.tick(38).sent("RequestVote"), []);
  assertGreater(server.tick(3).sent("RequestVote").length, 0);
});

Deno.test("5.2 a campaign raises the term and votes for the candidate itself", () => {
  const server = new RaftServer({ term: 2, votedFor: 3 });
  const effects = makeCandidate(server);
  assertEquals(effects.hardState, { currentTerm: toTerm(3), votedFor: 1 });
  assertEquals(server.status.votedFor, 1);
});

Deno.test("5.2 a candidate asks every other voter in one step", () => {
  const server = new RaftServer({ voters: [1, 2, 3, 4, 5] });
  const requests = makeCandidate(server).sent("RequestVote");
  assertEquals(requests.map((request) => [request.to, request.preVote]), [2, 3, 4, 5].map((peer) => [peer, false]));
});

const MAJORITIES: readonly (readonly [voters: number, votes: number])[] = [[2, 1], [3, 1], [4, 2], [5, 2], [7, 3]];
for (const [voters, votes] of MAJORITIES) {
  Deno.test(`5.2 with ${voters} voters it takes ${votes} votes besides its own to win`, () => {
    const server = new RaftServer({ voters: Array.from({ length: voters }, (_, at) => at + 1) });
    const requests = makeCandidate(server);
    for (let peer = 2; peer < votes + 2; peer++) {
      assertEquals(server.status.role, "Candidate");
      grant(server, requests, peer);
    }
    assertEquals([server.status.role, server.status.leaderId], ["Leader", 1]);
  });
}

Deno.test("5.2 a cluster of one elects itself without messages", () => {
  const server = new RaftServer({ voters: [1] });
  until(() => server.status.role === "Leader", () => {
    const effects = server.tick();
    assertEquals([...effects.messages, ...effects.durableMessages], []);
  });
  assertEquals(server.hardState, { currentTerm: toTerm(1), votedFor: 1 });
});

Deno.test("5.2 votes of another term do not count", () => {
  const server = new RaftServer({ term: 4 });
  makeCandidate(server);
  server.receive(voted({ term: 4 }));
  server.receive(voted({ from: 3, term: 3 }));
  assertEquals(server.status.role, "Candidate");
});

Deno.test("5.2 a vote counts once, however often it arrives", () => {
  const server = new RaftServer({ voters: [1, 2, 3, 4, 5] });
  makeCandidate(server);
  for (let count = 0; count < 4; count++) server.receive(voted());
  assertEquals(server.status.role, "Candidate");
});

Deno.test("5.2 only votes of voters count: not those of learners or strangers", () => {
  const server = new RaftServer({ voters: [1, 2, 3], learners: [4] });
  makeCandidate(server);
  server.receive(voted({ from: 4 }));
  server.receive(voted({ from: 99 }));
  assertEquals(server.status.role, "Candidate");
});

Deno.test("5.2 a server votes for at most one candidate in a term", () => {
  const server = new RaftServer();
  const first = server.receive(requestVote({ from: 2, term: 1 }));
  assert(first.sole("RequestVoteResult").voteGranted);
  assertEquals(first.hardState, { currentTerm: toTerm(1), votedFor: 2 });
  assertEquals(server.receive(requestVote({ from: 3, term: 1 })).sole("RequestVoteResult").voteGranted, false);
  assertEquals(server.status.votedFor, 2);
});

Deno.test("5.2 votes go first come first served, and a new term gives a new vote", () => {
  const server = new RaftServer();
  server.receive(requestVote({ from: 3, term: 1 }));
  assertEquals(server.receive(requestVote({ from: 2, term: 1 })).sole("RequestVoteResult").voteGranted, false);
  assert(server.receive(requestVote({ from: 2, term: 2 })).sole("RequestVoteResult").voteGranted);
});

Deno.test("5.2 a new leader tells every follower at once", () => {
  const server = new RaftServer({ voters: [1, 2, 3, 4, 5] });
  const effects = elect(server);
  const told = new Set(effects.sent("AppendEntries").map((message) => message.to));
  assertEquals([...told].sort(), [2, 3, 4, 5]);
});

for (const ahead of [0, 2]) {
  Deno.test(`5.2 a candidate follows a leader whose term is ${ahead} above its own`, () => {
    const server = new RaftServer();
    makeCandidate(server);
    const leaderTerm = 1 + ahead;
    assert(server.receive(appendEntries({ from: 3, term: leaderTerm })).sole("AppendEntriesResult").success);
    assertEquals([server.status.role, server.status.leaderId], ["Follower", 3]);
    assertEquals(server.status.currentTerm, leaderTerm);
  });
}

Deno.test("5.2 a candidate refuses a leader of a smaller term and stays a candidate", () => {
  const server = new RaftServer({ term: 4 });
  makeCandidate(server);
  const answer = server.receive(appendEntries({ term: 4 })).sole("AppendEntriesResult");
  assertEquals([answer.success, answer.term], [false, toTerm(5)]);
  assertEquals(server.status.role, "Candidate");
});

Deno.test("5.2 after a split vote a candidate times out and asks again in a higher term", () => {
  const server = new RaftServer({ voters: [1, 2, 3, 4] });
  const requests = makeCandidate(server);
  grant(server, requests, 2);
  assertEquals(server.status.role, "Candidate");
  // The same server may pass through PreVote again (thesis 9.6); peers without a leader grant it.
  let effects = new Effects([]);
  until(() => effects.sent("RequestVote").some((request) => !request.preVote), () => {
    effects = server.tick();
    const asked = effects.sent("RequestVote").some((request) => request.preVote);
    if (asked) effects = grant(server, effects);
  });
  assertEquals(server.status.currentTerm, 2);
  assertEquals(effects.hardState, { currentTerm: toTerm(2), votedFor: 1 });
});

Deno.test("5.2 votes of the lost election do not count in the next", () => {
  const server = new RaftServer({ voters: [1, 2, 3, 4] });
  grant(server, makeCandidate(server), 2);
  until(() => server.status.currentTerm === 2, () => {
    const effects = server.tick();
    if (effects.sent("RequestVote").length > 0) grant(server, effects);
  });
  server.receive(voted({ from: 3, term: 1 }));
  server.receive(voted({ from: 4, term: 1 }));
  server.receive(voted({ from: 3, term: 2 }));
  assertEquals(server.status.role, "Candidate");
  server.receive(voted({ from: 4, term: 2 }));
  assertEquals(server.status.role, "Leader");
});

Deno.test("5.2 a new timeout is drawn at the start of each election", () => {
  let draws = 0;
  let timeout = TIMEOUT;
  const drawElectionTimeout = () => {
    draws += 1;
    return timeout;
  };
  const server = new RaftServer({ drawElectionTimeout });
  timeout = 50;
  const before = draws;
  campaign(server);
  assertGreater(draws, before);
  assertEquals(server.tick(48).sent("RequestVote").length, 0);
  assertGreater(server.tick(4).sent("RequestVote").length, 0);
});

Deno.test("5.2 a leader's heartbeat interval is shorter than the shortest election timeout", () => {
  const server = leaderOf();
  const effects = server.tick(TIMEOUT_MIN - 1);
  for (const peer of [2, 3]) assertGreater(effects.sent("AppendEntries", peer).length, 1);
});
