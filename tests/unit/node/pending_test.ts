/** Writes and reads that wait: each gets one outcome, and the right one. */

import { assertEquals } from "@std/assert";
import { fail } from "../../../lib/base/assert.ts";
import { PendingReads } from "../../../lib/node/reads/pending_reads.ts";
import { PendingWrites, type QueuedWrite } from "../../../lib/node/writes/pending_writes.ts";
import { WriteQueue } from "../../../lib/node/writes/write_queue.ts";
import { COMMANDS_PER_PROPOSAL_MAX } from "../../../lib/node/limits.ts";
import { type EntryId, toIndex, toTerm } from "../../../lib/raft/types.ts";
import { emptyState } from "../../support/state.ts";

const RESULT = { result: { type: "Put", revision: 1, created: true }, leaderId: 2 } as const;

function at(index: number, term: number): EntryId {
  return { index: toIndex(index), term: toTerm(term) };
}

function writes(outcomes: string[], names: readonly string[], deadline = 100): QueuedWrite[] {
  return names.map((name) => ({
    command: name,
    bytes: name.length,
    deadline,
    growthBytes: 0,
    done: (outcome) => {
      const detail = outcome.type === "NotDone" ? `${outcome.reason} ${outcome.leaderId}` : outcome.type;
      outcomes.push(`${name}: ${detail}`);
    },
  }));
}

Deno.test("a write is done when its own entry is applied, and not done when another term's entry takes its index", () => {
  const outcomes: string[] = [];
  const pending = new PendingWrites();
  pending.add(at(5, 3), writes(outcomes, ["a", "b"]));
  pending.applied(at(4, 3), RESULT);
  assertEquals(outcomes, []);
  pending.applied(at(5, 3), RESULT);
  pending.applied(at(6, 4), RESULT);
  pending.applied(at(7, 4), RESULT);
  assertEquals(outcomes, ["a: Done", "b: NotLeader 2"]);
  assertEquals([pending.size, pending.bytes], [0, 0]);
});

Deno.test("a write is certainly not done as soon as an entry of a later term is applied before its place", () => {
  const outcomes: string[] = [];
  const pending = new PendingWrites();
  pending.add(at(5, 3), writes(outcomes, ["a", "b", "c"]));
  pending.applied(at(5, 3), RESULT);
  assertEquals(pending.term, 3);
  pending.applied(at(6, 4), RESULT);
  assertEquals(outcomes, ["a: Done", "b: NotLeader 2", "c: NotLeader 2"]);
  assertEquals([pending.size, pending.bytes, pending.term], [0, 0, undefined]);
});

Deno.test("a write whose deadline passes is unknown, and stays so when its entry is applied later", () => {
  const outcomes: string[] = [];
  const pending = new PendingWrites();
  pending.add(at(1, 1), writes(outcomes, ["a"], 10));
  pending.add(at(2, 1), writes(outcomes, ["b"], 20));
  pending.expire(9);
  assertEquals(outcomes, []);
  pending.expire(10);
  pending.applied(at(1, 1), RESULT);
  pending.applied(at(2, 1), RESULT);
  assertEquals(outcomes, ["a: Unknown", "b: Done"]);
});

Deno.test("a write that a snapshot jumps over, or that this node itself overwrote, is unknown", () => {
  const outcomes: string[] = [];
  const pending = new PendingWrites();
  pending.add(at(1, 1), writes(outcomes, ["a", "b", "c", "d"]));
  pending.jumpedTo(toIndex(2));
  pending.add(at(4, 3), writes(outcomes, ["e"]));
  pending.applied(at(3, 1), RESULT);
  pending.applied(at(4, 3), RESULT);
  assertEquals(outcomes, ["a: Unknown", "b: Unknown", "d: Unknown", "c: Done", "e: Done"]);
});

/** Several commands as one write; what it holds is named by its last one. */
function run(outcomes: string[], names: readonly string[]): QueuedWrite {
  const parts = writes(outcomes, names);
  const [whole = fail("a run of nothing")] = writes(outcomes, [names.join("")]);
  return { ...whole, parts, done: (outcome) => parts.forEach((part) => part.done(outcome)) };
}

Deno.test("each write of a run has the outcome of its own entry, wherever something falls into the run", () => {
  const outcomes: string[] = [];
  const pending = new PendingWrites();
  pending.add(at(1, 1), [run(outcomes, ["a", "b", "c", "d"]), ...writes(outcomes, ["e"])]);
  assertEquals([pending.size, pending.bytes], [5, 5]);
  pending.applied(at(1, 1), RESULT);
  pending.add(at(4, 3), [run(outcomes, ["f", "g"])]);
  pending.applied(at(2, 1), RESULT);
  pending.applied(at(3, 2), RESULT);
  pending.jumpedTo(toIndex(4));
  pending.applied(at(5, 4), RESULT);
  assertEquals(outcomes, [
    "a: Done",
    ...["d: Unknown", "e: Unknown"],
    "b: Done",
    "c: NotLeader 2",
    "f: Unknown",
    "g: NotLeader 2",
  ]);
  assertEquals([pending.size, pending.bytes], [0, 0]);
});

Deno.test("a proposal takes a run whole or not yet, and counts its commands", () => {
  const queue = new WriteQueue();
  const names = Array.from({ length: COMMANDS_PER_PROPOSAL_MAX - 1 }, () => "c");
  for (const write of [run([], names), run([], ["a", "b"]), run([], [...names, "c", "c"])]) queue.push(write);
  assertEquals(queue.size, 2 * names.length + 4);
  const counts: number[] = [];
  while (queue.size > 0) counts.push(queue.takeBatch().writes.length);
  assertEquals(counts, [1, 1, 1]);
  assertEquals([queue.size, queue.bytes], [0, 0]);
});

