/** Whose state is not that of a majority, told by digests that come in any order, of nodes that are away, and of other versions. */

import { assertEquals } from "@std/assert";
import { compareChecks, type Comparison, type ComparisonFacts } from "../../../../lib/node/self_check/comparison.ts";
import { toIndex } from "../../../../lib/raft/types.ts";
import type { StateCheck } from "../../../../lib/transport/transport.ts";

/** What node n tells: its digests by entry, as short texts. */
type Told = Readonly<Record<number, string>>;

function compare(told: readonly Told[], changes: Partial<ComparisonFacts> = {}): Comparison {
  const ids = told.map((_, id) => id);
  const checks = told.map((digests) => {
    return Object.entries(digests).map(([index, digest]): StateCheck => ({ index: toIndex(Number(index)), digest }));
  });
  return compareChecks({ voterSets: [ids], checks: new Map(checks.entries()), heard: new Set(ids), ...changes });
}

function shown({ differing, agreeing, split }: Comparison): string {
  const ids = [...differing].map(([id, { index, digest, ofMajority }]) => `${id}@${index} ${digest}/${ofMajority}`);
  const equal = [...agreeing].map(([id, index]) => `${id}@${index}`);
  const digests = split === undefined ? "" : ` split@${split.index} ${[...split.digests.keys()].join(",")}`;
  return `[${ids.join(" ")}] [${equal.join(" ")}]${digests}`;
}

Deno.test("equal digests at one entry agree, and digests of different entries say nothing", () => {
  assertEquals(shown(compare([{ 10: "1:a" }, { 10: "1:a" }, { 10: "1:a" }])), "[] [0@10 1@10 2@10]");
  assertEquals(shown(compare([{ 10: "1:a" }, { 11: "1:b" }, { 12: "1:c" }])), "[] []");
  assertEquals(shown(compare([{}, {}, {}])), "[] []");
});

Deno.test("a node differs when a majority of the voters has another digest at that entry", () => {
  assertEquals(shown(compare([{ 10: "1:a" }, { 10: "1:b" }, { 10: "1:a" }])), "[1@10 1:b/1:a] [0@10 2@10]");
  const five = [{ 10: "1:a" }, { 10: "1:b" }, { 10: "1:a" }, { 10: "1:c" }, { 10: "1:a" }];
  assertEquals(shown(compare(five)), "[1@10 1:b/1:a 3@10 1:c/1:a] [0@10 2@10 4@10]");
});

Deno.test("one voice against one says nothing while a third one is to come, and is a split when it can't", () => {
  const told = [{ 10: "1:a" }, { 10: "1:b" }, {}];
  assertEquals(shown(compare(told)), "[] []");
  assertEquals(shown(compare(told, { heard: new Set([0, 1]) })), "[] [] split@10 0,1");
  assertEquals(shown(compare([{ 10: "1:a" }, { 10: "1:b" }, { 10: "1:c" }])), "[] [] split@10 0,1,2");
  assertEquals(shown(compare([{ 10: "1:a" }, { 10: "1:b" }])), "[] [] split@10 0,1");
});

Deno.test("digests of different versions are not compared", () => {
  assertEquals(shown(compare([{ 10: "1:a" }, { 10: "2:b" }, { 10: "2:b" }])), "[] [1@10 2@10]");
  assertEquals(
    shown(compare([{ 10: "1:a" }, { 10: "1:b" }, { 10: "2:b" }], { heard: new Set() })),
    "[] [] split@10 0,1",
  );
});

Deno.test("the newest entry that a majority and the node have told counts: one that was repaired agrees again", () => {
  assertEquals(
    shown(compare([{ 10: "1:a", 20: "1:x" }, { 10: "1:b", 20: "1:x" }, { 10: "1:a" }])),
    "[] [0@20 1@20 2@10]",
  );
  // It has not told its newest one yet, and is still the one that differed.
  assertEquals(
    shown(compare([{ 10: "1:a", 20: "1:x" }, { 10: "1:b" }, { 10: "1:a", 20: "1:x" }])),
    "[1@10 1:b/1:a] [0@20 2@20]",
  );
  // An older split is over once a newer entry has a majority.
  assertEquals(shown(compare([{ 10: "1:a", 20: "1:x" }, { 10: "1:b", 20: "1:x" }, { 10: "1:c" }])), "[] [0@20 1@20]");
});

Deno.test("learners are compared, but their voice does not count, and two sets of voters must both agree", () => {
  const told = [{ 10: "1:a" }, { 10: "1:b" }, { 10: "1:b" }];
  assertEquals(shown(compare(told, { voterSets: [[0]] })), "[1@10 1:b/1:a 2@10 1:b/1:a] [0@10]");
  assertEquals(shown(compare(told, { voterSets: [[0], [1, 2]] })), "[] [] split@10 0,1,2");
  assertEquals(shown(compare(told, { voterSets: [[1], [1, 2]] })), "[0@10 1:a/1:b] [1@10 2@10]");
});
