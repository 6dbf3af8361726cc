/**
 * Thesis 6.4 and divergence D20: a follower's question for the read index is the asker's own answer. Claims covered:
 *
 * | claim |
 * | --- |
 * | of three servers, leader and asker are a majority: no round is needed |
 * | of five, one more answer is needed, and neither the asker's own nor a repeated question is that one |
 * | a question counts for its own read only: for none of the leader, and none of another follower |
 * | a question of an older term, of a learner or of a stranger counts for nothing |
 * | while joint, the asker counts in those of the two majorities that it belongs to; a leader outside them does not count |
 * | nothing is confirmed before the leader has committed an entry of its term |
 * | the asker takes the confirmation only in the term in which it asked |
 */

import { assertEquals } from "@std/assert";
import { appended, appendEntries, readIndex, readIndexResult } from "./messages.ts";
import type { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer } from "../support/raft/server.ts";
import { logOf } from "../support/raft/values.ts";
import { acknowledge, elect, leaderOf } from "./support.ts";

const FIVE = { voters: [1, 2, 3, 4, 5] };

/** Whom the leader has told what: asker, token, confirmed or not, index. */
function told(effects: Effects): readonly (readonly [number, number, boolean, number])[] {
  return effects.sent("ReadIndexResult").map((result) =>
    [result.to, result.token, result.confirmed, Number(result.readIndex)] as const
  );
}

Deno.test("6.4 of three servers the leader confirms a follower's question at once, and asks nobody", () => {
  const server = leaderOf();
  const effects = server.receive(readIndex({ token: 12 }));
  assertEquals(told(effects), [[2, 12, true, 1]]);
  assertEquals(effects.sent("AppendEntries"), []);
});

Deno.test("6.4 a question that was confirmed at once leaves no round behind for which followers answer before they sync", () => {
  const server = leaderOf();
  server.receive(readIndex());
  assertEquals(server.propose("a").sent("AppendEntries").map(({ confirm }) => confirm), [false, false]);
  // The next read of the leader's own asks as ever.
  assertEquals(server.read(7).sent("AppendEntries").map(({ confirm }) => confirm), [true, true]);
});

Deno.test("6.4 of five servers one answer more confirms a question, but not the asker's own", () => {
  const server = leaderOf(FIVE);
  const asked = server.receive(readIndex({ from: 3, token: 12 }));
  assertEquals(told(asked), []);
  assertEquals(told(acknowledge(server, asked, [3])), []);
  assertEquals(told(acknowledge(server, asked, [5])), [[3, 12, true, 1]]);
});

Deno.test("6.4 a question that comes twice, or once more from another life of its asker, counts once", () => {
  const server = leaderOf(FIVE);
  const question = readIndex({ from: 3, token: 12 });
  const asked = server.receive(question);
  assertEquals(told(server.receive(question)), []);
  assertEquals(told(server.receive(readIndex({ from: 3, incarnation: 6, token: 1 }))), []);
  // This answer is to the round of the first question, which is before those of the others.
  assertEquals(told(acknowledge(server, asked, [5])), [[3, 12, true, 1]]);
});

Deno.test("6.4 a question that may have been sent before a read of the leader does not confirm it", () => {
  const server = leaderOf();
  const round = server.read(7);
  const effects = server.receive(readIndex({ token: 12 }));
  assertEquals([told(effects), effects.confirmedIds], [[[2, 12, true, 1]], []]);
  assertEquals(server.tick(HEARTBEAT).confirmedIds, []);
  assertEquals(acknowledge(server, round, [3]).confirmedIds, [7]);
});

Deno.test("6.4 nor does it confirm a read of the leader that comes after it", () => {
  const server = leaderOf();
  server.receive(readIndex());
  assertEquals(server.read(7).confirmedIds, []);
});

Deno.test("6.4 the questions of two followers do not confirm each other's reads", () => {
  const server = leaderOf(FIVE);
  const first = server.receive(readIndex({ from: 3, token: 12 }));
  assertEquals(told(server.receive(readIndex({ from: 4, token: 30 }))), []);
  assertEquals(told(acknowledge(server, first, [5])), [[3, 12, true, 1]]);
});

Deno.test("6.4 a question is confirmed at once though an earlier read still waits, which is confirmed later", () => {
  const server = leaderOf();
  server.propose("not committed");
  const round = server.read(7);
  assertEquals(told(server.receive(readIndex({ token: 12 }))), [[2, 12, true, 1]]);
  assertEquals(acknowledge(server, round, [2]).confirmedReads.map(({ id, index }) => [id, Number(index)]), [[7, 1]]);
});

