/** What a leader says to a change of the membership: one test for each reason to refuse it, and for what holds already. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { MemberChange } from "../../../lib/node/api.ts";
import { type ChangeFacts, planChange } from "../../../lib/node/membership/change_plan.ts";
import { MEMBER_LISTS_LEVEL } from "../../../lib/raft/retired.ts";
import { MEMBERS_MAX, toIndex, toTicks } from "../../../lib/raft/types.ts";
import { FIRST_LEVEL } from "../../../lib/transport/versions.ts";
import { COMMIT, facts, member } from "../../support/change_facts.ts";

const ADD = { type: "Add", peerAddress: "m4:15000", clientAddress: "m4:5000" } as const;

/** The reason of a refusal, and whether it may pass. */
function refusal(given: ChangeFacts, change: MemberChange): readonly [reason: string, passing: boolean] {
  const verdict = planChange(given, change);
  assert(verdict.type === "Unsafe", `${verdict.type} is no refusal`);
  return [verdict.reason, verdict.passing];
}

function assertRefused(
  given: ChangeFacts,
  change: MemberChange,
  ...[reason, passing]: readonly [string, boolean]
): void {
  const [told, mayPass] = refusal(given, change);
  assertStringIncludes(told, reason);
  assertEquals(mayPass, passing, told);
}

/** Whether the change holds, or is under way, so that nothing is to be begun. */
function holds(given: ChangeFacts, change: MemberChange): boolean {
  const verdict = planChange(given, change);
  return verdict.type === "Plan" && verdict.wanted === undefined;
}

Deno.test("a new server is a learner without a directory, under the id given or the lowest that is free", () => {
  const gap = { members: [0, 1, 3].map(member), voters: [0, 1] };
  const cases = [[facts(), undefined, 4], [facts(), 9, 9], [facts({ configuration: gap }), undefined, 2]] as const;
  for (const [given, id, expected] of cases) {
    const verdict = planChange(given, { ...ADD, ...(id === undefined ? {} : { id }), httpAddress: "m4:8000" });
    assert(verdict.type === "Plan");
    assertEquals(verdict.change.id, expected);
    const { configuration: { members, voters } } = given.status;
    const added = { id: expected, address: "m4:15000", clientAddress: "m4:5000", httpAddress: "m4:8000", identity: "" };
    assertEquals(verdict.wanted, { members: [...members, added], voters, learners: [3, expected] });
  }
});

Deno.test("an addition is refused for an id or an address of another member, and where members are too many", () => {
  assertRefused(facts(), { ...ADD, id: 1 }, "the id 1 is that of the member at m1:5000", false);
  assertRefused(facts(), { ...ADD, clientAddress: "m2:5000" }, "m2:5000 is an address of member 2", false);
  assertRefused(facts(), { ...ADD, peerAddress: "m2:5000" }, "m2:5000 is an address of member 2", false);
  assertRefused(facts(), { ...ADD, httpAddress: "m3:8000" }, "m3:8000 is an address of member 3", false);
  const members = Array.from({ length: MEMBERS_MAX }, (_, id) => member(id + 10));
  const full = { members: members.slice(1), voters: [10, 11, 12], learners: [] };
  assertRefused(facts({ configuration: { ...full, members } }), ADD, `may have ${MEMBERS_MAX}`, false);
  const reachable = new Set([10, 11, 12]);
  assertEquals(planChange({ ...facts({ configuration: full }), reachable }, ADD).type, "Plan");
});

Deno.test("nobody is added while the id of one that was removed would be free; removed may be who will not be upgraded", () => {
  const old = facts({ configuration: { level: 6 }, newest: [[3, 6]] });
  for (const addition of [ADD, { ...ADD, id: 9 }]) {
    assertRefused(old, addition, "not all members can keep in mind who was removed yet: upgrade those", false);
  }
  assertEquals(planChange(old, { type: "Remove", id: 3 }).type, "Plan");
});

Deno.test("what waits for the lists says what is in the way: an older program, who was not heard, or only a moment", () => {
  const configuration = { level: FIRST_LEVEL };
  for (const [change, what] of [[ADD, "who was removed"], [{ type: "Drain", id: 1 }, "who is drained"]] as const) {
    const old = facts({ configuration, newest: [[1, undefined], [2, 6]] });
    assertRefused(old, change, `keep in mind ${what} yet: upgrade those that CLUSTER shows with an older`, false);
    const unheard = `has not been heard, and may not keep in mind ${what}: start it, or remove it first`;
    assertRefused(facts({ configuration, newest: [[2, undefined]] }), change, `server 2 ${unheard}`, true);
    const two = facts({ configuration, newest: [[2, undefined], [3, undefined]] });
    assertRefused(two, change, `server 2, 3 ${unheard}`, true);
    assertRefused(facts({ configuration }), change, `does not keep in mind ${what} yet: ask again in a moment`, true);
  }
});

