/** Submissions without a node around them: what they send, and which answers they take. */

import { assertEquals } from "@std/assert";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { Flights } from "../../../lib/node/writes/flights.ts";
import { encodeOutcome } from "../../../lib/node/writes/outcomes.ts";
import { BYTES_PER_PROPOSAL_MAX, DEFAULT_PENDING_LIMITS } from "../../../lib/node/limits.ts";
import { Submissions } from "../../../lib/node/writes/submissions.ts";
import { type Configuration, EMPTY_CONFIGURATION, type Role } from "../../../lib/raft/types.ts";
import type { Forward } from "../../../lib/transport/forward.ts";

const LEADER = 2;
const INCARNATION = 77;
const TIMEOUT_MS = 1_000;
const NOT_LEADING: WriteOutcome = { type: "NotDone", reason: "NotLeader", leaderId: undefined };
const DONE: WriteOutcome = { type: "Done", result: { type: "Put", revision: 9, created: true } };

/** The submissions of node 0, and all that they do. */
class Bench {
  readonly sent: Forward[] = [];
  readonly outcomes: WriteOutcome[] = [];
  readonly raft: { readonly id: number; role: Role; readonly leaderId: number; configuration: Configuration } = {
    id: 0,
    role: "Follower",
    leaderId: LEADER,
    configuration: EMPTY_CONFIGURATION,
  };
  readonly proposals = { size: 0, hasOlder: false, add: () => void (this.proposals.size += 1) };
  readonly tickTime = { now: 0 };
  readonly submissions = new Submissions({
    raft: this.raft,
    proposals: this.proposals,
    flights: new Flights({
      self: 0,
      incarnation: INCARNATION,
      transport: { send: (message) => message.type === "Forward" && this.sent.push(message) > 0 },
    }),
    inbox: { wake: () => {} },
    clock: { now: () => this.tickTime.now },
    tickTime: this.tickTime,
    quarantine: { isFenced: false },
    timeoutMs: TIMEOUT_MS,
    limits: DEFAULT_PENDING_LIMITS,
  });

  add(command: string): void {
    this.submissions.add(command, (outcome) => this.outcomes.push(outcome));
  }

  /** The leader answers the flight of that number: all of `count` writes are done, unless said otherwise. */
  answer(
    id: number,
    { count, incarnation = INCARNATION, outcome = DONE }: {
      count: number;
      incarnation?: number;
      outcome?: WriteOutcome;
    },
  ): void {
    const outcomes = Array.from({ length: count }, () => encodeOutcome(outcome));
    this.submissions.takeResult({ type: "ForwardResult", from: LEADER, to: 0, incarnation, id, first: 0, outcomes });
  }
}

Deno.test("an answer to an earlier life of the process settles nothing", () => {
  const bench = new Bench();
  bench.add("a");
  bench.submissions.pump();
  bench.answer(1, { count: 1, incarnation: INCARNATION - 1 });
  assertEquals([bench.outcomes, bench.submissions.size], [[], 1]);
  bench.answer(1, { count: 1 });
  assertEquals([bench.outcomes, bench.submissions.size], [[DONE], 0]);
});

Deno.test("writes that do not fit into one forward follow in the next ones, in order", () => {
  const bench = new Bench();
  const long = BYTES_PER_PROPOSAL_MAX / 2 + 1;
  const commands = ["a", "b", "c", "d"].map((name) => name.repeat(long));
  for (const command of commands) bench.add(command);
  bench.submissions.pump();
  for (const { id } of bench.sent) bench.answer(id, { count: 1 });
  assertEquals(bench.sent.map((message) => message.commands.map(([first]) => first)), [["a"], ["b"], ["c"], ["d"]]);
  assertEquals(bench.outcomes, [DONE, DONE, DONE, DONE]);
});

Deno.test("nothing is passed on while an older write that was proposed here is open", () => {
  const bench = new Bench();
  bench.raft.role = "Leader";
  bench.add("first");
  assertEquals(bench.proposals.size, 1);
  bench.raft.role = "Follower";
  bench.add("second");
  bench.submissions.pump();
  assertEquals(bench.sent, []);
  bench.proposals.size = 0;
  bench.submissions.pump();
  assertEquals(bench.sent.map(({ commands }) => commands), [["second"]]);
});

Deno.test("what a leader refused for not leading is passed on again with the next tick, before what came after it", () => {
  const bench = new Bench();
  for (const command of ["a", "b"]) bench.add(command);
  bench.submissions.pump();
  bench.add("c");
  bench.answer(1, { count: 2, outcome: NOT_LEADING });
  bench.submissions.pump();
  assertEquals(bench.sent.length, 1);
  bench.submissions.expire();
  bench.submissions.pump();
  assertEquals(bench.sent.map(({ commands }) => commands), [["a", "b"], ["a", "b", "c"]]);
  assertEquals(bench.outcomes, []);
});

Deno.test("at its deadline what is under way is unknown, and what waits is not done", () => {
  const bench = new Bench();
  bench.add("a");
  bench.submissions.pump();
  bench.add("b");
  bench.tickTime.now = TIMEOUT_MS - 1;
  bench.submissions.expire();
  assertEquals(bench.outcomes, []);
  bench.tickTime.now = TIMEOUT_MS;
  bench.submissions.expire();
  assertEquals(bench.outcomes, [{ type: "Unknown" }, { type: "NotDone", reason: "Timeout", leaderId: LEADER }]);
  assertEquals(bench.submissions.size, 0);
});
