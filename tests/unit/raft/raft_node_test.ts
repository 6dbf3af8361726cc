/** What the driver relies on in the core's interface beyond the paper: identity of runs, limits, refusals, silence on nonsense. */

import { assert, assertEquals, assertStrictEquals } from "./assertions.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import { type NodeId, toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { Update } from "../../../lib/raft/update.ts";
import { RaftCluster } from "../../support/raft/cluster.ts";
import { memberOf } from "../../support/raft/values.ts";

/** Servers 1 to `count`, server 1 leading with its first entry committed everywhere. */
function ledCluster(count = 3): RaftCluster {
  const voters = Array.from({ length: count }, (_, at) => at + 1);
  const cluster = new RaftCluster({ voters, seed: 1 });
  cluster.elect(1);
  cluster.run(2);
  return cluster;
}

function step(cluster: RaftCluster, id: NodeId, event: Parameters<RaftCluster["step"]>[1]): Update {
  const update = cluster.step(id, event);
  assert(update !== undefined);
  return update;
}

function appends(messages: readonly Message[]) {
  return messages.filter((message) => message.type === "AppendEntries");
}

Deno.test("a proposal is one run in the write and in every message, and in the follower's write", () => {
  const cluster = ledCluster();
  const update = cluster.propose(1, ["a", "b"]);
  const entries = update?.writes[0]?.run;
  const messages = appends(update?.messages ?? []);
  assertEquals(messages.length, 2);
  for (const message of messages) {
    assertStrictEquals(message.entries, entries);
    const written = step(cluster, message.to, { type: "Receive", message }).writes[0];
    assertStrictEquals(written?.run, entries);
  }
});

Deno.test("a large proposal is split where a message ends, and each part stays one run", () => {
  const update = ledCluster().propose(1, Array.from({ length: 10 }, (_, at) => `command ${at}`));
  const parts = update?.writes.map(({ run }) => run) ?? [];
  assertEquals(parts.map((run) => run.count), [4, 4, 2]);
  const toTwo = appends(update?.messages ?? []).filter((message) => message.to === 2);
  assertEquals(toTwo.length, 3);
  toTwo.forEach((message, at) => assertStrictEquals(message.entries, parts[at]));
  assertEquals(update?.accepted.map(({ first }) => Number(first.index)), [2]);
});

Deno.test("a leader with too many uncommitted entries or bytes refuses, and takes proposals again after a commit", () => {
  const cluster = ledCluster();
  cluster.isolate(1);
  cluster.propose(1, Array.from({ length: 40 }, () => "x"));
  assertEquals(cluster.propose(1, ["y"])?.refused.map(({ refusal }) => refusal.reason), ["LogFull"]);
  cluster.network.splice(0);
  cluster.heal();
  cluster.run(4);
  // However large, one is taken when nothing waits; and then no more until it is committed.
  assertEquals(cluster.propose(1, ["z".repeat(5_000)])?.accepted.length, 1);
  assertEquals(cluster.propose(1, ["y"])?.refused.map(({ refusal }) => refusal.reason), ["LogFull"]);
  cluster.settle();
  assertEquals(cluster.propose(1, ["y"])?.accepted.length, 1);
});

Deno.test("a sole voter leads at its first tick and confirms reads at once", () => {
  const cluster = new RaftCluster({ voters: [1], seed: 1 });
  step(cluster, 1, { type: "Tick" });
  cluster.settle();
  assertEquals(step(cluster, 1, { type: "Read", id: 7 }).confirmedReads, [{ id: 7, index: toIndex(1), timeMs: 0 }]);
});

Deno.test("a sole voter lets nothing out before its term is durable, which is when it campaigns and wins", () => {
  const cluster = new RaftCluster({ voters: [1], learners: [2], seed: 1 });
  const update = step(cluster, 1, { type: "Tick" });
  assertEquals(update.hardState, { currentTerm: toTerm(1), votedFor: 1 });
  assertEquals(update.messages, []);
  assertEquals(update.durableMessages.map(({ type }) => type), ["AppendEntries"]);
});

Deno.test("reads beyond the limit are refused", () => {
  const cluster = ledCluster();
  const refusals = (id: NodeId) => {
    let refused = 0;
    for (let read = 1; read <= 25; read++) {
      refused += step(cluster, id, { type: "Read", id: 100 * id + read }).refusedReads.length;
    }
    return refused;
  };
  assertEquals([refusals(1), refusals(2)], [5, 5]);
});

