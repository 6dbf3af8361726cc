import { assertEquals } from "@std/assert";
import {
  type IdRange,
  isRetired,
  isRetiredList,
  lowestFreeId,
  retire,
  RETIRED_RANGES_MAX,
} from "../../../lib/raft/retired.ts";
import { type Configuration, EMPTY_CONFIGURATION } from "../../../lib/raft/types.ts";
import { appended } from "../../paper/messages.ts";
import { leaderOf } from "../../paper/support.ts";
import { configurationOf } from "../../support/raft/values.ts";
import type { Effects } from "../../support/raft/effects.ts";

function configuration(ids: readonly number[], retired: Configuration["retired"]): Configuration {
  const members = ids.map((id) => ({ id, address: "", clientAddress: "", identity: "" }));
  return { ...EMPTY_CONFIGURATION, members, ...(retired === undefined ? {} : { retired }) };
}

Deno.test("ids that were removed make as few ranges as can be, whatever their order", () => {
  const cases: readonly (readonly [readonly number[], readonly IdRange[]])[] = [
    [[3], [[3, 3]]],
    [[4, 3], [[3, 4]]],
    [[1, 3, 2], [[1, 3]]],
    [[1, 3, 3], [[1, 1], [3, 3]]],
    [[0, 2, 4, 1], [[0, 2], [4, 4]]],
  ];
  for (const [ids, ranges] of cases) {
    assertEquals(ids.reduce((sum: readonly IdRange[], id) => retire(sum, [id]), []), ranges);
    assertEquals(retire([], ids), ranges);
  }
});

Deno.test("an id is free when no server has it, had it, or was promised it", () => {
  assertEquals(lowestFreeId(configuration([], undefined)), 0);
  assertEquals(lowestFreeId(configuration([0, 1, 2], undefined)), 3);
  assertEquals(lowestFreeId(configuration([0, 2], [[1, 1], [3, 5]])), 6);
  assertEquals(lowestFreeId(configuration([0, 2], [[3, 5]]), new Set([1])), 6);
  assertEquals([0, 3, 5, 6].map((id) => isRetired(configuration([0], [[3, 5]]), id)), [false, true, true, false]);
});

Deno.test("a list of ranges that no server makes is not taken", () => {
  for (const good of [[], [[0, 0]], [[1, 3], [5, 5]], [[0, 0x7fffffff]]]) {
    assertEquals(isRetiredList(good), true, `${good}`);
  }
  const many = Array.from({ length: RETIRED_RANGES_MAX + 1 }, (_, at) => [2 * at, 2 * at]);
  const bad = [
    undefined,
    {},
    [1],
    [[1]],
    [[1, 2, 3]],
    [[-1, 0]],
    [[2, 1]],
    [[1, 2], [3, 4]],
    [[5, 5], [1, 1]],
    [[0.5, 1]],
    [
      [0, 0x80000000],
    ],
    [["0", "1"]],
    many,
  ];
  for (const value of bad) assertEquals(isRetiredList(value), false, JSON.stringify(value)?.slice(0, 80));
});

Deno.test("a leader retires whoever it removes, voter or learner, and takes the id for nobody else", () => {
  const server = leaderOf({ configuration: { ...configurationOf([1, 2, 3], { learners: [4] }), level: 7 } });
  const configurations = (effects: Effects) =>
    effects.written.flatMap((entry) => entry.type === "Configuration" ? [entry.configuration] : []);
  // The learner goes at once, with the same voters.
  const [withoutLearner] = configurations(server.change([1, 2, 3]));
  assertEquals(withoutLearner?.retired, [[4, 4]]);
  for (const from of [2, 3]) server.receive(appended({ from, matchIndex: server.status.lastEntry.index }));
  // A voter is a member until the joint configuration is left.
  const [joint] = configurations(server.change([1, 2]));
  assertEquals([joint?.members.map(({ id }) => id), joint?.retired], [[1, 2, 3], [[4, 4]]]);
  const left = configurations(server.receive(appended({ from: 2, matchIndex: server.status.lastEntry.index })));
  assertEquals(left.map(({ retired }) => retired), [[[3, 4]]]);
  server.receive(appended({ from: 2, matchIndex: server.status.lastEntry.index }));
  const what = "Server 4 was removed, and its id is never used again";
  assertEquals(server.change([1, 2], [4]).refused, [{ id: 9, refusal: { reason: "InvalidConfiguration", what } }]);
});

Deno.test("the removal with which the list begins is in it, of a learner and of a voter", () => {
  for (const removed of [3, 4]) {
    const server = leaderOf({ voters: [1, 2, 3], learners: [4] });
    const { members, voters, learners } = server.status.configuration;
    const rest = <Item>(items: readonly Item[]) => items.filter((_, at) => at < items.length - 1);
    const wish = removed === 4
      ? { members: rest(members), voters, learners: [] }
      : { members: members.filter(({ id }) => id !== 3), voters: rest(voters), learners };
    server.run({ type: "ChangeMembership", id: 9, ...wish, level: 7 });
    for (let round = 0; round < 2; round++) {
      server.receive(appended({ from: 2, matchIndex: server.status.lastEntry.index }));
    }
    const { retired, level, votersOld } = server.status.configuration;
    assertEquals([retired, level, votersOld], [[[removed, removed]], 7, []]);
  }
});

Deno.test("while a member may be of a program that does not keep the list, nobody is listed as removed or drained", () => {
  const server = leaderOf({ voters: [1, 2, 3], learners: [4] });
  const written = server.change([1, 2, 3]).written.flatMap((entry) =>
    entry.type === "Configuration" ? [entry.configuration] : []
  );
  assertEquals(written.map(({ retired }) => retired), [undefined]);
  for (const from of [2, 3]) server.receive(appended({ from, matchIndex: server.status.lastEntry.index }));
  const { members, voters, learners } = server.status.configuration;
  const { refused } = server.run({ type: "ChangeMembership", id: 9, members, voters, learners, drained: [2] });
  const what = "Servers can be drained from level 7 on";
  assertEquals(refused, [{ id: 9, refusal: { reason: "InvalidConfiguration", what } }]);
});

Deno.test("who is drained stays so through other changes, and is listed no more once it is removed", () => {
  const configuration = { ...configurationOf([1, 2, 3], { learners: [4] }), level: 7, drained: [2, 4] };
  const server = leaderOf({ configuration });
  const written = server.change([1, 2, 3]).written.flatMap((entry) =>
    entry.type === "Configuration" ? [entry.configuration] : []
  );
  assertEquals(written.map(({ drained }) => drained), [[2]]);
});
