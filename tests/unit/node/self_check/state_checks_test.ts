/** At which entries a digest is taken: the same on every node, however it came to its state. */

import { assertEquals } from "@std/assert";
import type { StateMachine } from "../../../../lib/kv/state_machine.ts";
import { encodeCommand, stampCommand } from "../../../../lib/kv/commands.ts";
import type { Applied } from "../../../../lib/node/effects/applied.ts";
import { Applier } from "../../../../lib/node/effects/applier.ts";
import { CHECK_ENTRIES, CHECK_MS, CHECKS_TOLD_MAX } from "../../../../lib/node/limits.ts";
import { StateChecks } from "../../../../lib/node/self_check/state_checks.ts";
import { Registry } from "../../../../lib/observe/metrics.ts";
import { Run } from "../../../../lib/raft/run.ts";
import { EMPTY_CONFIGURATION, type Entry, toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { emptyState } from "../../../support/state.ts";

/** Whom an applier tells, when nobody listens. */
const NOBODY = {
  clock: new VirtualClock(),
  metrics: new Registry(),
  log: () => {},
  raft: { leaderId: undefined },
  inbox: { wake: () => {} },
  pendingWrites: { size: 0, applied: () => {}, jumpedTo: () => {} },
  directory: { configurationCommitted: () => {} },
  userWatch: { look: () => {}, replaced: () => {} },
};

const BEGIN_MS = 1_000 * CHECK_MS;

/** An empty state that has applied so many entries, the last one at that time. */
function stateAt(index: number, timeMs: number): StateMachine {
  const state = emptyState();
  state.finishLoading({ index, timeMs });
  return state;
}

/** Applies entries with these times to the state that `checks` begins with; gives the entries at which digests were taken. */
function takenAt(state: StateMachine, timesMs: readonly number[], checks = new StateChecks(state)): readonly number[] {
  const id = { index: toIndex(state.lastApplied), term: toTerm(1) };
  const applied: Applied = { state, id, configuration: EMPTY_CONFIGURATION };
  const advance = encodeCommand({ type: "Advance" });
  const run = Run.of(timesMs.map((timeMs, at): Entry => ({
    type: "Command",
    index: toIndex(id.index + 1 + at),
    term: toTerm(1),
    command: timeMs === 0 ? advance : stampCommand(advance, timeMs),
  })));
  const applier = new Applier(applied, { ...NOBODY, checks });
  applier.commit([run]);
  applier.apply();
  assertEquals(state.lastApplied, id.index + timesMs.length);
  return checks.last.map(({ index }) => index);
}

Deno.test("a digest is taken at the first entry of each slot of the cluster's time", () => {
  const times = [0, BEGIN_MS + 1, BEGIN_MS + 1, BEGIN_MS + CHECK_MS - 1, BEGIN_MS + CHECK_MS, BEGIN_MS + 5 * CHECK_MS];
  const checks = new StateChecks(emptyState());
  const state = stateAt(0, 0);
  assertEquals(takenAt(state, times, checks), [2, 5, 6]);
  assertEquals(checks.last[2]?.digest, state.digest);
  // A node that begins with a snapshot in between takes the same ones.
  for (let begin = 1; begin < times.length; begin++) {
    const late = stateAt(begin, times[begin - 1] ?? 0);
    assertEquals(takenAt(late, times.slice(begin)), [2, 5, 6].filter((index) => index > begin), `${begin}`);
  }
});

Deno.test("a digest is taken every so many entries, however little time has passed", () => {
  assertEquals(takenAt(stateAt(CHECK_ENTRIES - 2, BEGIN_MS), Array(4).fill(BEGIN_MS + 1)), [CHECK_ENTRIES]);
});

Deno.test("the last ones are kept, and none of a state that was replaced", () => {
  const checks = new StateChecks(emptyState());
  const times = Array.from({ length: CHECKS_TOLD_MAX + 3 }, (_, slot) => BEGIN_MS + slot * CHECK_MS);
  assertEquals(takenAt(emptyState(), times, checks), times.map((_, at) => at + 1).slice(-CHECKS_TOLD_MAX));
  checks.restart(stateAt(99, BEGIN_MS));
  assertEquals(checks.last, []);
});

Deno.test("an entry is due once a slot has passed in which something was applied that no digest has seen", () => {
  const checks = new StateChecks(emptyState());
  assertEquals(checks.isDue(stateAt(1, 0), BEGIN_MS), false, "no entry has had a time yet");
  checks.take(2, stateAt(2, BEGIN_MS));
  assertEquals(checks.isDue(stateAt(2, BEGIN_MS), BEGIN_MS + CHECK_MS), false, "nothing was applied since");
  assertEquals(checks.isDue(stateAt(3, BEGIN_MS), BEGIN_MS + CHECK_MS - 1), false, "the slot has not passed");
  assertEquals(checks.isDue(stateAt(3, BEGIN_MS), BEGIN_MS + CHECK_MS), true);
  checks.take(4, stateAt(4, BEGIN_MS + CHECK_MS));
  assertEquals(checks.isDue(stateAt(4, BEGIN_MS + CHECK_MS), BEGIN_MS + 9 * CHECK_MS), false);
});
