/** What became of the commands, each by its number: counted for ever in the metrics, and since the start or CONFIG RESETSTAT for INFO and LATENCY. */

import { type Counter, type CounterFamily, Histogram, type Registry } from "../../../observe/metrics.ts";
import { METRIC } from "../../../observe/names.ts";
import { COMMANDS, UNKNOWN_COMMAND } from "../commands.ts";

const UNKNOWN = "unknown";

/** The two counters of a command. */
interface Outcomes {
  readonly ok: Counter;
  readonly error: Counter;
}

/** Of one command or subcommand. */
export class CommandFigures {
  /** Done, well or not. */
  calls = 0;
  /** Done, and answered with an error. */
  failed = 0;
  /** Refused before they were done: a wrong number of words, a key too long, another node's. */
  rejected = 0;
  /** From the command read to its reply ready, for those done. */
  readonly seconds = new Histogram();
}

/** Every command of a node. No object is made for one that ends: this is on the way of every command. */
export class CommandStatistics {
  readonly #unknown: Outcomes;
  readonly #outcomes: Outcomes[] = [];
  #byNumber: (CommandFigures | undefined)[] = [];

  /** Makes every counter, so that each series begins at 0. */
  constructor(registry: Registry) {
    const family = registry.counterFamily(METRIC.respCommands, ["cmd", "status"]);
    this.#unknown = outcomesOf(family, UNKNOWN);
    this.#outcomes[UNKNOWN_COMMAND] = this.#unknown;
    for (const { path, number, subcommands } of COMMANDS.values()) {
      const outcomes = outcomesOf(family, path);
      this.#outcomes[number] = outcomes;
      for (const subcommand of subcommands.values()) this.#outcomes[subcommand.number] = outcomes;
    }
  }

  /** The command of that number was answered, done or not. */
  answered(number: number, isError: boolean): void {
    const outcomes = this.#outcomes[number] ?? this.#unknown;
    if (isError) outcomes.error.add();
    else outcomes.ok.add();
  }

  /** The command of that number was done. */
  done(number: number, seconds: number, isError = false): void {
    const figures = this.#figures(number);
    figures.calls += 1;
    if (isError) figures.failed += 1;
    figures.seconds.record(seconds);
  }

  /** The command of that number was refused before it was done. */
  rejected(number: number): void {
    this.#figures(number).rejected += 1;
  }

  /** The figures of a number; undefined for one that never came. */
  of(number: number): CommandFigures | undefined {
    return this.#byNumber[number];
  }

  /** Begins anew. */
  reset(): void {
    this.#byNumber = [];
  }

  #figures(number: number): CommandFigures {
    return this.#byNumber[number] ??= new CommandFigures();
  }
}

function outcomesOf(family: CounterFamily, cmd: string): Outcomes {
  return { ok: family.counter([cmd, "ok"]), error: family.counter([cmd, "error"]) };
}
