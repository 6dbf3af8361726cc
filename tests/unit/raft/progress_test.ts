import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import { Progress } from "../../../lib/raft/progress.ts";
import { toIndex, toTerm } from "../../../lib/raft/types.ts";
import { configurationOf } from "../../support/raft/values.ts";

const SNAPSHOT = {
  lastIncluded: { index: toIndex(9), term: toTerm(1) },
  configuration: configurationOf([1, 2]),
  bytes: 100,
};

function replicating(nextIndex: number): Progress {
  const peer = new Progress(2, nextIndex);
  peer.becomeReplicate();
  return peer;
}

function view(peer: Progress): readonly unknown[] {
  return [peer.state, Number(peer.matchIndex), Number(peer.nextIndex), peer.inFlightCount];
}

Deno.test("a peer begins as unknown, to be probed at the end of the log", () => {
  assertEquals(view(new Progress(2, 8)), ["Probe", 0, 8, 0]);
});

Deno.test("in Replicate the next index runs ahead of the match index, and answers free the window", () => {
  const peer = replicating(5);
  for (const last of [5, 8, 9]) peer.sent(last);
  assertEquals(view(peer), ["Replicate", 0, 10, 3]);
  assertEquals(peer.acknowledged(8), true);
  assertEquals(view(peer), ["Replicate", 8, 10, 1]);
  assertEquals(peer.acknowledged(5), false);
  assertEquals(view(peer), ["Replicate", 8, 10, 1]);
  assertEquals(peer.acknowledged(12), true);
  assertEquals(view(peer), ["Replicate", 12, 13, 0]);
});

Deno.test("a part of a message that is acknowledged does not free its place", () => {
  const peer = replicating(5);
  peer.sent(8);
  peer.acknowledged(7);
  assertEquals(view(peer), ["Replicate", 7, 9, 1]);
});

Deno.test("nothing is pipelined outside Replicate, nor sent twice", () => {
  assertThrows(() => new Progress(2, 5).sent(5), AssertionFailure);
  const peer = replicating(5);
  peer.sent(6);
  assertThrows(() => peer.sent(6), AssertionFailure);
});

Deno.test("falling back to Probe forgets the window and never goes below what matches", () => {
  const peer = replicating(5);
  peer.sent(8);
  peer.acknowledged(6);
  peer.becomeProbe(3);
  assertEquals(view(peer), ["Probe", 6, 7, 0]);
  peer.probeSent = true;
  peer.becomeProbe(9);
  assertEquals([...view(peer), peer.probeSent], ["Probe", 6, 9, 0, false]);
});

Deno.test("a transfer exists in Snapshot only", () => {
  const peer = replicating(5);
  peer.becomeSnapshot(SNAPSHOT);
  assertEquals([peer.state, peer.transfer?.offset, peer.transfer?.started], ["Snapshot", 0, false]);
  peer.becomeProbe(10);
  assertEquals([peer.state, peer.transfer], ["Probe", undefined]);
});

Deno.test("an answered round never falls", () => {
  const peer = new Progress(2, 1);
  peer.silentTicks = 5;
  peer.heard(3);
  peer.heard(2);
  assertEquals([peer.answeredRound, peer.silentTicks, peer.inContact], [3, 0, true]);
});
