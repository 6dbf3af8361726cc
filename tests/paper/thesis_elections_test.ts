/**
 * Raft thesis 9.6 (PreVote), 4.2.3 and 6.2 (stickiness, CheckQuorum), 3.10 (leadership transfer). Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 9.6 | a candidate raises its term only after a majority would vote for it |
 * | 9.6 | a server would vote if the log is up-to-date and it hears no leader |
 * | 9.6 | answering changes no state |
 * | 9.6 | a cut-off server does not disturb when it returns |
 * | 9.6 | a pre-candidate follows a leader that it hears; the refusal's larger term is adopted |
 * | 9.6 | a grant is for the term asked for |
 * | 4.2.3 | a leader that hears a majority disregards requests |
 * | 6.2 | a leader that hears no majority for an election timeout steps down |
 * | 3.10 | the leader stops accepting commands |
 * | 3.10 | it brings the target's log up to date, then sends TimeoutNow |
 * | 3.10 | the target campaigns at once and others do not stick to the old leader |
 * | 3.10 | the leader takes commands again when the transfer fails |
 * | 3.10 | only voters are targets; without a target the longest log is taken |
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { toTerm } from "../../lib/raft/types.ts";
import { appended, appendEntries, requestVote, timeoutNow, voted } from "./messages.ts";
import { RaftCluster } from "../support/raft/cluster.ts";
import { HEARTBEAT, RaftServer, TIMEOUT, TIMEOUT_MIN } from "../support/raft/server.ts";
import { logOf } from "../support/raft/values.ts";
import { acknowledge, campaign, grant, leaderOf, makeCandidate } from "./support.ts";

const FIVE = [1, 2, 3, 4, 5];

Deno.test("9.6 a server asks for pre-votes for the next term without entering it", () => {
  const server = new RaftServer({ term: 3, votedFor: 2 });
  const effects = campaign(server);
  assertEquals(effects.sent("RequestVote").map(({ preVote, term }) => [preVote, Number(term)]), [[true, 4], [true, 4]]);
  assertEquals(effects.hardState, undefined);
  assertEquals([server.status.role, server.status.currentTerm], ["PreCandidate", toTerm(3)]);
});

Deno.test("9.6 the term rises with the pre-vote that makes a majority, not before", () => {
  const server = new RaftServer({ voters: FIVE });
  const requests = campaign(server);
  grant(server, requests, 2);
  assertEquals([server.status.role, server.status.currentTerm], ["PreCandidate", toTerm(0)]);
  grant(server, requests, 3);
  assertEquals([server.status.role, server.status.currentTerm], ["Candidate", toTerm(1)]);
});

Deno.test("9.6 a server that never gets a majority never raises its term", () => {
  const server = new RaftServer();
  const effects = server.tick(TIMEOUT * 20);
  assertGreater(effects.sent("RequestVote").length, 2);
  assertEquals([effects.hardState, server.status.currentTerm, server.status.electionsStarted], [
    undefined,
    toTerm(0),
    0,
  ]);
});

Deno.test("9.6 no pre-vote is granted within the shortest timeout of hearing the leader", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ from: 3 }));
  server.tick(TIMEOUT_MIN - 2);
  const answers = server.receive(requestVote({ term: 2, preVote: true })).sent("RequestVoteResult");
  assert(answers.every((answer) => !answer.voteGranted));
});

Deno.test("9.6 a pre-vote is granted to anybody who could win, however often and to how many", () => {
  const server = new RaftServer();
  for (const from of [2, 3, 2]) {
    assert(server.receive(requestVote({ from, preVote: true })).sole("RequestVoteResult").voteGranted);
  }
});

Deno.test("9.6 granting a pre-vote changes neither term nor vote nor timer", () => {
  const server = new RaftServer({ term: 2, votedFor: 3 });
  server.tick(TIMEOUT - 2);
  const effects = server.receive(requestVote({ term: 7, preVote: true }));
  assert(effects.sole("RequestVoteResult").voteGranted);
  assertEquals([effects.hardState, server.status.currentTerm, server.status.votedFor], [undefined, toTerm(2), 3]);
  assertGreater(server.tick(4).sent("RequestVote").length, 0);
});

Deno.test("9.6 a pre-vote for a term that is not above the voter's is refused with the voter's term", () => {
  const answer = new RaftServer({ term: 5 }).receive(requestVote({ term: 4, preVote: true })).sole("RequestVoteResult");
  assertEquals([answer.voteGranted, answer.preVote, answer.term], [false, true, toTerm(5)]);
});

Deno.test("9.6 a server that was cut off rejoins without a new term or leader", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.run(HEARTBEAT);
  cluster.isolate(3);
  cluster.run(300);
  cluster.heal();
  cluster.run(300);
  assertEquals([leader.status.role, leader.status.currentTerm], ["Leader", toTerm(1)]);
  assertEquals([cluster.server(3).status.role, cluster.server(3).status.leaderId], ["Follower", 1]);
});

Deno.test("9.6 a pre-candidate follows the leader of its term when it hears it", () => {
  const server = new RaftServer({ term: 1 });
  campaign(server);
  server.receive(appendEntries({ from: 3 }));
  assertEquals([server.status.role, server.status.leaderId], ["Follower", 3]);
  assertEquals(server.receive(voted({ from: 2, term: 2, preVote: true })).sent("RequestVote"), []);
});

Deno.test("9.6 a refused pre-vote of a larger term is news", () => {
  const server = new RaftServer();
  campaign(server);
  server.receive(voted({ term: 6, preVote: true, voteGranted: false }));
  assertEquals([server.status.role, server.status.currentTerm], ["Follower", toTerm(6)]);
});

Deno.test("9.6 a pre-vote is not a vote, and a grant of another term is no grant", () => {
  const server = new RaftServer();
  makeCandidate(server);
  server.receive(voted({ preVote: true }));
  assertEquals(server.status.role, "Candidate");
  const asking = new RaftServer({ term: 4 });
  campaign(asking);
  asking.receive(voted({ term: 4, preVote: true }));
  asking.receive(voted({ term: 5, preVote: false }));
  assertEquals(asking.status.role !== "Candidate" && asking.status.role !== "Leader", true);
});

Deno.test("4.2.3 a leader in touch with a majority disregards requests of higher terms", () => {
  for (const preVote of [true, false]) {
    const server = leaderOf();
    const answers = server.receive(requestVote({ term: 9, preVote, lastLogIndex: 9, lastLogTerm: 9 }));
    assert(answers.sent("RequestVoteResult").every((answer) => !answer.voteGranted));
    assertEquals([server.status.role, server.status.currentTerm], ["Leader", toTerm(1)]);
  }
});

Deno.test("6.2 a leader that hears from no majority for an election timeout steps down", () => {
  const server = leaderOf();
  server.tick(TIMEOUT * 2 + 1);
  assert(server.status.role !== "Leader");
  assertEquals([server.status.leaderId, server.status.currentTerm], [undefined, toTerm(1)]);
});

Deno.test("6.2 answers from a majority, its own vote included, keep it in office", () => {
  const server = leaderOf({ voters: FIVE });
  for (let count = 0; count < TIMEOUT * 3; count++) acknowledge(server, server.tick(), [2, 3]);
  assertEquals(server.status.role, "Leader");
});

Deno.test("6.2 answers from a minority do not, nor those of learners", () => {
  const server = leaderOf({ voters: FIVE, learners: [6, 7] });
  for (let count = 0; count < TIMEOUT * 3 && server.status.role === "Leader"; count++) {
    acknowledge(server, server.tick(), [2, 6, 7]);
  }
  assert(server.status.role !== "Leader");
});

Deno.test("3.10 during a transfer the leader takes no commands", () => {
  const server = leaderOf();
  server.run({ type: "TransferLeadership", target: 2 });
  assertEquals(server.propose("a").refused.map(({ refusal }) => refusal.reason), ["Transferring"]);
  assertEquals([server.status.transferTarget, server.log.length], [2, 1]);
});

Deno.test("3.10 a target whose log is up to date is told at once", () => {
  const effects = leaderOf().run({ type: "TransferLeadership", target: 3 });
  assertEquals(effects.sole("TimeoutNow").to, 3);
});

Deno.test("3.10 a target that lags gets the missing entries first", () => {
  const server = leaderOf();
  const entry = server.propose("a");
  assertEquals(server.run({ type: "TransferLeadership", target: 3 }).sent("TimeoutNow"), []);
  assertEquals(acknowledge(server, entry, [2]).sent("TimeoutNow"), []);
  assertEquals(acknowledge(server, entry, [3]).sole("TimeoutNow").to, 3);
});

Deno.test("3.10 the target campaigns at once, without PreVote, and says why", () => {
  const server = new RaftServer();
  server.receive(appendEntries());
  const effects = server.receive(timeoutNow());
  assertEquals(effects.sent("RequestVote").map((request) => [request.preVote, request.leadershipTransfer]), [
    [false, true],
    [false, true],
  ]);
  assertEquals(effects.hardState, { currentTerm: toTerm(2), votedFor: 1 });
});

Deno.test("3.10 a request that the leader caused is answered although the leader is heard", () => {
  const follower = new RaftServer();
  follower.receive(appendEntries({ from: 3 }));
  const request = requestVote({ term: 2, leadershipTransfer: true });
  assert(follower.receive(request).sole("RequestVoteResult").voteGranted);
  const leader = leaderOf();
  const asked = requestVote({ term: 2, leadershipTransfer: true, lastLogIndex: 1, lastLogTerm: 1 });
  assert(leader.receive(asked).sole("RequestVoteResult").voteGranted);
  assertEquals(leader.status.role, "Follower");
});

Deno.test("3.10 when the target does not take over within an election timeout the leader goes on", () => {
  const server = leaderOf();
  server.run({ type: "TransferLeadership", target: 2 });
  for (let count = 0; count < TIMEOUT * 2; count++) acknowledge(server, server.tick());
  assertEquals([server.status.role, server.status.transferTarget], ["Leader", undefined]);
  assertEquals(server.propose("a").accepted.length, 1);
});

Deno.test("3.10 a learner or a stranger is no target", () => {
  for (const target of [4, 99]) {
    const server = leaderOf({ learners: [4] });
    assertEquals(server.run({ type: "TransferLeadership", target }).sent("TimeoutNow"), []);
    assertEquals(server.status.transferTarget, undefined);
    assertEquals(server.propose("a").accepted.length, 1);
  }
});

Deno.test("3.10 without a target the voter with the longest log is taken", () => {
  const server = leaderOf({ learners: [4] });
  acknowledge(server, server.propose("a"), [2, 3, 4]);
  acknowledge(server, server.propose("b"), [3, 4]);
  // The learner is further than any voter.
  acknowledge(server, server.propose("c"), [4]);
  server.run({ type: "TransferLeadership", target: undefined });
  assertEquals(server.status.transferTarget, 3);
});

Deno.test("3.10 TimeoutNow of an earlier term, or to a learner, starts nothing", () => {
  const server = new RaftServer({ term: 3, entries: logOf([3]) });
  assertEquals(server.receive(timeoutNow({ term: 2 })).sent("RequestVote"), []);
  const learner = new RaftServer({ id: 4, learners: [4] });
  learner.receive(appendEntries({ to: 4 }));
  assertEquals(learner.receive(timeoutNow({ to: 4 })).sent("RequestVote"), []);
  assertEquals(Number(learner.status.currentTerm), 1);
});

Deno.test("3.10 on real servers leadership moves in one term and nothing is lost", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.propose(1, ["a"]);
  cluster.settle();
  cluster.step(1, { type: "TransferLeadership", target: 3 });
  cluster.settle();
  assertEquals([cluster.leader?.id, Number(cluster.leader?.status.currentTerm)], [3, 2]);
  cluster.run(HEARTBEAT);
  cluster.propose(3, ["b"]);
  cluster.settle();
  const commands = cluster.server(3).applied.flatMap((entry) => entry.type === "Command" ? [entry.command] : []);
  assertEquals(commands, ["a", "b"]);
  assertEquals(cluster.server(1).receive(appended({ term: 1 })).writes, []);
});
