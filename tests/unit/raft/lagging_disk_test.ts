/** What a server says and takes where its disk, its commit index and its configuration are not at the same place. */

import { assertEquals } from "./assertions.ts";
import { appendEntries, installSnapshot } from "../../paper/messages.ts";
import { RaftServer } from "../../support/raft/server.ts";
import { configurationEntry, configurationOf, logOf, snapshotAt, termsOf } from "../../support/raft/values.ts";
import { acknowledge, campaign, elect } from "../../paper/support.ts";

Deno.test("a snapshot below the commit index is installed only where the log is durable up to it", () => {
  const server = new RaftServer();
  const message = appendEntries({ entries: logOf([1, 1, 1, 1, 1, 1]), leaderCommit: 6 });
  server.step({ type: "Receive", message });
  assertEquals([server.status.commitIndex, server.status.lastDurable.index], [6, 0]);
  const ask = () =>
    server.step({ type: "Receive", message: installSnapshot() }).sole("InstallSnapshotResult").installed;
  assertEquals(ask(), false);
  server.persist();
  assertEquals(ask(), true);
});

Deno.test("nothing is applied while a snapshot is being loaded, but what follows it afterwards (divergence D12)", () => {
  const server = new RaftServer();
  server.receive(appendEntries({ entries: logOf([1, 1, 1, 1, 1, 1]) }));
  server.receive(installSnapshot({ done: true }));
  const meanwhile = server.receive(appendEntries({ prevLogIndex: 6, prevLogTerm: 1, leaderCommit: 6 }));
  assertEquals([server.status.commitIndex, meanwhile.apply], [6, []]);
  server.run({ type: "SnapshotInstalled", snapshot: snapshotAt({ index: 5, term: 1 }) });
  assertEquals(server.applied, logOf([1], 6));
});

Deno.test("entries that contradict committed ones are dropped, whoever leads (divergence D10)", () => {
  const server = new RaftServer({ entries: logOf([1, 1, 1]) });
  server.receive(appendEntries({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 2 }));
  assertEquals(server.status.commitIndex, 2);
  const effects = server.receive(
    appendEntries({ term: 2, from: 3, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([2], 2) }),
  );
  assertEquals([effects.written, effects.sent("AppendEntriesResult")], [[], []]);
  assertEquals(termsOf(server.log), [1, 1, 1]);
  // What is not committed gives way.
  server.receive(appendEntries({ term: 2, from: 3, prevLogIndex: 2, prevLogTerm: 1, entries: logOf([2], 3) }));
  assertEquals(termsOf(server.log), [1, 1, 2]);
});

Deno.test("a voter that an uncommitted configuration leaves out may campaign; once it is committed it may not", () => {
  const without = configurationEntry({ index: 3, term: 1 }, configurationOf([2, 3]));
  const entries = [...logOf([1, 1]), without];
  const server = new RaftServer({ entries });
  assertEquals(campaign(server).sent("RequestVote").map(({ to }) => to), [2, 3]);
  const removed = new RaftServer({ entries });
  removed.receive(appendEntries({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 3 }));
  assertEquals(removed.tick(200).sent("RequestVote"), []);
});

Deno.test("a learner that does not hold the configuration that names it becomes no voter", () => {
  const server = new RaftServer({ voters: [1, 2, 3] });
  acknowledge(server, elect(server));
  acknowledge(server, server.persist());
  acknowledge(server, server.change([1, 2, 3], [4]), [2, 3]);
  const refused = server.change([1, 2, 3, 4]).refused.map(({ refusal }) => refusal);
  assertEquals(refused, [{ reason: "InvalidConfiguration", what: "Server 4 has not caught up yet" }]);
  acknowledge(server, server.tick(4));
  assertEquals(server.change([1, 2, 3, 4]).refused, []);
});