Deno.test("a learner becomes a voter when it has caught up, and not before", () => {
  const promote = { type: "Promote", id: 3 } as const;
  const verdict = planChange(facts(), promote);
  assert(verdict.type === "Plan");
  assertEquals([verdict.wanted?.voters, verdict.wanted?.learners], [[0, 1, 2, 3], []]);
  assertRefused(facts({ lost: [3] }), promote, "server 3 has not been heard", true);
  const at = (matchIndex: number, behind: boolean) => {
    const [state, matched] = ["Replicate", toIndex(matchIndex)] as const;
    const peer = { id: 3, state, matchIndex: matched, nextIndex: toIndex(COMMIT), silentTicks: toTicks(0) };
    return facts({ status: { progress: [peer] }, configurationIndex: 100, behind });
  };
  assertRefused(at(0, true), promote, "server 3 has not been heard", true);
  // How close it has kept for a while decides, and not how many entries it lacks at the moment.
  const rule = "it lacks 1 entries: ask again in a moment; it must have kept within 1000 ms of the leader for 1000 ms";
  assertRefused(at(COMMIT - 1, true), promote, rule, true);
  assertEquals(planChange(at(COMMIT - 4_000, false), promote).type, "Plan");
  // The core asks for that: it must know who the members are.
  assertRefused({ ...at(COMMIT - 10, false), configurationIndex: COMMIT - 5 }, promote, "has not caught up", true);
});

Deno.test("a removal is refused for the last voter, and a learner may go", () => {
  const alone = { members: [0, 3].map(member), voters: [0] };
  assertRefused(facts({ configuration: alone }), { type: "Remove", id: 0 }, "the last voter", false);
  for (const [id, voters, learners] of [[3, [0, 1, 2], []], [0, [1, 2], [3]]] as const) {
    const verdict = planChange(facts(), { type: "Remove", id });
    assert(verdict.type === "Plan");
    assertEquals([verdict.wanted?.voters, verdict.wanted?.learners], [voters, learners]);
    assertEquals(verdict.wanted?.members.map((other) => other.id), [...voters, ...learners]);
  }
});

Deno.test("a change waits where the voters are no majority without one in quarantine, which the others repair", () => {
  const reason =
    "of the 2 voters that would be left 2 are needed, and server 2 is in quarantine, or about to be, until the others have repaired it: ask again";
  assertRefused(facts({ quarantined: [2] }), { type: "Remove", id: 1 }, reason, true);
  assertEquals(planChange(facts({ quarantined: [2] }), { type: "Remove", id: 2 }).type, "Plan");
  assertEquals(planChange(facts({ quarantined: [2] }), ADD).type, "Plan");
  // The learner would be the third of four.
  assertEquals(planChange(facts({ quarantined: [2] }), { type: "Promote", id: 3 }).type, "Plan");
  assertRefused(
    facts({ quarantined: [2], lost: [1] }),
    ADD,
    "until the others have repaired it: start 1 again, and",
    true,
  );
  assertRefused(facts({ quarantined: [2], lost: [1, 2] }), ADD, "of the 3 voters 1 can be reached", false);
});

Deno.test("one whose memory is damaged is about to be in quarantine only where the others can do without it", () => {
  assertRefused(facts({ suspect: [2] }), { type: "Remove", id: 1 }, "server 2 is in quarantine, or about to be", true);
  assertEquals(planChange(facts({ suspect: [2] }), { type: "Remove", id: 2 }).type, "Plan");
  // Else nothing would ever lead out of that.
  assertEquals(planChange(facts({ suspect: [2], lost: [1] }), { type: "Remove", id: 1 }).type, "Plan");
  const two = { members: [0, 1, 3].map(member), voters: [0, 1] };
  for (const change of [ADD, { type: "Promote", id: 3 }] as const) {
    assertEquals(planChange(facts({ configuration: two, suspect: [1] }), change).type, "Plan");
  }
});

Deno.test("a change is refused where those that answer are no majority of the voters, before or after it", () => {
  const lonely = facts({ lost: [1, 2] });
  for (const change of [ADD, { type: "Promote", id: 3 }, { type: "Remove", id: 3 }] as const) {
    assertRefused(lonely, change, "of the 3 voters 1 can be reached, and 2 are needed: start 1, 2 again", false);
  }
  const left = "of the 2 voters that would be left 1 can be reached, and 2 are needed: start 1 again";
  assertRefused(facts({ lost: [1] }), { type: "Remove", id: 2 }, left, false);
  assertEquals(planChange(facts({ lost: [1] }), { type: "Remove", id: 1 }).type, "Plan");
  // Of two voters one is none; with the learner they would be three.
  const five = { members: [0, 1, 2, 3, 4, 5].map(member), voters: [0, 1, 2, 4, 5] };
  assertRefused(
    facts({ configuration: five, lost: [1, 2, 4] }),
    { type: "Promote", id: 3 },
    "of the 5 voters 2",
    false,
  );
  const even = { members: [0, 1, 3].map(member), voters: [0, 1] };
  assertEquals(planChange(facts({ configuration: even }), { type: "Promote", id: 3 }).type, "Plan");
  const odd = { members: [0, 1, 2, 3].map(member), voters: [0, 1, 2] };
  assertEquals(planChange(facts({ configuration: odd, lost: [2] }), { type: "Promote", id: 3 }).type, "Plan");
});

