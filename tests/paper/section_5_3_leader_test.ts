/**
 * Raft 5.3, log replication, the leader's side. Sentences covered:
 *
 * | section | sentence |
 * | --- | --- |
 * | 5.3 | the leader appends a command as a new entry and issues AppendEntries in parallel |
 * | 5.3 | it applies the entry once it is safely replicated |
 * | 5.3 | it retries until every follower stores every entry, even after it has applied |
 * | 5.3 | an entry holds the term in which the leader got it, and an index |
 * | 5.3 | an entry is committed once the leader that made it has it on a majority |
 * | 5.3 | that commits all preceding entries too |
 * | 5.3 | the highest committed index goes out with later AppendEntries, heartbeats included |
 * | 5.3 | a leader makes at most one entry per index and term, and entries never move |
 * | 5.3 | AppendEntries names the entry before the new ones |
 * | 5.3 | nextIndex starts just after the last entry of the leader's log |
 * | 5.3 | after a refusal nextIndex falls and the leader tries again; at last it matches |
 * | 5.3 | with the conflicting term one RPC per term of conflict is enough |
 * | 5.3 | matchIndex rises only; late answers are recognised |
 * | 5.3 | a leader's log is append-only |
 */

import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertLess } from "@std/assert";
import { toTerm } from "../../lib/raft/types.ts";
import { appended, appendEntries } from "./messages.ts";
import { RaftCluster } from "../support/raft/cluster.ts";
import { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer } from "../support/raft/server.ts";
import { logOf, termsOf } from "../support/raft/values.ts";
import { acknowledge, elect, leaderOf } from "./support.ts";
import { encodeCommands } from "../../lib/raft/run.ts";
import { entriesIn } from "../support/runs.ts";

/** A leader of term 3 over a log of terms 1, 1, 2 that no peer has confirmed yet. */
function freshLeader(): { readonly server: RaftServer; readonly effects: Effects } {
  const server = new RaftServer({ entries: logOf([1, 1, 2]) });
  const effects = elect(server);
  return { server, effects: new Effects([effects, server.persist()]) };
}

/** The refusal of a probe by a follower whose log is too short or of another term there. */
function refusal(probe: number, conflict: { readonly index: number; readonly term: number }) {
  const fields = { success: false, rejectedIndex: probe, conflictIndex: conflict.index, conflictTerm: conflict.term };
  return appended({ term: 3, ...fields });
}

Deno.test("5.3 the leader appends a command with its term at the next index", () => {
  const server = leaderOf({ term: 4 });
  const effects = server.propose("a", "b");
  assertEquals(effects.accepted, [{ id: 1, first: { index: effects.written[0]?.index, term: toTerm(5) } }] as unknown);
  assertEquals(effects.written.map((entry) => [entry.type, entry.index, entry.term]) as unknown, [
    ["Command", 2, 5],
    ["Command", 3, 5],
  ]);
});

Deno.test("5.3 the new entry goes to every follower in the same step", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5] });
  const sent = server.step({ type: "Propose", id: 1, commands: encodeCommands(["a"]) }).sent("AppendEntries");
  assertEquals(sent.map((message) => [message.to, entriesIn(message.entries).length]), [[2, 1], [3, 1], [4, 1], [
    5,
    1,
  ]]);
});

Deno.test("5.3 the leader applies an entry when a majority stores it, not before", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5] });
  const effects = server.propose("a");
  assertEquals(effects.applied, []);
  assertEquals(acknowledge(server, effects, [2]).apply, []);
  assertEquals(acknowledge(server, effects, [3]).applied, effects.written);
});

Deno.test("5.3 lost entries are sent again until the follower has them", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.run(HEARTBEAT);
  cluster.isLost = (message) => message.to === 3 && message.type === "AppendEntries" && message.entries !== undefined;
  cluster.propose(1, ["a", "b"]);
  cluster.run(10);
  assertEquals(cluster.server(3).log.length, 1);
  cluster.isLost = () => false;
  cluster.runUntil(() => cluster.server(3).log.length === 3);
  assertEquals(cluster.server(3).log, cluster.server(1).log);
});

