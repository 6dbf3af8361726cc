/** docs/command-line.md has what `kvstore member` prints: also the reasons for which a leader refuses a change. */

import { assert, assertEquals } from "@std/assert";
import { MEMBER_LINES } from "../../../lib/cli/member_texts.ts";
import type { MemberChange } from "../../../lib/node/api.ts";
import { type ChangeFacts, planChange } from "../../../lib/node/membership/change_plan.ts";
import { MEMBERS_MAX } from "../../../lib/raft/types.ts";
import { COMMIT, facts, member } from "../../support/change_facts.ts";

const ADD = { type: "Add", peerAddress: "m9:15000", clientAddress: "m9:5000" } as const;
const MANY = Array.from({ length: MEMBERS_MAX }, (_, id) => member(id + 10));

/** One change for each reason to refuse one. */
const REFUSED: readonly (readonly [ChangeFacts, MemberChange])[] = [
  [facts({ configurationIndex: COMMIT + 1 }), ADD],
  [facts({ status: { transferTarget: 1 } }), ADD],
  [facts(), { ...ADD, id: 1 }],
  [facts(), { ...ADD, clientAddress: "m1:5000" }],
  [facts({ configuration: { members: MANY, voters: [10], learners: [] } }), ADD],
  [facts({ lost: [1, 2] }), { type: "Remove", id: 3 }],
  [facts({ configuration: { level: 6 }, newest: [[3, undefined]] }), { type: "Remove", id: 2 }],
  [facts({ lost: [3] }), { type: "Promote", id: 3 }],
  [facts({ behind: true }), { type: "Promote", id: 3 }],
  [facts({ lost: [1] }), { type: "Remove", id: 2 }],
  [facts({ configuration: { retired: [[7, 7]] } }), { type: "Promote", id: 7 }],
  [facts({ configuration: { drained: [1, 2], level: 7 } }), { type: "Drain", id: 0 }],
  ...[{ type: "Drain", id: 0 } as const, ADD].flatMap((change) => [
    [facts({ configuration: { level: 6 }, newest: [[2, 6]] }), change] as const,
    [facts({ configuration: { level: 6 }, newest: [[2, undefined]] }), change] as const,
    [facts({ configuration: { level: 6 } }), change] as const,
  ]),
  [facts({ configuration: { members: [member(0)], voters: [0], learners: [] } }), { type: "Remove", id: 0 }],
];

/** A line whose numbers, lists of them and addresses may be others. */
function shapeOf(line: string): string {
  return line.replace(/[\w.]+:\d+/g, "ADDRESS").replace(/\d+(, \d+)*/g, "N");
}

Deno.test("every reason of a refusal is among the lines that the documentation shows", () => {
  const shapes = MEMBER_LINES.map(([line]) => shapeOf(line));
  for (const [given, change] of REFUSED) {
    const verdict = planChange(given, change);
    assert(verdict.type === "Unsafe", JSON.stringify(change));
    const line = shapeOf(`Nothing was begun: ${verdict.reason}`);
    const known = shapes.filter((shape) => shape.endsWith(line));
    assertEquals(known.length, 1, line);
    // What may pass is waited for, and told when the time is up.
    assertEquals(known[0] !== line, verdict.passing, line);
  }
});
