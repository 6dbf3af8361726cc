/**
 * Raft 5.4, safety. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 5.4.1 | RequestVote tells of the candidate's log |
 * | 5.4.1 | a voter refuses when its own log is more up-to-date: later last term, then longer log |
 * | 5.4.1 | so a candidate without all committed entries cannot win |
 * | 5.4.1 | entries flow from leaders to followers only; a leader never overwrites its log |
 * | 5.4.2 | an older term's entry is not committed by counting copies (figure 8) |
 * | 5.4.2 | it is committed with the first own entry above it |
 * | 5.4.2 | entries keep their term when a later leader replicates them |
 * | figure 7 | a leader brings every possible follower log into agreement |
 * | 5.4.3 | a committed entry is in the log of every later leader |
 * | 5.4.3 | no server applies another entry at an index already applied |
 */

import { assert, assertEquals } from "@std/assert";
import { appended, appendEntries, requestVote } from "./messages.ts";
import { RaftCluster } from "../support/raft/cluster.ts";
import { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer } from "../support/raft/server.ts";
import { logOf, termsOf } from "../support/raft/values.ts";
import { acknowledge, elect, makeCandidate, until } from "./support.ts";
import { entriesIn } from "../support/runs.ts";

const FIVE = [1, 2, 3, 4, 5];

Deno.test("5.4.1 a request for a vote names index and term of the candidate's last entry", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 4]), term: 6 });
  for (const request of makeCandidate(server).sent("RequestVote")) {
    assertEquals([request.lastLogIndex, request.lastLogTerm].map(Number), [3, 4]);
  }
});

const LOGS = [
  { claim: "equal logs", lastLogIndex: 3, lastLogTerm: 2, granted: true },
  { claim: "same last term, longer log", lastLogIndex: 4, lastLogTerm: 2, granted: true },
  { claim: "same last term, shorter log", lastLogIndex: 2, lastLogTerm: 2, granted: false },
  { claim: "later last term, shorter log", lastLogIndex: 1, lastLogTerm: 3, granted: true },
  { claim: "earlier last term, longer log", lastLogIndex: 9, lastLogTerm: 1, granted: false },
  { claim: "empty log", lastLogIndex: 0, lastLogTerm: 0, granted: false },
];
for (const { claim, lastLogIndex, lastLogTerm, granted } of LOGS) {
  for (const preVote of [false, true]) {
    Deno.test(`5.4.1 ${preVote ? "pre-vote" : "vote"} for a candidate with ${claim}: ${granted ? "yes" : "no"}`, () => {
      const server = new RaftServer({ entries: logOf([1, 1, 2]), term: 3 });
      const answer = server.receive(requestVote({ term: 4, preVote, lastLogIndex, lastLogTerm }));
      assertEquals(answer.sole("RequestVoteResult").voteGranted, granted);
    });
  }
}

Deno.test("5.4.1 entries that are not committed count in the comparison too", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1]), leaderCommit: 0 }));
  until(() => server.status.role !== "Follower", () => server.tick());
  const answer = server.receive(requestVote({ term: 5, lastLogIndex: 1, lastLogTerm: 1 }));
  assertEquals(answer.sole("RequestVoteResult").voteGranted, false);
});

Deno.test("5.4.1 a server that misses a committed entry cannot be elected", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, ["a"]);
  cluster.settle();
  assertEquals(cluster.server(1).applied.length, 2);
  cluster.heal();
  cluster.crash(1);
  cluster.runUntil(() => cluster.leader !== undefined);
  assertEquals(cluster.leader?.id, 2);
});

Deno.test("5.4.1 a new leader takes no entry from a follower", () => {
  const server = new RaftServer({ entries: logOf([1, 2]) });
  elect(server);
  server.persist();
  const before = termsOf(server.log);
  server.receive(appended({ term: 3, success: false, rejectedIndex: 2, conflictIndex: 2, conflictTerm: 1 }));
  server.receive(appended({ term: 3, matchIndex: 9 }));
  assertEquals(termsOf(server.log), before);
});

Deno.test("5.4.2 copies of an older term's entry on a majority do not commit it", () => {
  const server = new RaftServer({ voters: FIVE, entries: logOf([1, 2]), term: 3 });
  elect(server);
  server.persist();
  for (const from of [2, 3, 4, 5]) {
    assertEquals(server.receive(appended({ from, term: 4, matchIndex: 2 })).apply, []);
  }
  assertEquals(Number(server.status.commitIndex), 0);
});

