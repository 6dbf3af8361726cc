/**
 * Raft 6 (and thesis 4.1, 4.2.2, 4.3), cluster membership changes. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 6 | the leader stores C_old,new as a log entry and replicates it |
 * | 6 | entries go to all servers of both configurations |
 * | 6 | each server uses the latest configuration in its log, committed or not |
 * | 6 | (thesis 4.1) and falls back when that entry is removed from its log |
 * | 6 | agreement, for commitment and elections, needs majorities of both |
 * | 6 | any server of either configuration may lead |
 * | 6 | once C_old,new is committed the leader creates C_new |
 * | 6 | a later leader finishes the change |
 * | 6 | C_new is committed by its own majority; those that are not in it do not matter |
 * | 6 | a leader outside C_new leads until C_new is committed, then steps down |
 * | 6 | meanwhile it does not count itself |
 * | 6 | removed servers do not disturb: they do not campaign, their requests are disregarded |
 * | 6 | normal elections are not affected by that |
 * | 6 | one change at a time, none before a commit in the leader's term |
 * | 6 | the whole change on real servers, without a gap of leadership |
 */

import { assert, assertEquals } from "@std/assert";
import type { Configuration } from "../../lib/raft/types.ts";
import { toTerm } from "../../lib/raft/types.ts";
import { appended, appendEntries, requestVote } from "./messages.ts";
import { RaftCluster } from "../support/raft/cluster.ts";
import { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer, TIMEOUT_MIN } from "../support/raft/server.ts";
import { configurationEntry, configurationOf, logOf } from "../support/raft/values.ts";
import { acknowledge, campaign, elect, grant, leaderOf, makeCandidate } from "./support.ts";

/** Voters 1, 2, 3 of old and 1, 4, 5 of new. */
const JOINT = configurationOf([1, 4, 5], { votersOld: [1, 2, 3] });

/** The leader of voters 1, 2, 3 with learners 4, 5 that has just appended JOINT. */
function changingLeader(): { readonly server: RaftServer; readonly effects: Effects } {
  const server = leaderOf({ voters: [1, 2, 3], learners: [4, 5] });
  return { server, effects: server.change([1, 4, 5]) };
}

/** A server whose log ends with JOINT, not known to be committed. */
function jointServer(): RaftServer {
  return new RaftServer({ entries: [...logOf([1]), configurationEntry({ index: 2, term: 1 }, JOINT)] });
}

/** The configurations among the written entries. */
function configurations(effects: Effects): Configuration[] {
  return effects.written.flatMap((entry) => entry.type === "Configuration" ? [entry.configuration] : []);
}

/** Ids of a configuration, the part that decides. */
function ids({ voters, votersOld, learners }: Configuration) {
  return { voters: [...voters], votersOld: [...votersOld], learners: [...learners] };
}

Deno.test("6 the leader stores a change of voters as the joint configuration in its log", () => {
  const { server, effects } = changingLeader();
  assertEquals(configurations(effects).map(ids), [{ voters: [1, 4, 5], votersOld: [1, 2, 3], learners: [] }]);
  assertEquals(server.log.at(-1)?.type, "Configuration");
  assertEquals(effects.accepted.map((accepted) => accepted.id), [9]);
});

Deno.test("6 entries go to all servers of both configurations while joint", () => {
  const { server, effects } = changingLeader();
  acknowledge(server, effects, [2]);
  const peers = new Set<number>();
  for (let count = 0; count < 4; count++) {
    for (const message of server.tick().sent("AppendEntries")) peers.add(message.to);
  }
  assertEquals([...peers].sort(), [2, 3, 4, 5]);
});

Deno.test("6 the leader uses the joint configuration as soon as it is in its log", () => {
  assertEquals(ids(changingLeader().server.status.configuration), ids(JOINT));
});

