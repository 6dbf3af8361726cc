/**
 * Raft thesis 10.2 (pipelines, the leader's write in parallel), 4.2.1 (learners), and the signals of the surroundings that
 * shorten an election. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 10.2.1 | the leader sends entries before they are durable on its own disk |
 * | 10.2.1 | it counts itself from then on only; the others may commit without it |
 * | 10.2.1 | a follower answers after its write, once for all that became durable |
 * | 10.2.2 | several AppendEntries may be under way to one follower |
 * | 10.2.2 | reordered answers and requests do no harm |
 * | 10.2.2 | a message holds entries of one term, within the limits of entries and bytes |
 * | 4.2.1 | learners get entries, and count in no majority |
 * | 4.2.1 | learners do not campaign and are not asked for votes |
 * | 4.2.1 | a change of learners is one entry; a learner may become a voter |
 * | 4.2.1 | a server without a configuration waits: no campaign, no vote; it learns the members from a leader |
 * | driver | a lost connection to the leader shortens the wait for an election, and a sign of life lengthens it |
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { EMPTY_CONFIGURATION } from "../../lib/raft/types.ts";
import { appended, appendEntries, requestVote } from "./messages.ts";
import { RaftCluster } from "../support/raft/cluster.ts";
import { DISCONNECT_DELAY, HEARTBEAT, RaftServer, TIMEOUT } from "../support/raft/server.ts";
import { configurationEntry, configurationOf, logOf, termsOf } from "../support/raft/values.ts";
import { acknowledge, elect, leaderOf, makeCandidate } from "./support.ts";
import { encodeCommands } from "../../lib/raft/run.ts";
import { entriesIn } from "../support/runs.ts";

const LEADER_1 = { entries: logOf([1]), leaderCommit: 0 };

Deno.test("10.2.1 entries leave for the followers in the step that writes them, not after the write", () => {
  const server = leaderOf();
  const { writes, messages, durableMessages } = server.step({
    type: "Propose",
    id: 1,
    commands: encodeCommands(["a"]),
  });
  assertEquals(writes.length, 1);
  assertEquals(messages.map((message) => message.type), ["AppendEntries", "AppendEntries"]);
  assertEquals(durableMessages, []);
});

Deno.test("10.2.1 the same array of entries goes to the disk and to every follower", () => {
  const effects = leaderOf().step({ type: "Propose", id: 1, commands: encodeCommands(["a", "b"]) });
  for (const message of effects.sent("AppendEntries")) assert(message.entries === effects.writes[0]?.run);
  const follower = new RaftServer();
  const message = appendEntries({ entries: logOf([1, 1]) });
  assert(follower.step({ type: "Receive", message }).writes[0]?.run === message.entries);
});

Deno.test("10.2.1 a majority of followers commits an entry that the leader itself has not on disk", () => {
  const server = leaderOf();
  server.step({ type: "Propose", id: 1, commands: encodeCommands(["a"]) });
  server.step({ type: "Receive", message: appended({ from: 2, matchIndex: 2 }) });
  assertEquals(Number(server.status.commitIndex), 1);
  server.step({ type: "Receive", message: appended({ from: 3, matchIndex: 2 }) });
  assertEquals(Number(server.status.commitIndex), 2);
});

Deno.test("10.2.1 the leader's own write completes a majority when it is durable", () => {
  const server = leaderOf();
  server.step({ type: "Propose", id: 1, commands: encodeCommands(["a"]) });
  const acked = server.step({ type: "Receive", message: appended({ from: 2, matchIndex: 2 }) });
  assertEquals(acked.applied, []);
  assertEquals(server.persist().applied.map((entry) => Number(entry.index)), [2]);
});

Deno.test("10.2.1 a follower answers when its write is durable", () => {
  const server = new RaftServer();
  const effects = server.step({ type: "Receive", message: appendEntries({ entries: logOf([1]) }) });
  for (const answer of effects.sent("AppendEntriesResult")) assertEquals(Number(answer.matchIndex), 0);
  const answer = server.persist().sole("AppendEntriesResult", 2);
  assertEquals([answer.success, Number(answer.matchIndex)], [true, 1]);
});

Deno.test("10.2.1 one answer speaks for all writes that became durable together", () => {
  const server = new RaftServer();
  server.step({ type: "Receive", message: appendEntries({ entries: logOf([1]) }) });
  const second = appendEntries({ prevLogIndex: 1, prevLogTerm: 1, entries: logOf([1, 1], 2), round: 3 });
  server.step({ type: "Receive", message: second });
  const answer = server.persist().sole("AppendEntriesResult", 2);
  assertEquals([Number(answer.matchIndex), answer.round], [3, 3]);
});

Deno.test("10.2.2 the leader does not wait for an answer before it sends the next entries", () => {
  const server = leaderOf();
  const sent = ["a", "b", "c"].flatMap((command) => server.propose(command).sent("AppendEntries", 2));
  assertEquals(sent.map(({ prevLogIndex, entries }) => [Number(prevLogIndex), entries?.count]), [[1, 1], [2, 1], [
    3,
    1,
  ]]);
});

Deno.test("10.2.2 no more than the limit are under way, and an answer lets the rest go", () => {
  const server = leaderOf({ limits: { inFlightMessagesMax: 2 } });
  const sent = ["a", "b", "c", "d"].flatMap((command) => server.propose(command).sent("AppendEntries", 2));
  assertEquals(sent.length, 2);
  const more = server.receive(appended({ matchIndex: 3 })).sent("AppendEntries", 2);
  assertEquals(more.flatMap((message) => entriesIn(message.entries).map((entry) => Number(entry.index))), [4, 5]);
});

for (const limits of [{ entriesPerMessageMax: 2 }, { bytesPerMessageMax: 17 }]) {
  Deno.test(`10.2.2 a message holds entries of one term, and no more than ${JSON.stringify(limits)}`, () => {
    const server = new RaftServer({ entries: logOf([1, 1, 1, 2, 3, 3, 3]), limits });
    elect(server);
    server.persist();
    const refused = { term: 4, success: false, rejectedIndex: 7, conflictIndex: 1, conflictTerm: 0 };
    const retry = server.receive(appended(refused));
    const messages = [...retry.sent("AppendEntries", 2), ...acknowledge(server, retry, [2]).sent("AppendEntries", 2)];
    const entries = messages.map((message) => entriesIn(message.entries)).filter(({ length }) => length > 0);
    assertEquals(entries.flat().map((entry) => Number(entry.index)), [1, 2, 3, 4, 5, 6, 7, 8]);
    assertEquals(entries.map(termsOf), [[1, 1], [1], [2], [3, 3], [3], [4]]);
  });
}

Deno.test("10.2.2 an entry longer than the limit of bytes is sent, alone", () => {
  const server = leaderOf({ limits: { bytesPerMessageMax: 12 } });
  const sent = server.propose("a", "longer than twelve", "b", "c").sent("AppendEntries", 2);
  assertEquals(sent.map((message) => entriesIn(message.entries).length), [1, 1, 2]);
});

Deno.test("10.2.2 answers in the wrong order count as the highest", () => {
  const server = leaderOf();
  for (const command of ["a", "b"]) server.propose(command);
  server.receive(appended({ matchIndex: 3 }));
  server.receive(appended({ matchIndex: 2 }));
  assertEquals(Number(server.status.commitIndex), 3);
});

Deno.test("10.2.2 requests in the wrong order are refused and succeed when they come again", () => {
  const server = new RaftServer();
  const later = appendEntries({ prevLogIndex: 1, prevLogTerm: 1, entries: logOf([1], 2) });
  assert(!server.receive(later).sole("AppendEntriesResult").success);
  server.receive(appendEntries(LEADER_1));
  assertEquals(Number(server.receive(later).sole("AppendEntriesResult").matchIndex), 2);
});

Deno.test("4.2.1 a learner gets every entry and heartbeat", () => {
  const server = leaderOf({ learners: [4] });
  assertEquals(server.propose("a").sent("AppendEntries", 4).length, 1);
  assertGreater(server.tick(HEARTBEAT).sent("AppendEntries", 4).length, 0);
});

Deno.test("4.2.1 a learner counts neither for commitment nor for reads", () => {
  const server = leaderOf({ learners: [4, 5] });
  const entry = server.propose("a");
  assertEquals(acknowledge(server, entry, [4, 5]).apply, []);
  const read = server.read(7);
  assertEquals(acknowledge(server, read, [4, 5]).confirmedReads, []);
  assertEquals(Number(server.status.commitIndex), 1);
});

Deno.test("4.2.1 a learner does not campaign, also when its leader is gone", () => {
  const server = new RaftServer({ id: 4, learners: [4] });
  server.receive(appendEntries({ to: 4 }));
  server.run({ type: "PeerDisconnected", peer: 2 });
  assertEquals(server.tick(TIMEOUT * 5).sent("RequestVote"), []);
  assertEquals(server.status.role, "Follower");
});

Deno.test("4.2.1 a candidate does not ask learners", () => {
  const requests = makeCandidate(new RaftServer({ learners: [4] })).sent("RequestVote");
  assertEquals(requests.map((request) => request.to), [2, 3]);
});

Deno.test("4.2.1 a change that keeps the voters is one entry and never joint", () => {
  const server = leaderOf();
  const effects = server.change([1, 2, 3], [4]);
  const [entry] = effects.written;
  assert(entry?.type === "Configuration");
  assertEquals([entry.configuration.votersOld, entry.configuration.learners], [[], [4]]);
  const after = acknowledge(server, effects, [2]);
  assertEquals(after.written, []);
  assertGreater(server.tick(HEARTBEAT).sent("AppendEntries", 4).length, 0);
  // The change is committed, so the next one may begin.
  assertEquals(server.change([1, 2, 3], []).refused, []);
});

Deno.test("4.2.1 a change of an address or identity alone is one entry, in force at once", () => {
  const server = leaderOf();
  const { members, voters, learners } = configurationOf([1, 2, 3]);
  const moved = members.map((member) => member.id === 3 ? { ...member, address: "h:33", identity: "new" } : member);
  const effects = server.run({ type: "ChangeMembership", id: 9, members: moved, voters, learners });
  assertEquals(effects.written.length, 1);
  assertEquals(server.status.configuration, { members: moved, voters, votersOld: [], learners });
});

Deno.test("4.2.1 a learner that becomes a voter counts from the joint configuration on", () => {
  const server = leaderOf({ voters: [1, 2], learners: [3, 4] });
  const effects = server.change([1, 2, 3, 4], []);
  // Old: 1 and 2. New: three of four.
  assertEquals(acknowledge(server, effects, [2]).apply, []);
  assertGreater(acknowledge(server, effects, [3]).apply.length, 0);
});

Deno.test("4.2.1 a server that was never admitted neither campaigns nor votes", () => {
  const server = new RaftServer({ id: 4, configuration: EMPTY_CONFIGURATION });
  assertEquals(server.tick(TIMEOUT * 5).sent("RequestVote"), []);
  for (const preVote of [true, false]) {
    const effects = server.receive(requestVote({ to: 4, term: 3, preVote, lastLogIndex: 5, lastLogTerm: 2 }));
    assert(effects.sent("RequestVoteResult").every((answer) => !answer.voteGranted));
  }
});

Deno.test("4.2.1 a server that was never admitted learns the members from the leader's entries", () => {
  const server = new RaftServer({ id: 4, configuration: EMPTY_CONFIGURATION });
  const configuration = configurationOf([1, 2, 3], { learners: [4] });
  const entries = [configurationEntry({ index: 1, term: 1 }, configuration)];
  const effects = server.receive(appendEntries({ to: 4, entries }));
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 1);
  assertEquals(server.status.configuration, configuration);
});

Deno.test("disconnect: a follower whose leader's connection ended asks for pre-votes after the short delay", () => {
  const server = new RaftServer();
  server.receive(appendEntries());
  assertEquals(server.run({ type: "PeerDisconnected", peer: 2 }).sent("RequestVote"), []);
  assertEquals(server.status.leaderId, undefined);
  const requests = server.tick(DISCONNECT_DELAY + 1).sent("RequestVote");
  assertGreater(requests.length, 0);
  assert(requests.every((request) => request.preVote));
});

Deno.test("disconnect: a sign of life of the leader cancels it, and other peers do not matter", () => {
  const server = new RaftServer();
  server.receive(appendEntries());
  server.run({ type: "PeerDisconnected", peer: 2 });
  server.receive(appendEntries());
  server.run({ type: "PeerDisconnected", peer: 3 });
  assertEquals(server.status.leaderId, 2);
  assertEquals(server.tick(TIMEOUT - 2).sent("RequestVote"), []);
});

Deno.test("disconnect: peers that still hear the leader keep it in office", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  const leader = cluster.elect(1);
  cluster.run(HEARTBEAT);
  cluster.cuts.add("1>3");
  cluster.step(3, { type: "PeerDisconnected", peer: 1 });
  cluster.settle();
  cluster.run(TIMEOUT * 4);
  assertEquals([leader.status.role, Number(leader.status.currentTerm)], ["Leader", 1]);
});
