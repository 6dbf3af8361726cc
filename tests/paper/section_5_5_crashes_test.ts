/**
 * Raft 5.5 and 5.6, crashes and timing. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 5.5 | RPCs to a crashed server are retried, and complete when it is back |
 * | 5.5 | an RPC that was carried out but not answered is answered when it comes again |
 * | 5.5 | RPCs are idempotent: a repeated AppendEntries changes nothing |
 * | 5.5 | a repeated RequestVote gets the same answer |
 * | 5.5 | a crashed candidate is no obstacle |
 * | figure 2 | term, vote and log survive; commit index and role do not |
 * | figure 2 | term and log become durable together: a log that is ahead of its term is recovered safely |
 * | 5.6 | safety does not depend on timing |
 * | 5.6 | the cluster elects a leader after the old one fails |
 */

import { assert, assertEquals } from "@std/assert";
import { toTerm } from "../../lib/raft/types.ts";
import { appendEntries, requestVote } from "./messages.ts";
import { Network } from "./network.ts";
import { HEARTBEAT, leaderOf, logOf, makeCandidate, Server, termsOf } from "./support.ts";

Deno.test("5.5 a follower that crashed gets everything it missed after its restart", () => {
  const network = new Network([{ id: 1 }, { id: 2 }, { id: 3 }]);
  network.elect(1);
  network.down.add(2);
  for (const command of ["a", "b", "c"]) network.propose(1, command);
  network.tick(50);
  network.server(2).restart();
  network.down.delete(2);
  network.tickUntil(() => network.server(2).log.length === 4);
  assertEquals(network.server(2).log, network.server(1).log);
});

Deno.test("5.5 an AppendEntries carried out before a crash is acknowledged when it comes again", () => {
  const server = new Server();
  const message = appendEntries({ entries: logOf([1, 1]) });
  server.receive(message);
  server.restart();
  const effects = server.receive(message);
  assertEquals(effects.writes, []);
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 2);
});

Deno.test("5.5 a vote given before a crash is given again to the same candidate only", () => {
  const server = new Server();
  server.receive(requestVote({ from: 3 }));
  server.restart();
  assertEquals(server.receive(requestVote({ from: 2 })).sole("RequestVoteResult").voteGranted, false);
  assert(server.receive(requestVote({ from: 3 })).sole("RequestVoteResult").voteGranted);
});

Deno.test("5.5 an AppendEntries that arrives twice appends once", () => {
  const server = new Server();
  const message = appendEntries({ entries: logOf([1, 1]), leaderCommit: 1 });
  server.receive(message);
  const effects = server.receive(message);
  assertEquals([effects.writes, effects.apply], [[], []]);
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 2);
});

Deno.test("5.5 a repeated request for a vote is granted again", () => {
  const server = new Server();
  for (let count = 0; count < 3; count++) {
    assert(server.receive(requestVote()).sole("RequestVoteResult").voteGranted);
  }
  assertEquals(server.hardState, { currentTerm: toTerm(1), votedFor: 2 });
});

Deno.test("5.5 a repeated grant after the election changes nothing", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5] });
  const { from, to, term } = { from: 4, to: 1, term: server.status.currentTerm };
  const effects = server.receive({ type: "RequestVoteResult", from, to, term, preVote: false, voteGranted: true });
  assertEquals([effects.hardState, effects.writes], [undefined, []]);
  assertEquals(server.status.role, "Leader");
});

Deno.test("5.5 a candidate that crashes mid-campaign leaves a cluster that elects another", () => {
  const network = new Network([{ id: 1 }, { id: 2 }, { id: 3 }]);
  const candidate = network.server(1);
  makeCandidate(candidate);
  network.down.add(1);
  network.tickUntil(() => network.leader !== undefined);
  candidate.restart();
  network.down.clear();
  network.tick(HEARTBEAT * 2);
  assertEquals(candidate.status.leaderId, network.leader?.id);
});

Deno.test("5.5 term, vote and log survive a restart", () => {
  const server = new Server({ term: 4, entries: logOf([1, 4]) });
  makeCandidate(server);
  server.restart();
  const { role, currentTerm, votedFor, lastEntry, lastDurable } = server.status;
  assertEquals([role, currentTerm, votedFor], ["Follower", toTerm(5), 1]);
  assertEquals([lastEntry.index, lastEntry.term, lastDurable.index].map(Number), [2, 4, 2]);
});

Deno.test("5.5 the commit index starts again from nothing and entries are applied again in order", () => {
  const server = new Server();
  server.receive(appendEntries({ entries: logOf([1, 1]), leaderCommit: 2 }));
  server.restart();
  assertEquals(Number(server.status.commitIndex), 0);
  const effects = server.receive(appendEntries({ prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 2 }));
  assertEquals(effects.apply, logOf([1, 1]));
});

Deno.test("5.5 a log that became durable before the term it was written in leads to no second use of that term", () => {
  const server = new Server({ term: 1, votedFor: 3, entries: logOf([1, 4]) });
  const requests = makeCandidate(server).sent("RequestVote");
  for (const request of requests) assert(request.term > 4);
  const voter = new Server({ term: 1, entries: logOf([1, 4]) });
  const answer = voter.receive(requestVote({ term: 2, lastLogIndex: 9, lastLogTerm: 4 })).sole("RequestVoteResult");
  assertEquals([answer.voteGranted, Number(answer.term)], [false, 4]);
});

Deno.test("5.6 a server whose clock runs fast deposes nobody and commits nothing by itself", () => {
  const network = new Network([{ id: 1 }, { id: 2 }, { id: 3 }]);
  const leader = network.elect(1);
  network.tick(HEARTBEAT);
  for (let count = 0; count < 50; count++) {
    for (let fast = 0; fast < 60; fast++) network.run(3, { type: "Tick" });
    network.tick();
  }
  network.propose(leader.id, "a");
  network.tick(HEARTBEAT * 2);
  assertEquals([leader.status.role, leader.status.currentTerm], ["Leader", toTerm(1)]);
  assertEquals(termsOf(network.server(3).log), [1, 1]);
});

Deno.test("5.6 when the leader fails the others elect a new one", () => {
  const network = new Network([{ id: 1 }, { id: 2 }, { id: 3 }]);
  network.elect(1);
  network.tick(HEARTBEAT);
  network.down.add(1);
  network.tickUntil(() => network.leader !== undefined);
  assertEquals(network.leader?.status.currentTerm, toTerm(2));
});
