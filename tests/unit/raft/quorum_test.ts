import { assertEquals } from "@std/assert";
import { hasQuorum, isVoter, quorumValue, voteOutcome } from "../../../lib/raft/quorum.ts";
import type { Configuration, NodeId } from "../../../lib/raft/types.ts";

function of(
  voters: readonly NodeId[],
  votersOld: readonly NodeId[] = [],
  learners: readonly NodeId[] = [],
): Configuration {
  return { members: [], voters, votersOld, learners };
}

Deno.test("the quorum value is the highest that a majority has reached", () => {
  const cases: readonly (readonly [values: readonly number[], expected: number])[] = [
    [[], 0],
    [[7], 7],
    [[7, 3], 3],
    [[7, 3, 5], 5],
    [[7, 0, 0], 0],
    [[7, 7, 0], 7],
    [[9, 7, 5, 3], 5],
    [[9, 7, 5, 3, 1], 5],
    [[9, 9, 9, 0, 0], 9],
    [[9, 9, 0, 0, 0], 0],
    [[1, 2, 3, 4, 5, 6, 7], 4],
    [[10, 9, 100], 10],
  ];
  for (const [values, expected] of cases) {
    const value = quorumValue(of(values.map((_, at) => at)), (id) => values[id] ?? 0);
    assertEquals(value, expected, `of ${values}`);
  }
});

Deno.test("while joint the quorum value is the lower of both majorities", () => {
  const values = new Map([[1, 10], [2, 10], [3, 2], [4, 5], [5, 6]]);
  const valueOf = (id: NodeId) => values.get(id) ?? 0;
  assertEquals(quorumValue(of([1, 2, 3]), valueOf), 10);
  assertEquals(quorumValue(of([3, 4, 5]), valueOf), 5);
  assertEquals(quorumValue(of([1, 2, 3], [3, 4, 5]), valueOf), 5);
  assertEquals(quorumValue(of([3, 4, 5], [1, 2, 3]), valueOf), 5);
});

Deno.test("a quorum needs more than half", () => {
  assertEquals(hasQuorum(of([1, 2, 3, 4]), (id) => id <= 2), false);
  assertEquals(hasQuorum(of([1, 2, 3, 4]), (id) => id <= 3), true);
  assertEquals(hasQuorum(of([]), () => true), false);
});

Deno.test("votes are won, lost or pending, and only voters count", () => {
  const cases: readonly (readonly [yes: readonly number[], no: readonly number[], expected: string])[] = [
    [[1], [], "Pending"],
    [[1, 2], [], "Won"],
    [[1], [2], "Pending"],
    [[1], [2, 3], "Lost"],
    [[1, 8, 9], [], "Pending"],
    [[], [7, 8, 9], "Pending"],
  ];
  for (const [yes, no, expected] of cases) {
    const votes = new Map([...yes.map((id) => [id, true] as const), ...no.map((id) => [id, false] as const)]);
    assertEquals(voteOutcome(of([1, 2, 3]), votes), expected, `yes ${yes} no ${no}`);
  }
});

Deno.test("while joint votes are lost as soon as one of the majorities is", () => {
  const votes = new Map([[1, true], [2, true], [3, true], [4, false], [5, false]]);
  assertEquals(voteOutcome(of([1, 2, 3]), votes), "Won");
  assertEquals(voteOutcome(of([1, 2, 3], [3, 4, 5]), votes), "Lost");
});

Deno.test("voters of either set vote, learners do not", () => {
  const configuration = of([1, 2], [2, 3], [4]);
  assertEquals([1, 2, 3, 4, 5].map((id) => isVoter(configuration, id)), [true, true, true, false, false]);
});