Deno.test("5.3 the leader goes on sending to a slow follower after it has applied", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3] });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, ["a"]);
  cluster.settle();
  assertEquals(cluster.server(1).applied.length, 2);
  cluster.run(TICKS_LONG);
  cluster.heal();
  cluster.runUntil(() => cluster.server(3).applied.length === 2);
});
const TICKS_LONG = 100;

Deno.test("5.3 copies on a minority commit nothing", () => {
  const server = leaderOf({ voters: [1, 2, 3, 4, 5] });
  const before = server.status.commitIndex;
  const effects = server.propose("a");
  acknowledge(server, effects, [2]);
  acknowledge(server, server.tick(HEARTBEAT), [2]);
  assertEquals(server.status.commitIndex, before);
});

Deno.test("5.3 committing an entry commits and applies all entries before it, in order", () => {
  const server = leaderOf();
  const first = server.propose("a");
  const second = server.propose("b", "c");
  const effects = acknowledge(server, second, [2]);
  assertEquals(effects.applied, [...first.written, ...second.written]);
});

Deno.test("5.3 later AppendEntries tell the commit index", () => {
  const server = leaderOf();
  acknowledge(server, server.propose("a"));
  const { commitIndex } = server.status;
  assertEquals(commitIndex, 2);
  assertEquals(server.propose("b").sent("AppendEntries").map((message) => message.leaderCommit), [
    commitIndex,
    commitIndex,
  ]);
});

Deno.test("5.3 heartbeats tell the commit index when no entries follow", () => {
  const server = leaderOf();
  acknowledge(server, server.propose("a"));
  const told = server.tick(HEARTBEAT).sent("AppendEntries", 3).map((message) => message.leaderCommit as number);
  assertEquals(told.at(-1), 2);
});

Deno.test("5.3 followers of an idle leader hear of a commit within one tick", () => {
  const server = leaderOf();
  acknowledge(server, server.propose("a"));
  const told = server.tick(1).sent("AppendEntries");
  assertEquals(told.map(({ to, leaderCommit }) => [to, Number(leaderCommit)]), [[2, 2], [3, 2]]);
});

Deno.test("5.3 a leader makes one entry per index", () => {
  const server = leaderOf();
  const indexes = ["a", "b", "c"].flatMap((command) => server.propose(command).written.map((entry) => entry.index));
  assertEquals(indexes.map(Number), [2, 3, 4]);
});

Deno.test("5.3 an entry is sent again as it was, at the same index", () => {
  const server = leaderOf();
  const [entry] = server.propose("a").written;
  server.run({ type: "PeerDisconnected", peer: 3 });
  const again = new Effects([
    server.tick(HEARTBEAT),
    server.receive(appended({ from: 3, matchIndex: 1 })),
    server.tick(HEARTBEAT),
  ]).sent("AppendEntries", 3).flatMap((message) => entriesIn(message.entries));
  assertGreater(again.length, 0);
  for (const copy of again) assertEquals(copy, entry);
});

Deno.test("5.3 AppendEntries names index and term of the entry before the new ones", () => {
  const { server, effects } = freshLeader();
  acknowledge(server, effects);
  const message = server.propose("a").sole("AppendEntries", 2);
  assertEquals([Number(message.prevLogIndex), Number(message.prevLogTerm)], [4, 3]);
});

Deno.test("5.3 nextIndex starts just after the leader's last entry", () => {
  const { effects } = freshLeader();
  for (const peer of [2, 3]) {
    const [probe] = effects.sent("AppendEntries", peer);
    assertEquals([Number(probe?.prevLogIndex), Number(probe?.prevLogTerm)], [3, 2]);
  }
});

