/**
 * Raft 7, log compaction. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 7 | each server takes snapshots by itself, of committed entries, also a follower |
 * | 7 | the entries up to the last included one are dropped |
 * | 7 | last included index and term serve the consistency check of the first entry after it |
 * | 7 | and the comparison of logs in elections |
 * | 7 | the snapshot holds the latest configuration of what it replaces |
 * | 7 | a leader sends the snapshot when it has dropped the next entry a follower needs |
 * | 7 | chunks go in order, each after the answer to the last; the leader then goes on with entries |
 * | 7 | each chunk restarts the election timer |
 * | figure 13 | stored by offset, answered, made effective after the last chunk |
 * | 7 | a snapshot with news replaces the whole log |
 * | 7 | one that describes a prefix of the log keeps what follows |
 * | 7 | a snapshot that cannot be used is sent again, after a pause |
 * | 7 | after a restart the state begins at the snapshot |
 * | 7 | on real servers a far-behind follower catches up |
 */

import { assertEquals, assertGreater, fail } from "@std/assert";
import { toTicks } from "../../lib/raft/types.ts";
import { appended, appendEntries, chunkTaken, installSnapshot, requestVote } from "./messages.ts";
import { RaftCluster } from "../support/raft/cluster.ts";
import { HEARTBEAT, RaftServer, TIMEOUT } from "../support/raft/server.ts";
import { configurationOf, logOf, snapshotAt, termsOf } from "../support/raft/values.ts";
import { acknowledge, campaign, elect, leaderOf } from "./support.ts";
import { entriesIn } from "../support/runs.ts";

const SNAPSHOT = snapshotAt({ index: 5, term: 1 });

/** The leader of term 2 whose log begins after a snapshot of 10 bytes up to entry 5; chunks hold 4 bytes. */
function compactedLeader(): RaftServer {
  return leaderOf({ snapshot: SNAPSHOT, entries: logOf([1], 6), limits: { chunkBytesMax: 4 } });
}

/** The same with follower 3 known to have an empty log; the result of that answer. */
function transferring() {
  const server = new RaftServer({ snapshot: SNAPSHOT, entries: logOf([1], 6), limits: { chunkBytesMax: 4 } });
  elect(server);
  server.persist();
  const fields = { from: 3, term: 2, success: false, rejectedIndex: 6, conflictIndex: 1, conflictTerm: 0 };
  return { server, effects: server.receive(appended(fields)) };
}

/** A follower that has stored the three chunks 0, 4, 8 of a snapshot up to entry 5 of term 1 and waits for its driver. */
function loading(server: RaftServer): void {
  for (const offset of [0, 4, 8]) server.receive(installSnapshot({ term: 2, offset, done: offset === 8 }));
}

Deno.test("7 a snapshot replaces the entries up to its last included one", () => {
  const server = leaderOf();
  acknowledge(server, server.propose("a", "b", "c"));
  server.run({ type: "SnapshotTaken", snapshot: snapshotAt({ index: 3, term: 1 }), keepFrom: 4 });
  const { firstIndex, snapshot, lastEntry } = server.status;
  assertEquals([firstIndex, snapshot.index, snapshot.term, lastEntry.index].map(Number), [4, 3, 1, 4]);
});

Deno.test("7 a follower takes snapshots without the leader's knowledge", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1, 1]), leaderCommit: 2 }));
  server.run({ type: "SnapshotTaken", snapshot: snapshotAt({ index: 2, term: 1 }), keepFrom: 3 });
  assertEquals(Number(server.status.firstIndex), 3);
  const effects = server.receive(appendEntries({ prevLogIndex: 3, prevLogTerm: 1, entries: logOf([1], 4) }));
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 4);
});

Deno.test("7 the first entry after a snapshot is checked against its last included index and term", () => {
  const server = new RaftServer({ snapshot: SNAPSHOT });
  const effects = server.receive(appendEntries({ prevLogIndex: 5, prevLogTerm: 1, entries: logOf([1], 6) }));
  assertEquals(Number(effects.sole("AppendEntriesResult").matchIndex), 6);
});