Deno.test("a forwarded read whose question was lost is refused after an election timeout", () => {
  const cluster = ledCluster();
  step(cluster, 2, { type: "Read", id: 1 });
  cluster.network.splice(0);
  const refused: number[] = [];
  for (let tick = 0; tick < 10; tick++) {
    step(cluster, 1, { type: "Tick" });
    refused.push(...step(cluster, 2, { type: "Tick" }).refusedReads.map(({ id }) => id));
    cluster.settle();
  }
  assertEquals([refused, cluster.server(2).node.leaderId], [[1], 1]);
});

Deno.test("messages to others, from itself, or of impossible terms change nothing", () => {
  const cluster = ledCluster();
  const { node } = cluster.server(2);
  const before = node.status();
  const base = { type: "TimeoutNow", from: 1, to: 2, term: toTerm(1) } as const;
  const wrong: Message[] = [
    { ...base, to: 3 },
    { ...base, from: 2 },
    { ...base, term: toTerm(-1) },
    { ...base, term: toTerm(1.5) },
    { ...base, term: toTerm(Number.MAX_SAFE_INTEGER) },
    { ...base, from: 3 },
  ];
  for (const message of wrong) {
    const update = step(cluster, 2, { type: "Receive", message });
    assertEquals([update.messages, update.durableMessages, update.hardState], [[], [], undefined]);
  }
  assertEquals(node.status(), before);
});

Deno.test("a server that was replaced by another data directory is taken to have nothing", () => {
  const cluster = ledCluster();
  cluster.propose(1, ["x"]);
  cluster.settle();
  const members = [1, 2, 3].map(memberOf).map((member) => member.id === 3 ? { ...member, identity: "new" } : member);
  step(cluster, 1, { type: "ChangeMembership", id: 9, members, voters: [1, 2, 3], learners: [] });
  const matches = cluster.server(1).node.status().progress.map((peer) => [peer.id, Number(peer.matchIndex)]);
  assertEquals(matches, [[2, 2], [3, 0]]);
});

Deno.test("a peer that is disconnected is not sent every proposal, and is probed with the next heartbeat", () => {
  const cluster = ledCluster();
  step(cluster, 1, { type: "PeerDisconnected", peer: 3 });
  const update = cluster.propose(1, ["x"]);
  assertEquals(update?.messages.map(({ to }) => to), [2]);
  const ticks = [1, 2].flatMap(() => step(cluster, 1, { type: "Tick" }).messages.map(({ to }) => to));
  assert(ticks.includes(3));
});

Deno.test("the tail of the log is what is in memory, oldest first", () => {
  const cluster = ledCluster();
  cluster.propose(1, ["a", "b", "c"]);
  cluster.settle();
  const { node } = cluster.server(1);
  assertEquals(node.logTail(2).map((entry) => Number(entry.index)), [3, 4]);
  assertEquals(node.logTail(100).length, 4);
  assertEquals(node.logTail(0), []);
  cluster.snapshot(1, 0);
  assertEquals(node.logTail(5), []);
});

Deno.test("a candidate that is refused asks again soon, each time later, but never after more than a timeout", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3], seed: 1 });
  const { node } = cluster.server(1);
  const campaigns: number[] = [];
  for (let tick = 1; tick <= 300; tick++) {
    const term = node.currentTerm;
    step(cluster, 1, { type: "Tick" });
    // Server 2 promises its vote in each pre-vote, and has voted for another each time.
    answerVotes(cluster);
    answerVotes(cluster);
    if (node.currentTerm > term) campaigns.push(tick);
  }
  const gaps = campaigns.slice(1).map((tick, at) => tick - (campaigns[at] ?? 0));
  assert((gaps[0] ?? 99) <= 5, `Campaigns at ticks ${campaigns}`);
  assert((gaps.at(-1) ?? 0) >= 10, `Campaigns at ticks ${campaigns}`);
  assert(gaps.every((gap) => gap <= 20), `Campaigns at ticks ${campaigns}`);
});

/** Server 2 grants pre-votes to server 1 and refuses votes. */
function answerVotes(cluster: RaftCluster): void {
  cluster.sync(1);
  for (const { type, to, term, ...request } of cluster.network.splice(0)) {
    if (type !== "RequestVote" || to !== 2 || !("preVote" in request)) continue;
    const { preVote } = request;
    const result = { type: "RequestVoteResult", from: 2, to: 1, term, preVote, voteGranted: preVote } as const;
    step(cluster, 1, { type: "Receive", message: result });
  }
}