Deno.test("a long queue of writes is emptied in order", () => {
  const outcomes: string[] = [];
  const pending = new PendingWrites();
  const names = Array.from({ length: 10_000 }, (_, at) => `w${at}`);
  pending.add(at(1, 1), writes(outcomes, names));
  for (let index = 1; index <= 10_000; index++) pending.applied(at(index, 1), RESULT);
  assertEquals(outcomes, names.map((name) => `${name}: Done`));
  assertEquals([pending.size, pending.bytes], [0, 0]);
});

Deno.test("a proposal takes at most so many commands and so many bytes, but always one", () => {
  const queue = new WriteQueue();
  for (const write of writes([], Array.from({ length: COMMANDS_PER_PROPOSAL_MAX + 1 }, () => "c"))) queue.push(write);
  for (const write of writes([], ["x".repeat(5_000_000), "y".repeat(5_000_000)])) queue.push(write);
  const sizes: number[] = [];
  while (queue.size > 0) sizes.push(queue.takeBatch().writes.length);
  assertEquals(sizes, [COMMANDS_PER_PROPOSAL_MAX, 1, 1, 1]);
  assertEquals(queue.bytes, 0);
});

function reads(outcomes: string[], names: readonly string[], deadline = 100): Parameters<PendingReads["add"]>[0][] {
  return names.map((name) => ({
    deadline,
    done: (outcome) => void outcomes.push(`${name}: ${outcome.type === "Ready" ? outcome.index : outcome.reason}`),
  }));
}

function applied(index: number, term = 1): Parameters<PendingReads["serve"]>[0] {
  return { id: at(index, term), state: emptyState() };
}

function confirmed(id: number, index: number, timeMs = 0): Parameters<PendingReads["confirm"]>[0] {
  return { id, index: toIndex(index), timeMs };
}

Deno.test("reads are served together once confirmed and applied", () => {
  const outcomes: string[] = [];
  const pending = new PendingReads();
  for (const read of reads(outcomes, ["a", "b"])) pending.add(read);
  const id = pending.ask(0);
  pending.serve(applied(9));
  pending.confirm(confirmed(id, 10), toTerm(1));
  pending.serve(applied(9));
  assertEquals(outcomes, []);
  pending.serve(applied(10));
  pending.confirm(confirmed(id, 11), toTerm(1));
  // The last one first, so that a connection makes its replies in one go.
  assertEquals(outcomes, ["b: 10", "a: 10"]);
  assertEquals(pending.size, 0);
});

Deno.test("a read is served with the time it was told, and asked for again once entries of a later leader are applied", () => {
  const outcomes: string[] = [];
  const pending = new PendingReads();
  for (const read of reads(outcomes, ["a"])) pending.add(read);
  const first = applied(4, 1);
  pending.confirm(confirmed(pending.ask(0), 4, 1_000), toTerm(1));
  pending.serve(first);
  assertEquals([outcomes, first.state.readTimeMs], [["a: 4"], 1_000]);
  for (const read of reads(outcomes, ["b"])) pending.add(read);
  pending.confirm(confirmed(pending.ask(1), 5, 2_000), toTerm(1));
  const next = applied(6, 2);
  pending.serve(next);
  assertEquals([outcomes, next.state.readTimeMs], [["a: 4"], 0]);
  pending.expire(2, 0);
  assertEquals([pending.hasCollected, pending.size], [true, 1]);
});

Deno.test("a refused read is asked for again while there is a leader, else it is not done", () => {
  const outcomes: string[] = [];
  const pending = new PendingReads();
  for (const read of reads(outcomes, ["a"])) pending.add(read);
  pending.refuse(pending.ask(0), { reason: "NotLeader", leaderId: 1 });
  assertEquals(pending.hasCollected, false);
  pending.expire(1, 0);
  assertEquals(pending.hasCollected, true);
  pending.refuse(pending.ask(1), { reason: "NotLeader", leaderId: undefined });
  for (const read of reads(outcomes, ["b"])) pending.add(read);
  pending.refuse(pending.ask(2), { reason: "LogFull" });
  assertEquals(outcomes, ["a: NoLeader", "b: Overloaded"]);
});

Deno.test("a read without an answer is asked for again, and ends at its deadline", () => {
  const outcomes: string[] = [];
  const pending = new PendingReads();
  for (const read of reads(outcomes, ["a"], 50)) pending.add(read);
  const first = pending.ask(0);
  pending.expire(30, 10);
  assertEquals(pending.hasCollected, true);
  const second = pending.ask(30);
  pending.confirm(confirmed(first, 1), toTerm(1));
  pending.serve(applied(1));
  assertEquals(outcomes, []);
  pending.confirm(confirmed(second, 7), toTerm(1));
  pending.expire(50, 40);
  assertEquals(outcomes, ["a: Timeout"]);
  assertEquals(pending.size, 0);
});

Deno.test("everything open is ended when the node stops", () => {
  const outcomes: string[] = [];
  const pending = new PendingReads();
  for (const read of reads(outcomes, ["a"])) pending.add(read);
  pending.ask(0);
  for (const read of reads(outcomes, ["b"])) pending.add(read);
  pending.endAll("Stopping");
  assertEquals(outcomes, ["a: Stopping", "b: Stopping"]);
});