Deno.test("7 the leader names the snapshot's last entry as the one before its first", () => {
  const { server } = transferring();
  const [retry] = server.receive(
    appended({ from: 2, term: 2, success: false, rejectedIndex: 6, conflictIndex: 6, conflictTerm: 0 }),
  ).sent("AppendEntries", 2);
  assertEquals([retry?.prevLogIndex, retry?.prevLogTerm].map(Number), [5, 1]);
});

Deno.test("7 a snapshot's last entry counts as the last of an empty log in elections", () => {
  const server = new RaftServer({ snapshot: snapshotAt({ index: 5, term: 3 }) });
  const older = requestVote({ term: 4, lastLogIndex: 9, lastLogTerm: 2 });
  assertEquals(server.receive(older).sole("RequestVoteResult").voteGranted, false);
  const [request] = campaign(server).sent("RequestVote");
  assertEquals([request?.lastLogIndex, request?.lastLogTerm].map(Number), [5, 3]);
});

Deno.test("7 a snapshot brings the latest configuration of what it replaces", () => {
  const configuration = configurationOf([1, 4, 5]);
  const server = new RaftServer({ snapshot: snapshotAt({ index: 5, term: 1 }, { configuration }) });
  assertEquals(server.status.configuration.voters, [1, 4, 5]);
  const follower = new RaftServer();
  follower.receive(installSnapshot({ term: 2, done: true, configuration }));
  follower.run({ type: "SnapshotInstalled", snapshot: snapshotAt({ index: 5, term: 1 }, { bytes: 4, configuration }) });
  assertEquals(follower.status.configuration.voters, [1, 4, 5]);
});

Deno.test("7 a follower that needs a dropped entry gets the snapshot", () => {
  const { effects } = transferring();
  const chunk = effects.sole("InstallSnapshot", 3);
  assertEquals([chunk.lastIncludedIndex, chunk.lastIncludedTerm, chunk.offset].map(Number), [5, 1, 0]);
  assertEquals(chunk.configuration.voters, [1, 2, 3]);
});

Deno.test("7 a follower whose next entry is still in the log gets no snapshot", () => {
  const server = compactedLeader();
  acknowledge(server, server.propose("a"));
  const late = appended({ from: 3, term: 2, success: false, rejectedIndex: 7, conflictIndex: 6, conflictTerm: 0 });
  assertEquals(server.receive(late).sent("InstallSnapshot"), []);
});

Deno.test("7 chunks go in order of their offsets, the last one marked", () => {
  const { server, effects } = transferring();
  const chunks = [effects.sole("InstallSnapshot", 3)];
  for (const nextOffset of [4, 8]) {
    chunks.push(server.receive(chunkTaken({ from: 3, term: 2, nextOffset })).sole("InstallSnapshot", 3));
  }
  assertEquals(chunks.map(({ offset, done }) => [offset, done]), [[0, false], [4, false], [8, true]]);
});

Deno.test("7 a chunk that is not answered is sent again", () => {
  const { server } = transferring();
  const again = server.tick(HEARTBEAT * 3).sent("InstallSnapshot", 3);
  assertGreater(again.length, 0);
  assertEquals(new Set(again.map((chunk) => chunk.offset)), new Set([0]));
});

Deno.test("7 late copies of answers make no further chunks", () => {
  const { server } = transferring();
  const answer = (nextOffset: number) => server.receive(chunkTaken({ from: 3, term: 2, nextOffset }));
  answer(4);
  answer(8);
  for (const nextOffset of [4, 8, 4, 8, 0, 4, 8]) assertEquals(answer(nextOffset).sent("InstallSnapshot", 3), []);
  // A peer that has begun anew says so again when the chunk comes again.
  answer(0);
  const again = server.tick(HEARTBEAT * 3).sent("InstallSnapshot", 3);
  assertEquals(new Set(again.map((chunk) => chunk.offset)), new Set([0]));
});