Deno.test("6 a follower uses a configuration as soon as it is in its log", () => {
  const server = new RaftServer({ entries: logOf([1]) });
  const entries = [configurationEntry({ index: 2, term: 1 }, JOINT)];
  server.receive(appendEntries({ prevLogIndex: 1, prevLogTerm: 1, entries }));
  assertEquals(Number(server.status.commitIndex), 0);
  assertEquals(campaign(server).sent("RequestVote").map((message) => message.to).sort(), [2, 3, 4, 5]);
});

Deno.test("6 a server starts with the latest configuration of its log", () => {
  assertEquals(ids(jointServer().status.configuration), ids(JOINT));
});

Deno.test("6 a server falls back to the configuration before when the newer is removed from its log", () => {
  const server = jointServer();
  server.receive(appendEntries({ term: 2, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([2], 2) }));
  assertEquals(ids(server.status.configuration), { voters: [1, 2, 3], votersOld: [], learners: [] });
});

for (
  const { peers, enough } of [
    { peers: [2, 3], enough: false },
    { peers: [4, 5], enough: false },
    { peers: [2, 4], enough: true },
    { peers: [3, 5], enough: true },
  ]
) {
  Deno.test(`6 copies on the leader and ${peers} ${enough ? "commit" : "do not commit"} an entry of the joint rule`, () => {
    const { server, effects } = changingLeader();
    const before = server.status.commitIndex;
    acknowledge(server, effects, peers);
    assertEquals(server.status.commitIndex > before, enough);
  });

  Deno.test(`6 votes of ${peers} and itself ${enough ? "elect" : "do not elect"} a candidate of the joint rule`, () => {
    const server = jointServer();
    grant(server, makeCandidate(server), ...peers);
    assertEquals(server.status.role, enough ? "Leader" : "Candidate");
  });
}

Deno.test("6 a server of the new configuration only may lead while joint", () => {
  const server = new RaftServer({
    id: 4,
    entries: [...logOf([1]), configurationEntry({ index: 2, term: 1 }, JOINT)],
  });
  const requests = makeCandidate(server);
  grant(server, requests, 1);
  assertEquals(server.status.role, "Candidate");
  grant(server, requests, 2);
  assertEquals(server.status.role, "Leader");
});

Deno.test("6 when the joint configuration is committed the leader appends the new one by itself", () => {
  const { server, effects } = changingLeader();
  const after = acknowledge(server, effects, [2, 4]);
  assertEquals(configurations(after).map(ids), [{ voters: [1, 4, 5], votersOld: [], learners: [] }]);
});

Deno.test("6 a later leader finishes a change that it finds in its log", () => {
  const server = jointServer();
  const effects = elect(server);
  assertEquals(configurations(new Effects([effects, server.persist()])), []);
  const after = acknowledge(server, server.tick(HEARTBEAT));
  assertEquals(configurations(after).map(ids), [{ voters: [1, 4, 5], votersOld: [], learners: [] }]);
});

Deno.test("6 the new configuration is committed by its own majority, without servers that left", () => {
  const { server, effects } = changingLeader();
  const after = acknowledge(server, effects, [2, 4]);
  const newIndex = after.written.at(-1)?.index;
  // acknowledge() has answered for 4 with the new entry too; 2 alone with the leader would not do.
  assertEquals(server.status.commitIndex, newIndex);
  const again = changingLeader();
  const joint = acknowledge(again.server, again.effects, [4]);
  assertEquals(configurations(joint), []);
  const last = again.server.receive(appended({ from: 2, term: 1, matchIndex: 2 }));
  assertEquals(configurations(last).length, 1);
  for (const from of [2, 3]) again.server.receive(appended({ from, term: 1, matchIndex: 3 }));
  assertEquals(Number(again.server.status.commitIndex), 2);
  again.server.receive(appended({ from: 5, term: 1, matchIndex: 3 }));
  assertEquals(Number(again.server.status.commitIndex), 3);
});

/** The leader 1 of voters 1, 2, 3 that removes itself and has appended C_new at index 3. */
function leavingLeader(): RaftServer {
  const server = leaderOf();
  const joint = server.change([2, 3]);
  assertEquals(configurations(joint).map(ids), [{ voters: [2, 3], votersOld: [1, 2, 3], learners: [] }]);
  server.receive(appended({ from: 2, matchIndex: 2 }));
  const after = server.receive(appended({ from: 3, matchIndex: 2 }));
  assertEquals(configurations(after).map(ids), [{ voters: [2, 3], votersOld: [], learners: [] }]);
  return server;
}

