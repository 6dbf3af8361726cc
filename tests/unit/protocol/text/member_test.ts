/** MEMBER: what a line asks the cluster for, and what its client is told. */

import { assert, assertEquals } from "@std/assert";
import type { MemberChangeOutcome } from "../../../../lib/node/api.ts";
import { SessionBench } from "./session_support.ts";

const ADDED = { type: "Add", peerAddress: "10.0.0.4:15000", clientAddress: "10.0.0.4:5000" } as const;

Deno.test("MEMBER: what is asked for reaches the cluster, and the reply says what was done", async () => {
  const bench = new SessionBench();
  bench.node.changeOutcome = { type: "Done", id: 3 };
  assertEquals(await bench.ask("MEMBER ADD 10.0.0.4:5000"), "Member 3 is added as a learner.\n");
  assertEquals(await bench.ask("member add 3=[::1]:5000@7000"), "Member 3 is added as a learner.\n");
  assertEquals(await bench.ask("MEMBER PROMOTE 3"), "Member 3 has a vote.\n");
  assertEquals(await bench.ask("MEMBER drain 3"), "Member 3 is drained.\n");
  assertEquals(await bench.ask("MEMBER UNDRAIN 3"), "Member 3 is drained no more.\n");
  assertEquals(await bench.ask("Member  remove \t3"), "Member 3 is removed for good.\n");
  assertEquals(bench.node.memberChanges, [
    ADDED,
    { type: "Add", id: 3, peerAddress: "[::1]:7000", clientAddress: "[::1]:5000" },
    { type: "Promote", id: 3 },
    { type: "Drain", id: 3 },
    { type: "Undrain", id: 3 },
    { type: "Remove", id: 3 },
  ]);
  assertEquals(await bench.ask("MEMBER LIST"), await bench.ask("CLUSTER"));
});

Deno.test("MEMBER: a refusal is one line that says why", async () => {
  const cases: readonly (readonly [MemberChangeOutcome, string])[] = [
    [
      { type: "Unsafe", reason: "it is the last voter", passing: false },
      "Unsafe. Nothing was begun: it is the last voter",
    ],
    [{ type: "NotAMember" }, "Not a member. There is no such member."],
    [{ type: "NotLeader" }, "No leader. Reachable 3 of 3 nodes, need 2. Try again in a moment."],
    [
      { type: "Unknown" },
      "Outcome unknown. The change was begun, and is not known to be committed; the same request again tells, and harms nothing.",
    ],
  ];
  const bench = new SessionBench();
  for (const [outcome, line] of cases) {
    bench.node.changeOutcome = outcome;
    assertEquals(await bench.ask("MEMBER REMOVE 1"), `Error: ${line}\n`);
  }
});

Deno.test("MEMBER: what does not fit is refused with the usage, and the cluster is asked for nothing", async () => {
  const bench = new SessionBench();
  const operands = [
    "",
    "LIST 1",
    "ADD",
    "ADD host",
    "ADD h:0",
    "ADD $(x):1",
    "ADD a;b:1",
    "ADD h:60000",
    "ADD 2147483648=h:1",
    "ADD h:1 2",
    "REMOVE x",
    "REMOVE -1",
    "PROMOTE 2147483648",
    "DROP 1",
  ];
  for (const operand of operands) {
    const reply = await bench.ask(`MEMBER ${operand}`);
    assert(
      reply.startsWith(
        "Error: Usage: MEMBER LIST, ADD <address>, PROMOTE <id>, DRAIN <id>, UNDRAIN <id> or REMOVE <id> (an address is [id=",
      ),
      `${operand}: ${reply}`,
    );
  }
  assertEquals(bench.node.memberChanges, []);
});
