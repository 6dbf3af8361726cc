/** The applied side of a node. */

import { assertEquals } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { type Command, encodeCommand, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import type { Applied } from "../../../lib/node/effects/applied.ts";
import { Applier, type ApplierParts } from "../../../lib/node/effects/applier.ts";
import { APPLIED_ENTRY_BYTES, APPLIED_PER_TURN_BYTES } from "../../../lib/node/limits.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { Run } from "../../../lib/raft/run.ts";
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Entry,
  toIndex,
  toTerm,
  ZERO_ENTRY_ID,
} from "../../../lib/raft/types.ts";
import { EXPECTED_KEYS_MAX } from "../../../lib/store/expected_keys.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { emptyState, spanOf } from "../../support/state.ts";

function configurationOf(...voters: readonly number[]): Configuration {
  return { ...EMPTY_CONFIGURATION, voters };
}

/** Whom an applier tells, when nobody listens. */
function partsOf(clock: VirtualClock): ApplierParts {
  return {
    clock,
    metrics: new Registry(),
    log: () => {},
    raft: { leaderId: undefined },
    inbox: { wake: () => {} },
    pendingWrites: { size: 0, applied: () => {}, jumpedTo: () => {} },
    directory: { configurationCommitted: () => {} },
    userWatch: { look: () => {}, replaced: () => {} },
    checks: { dueMs: Infinity, take: () => {}, restart: () => {} },
  };
}

Deno.test("a snapshot's configuration takes the place of the one before, and an older snapshot changes nothing", () => {
  const committed: Configuration[] = [];
  const applied: Applied = { state: emptyState(), id: ZERO_ENTRY_ID, configuration: configurationOf(0) };
  const applier = new Applier(applied, {
    ...partsOf(new VirtualClock()),
    directory: { configurationCommitted: (configuration) => void committed.push(configuration) },
  });
  const newer = {
    state: emptyState(),
    id: { index: toIndex(9), term: toTerm(2) },
    configuration: configurationOf(0, 1),
  };
  assertEquals(applier.install(newer), true);
  assertEquals({ ...applied }, newer);
  assertEquals(applier.install({ ...newer, id: { index: toIndex(8), term: toTerm(2) } }), false);
  assertEquals({ ...applied }, newer);
  assertEquals(committed, [configurationOf(0, 1)]);
});

function entriesOf(commands: readonly Command[], firstIndex: number): readonly Entry[] {
  return commands.map((command, at) => {
    return { type: "Command", index: toIndex(firstIndex + at), term: toTerm(1), command: encodeCommand(command) };
  });
}

interface Applying {
  readonly applier: Applier;
  readonly applied: Applied;
  /** Applies in a turn of its own; says whether nothing is left. */
  apply(): Promise<boolean>;
}

/** An applier with these commands committed, in batches of `batch`. */
function applierOf(commands: readonly Command[], batch: number): Applying {
  const clock = new VirtualClock();
  let isDone = true;
  const applied: Applied = { state: emptyState(), id: ZERO_ENTRY_ID, configuration: configurationOf(0) };
  const applier = new Applier(applied, { ...partsOf(clock), inbox: { wake: () => void (isDone = false) } });
  for (let at = 0; at < commands.length; at += batch) {
    applier.commit([Run.of(entriesOf(commands.slice(at, at + batch), at + 1))]);
  }
  const apply = async () => {
    isDone = true;
    applier.apply();
    const { index } = applied.id;
    // Whoever asks again in the same turn gets no more of it.
    applier.apply();
    assertEquals(applied.id.index, index);
    await clock.turn();
    return isDone;
  };
  return { applier, applied, apply };
}

Deno.test("a long log that is committed at once is applied in parts, each entry once and in order", async () => {
  const count = 20_000;
  const commands = Array.from({ length: count }, (): Command => ({ type: "Call", call: ["INCR", "k"] }));
  for (const batch of [count, 999, 1]) {
    const { applied, apply } = applierOf(commands, batch);
    let before = 0;
    let turns = 1;
    for (; !await apply(); turns++) {
      const { index } = applied.id;
      assertEquals(index > before && index - before <= APPLIED_PER_TURN_BYTES / APPLIED_ENTRY_BYTES, true, `${index}`);
      assertEquals(applied.state.get("k")?.value, `${index}`);
      before = index;
    }
    assertEquals(turns >= count * APPLIED_ENTRY_BYTES / APPLIED_PER_TURN_BYTES, true, `${turns} turns`);
    assertEquals([applied.id.index, applied.state.get("k")?.value, await apply()], [count, `${count}`, true]);
  }
});

Deno.test("of the longest values one is applied in a turn", async () => {
  const value = "x".repeat(VALUE_BYTES_MAX);
  const commands = Array.from({ length: 3 }, (_, at): Command => ({ type: "Put", key: `${at}`, value }));
  const { applied, apply } = applierOf(commands, 3);
  const sizes: number[] = [];
  while (!await apply()) sizes.push(applied.state.size);
  assertEquals([...sizes, applied.state.size], [1, 2, 3]);
});

Deno.test("a snapshot that comes between two parts replaces what is left up to its index", async () => {
  const commands = Array.from({ length: 10_000 }, (): Command => ({ type: "Call", call: ["INCR", "k"] }));
  const { applier, applied, apply } = applierOf(commands, 10_000);
  assertEquals(await apply(), false);
  const state = emptyState();
  for (const entry of entriesOf(commands.slice(0, 9_000), 1)) {
    if (entry.type === "Command") state.apply(entry.index, spanOf(entry.command));
  }
  const id = { index: toIndex(9_000), term: toTerm(1) };
  assertEquals(applier.install({ state, id, configuration: configurationOf(0) }), true);
  while (!await apply());
  assertEquals([applied.id.index, applied.state.get("k")?.value], [10_000, "10000"]);
});

Deno.test("the state machine is told of each command before it is applied, once, and of no more than it can expect", async () => {
  const count = 10_000;
  const commands = Array.from({ length: count }, (_, at): Command => ({ type: "Put", key: `${at}`, value: "v" }));
  for (const batch of [count, EXPECTED_KEYS_MAX + 1, 1]) {
    const { applied, apply } = applierOf(commands, batch);
    const { state } = applied;
    const told: string[] = [];
    let fetched = 0;
    let aheadMost = 0;
    state.expect = ({ bytes, start, end }) => void told.push(bytesToString(bytes, start, end));
    state.fetchExpected = () => fetched = told.length;
    const applyOne = state.apply.bind(state);
    state.apply = (index, command) => {
      assertEquals(fetched >= index, true, `${index} of ${fetched}`);
      aheadMost = Math.max(aheadMost, fetched - index + 1);
      return applyOne(index, command);
    };
    while (!await apply());
    assertEquals(told, commands.map((command) => encodeCommand(command)));
    assertEquals([applied.id.index, aheadMost], [count, Math.min(batch, EXPECTED_KEYS_MAX)]);
  }
});
