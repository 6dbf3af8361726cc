/**
 * Raft 5.3 and figure 2, log replication, the follower's side. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 5.3 | a follower without the preceding entry refuses the new ones |
 * | 5.3 | the refusal names the conflicting term and its first index |
 * | 5.3 | success means that the log equals the leader's up to the new entries |
 * | 5.3 | an existing entry that conflicts is deleted with all that follow it |
 * | 5.3 | new entries not already in the log are appended |
 * | 5.3 | entries that match already are kept, with what follows them |
 * | 5.3 | commitIndex = min(leaderCommit, index of the last new entry), and never falls |
 * | 5.3 | committed entries are applied in log order, each once |
 * | 5.3 | an acknowledgement speaks of durable entries only |
 */

import { assert, assertEquals } from "@std/assert";
import { appendEntries } from "./messages.ts";
import { RaftServer } from "../support/raft/server.ts";
import { logOf, termsOf } from "../support/raft/values.ts";

Deno.test("5.3 a follower whose log is too short refuses and says where it ends", () => {
  const server = new RaftServer({ entries: logOf([1, 1]) });
  const effects = server.receive(appendEntries({ prevLogIndex: 5, prevLogTerm: 1, entries: logOf([1], 6) }));
  const { success, rejectedIndex, conflictIndex, conflictTerm, matchIndex } = effects.sole("AppendEntriesResult");
  assertEquals([rejectedIndex, conflictIndex, conflictTerm, matchIndex].map(Number), [5, 3, 0, 0]);
  assert(!success);
  assertEquals(effects.writes, []);
});

Deno.test("5.3 a follower whose entry has another term refuses and names that term and its first index", () => {
  const server = new RaftServer({ entries: logOf([1, 2, 2, 2, 3]) });
  const effects = server.receive(appendEntries({ term: 4, prevLogIndex: 4, prevLogTerm: 4, entries: logOf([4], 5) }));
  const { success, rejectedIndex, conflictIndex, conflictTerm } = effects.sole("AppendEntriesResult");
  assertEquals([rejectedIndex, conflictIndex, conflictTerm].map(Number), [4, 2, 2]);
  assert(!success);
  assertEquals(server.log.length, 5);
});

Deno.test("5.3 the first index of the conflicting term may be the first entry of the log", () => {
  const server = new RaftServer({ entries: logOf([2, 2, 2]) });
  const answer = server.receive(appendEntries({ term: 3, prevLogIndex: 3, prevLogTerm: 1 }));
  assertEquals(Number(answer.sole("AppendEntriesResult").conflictIndex), 1);
});

Deno.test("5.3 a follower that has the preceding entry appends and reports the match", () => {
  const server = new RaftServer({ entries: logOf([1, 1]) });
  const effects = server.receive(appendEntries({ prevLogIndex: 2, prevLogTerm: 1, entries: logOf([1, 1], 3) }));
  const answer = effects.sole("AppendEntriesResult");
  assertEquals([answer.success, Number(answer.matchIndex)], [true, 4]);
  assertEquals(termsOf(server.log), [1, 1, 1, 1]);
});

Deno.test("5.3 a heartbeat's match says nothing of entries behind it", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 2, 2]) });
  const answer = server.receive(appendEntries({ term: 3, prevLogIndex: 2, prevLogTerm: 1 })).sole(
    "AppendEntriesResult",
  );
  assertEquals([answer.success, Number(answer.matchIndex)], [true, 2]);
});

Deno.test("5.3 conflicting entries are overwritten with the leader's", () => {
  const server = new RaftServer({ entries: logOf([1, 2, 2]) });
  server.receive(appendEntries({ term: 3, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([3, 3, 3], 2) }));
  assertEquals(termsOf(server.log), [1, 3, 3, 3]);
  assertEquals([server.status.lastEntry.index, server.status.lastEntry.term].map(Number), [4, 3]);
});

Deno.test("5.3 what follows a conflicting entry is deleted too", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 2, 2, 2]) });
  const effects = server.receive(
    appendEntries({ term: 3, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([1, 1], 2) }),
  );
  assertEquals(termsOf(server.log), [1, 1, 1]);
  assertEquals(effects.written.map((entry) => Number(entry.index)), [3]);
  assertEquals(Number(server.status.lastEntry.index), 3);
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 3);
});

Deno.test("5.3 of entries that overlap the log only the new ones are appended", () => {
  const server = new RaftServer({ entries: logOf([1, 1]) });
  const effects = server.receive(appendEntries({ entries: logOf([1, 1, 1, 1]) }));
  assertEquals(effects.written.map((entry) => Number(entry.index)), [3, 4]);
  assertEquals(termsOf(server.log), [1, 1, 1, 1]);
});

Deno.test("5.3 entries that are in the log already change nothing, also when more follow them", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1]) });
  const effects = server.receive(appendEntries({ entries: logOf([1]) }));
  assertEquals(effects.writes, []);
  assertEquals(Number(server.status.lastEntry.index), 3);
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 1);
});

Deno.test("5.3 a follower commits no further than the last entry the leader has shown it", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1]) });
  const effects = server.receive(
    appendEntries({ term: 2, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([1], 2), leaderCommit: 3 }),
  );
  assertEquals(Number(server.status.commitIndex), 2);
  assertEquals(effects.applied, logOf([1, 1]));
});

Deno.test("5.3 a follower commits no further than the leader has", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1, 1]), leaderCommit: 2 }));
  assertEquals(Number(server.status.commitIndex), 2);
});

Deno.test("5.3 the commit index of a follower never falls", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1]), leaderCommit: 2 }));
  server.receive(appendEntries({ prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 1 }));
  server.receive(appendEntries({ term: 2, prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 0 }));
  assertEquals(Number(server.status.commitIndex), 2);
});

Deno.test("5.3 a follower applies an entry when it learns that it is committed", () => {
  const server = new RaftServer();
  assertEquals(server.receive(appendEntries({ entries: logOf([1]) })).apply, []);
  const effects = server.receive(appendEntries({ prevLogIndex: 1, prevLogTerm: 1, leaderCommit: 1 }));
  assertEquals(effects.applied, logOf([1]));
});

Deno.test("5.3 entries are applied in log order and each once", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1]), leaderCommit: 1 }));
  server.receive(appendEntries({ entries: logOf([1, 1, 1]), leaderCommit: 3 }));
  server.receive(appendEntries({ entries: logOf([1, 1, 1]), leaderCommit: 3 }));
  assertEquals(server.applied, logOf([1, 1, 1]));
});

Deno.test("5.3 nothing is acknowledged that is not durable", () => {
  const server = new RaftServer();
  const message = appendEntries({ entries: logOf([1, 1]), confirm: true });
  const early = server.step({ type: "Receive", message }).sent("AppendEntriesResult");
  for (const answer of early) assertEquals(Number(answer.matchIndex), 0);
  assertEquals(Number(server.persist().sole("AppendEntriesResult").matchIndex), 2);
});
