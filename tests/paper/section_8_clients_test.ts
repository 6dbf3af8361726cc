/**
 * Raft 8 and thesis 6.4, interaction with clients, as far as it lies in the core. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 8 | a server that is not leader refuses and names the most recent leader it heard from |
 * | 8 | a leader appends a blank no-op at the start of its term |
 * | 8 | it serves no read before it has committed an entry of its term |
 * | 8 | before it answers a read it hears from a majority that it has not been deposed |
 * | 6.4 | the read index is the commit index when the read came |
 * | 6.4 | one round may serve every read that came before it, none that came after |
 * | 6.4 | a follower answers such a round at once, whatever its disk does |
 * | 6.4 | followers ask the leader, which confirms as for its own reads |
 * | 6.4 | a server that is not a confirmed leader confirms nothing |
 * | 6.4 | an answer serves only the question it was asked for |
 * | 8 | a cluster of one confirms by itself |
 * | 8 | overload is refused, not queued for ever |
 */

import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { appended, appendEntries, readIndex, readIndexResult } from "./messages.ts";
import { Effects } from "../support/raft/effects.ts";
import { RaftServer, TIMEOUT } from "../support/raft/server.ts";
import { logOf } from "../support/raft/values.ts";
import { acknowledge, elect, leaderOf, until } from "./support.ts";

/** A follower of leader 2 in term 1 that has asked it for read 7; the question. */
function asking() {
  const server = new RaftServer();
  server.receive(appendEntries());
  return { server, question: server.read(7).sole("ReadIndex", 2) };
}

Deno.test("8 a server that knows no leader refuses commands and reads and says so", () => {
  const server = new RaftServer();
  const refusal = { reason: "NotLeader" as const, leaderId: undefined };
  assertEquals(server.propose("a").refused, [{ id: 1, refusal }]);
  assertEquals(server.read(7).refusedReads, [{ id: 7, refusal }]);
});

Deno.test("8 a deposed leader names its successor", () => {
  const server = leaderOf();
  server.receive(appendEntries({ from: 3, term: 2, prevLogIndex: 1, prevLogTerm: 1 }));
  assertEquals(server.propose("a").refused, [{ id: 1, refusal: { reason: "NotLeader", leaderId: 3 } }]);
});

Deno.test("8 a new leader appends a blank entry of its term, also to an empty log", () => {
  const written = elect(new RaftServer({ term: 6 })).written;
  assertEquals(written.map(({ type, index, term }) => [type, Number(index), Number(term)]), [["NoOp", 1, 7]]);
  const after = elect(new RaftServer({ entries: logOf([1, 2]) })).written;
  assertEquals(after.map(({ type, index, term }) => [type, Number(index), Number(term)]), [["NoOp", 3, 3]]);
});

Deno.test("8 a read waits until an entry of the leader's term is committed", () => {
  const server = new RaftServer({ entries: logOf([1]) });
  const effects = new Effects([elect(server), server.persist()]);
  const early = server.read(7);
  // Answers that do not commit the no-op, even to confirming rounds, are not enough.
  for (const { round } of early.sent("AppendEntries")) {
    assertEquals(server.receive(appended({ term: 2, matchIndex: 1, round })).confirmedReads, []);
  }
  const later = acknowledge(server, new Effects([effects, early]));
  assertEquals(later.confirmedReads.map(({ id, index }) => [id, Number(index)]), [[7, 2]]);
});

Deno.test("8 a read is confirmed by a majority that answers after it came", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5] });
  const effects = server.read(7);
  assertEquals(effects.confirmedReads, []);
  assertEquals(acknowledge(server, effects, [2]).confirmedReads, []);
  assertEquals(acknowledge(server, effects, [3]).confirmedIds, [7]);
});

Deno.test("8 a read asks every voter at once to answer at once", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5] });
  const sent = server.read(7).sent("AppendEntries");
  assertEquals(sent.map(({ to, confirm }) => [to, confirm]), [2, 3, 4, 5].map((peer) => [peer, true]));
});

Deno.test("8 a leader that finds itself deposed refuses the reads that wait", () => {
  const server = leaderOf();
  server.read(7);
  const effects = server.receive(appended({ term: 5, success: false }));
  assertEquals(effects.refusedReads, [{ id: 7, refusal: { reason: "NotLeader", leaderId: undefined } }]);
  assertEquals(effects.confirmedReads, []);
});

Deno.test("6.4 the read index is the commit index when the read came", () => {
  const server = leaderOf();
  server.propose("not committed");
  const round = server.read(7);
  const [read] = acknowledge(server, round, [2]).confirmedReads;
  assertEquals([read?.id, Number(read?.index)], [7, 1]);
  acknowledge(server, server.propose("a"));
  const [next] = acknowledge(server, server.read(8), [2]).confirmedReads;
  assertEquals([next?.id, Number(next?.index)], [8, 3]);
});

Deno.test("6.4 one round serves every read that came before it", () => {
  const server = leaderOf();
  server.read(7);
  server.read(8);
  const confirmed = acknowledge(server, server.read(9), [2]).confirmedIds;
  assertEquals(confirmed.sort(), [7, 8, 9]);
});

Deno.test("6.4 the answer to an earlier round does not serve a later read", () => {
  const server = leaderOf();
  const early = server.read(7);
  server.read(8);
  assertEquals(acknowledge(server, early, [2]).confirmedIds, [7]);
});

