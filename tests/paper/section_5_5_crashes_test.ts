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
import { RaftCluster } from "../support/raft/cluster.ts";
import { HEARTBEAT, RaftServer } from "../support/raft/server.ts";
import { logOf, termsOf } from "../support/raft/values.ts";
import { leaderOf, makeCandidate, restart, until } from "./support.ts";

Deno.test("5.5 a follower that crashed gets everything it missed after its restart", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.crash(2);
  for (const command of ["a", "b", "c"]) cluster.propose(1, [command]);
  cluster.run(50);
  cluster.restart(2);
  cluster.runUntil(() => cluster.server(2).log.length === 4);
  assertEquals(cluster.server(2).log, cluster.server(1).log);
});

Deno.test("5.5 an AppendEntries carried out before a crash is acknowledged when it comes again", () => {
  const server = new RaftServer();
  const message = appendEntries({ entries: logOf([1, 1]) });
  server.receive(message);
  restart(server);
  const effects = server.receive(message);
  assertEquals(effects.writes, []);
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 2);
});

Deno.test("5.5 a vote given before a crash is given again to the same candidate only", () => {
  const server = new RaftServer();
  server.receive(requestVote({ from: 3 }));
  restart(server);
  assertEquals(server.receive(requestVote({ from: 2 })).sole("RequestVoteResult").voteGranted, false);
  assert(server.receive(requestVote({ from: 3 })).sole("RequestVoteResult").voteGranted);
});

Deno.test("5.5 an AppendEntries that arrives twice appends once", () => {
  const server = new RaftServer();
  const message = appendEntries({ entries: logOf([1, 1]), leaderCommit: 1 });
  server.receive(message);
  const effects = server.receive(message);
  assertEquals([effects.writes, effects.applied], [[], []]);
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 2);
});

Deno.test("5.5 a repeated request for a vote is granted again", () => {
  const server = new RaftServer();
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
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  const candidate = cluster.server(1);
  cluster.isLost = (message) => message.type === "RequestVote" && !message.preVote;
  until(() => candidate.status.role === "Candidate", () => {
    cluster.step(1, { type: "Tick" });
    cluster.settle();
  });
  cluster.crash(1);
  cluster.isLost = () => false;
  cluster.runUntil(() => cluster.leader !== undefined);
  cluster.restart(1);
  cluster.run(HEARTBEAT * 2);
  assertEquals(candidate.status.leaderId, cluster.leader?.id);
});

Deno.test("5.5 term, vote and log survive a restart", () => {
  const server = new RaftServer({ term: 4, entries: logOf([1, 4]) });
  makeCandidate(server);
  restart(server);
  const { role, currentTerm, votedFor, lastEntry, lastDurable } = server.status;
  assertEquals([role, currentTerm, votedFor], ["Follower", toTerm(5), 1]);
  assertEquals([lastEntry.index, lastEntry.term, lastDurable.index].map(Number), [2, 4, 2]);
});

Deno.test("5.5 the commit index starts again from nothing and entries are applied again in order", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1]), leaderCommit: 2 }));
  restart(server);
  assertEquals(Number(server.status.commitIndex), 0);
  const effects = server.receive(appendEntries({ prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 2 }));
  assertEquals(effects.applied, logOf([1, 1]));
});

Deno.test("5.5 a log that became durable before the term it was written in leads to no second use of that term", () => {
  const server = new RaftServer({ term: 1, votedFor: 3, entries: logOf([1, 4]) });
  const requests = makeCandidate(server).sent("RequestVote");
  for (const request of requests) assert(request.term > 4);
  const voter = new RaftServer({ term: 1, entries: logOf([1, 4]) });
  const answer = voter.receive(requestVote({ term: 2, lastLogIndex: 9, lastLogTerm: 4 })).sole("RequestVoteResult");
  assertEquals([answer.voteGranted, Number(answer.term)], [false, 4]);
});

Deno.test("5.6 a server whose clock runs fast deposes nobody and commits nothing by itself", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.run(HEARTBEAT);
  for (let count = 0; count < 50; count++) {
    for (let fast = 0; fast < 60; fast++) {
      cluster.step(3, { type: "Tick" });
      cluster.settle();
    }
    cluster.run(1);
  }
  cluster.propose(leader.id, ["a"]);
  cluster.run(HEARTBEAT * 2);
  assertEquals([leader.status.role, leader.status.currentTerm], ["Leader", toTerm(1)]);
  assertEquals(termsOf(cluster.server(3).log), [1, 1]);
});

Deno.test("5.6 when the leader fails the others elect a new one", () => {
  // Votes that split would lead to a later term.
  const starts = [2, 3].map((id) => ({ id, drawElectionTimeout: () => 10 * id }));
  const cluster = new RaftCluster({ voters: [1, 2, 3], starts });
  cluster.elect(1);
  cluster.run(HEARTBEAT);
  cluster.crash(1);
  cluster.runUntil(() => cluster.leader !== undefined);
  assertEquals(cluster.leader?.status.currentTerm, toTerm(2));
});
