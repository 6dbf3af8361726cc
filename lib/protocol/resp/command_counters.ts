/** Counts the answered commands by name and outcome: an addition to a counter that is found by the command's number. */

import type { Counter, CounterFamily, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import { COMMANDS, UNKNOWN_COMMAND } from "./commands.ts";

const UNKNOWN = "unknown";

/** The two counters of a command. */
interface Outcomes {
  readonly ok: Counter;
  readonly error: Counter;
}

/** The counters of one registry. All connections of a node share them. */
export class CommandCounters {
  readonly #unknown: Outcomes;
  readonly #byNumber: Outcomes[] = [];

  /** Makes every counter, so that each series begins at 0. */
  constructor(registry: Registry) {
    const family = registry.counterFamily(METRIC.respCommands, ["cmd", "status"]);
    this.#unknown = outcomesOf(family, UNKNOWN);
    this.#byNumber[UNKNOWN_COMMAND] = this.#unknown;
    for (const { path, number, subcommands } of COMMANDS.values()) {
      const outcomes = outcomesOf(family, path);
      this.#byNumber[number] = outcomes;
      for (const subcommand of subcommands.values()) this.#byNumber[subcommand.number] = outcomes;
    }
  }

  /** The command of that number was answered. */
  count(number: number, isError: boolean): void {
    const outcomes = this.#byNumber[number] ?? this.#unknown;
    if (isError) outcomes.error.add();
    else outcomes.ok.add();
  }
}

function outcomesOf(family: CounterFamily, cmd: string): Outcomes {
  return { ok: family.counter([cmd, "ok"]), error: family.counter([cmd, "error"]) };
}