Deno.test("5.3 after a refusal for a short log the leader tries where that log ends", () => {
  const { server } = freshLeader();
  const retry = server.receive(refusal(3, { index: 2, term: 0 })).sole("AppendEntries", 2);
  assertEquals([Number(retry.prevLogIndex), Number(retry.prevLogTerm)], [1, 1]);
});

Deno.test("5.3 after a refusal for a conflicting term the leader tries earlier, but not before that term", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1, 4, 4]) });
  elect(server);
  server.persist();
  const fields = { success: false, rejectedIndex: 5, conflictIndex: 3, conflictTerm: 2 };
  const retry = server.receive(appended({ term: 5, ...fields })).sole("AppendEntries", 2);
  assertLess(Number(retry.prevLogIndex), 5);
  assertGreaterOrEqual(Number(retry.prevLogIndex), 2);
});

Deno.test("5.3 once the logs match the leader sends everything that is missing", () => {
  const { server } = freshLeader();
  const retry = server.receive(refusal(3, { index: 1, term: 0 }));
  assertEquals(Number(retry.sole("AppendEntries", 2).prevLogIndex), 0);
  const rest = new Effects([retry, acknowledge(server, retry, [2])]);
  const entries = rest.sent("AppendEntries", 2).flatMap((message) => entriesIn(message.entries));
  assertEquals(entries.map((entry) => Number(entry.index)), [1, 2, 3, 4]);
});

Deno.test("5.3 one refusal per term of conflict is enough", () => {
  const old = [2, 2, 2, 2, 3, 3, 3, 3];
  let refusals = 0;
  const cluster = new RaftCluster({
    voters: [1, 2, 3],
    starts: [
      { id: 1, entries: logOf([1, 4, 4, 4, 5, 5, 5, 5, 6]) },
      { id: 2, entries: logOf([1, 4, 4, 4, 5, 5, 5, 5, 6]) },
      { id: 3, entries: logOf([1, ...old]) },
    ],
    observe: (_id, event) => {
      if (event.type !== "Receive" || event.message.type !== "AppendEntriesResult") return;
      if (!event.message.success) refusals += 1;
    },
  });
  cluster.elect(1);
  cluster.run(HEARTBEAT * 3);
  assertEquals(termsOf(cluster.server(3).log), [1, 4, 4, 4, 5, 5, 5, 5, 6, 7]);
  assertLess(refusals, 4);
});

Deno.test("5.3 a late answer with a lower matchIndex takes nothing back", () => {
  const server = leaderOf();
  acknowledge(server, server.propose("a", "b"));
  server.receive(appended({ matchIndex: 1 }));
  const progress = server.status.progress.find((peer) => peer.id === 2);
  assertEquals(Number(progress?.matchIndex), 3);
  assertEquals(Number(server.status.commitIndex), 3);
});

Deno.test("5.3 a late refusal does not move a follower back below what it has confirmed", () => {
  const server = leaderOf();
  acknowledge(server, server.propose("a", "b"));
  const late = server.receive(appended({ success: false, rejectedIndex: 1, conflictIndex: 1, conflictTerm: 0 }));
  for (const message of late.sent("AppendEntries", 2)) assertGreaterOrEqual(Number(message.prevLogIndex), 3);
  assertGreaterOrEqual(Number(server.status.progress.find((peer) => peer.id === 2)?.nextIndex), 4);
});

Deno.test("5.3 a leader never overwrites its own log, whatever a stale leader sends", () => {
  const server = leaderOf({ entries: logOf([1, 2]) });
  const before = [...server.log];
  const entries = logOf([1, 1], 2);
  const effects = server.receive(appendEntries({ term: 1, prevLogIndex: 1, prevLogTerm: 1, entries }));
  assertEquals(effects.writes, []);
  assert(!effects.sole("AppendEntriesResult").success);
  assertEquals(server.log, before);
});