Deno.test("7 once the snapshot is installed the leader goes on with the entries after it", () => {
  const { server } = transferring();
  for (const nextOffset of [4, 8]) server.receive(chunkTaken({ from: 3, term: 2, nextOffset }));
  const effects = server.receive(chunkTaken({ from: 3, term: 2, nextOffset: 10, installed: true }));
  const rest = acknowledge(server, effects, [3]);
  const sent = [...effects.sent("AppendEntries", 3), ...rest.sent("AppendEntries", 3)];
  assertEquals(Number(sent[0]?.prevLogIndex), 5);
  assertEquals(sent.flatMap((message) => entriesIn(message.entries).map((entry) => Number(entry.index))), [6, 7]);
});

Deno.test("7 each chunk restarts the election timer", () => {
  const server = new RaftServer();
  for (let count = 0; count < 4; count++) {
    server.receive(installSnapshot({ offset: count * 4 }));
    assertEquals(server.tick(TIMEOUT - 2).sent("RequestVote"), []);
  }
  assertEquals(server.status.leaderId, 2);
});

Deno.test("7 chunks are stored by offset and each is answered with the next offset wanted", () => {
  const server = new RaftServer();
  for (const offset of [0, 4, 8]) {
    const effects = server.receive(installSnapshot({ offset }));
    assertEquals(effects.snapshotChunks.map((chunk) => [chunk.offset, chunk.data.length, chunk.done]), [
      [offset, 4, false],
    ]);
    const answer = effects.sole("InstallSnapshotResult");
    assertEquals([answer.nextOffset, answer.installed], [offset + 4, false]);
  }
});

Deno.test("7 a chunk that came before or comes too early is not stored", () => {
  const server = new RaftServer();
  server.receive(installSnapshot());
  const repeated = server.receive(installSnapshot());
  const early = server.receive(installSnapshot({ offset: 8 }));
  for (const effects of [repeated, early]) {
    assertEquals(effects.snapshotChunks, []);
    for (const answer of effects.sent("InstallSnapshotResult")) assertEquals(answer.nextOffset, 4);
  }
});

Deno.test("7 the last chunk is answered when the snapshot is in force, not before", () => {
  const server = new RaftServer();
  server.receive(installSnapshot({ term: 2 }));
  const last = server.receive(installSnapshot({ term: 2, offset: 4, done: true }));
  assertEquals(last.sent("InstallSnapshotResult"), []);
  const installed = server.run({
    type: "SnapshotInstalled",
    snapshot: snapshotAt({ index: 5, term: 1 }, { bytes: 8 }),
  });
  const answer = installed.sole("InstallSnapshotResult");
  assertEquals([answer.installed, Number(answer.lastIncludedIndex), answer.to], [true, 5, 2]);
});

Deno.test("7 a snapshot with news replaces the whole log", () => {
  const server = new RaftServer({ entries: logOf([1, 1]) });
  loading(server);
  const effects = server.run({ type: "SnapshotInstalled", snapshot: SNAPSHOT });
  const { firstIndex, lastEntry, commitIndex, snapshot } = server.status;
  assertEquals([firstIndex, lastEntry.index, lastEntry.term, commitIndex, snapshot.index].map(Number), [6, 5, 1, 5, 5]);
  assertEquals(effects.applied, []);
});

Deno.test("7 a snapshot that describes a prefix of the log keeps the entries after it", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1, 1, 1, 1, 1]) });
  loading(server);
  server.run({ type: "SnapshotInstalled", snapshot: SNAPSHOT });
  const { lastEntry, commitIndex } = server.status;
  assertEquals([lastEntry.index, commitIndex].map(Number), [7, 5]);
  const effects = server.receive(appendEntries({ term: 2, prevLogIndex: 7, prevLogTerm: 1, leaderCommit: 7 }));
  assertEquals(effects.applied, logOf([1, 1], 6));
});

