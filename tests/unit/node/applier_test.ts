/** The applied side of a node. */

import { assertEquals } from "@std/assert";
import { StateMachine } from "../../../lib/kv/state_machine.ts";
import { Applier } from "../../../lib/node/applier.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { type Configuration, EMPTY_CONFIGURATION, toIndex, toTerm, ZERO_ENTRY_ID } from "../../../lib/raft/types.ts";

function configurationOf(...voters: readonly number[]): Configuration {
  return { ...EMPTY_CONFIGURATION, voters };
}

Deno.test("a snapshot's configuration takes the place of the one before, and an older snapshot changes nothing", () => {
  const committed: Configuration[] = [];
  const applier = new Applier({ state: new StateMachine(), id: ZERO_ENTRY_ID, configuration: configurationOf(0) }, {
    metrics: new Registry(),
    handler: { applied: () => {}, configurationCommitted: (configuration) => committed.push(configuration) },
  });
  const newer = {
    state: new StateMachine(),
    id: { index: toIndex(9), term: toTerm(2) },
    configuration: configurationOf(0, 1),
  };
  assertEquals(applier.install(newer), true);
  assertEquals(applier.present, newer);
  assertEquals(applier.install({ ...newer, id: { index: toIndex(8), term: toTerm(2) } }), false);
  assertEquals(applier.present, newer);
  assertEquals(committed, [configurationOf(0, 1)]);
});