Deno.test("6.4 a follower answers a round that a read waits for at once, though its entries are not durable yet", () => {
  const server = new RaftServer();
  const message = appendEntries({ entries: logOf([1]), round: 6, confirm: true });
  const answer = server.step({ type: "Receive", message }).sole("AppendEntriesResult", 2);
  assertEquals([answer.success, Number(answer.matchIndex), answer.round], [true, 0, 6]);
});

Deno.test("6.4 a follower asks its leader and serves the read at the index it is told", () => {
  const { server, question } = asking();
  const { token, incarnation } = question;
  const effects = server.receive(readIndexResult({ token, incarnation, readIndex: 4 }));
  assertEquals(effects.confirmedReads.map(({ id, index }) => [id, Number(index)]), [[7, 4]]);
});

Deno.test("6.4 a leader answers a follower's question after a majority has answered, with the question's token", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5] });
  const asked = server.receive(readIndex({ from: 3, incarnation: 5, token: 12 }));
  assertEquals(asked.sent("ReadIndexResult"), []);
  // The asker's own answer is its question (D20, thesis_follower_reads_test.ts).
  const answer = acknowledge(server, asked, [4]).sole("ReadIndexResult", 3);
  assertEquals([answer.confirmed, Number(answer.readIndex), answer.token, answer.incarnation], [true, 1, 12, 5]);
});

Deno.test("6.4 a leader whose term has no commit yet confirms no follower's question", () => {
  const server = new RaftServer({ entries: logOf([1]) });
  elect(server);
  const effects = server.receive(readIndex({ term: 2 }));
  assert(effects.sent("ReadIndexResult").every((answer) => !answer.confirmed));
  for (const { round } of effects.sent("AppendEntries")) {
    const after = server.receive(appended({ from: 3, term: 2, matchIndex: 1, round }));
    assert(after.sent("ReadIndexResult").every((answer) => !answer.confirmed));
  }
});

Deno.test("6.4 a server that is not leader confirms no question", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ from: 3 }));
  const answer = server.receive(readIndex({ from: 2 })).sole("ReadIndexResult", 2);
  assertEquals([answer.confirmed, Number(answer.readIndex)], [false, 0]);
});

Deno.test("6.4 a follower refuses its waiting reads when the leader changes or is lost", () => {
  const changed = asking().server.receive(appendEntries({ from: 3, term: 2 }));
  assertEquals(changed.refusedReads.map((refused) => refused.id), [7]);
  const lost = asking().server.run({ type: "PeerDisconnected", peer: 2 });
  assertEquals(lost.refusedReads.map((refused) => refused.id), [7]);
  const { server } = asking();
  const silent = server.tick(TIMEOUT + 2);
  assertEquals(silent.refusedReads.map((refused) => refused.id), [7]);
});

Deno.test("6.4 a follower whose question is refused refuses the read", () => {
  const { server, question } = asking();
  const { token, incarnation } = question;
  const effects = server.receive(readIndexResult({ token, incarnation, confirmed: false }));
  assertEquals([effects.confirmedReads, effects.refusedReads.map((refused) => refused.id)], [[], [7]]);
});

Deno.test("6.4 an answer to another question confirms nothing, and none confirms twice", () => {
  const { server, question } = asking();
  const { token, incarnation } = question;
  assertEquals(server.receive(readIndexResult({ token: token + 1, incarnation })).confirmedReads, []);
  assertEquals(server.receive(readIndexResult({ token, incarnation })).confirmedIds, [7]);
  assertEquals(server.receive(readIndexResult({ token, incarnation })).confirmedIds, []);
});

Deno.test("6.4 each question has a token of its own and the incarnation of this life", () => {
  const server = new RaftServer({ incarnation: 1234 });
  server.receive(appendEntries());
  const first = server.read(7).sole("ReadIndex");
  server.receive(readIndexResult({ token: first.token, incarnation: 1234 }));
  const second = server.read(8).sole("ReadIndex");
  assertNotEquals(first.token, second.token);
  assertEquals([first.incarnation, second.incarnation], [1234, 1234]);
});

Deno.test("8 a cluster of one confirms reads by itself", () => {
  const server = new RaftServer({ voters: [1] });
  until(() => server.status.termCommitted, () => server.tick());
  assertEquals(server.read(7).confirmedIds, [7]);
});

Deno.test("8 commands beyond the limit of uncommitted entries are refused as one, and taken again after a commit", () => {
  const server = leaderOf({ limits: { uncommittedEntriesMax: 3 } });
  const first = server.propose("a", "b", "c");
  assertEquals(first.accepted.length, 1);
  assertEquals(server.propose("d", "e").refused, [{ id: 1, refusal: { reason: "LogFull" } }]);
  assertEquals(server.log.length, 4);
  acknowledge(server, first);
  assertEquals(server.propose("d", "e").accepted.length, 1);
});

Deno.test("8 reads beyond the limit of waiting reads are refused", () => {
  const server = leaderOf({ limits: { pendingReadsMax: 2 } });
  const effects = [1, 2, 3].map((id) => server.read(id));
  assertEquals(effects[2]?.refusedReads, [{ id: 3, refusal: { reason: "LogFull" } }]);
  const [first] = effects;
  assert(first !== undefined);
  assertGreater(first.sent("AppendEntries").length, 0);
});