Deno.test("a change is refused while another one, an election or a transfer is under way", () => {
  const unsettled = [
    facts({ configurationIndex: COMMIT + 1 }),
    facts({ configuration: { votersOld: [0, 1] } }),
    facts({ status: { termCommitted: false } }),
    facts({ status: { transferTarget: 1 } }),
  ];
  for (const given of unsettled) {
    for (const change of [ADD, { type: "Promote", id: 3 }, { type: "Remove", id: 1 }] as const) {
      assertRefused(given, change, "ask again in a moment", true);
    }
  }
});

Deno.test("what holds, or is under way, is not begun again, and of a server that is no member nothing is", () => {
  const added = { ...member(4), httpAddress: "m4:8000" };
  const with4 = { members: [...[0, 1, 2, 3].map(member), added], learners: [3, 4] };
  for (const configurationIndex of [10, COMMIT + 1]) {
    const given = facts({ configuration: with4, configurationIndex });
    assert(holds(given, ADD) && holds(given, { ...ADD, id: 4 }));
    assert(holds(given, { type: "Promote", id: 2 }));
  }
  // It leaves a joint configuration only with the next one.
  const leaving = facts({ configuration: { voters: [0, 1], votersOld: [0, 1, 2] } });
  assert(holds(leaving, { type: "Remove", id: 2 }));
  assertEquals(planChange(facts(), { type: "Promote", id: 7 }), { type: "NotAMember" });
  assertEquals(planChange(facts(), { type: "Remove", id: 7 }), { type: "NotAMember" });
});

Deno.test("a server that was removed stays so: it is removed again at once, and its id is given to nobody", () => {
  const configuration = { members: [0, 2, 3].map(member), voters: [0, 2], retired: [[1, 1], [4, 4]] as const };
  const given = facts({ configuration });
  assert(holds(given, { type: "Remove", id: 1 }));
  assertRefused(given, { type: "Promote", id: 1 }, "server 1 was removed, and its id is never used again", false);
  assertRefused(given, { ...ADD, id: 4 }, "server 4 was removed, and its id is never used again", false);
  const verdict = planChange(given, ADD);
  assert(verdict.type === "Plan");
  assertEquals(verdict.change.id, 5);
});

Deno.test("a server is drained and undrained once, beside others, but not the last one that may lead", () => {
  const drain = (id: number) => ({ type: "Drain", id }) as const;
  const plan = (drained: readonly number[], change: MemberChange) =>
    planChange(facts({ configuration: { drained, level: 7 } }), change);
  const wanted = (drained: readonly number[], change: MemberChange) => {
    const verdict = plan(drained, change);
    assert(verdict.type === "Plan", verdict.type);
    return verdict.wanted?.drained;
  };
  assertEquals(wanted([], drain(0)), [0]);
  assertEquals(wanted([0], drain(3)), [0, 3], "a learner too");
  assertEquals(wanted([0, 1], { type: "Undrain", id: 0 }), [1]);
  assertEquals(wanted([0], drain(0)), undefined, "it holds already");
  assertEquals(wanted([], { type: "Undrain", id: 0 }), undefined, "it holds already");
  assertEquals(plan([0, 1], drain(2)), {
    type: "Unsafe",
    reason: "no voter would be left that may lead: undrain another one first",
    passing: false,
  });
  assertEquals(plan([], drain(7)), { type: "NotAMember" });
});

Deno.test("a removal is listed: in a new cluster it begins the list, unless an older program is there, and waits for who was not heard", () => {
  const planned = (newest: readonly (readonly [number, number | undefined])[], level = FIRST_LEVEL) => {
    return planChange(facts({ configuration: { level }, newest }), { type: "Remove", id: 2 });
  };
  const levelOf = (...given: Parameters<typeof planned>) => {
    const verdict = planned(...given);
    assert(verdict.type === "Plan", JSON.stringify(verdict));
    return verdict.wanted?.level;
  };
  assertEquals(levelOf([]), MEMBER_LISTS_LEVEL);
  assertEquals(levelOf([[2, undefined]]), MEMBER_LISTS_LEVEL, "who leaves need not be heard");
  assertEquals(levelOf([], MEMBER_LISTS_LEVEL), undefined, "it has begun");
  assertEquals(levelOf([[3, undefined]], MEMBER_LISTS_LEVEL), undefined, "it has begun");
  assertEquals(levelOf([[3, 6]]), undefined, "a learner is too old");
  assertEquals(levelOf([[2, 6], [1, undefined]]), undefined, "who leaves is too old, and may be needed");
  assertEquals(levelOf([[1, undefined], [2, undefined]]), undefined, "two are lost");
  assertRefused(
    facts({ configuration: { level: FIRST_LEVEL }, newest: [[1, undefined], [3, undefined]] }),
    { type: "Remove", id: 2 },
    "server 1, 3 has not been heard",
    true,
  );
});