Deno.test("6.4 a question of an older term is refused and counts for nothing", () => {
  const server = leaderOf({ entries: logOf([1]) });
  const round = server.read(7);
  const effects = server.receive(readIndex({ term: 1, token: 12 }));
  assertEquals([told(effects), effects.confirmedIds], [[[2, 12, false, 0]], []]);
  assertEquals(server.tick().confirmedIds, []);
  assertEquals(acknowledge(server, round, [2]).confirmedIds, [7]);
});

Deno.test("6.4 a learner's question is confirmed by a majority of the voters, in which it does not count", () => {
  const server = leaderOf({ voters: [1, 2, 3], learners: [4] });
  const asked = server.receive(readIndex({ from: 4, token: 12 }));
  assertEquals(told(asked), []);
  const { round } = asked.sole("AppendEntries", 3);
  assertEquals(told(server.receive(appended({ from: 4, matchIndex: 1, round }))), []);
  assertEquals(told(server.receive(appended({ from: 3, matchIndex: 1, round }))), [[4, 12, true, 1]]);
});

Deno.test("6.4 a stranger's question is refused and counts for nothing", () => {
  const server = leaderOf();
  server.read(7);
  const effects = server.receive(readIndex({ from: 9 }));
  assertEquals([told(effects).map(([, , confirmed]) => confirmed), effects.confirmedIds], [[false], []]);
});

Deno.test("6.4 while joint a question counts in the majorities of its asker, and the other one is needed too", () => {
  const joint = () => {
    const server = leaderOf({ voters: [1, 2, 3], learners: [4, 5] });
    server.change([1, 4, 5]);
    return server;
  };
  /** What is told once `peer` has answered the round of a question from `from`. */
  const answered = (from: number, peer: number) => {
    const server = joint();
    const asked = server.receive(readIndex({ from, token: 12 }));
    assertEquals(told(asked), [], "one majority is not enough");
    const { round } = asked.sole("AppendEntries", peer);
    return told(server.receive(appended({ from: peer, matchIndex: 1, round })));
  };
  assertEquals(answered(2, 3), []);
  assertEquals(answered(2, 4), [[2, 12, true, 1]]);
  assertEquals(answered(4, 5), []);
  assertEquals(answered(4, 3), [[4, 12, true, 1]]);
});

Deno.test("6.4 a leader that removes itself is no majority with the asker", () => {
  const server = leaderOf();
  server.change([2, 3]);
  for (const from of [2, 3]) server.receive(appended({ from, matchIndex: 2 }));
  assertEquals([...server.status.configuration.voters, ...server.status.configuration.votersOld], [2, 3]);
  const asked = server.receive(readIndex({ token: 12 }));
  assertEquals(told(asked), []);
  const { round } = asked.sole("AppendEntries", 3);
  assertEquals(told(server.receive(appended({ from: 3, matchIndex: 2, round }))), [[2, 12, true, 2]]);
});

Deno.test("6.4 a question is confirmed at once when the leader's term has its first commit, and not before", () => {
  const server = new RaftServer({ entries: logOf([1]) });
  elect(server);
  server.persist();
  assertEquals(told(server.receive(readIndex({ term: 2, token: 12 }))), []);
  assertEquals(told(server.tick(HEARTBEAT)), []);
  assertEquals(told(server.receive(appended({ from: 3, term: 2, matchIndex: 2 }))), [[2, 12, true, 2]]);
});

Deno.test("6.4 a question still counts for its read after a pause of the leader, answers from before it do not (B7)", () => {
  const server = leaderOf(FIVE);
  const before = server.receive(readIndex({ from: 3, token: 12 }));
  const after = server.run({ type: "Stalled" });
  assertEquals(told(acknowledge(server, before)), []);
  assertEquals(told(acknowledge(server, after, [5])), [[3, 12, true, 1]]);
});

Deno.test("6.4 an asker that has left the term takes no confirmation of it, nor in a later term of the same leader", () => {
  const server = new RaftServer();
  server.receive(appendEntries());
  const { token, incarnation } = server.read(7).sole("ReadIndex", 2);
  assertEquals(server.receive(appendEntries({ term: 2 })).refusedReads.map(({ id }) => id), [7]);
  for (const term of [1, 2]) {
    assertEquals(server.receive(readIndexResult({ token, incarnation, term, readIndex: 0 })).confirmedIds, []);
  }
});