Deno.test("5.4.2 figure 8: an entry of term 2 on a majority is still overwritten by the leader of term 5", () => {
  // The situation (c) of the figure: S1 leads term 4, entry 2 of term 2 is on S1, S2, S3; S5 holds entry 2 of term 3.
  const cluster = new RaftCluster({
    voters: FIVE,
    term: 3,
    starts: [
      { id: 1, entries: logOf([1, 2]) },
      { id: 2, entries: logOf([1, 2]) },
      { id: 3, entries: logOf([1]) },
      { id: 4, entries: logOf([1]) },
      { id: 5, entries: logOf([1, 3]) },
    ],
  });
  cluster.crash(5);
  cluster.isLost = (message) =>
    message.type === "AppendEntries" &&
    (entriesIn(message.entries).some((entry) => entry.term === 4) || message.to === 4 && message.entries !== undefined);
  cluster.elect(1);
  cluster.run(HEARTBEAT * 4);
  assertEquals(termsOf(cluster.server(3).log), [1, 2]);
  for (const { applied } of cluster.servers.values()) assertEquals(applied.filter((entry) => entry.index > 1), []);
  cluster.crash(1);
  cluster.restart(5);
  cluster.isLost = (message) => message.type === "RequestVote" && message.from !== 5;
  cluster.runUntil(() => cluster.server(5).status.role === "Leader");
  cluster.run(HEARTBEAT * 4);
  assertEquals(termsOf(cluster.server(3).log).slice(0, 2), [1, 3]);
});

Deno.test("5.4.2 the first own entry on a majority commits those of older terms below it", () => {
  const server = new RaftServer({ voters: FIVE, entries: logOf([1, 2]), term: 3 });
  elect(server);
  server.persist();
  server.receive(appended({ from: 2, term: 4, matchIndex: 3 }));
  const effects = server.receive(appended({ from: 3, term: 4, matchIndex: 3 }));
  assertEquals(termsOf(effects.applied), [1, 2, 4]);
  assertEquals(Number(server.status.commitIndex), 3);
});

Deno.test("5.4.2 entries keep their term when a later leader sends them", () => {
  const server = new RaftServer({ entries: logOf([1, 2]), term: 5 });
  const effects = new Effects([elect(server), server.persist()]);
  const refused = { success: false, rejectedIndex: 2, conflictIndex: 1, conflictTerm: 0, term: 6 };
  const retry = server.receive(appended(refused));
  const sent = new Effects([effects, retry, acknowledge(server, retry, [2])]);
  const entries = sent.sent("AppendEntries", 2).flatMap((message) => entriesIn(message.entries));
  assertEquals(entries.filter((entry) => entry.index <= 2), logOf([1, 2]));
});

const FIGURE_7 = {
  a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
  b: [1, 1, 1, 4],
  c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
  d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
  e: [1, 1, 1, 4, 4, 4, 4],
  f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
};
for (const [name, terms] of Object.entries(FIGURE_7)) {
  Deno.test(`5.3 figure 7 (${name}): the leader of term 8 brings this log into agreement with its own`, () => {
    const leaderLog = logOf([1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
    const cluster = new RaftCluster({
      voters: [1, 2, 3],
      term: 7,
      starts: [{ id: 1, entries: leaderLog }, { id: 2, entries: leaderLog }, { id: 3, entries: logOf(terms) }],
    });
    const leader = cluster.elect(1);
    cluster.run(HEARTBEAT * 4);
    assertEquals(termsOf(leader.log), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8]);
    assertEquals(cluster.server(3).log, leader.log);
    assertEquals(cluster.server(3).applied, leader.log);
  });
}

Deno.test("5.4.3 a committed entry is in the log of every later leader", () => {
  const cluster = new RaftCluster({ voters: FIVE });
  cluster.elect(1);
  const [entry] = cluster.propose(1, ["a"])?.written ?? [];
  cluster.settle();
  assert(entry !== undefined);
  for (let count = 0; count < 3; count++) {
    const old = cluster.leader;
    assert(old !== undefined);
    cluster.crash(old.id);
    cluster.runUntil(() => cluster.leader !== undefined);
    assertEquals(cluster.leader?.log.find(({ index }) => index === entry.index), entry);
    cluster.restart(old.id);
  }
});

Deno.test("5.4.3 all servers apply the same entries at the same indexes through changes of leader", () => {
  const cluster = new RaftCluster({ voters: FIVE });
  cluster.elect(1);
  cluster.propose(1, ["a"]);
  cluster.settle();
  // The old leader is cut off with an entry nobody else has.
  cluster.isolate(1);
  cluster.propose(1, ["lost"]);
  cluster.runUntil(() => cluster.leader?.id !== 1 && cluster.leader?.status.termCommitted === true);
  cluster.propose(cluster.leader?.id ?? 0, ["b"]);
  cluster.heal();
  cluster.run(100);
  const [one, ...others] = [...cluster.servers.values()].map((server) => server.applied);
  for (const applied of others) assertEquals(applied, one);
  const commands = one?.flatMap((entry) => entry.type === "Command" ? [entry.command] : []);
  assertEquals(commands, ["a", "b"]);
});