Deno.test("6 a leader outside the new configuration leads until that is committed, then steps down", () => {
  const server = leavingLeader();
  assertEquals(server.status.role, "Leader");
  server.receive(appended({ from: 2, matchIndex: 3 }));
  assertEquals(server.status.role, "Leader");
  const effects = server.receive(appended({ from: 3, matchIndex: 3 }));
  assertEquals(effects.applied.map((entry) => Number(entry.index)), [3]);
  assertEquals(server.status.role, "Follower");
  assertEquals(server.tick(100).sent("RequestVote"), []);
});

Deno.test("6 a leader outside the new configuration does not count itself", () => {
  const server = leavingLeader();
  server.receive(appended({ from: 2, matchIndex: 3 }));
  assertEquals(Number(server.status.commitIndex), 2);
});

Deno.test("6 a server that its configuration does not name does not campaign", () => {
  const server = new RaftServer({ id: 9, voters: [1, 2, 3] });
  assertEquals(server.tick(100).sent("RequestVote"), []);
  assertEquals(server.status.role, "Follower");
});

Deno.test("6 a request for a vote is disregarded while the leader is heard: no vote, no new term", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ from: 3 }));
  server.tick(TIMEOUT_MIN - 2);
  const effects = server.receive(requestVote({ term: 8, lastLogIndex: 9, lastLogTerm: 7 }));
  assert(effects.sent("RequestVoteResult").every((answer) => !answer.voteGranted));
  assertEquals(server.status.currentTerm, toTerm(1));
});

Deno.test("6 that does not hinder normal elections: after the shortest timeout the vote is given", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ from: 3 }));
  server.tick(TIMEOUT_MIN + 1);
  assert(server.receive(requestVote({ term: 2 })).sole("RequestVoteResult").voteGranted);
});

Deno.test("6 a second change is refused while one is under way", () => {
  const { server, effects } = changingLeader();
  const refused = [{ id: 9, refusal: { reason: "ChangeInProgress" as const } }];
  assertEquals(server.change([1, 2, 3]).refused, refused);
  server.receive(appended({ from: 2, matchIndex: 2 }));
  server.receive(appended({ from: 4, matchIndex: 2 }));
  assertEquals(effects.accepted.length, 1);
  // Now C_new is appended and not committed.
  assertEquals(server.change([1, 2, 3]).refused, refused);
});

Deno.test("6 no change is taken before the leader has committed an entry of its term", () => {
  const server = new RaftServer();
  elect(server);
  server.persist();
  const effects = server.change([1, 2]);
  assertEquals(effects.refused, [{ id: 9, refusal: { reason: "TermNotCommitted" } }]);
  assertEquals(configurations(effects), []);
});

Deno.test("6 a cluster of three moves to three other servers and keeps serving", () => {
  const voters = [1, 2, 3];
  const learners = [4, 5, 6];
  const cluster = new RaftCluster({ voters, learners });
  const leader = cluster.elect(1);
  cluster.run(HEARTBEAT * 2);
  const { members } = configurationOf(learners);
  cluster.step(1, { type: "ChangeMembership", id: 3, members, voters: learners, learners: [] });
  cluster.run(HEARTBEAT * 2);
  assertEquals(leader.status.role, "Follower");
  for (const id of voters) cluster.crash(id);
  cluster.runUntil(() => cluster.leader !== undefined);
  const successor = cluster.leader;
  assert(successor !== undefined);
  assert(learners.includes(successor.id));
  cluster.propose(successor.id, ["after"]);
  cluster.settle();
  assertEquals(successor.applied.at(-1)?.type, "Command");
  assertEquals(ids(successor.status.configuration), { voters: [4, 5, 6], votersOld: [], learners: [] });
});