Deno.test("7 a received snapshot that cannot be used is asked for again from the start", () => {
  const server = new RaftServer();
  loading(server);
  const effects = server.run({ type: "SnapshotRejected", lastIncluded: SNAPSHOT.lastIncluded });
  const answer = effects.sole("InstallSnapshotResult");
  assertEquals([answer.nextOffset, answer.installed], [0, false]);
  assertEquals(server.receive(installSnapshot({ term: 2 })).snapshotChunks.length, 1);
});

Deno.test("7 a snapshot that a peer cannot use is sent again after a pause that doubles, and then the newest", () => {
  const limits = { chunkBytesMax: 4, snapshotPauseTicksMin: toTicks(20), snapshotPauseTicksMax: toTicks(40) };
  const server = new RaftServer({ snapshot: SNAPSHOT, entries: logOf([1], 6), limits });
  elect(server);
  server.persist();
  acknowledge(server, server.tick(HEARTBEAT), [2]);
  const fields = { from: 3, term: 2, success: false, rejectedIndex: 6, conflictIndex: 1, conflictTerm: 0 };
  const chunks = [server.receive(appended(fields)).sole("InstallSnapshot", 3)];
  for (const ticks of [20, 40, 40]) {
    const { lastIncludedIndex } = chunks.at(-1) ?? fail();
    const rejected = chunkTaken({ from: 3, term: 2, rejected: true, lastIncludedIndex });
    assertEquals(server.receive(rejected).sent("InstallSnapshot", 3), []);
    assertEquals(server.receive(rejected).sent("InstallSnapshot", 3), []);
    acknowledge(server, server.propose("x"), [2]);
    const snapshot = snapshotAt(server.status.lastEntry);
    server.run({ type: "SnapshotTaken", snapshot, keepFrom: snapshot.lastIncluded.index + 1 });
    for (let tick = 1; tick < ticks; tick++) {
      const effects = server.tick();
      acknowledge(server, effects, [2]);
      assertEquals(effects.sent("InstallSnapshot", 3), [], `tick ${tick} of the pause`);
      // Raft 5.2: the peer hears of its leader meanwhile.
      if (tick % HEARTBEAT === 0) assertEquals(effects.sent("AppendEntries", 3).length, 1);
    }
    chunks.push(server.tick().sole("InstallSnapshot", 3));
    assertEquals(Number(chunks.at(-1)?.lastIncludedIndex), Number(snapshot.lastIncluded.index));
  }
  assertEquals(chunks.map((chunk) => chunk.offset), [0, 0, 0, 0]);
});

Deno.test("7 after a restart the commit index begins at the snapshot and its entries are not applied again", () => {
  const server = new RaftServer({ snapshot: SNAPSHOT, entries: logOf([1, 1], 6) });
  assertEquals(Number(server.status.commitIndex), 5);
  const effects = server.receive(appendEntries({ prevLogIndex: 7, prevLogTerm: 1, leaderCommit: 7 }));
  assertEquals(effects.applied, logOf([1, 1], 6));
});

Deno.test("7 a follower that is far behind catches up by snapshot and entries", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3], limits: { chunkBytesMax: 4 } });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, ["a", "b", "c", "d"]);
  cluster.settle();
  cluster.snapshot(1, 0);
  cluster.propose(1, ["e"]);
  cluster.settle();
  cluster.heal();
  const follower = cluster.server(3);
  cluster.runUntil(() => follower.status.commitIndex === leader.status.commitIndex);
  assertEquals(Number(follower.status.snapshot.index), 5);
  assertEquals(termsOf(follower.log), [1]);
  assertEquals(follower.applied, leader.applied);
  assertEquals(termsOf(follower.applied), [1, 1, 1, 1, 1, 1]);
});
