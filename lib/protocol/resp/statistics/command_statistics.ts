/** What became of the commands since the start or CONFIG RESETSTAT, each by its number: Commandstats, Latencystats, LATENCY HISTOGRAM. */

import { Histogram } from "../../../observe/metrics.ts";

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

/** Every command of a port. */
export class CommandStatistics {
  #byNumber: (CommandFigures | undefined)[] = [];

  /** The command of that number was done. No object is made for it: this is on the way of every command. */
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
