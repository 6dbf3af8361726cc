/** Writes that were submitted together and wait together: one place in the queue, and an outcome for each. */

import { type Commands, decodeCommands } from "../../raft/run.ts";
import type { WriteOutcome } from "../api.ts";
import type { OpenWrite, QueuedWrite } from "./pending_writes.ts";

/** Who submitted them hears the outcome of each, by its place among them. */
export type RunEnded = (outcome: WriteOutcome, place: number) => void;

/** How one of them has ended. */
export interface PlacedOutcome {
  readonly outcome: WriteOutcome;
  readonly place: number;
}

interface SubmittedRunParts {
  readonly command: Commands;
  readonly deadline: number;
  readonly order: number;
  readonly finished: RunEnded;
  /** Takes an outcome that may not be final. */
  readonly settle: (run: SubmittedRun, placed: PlacedOutcome) => void;
}

/** Commands of a node that leads, in the form in which they are proposed. */
export class SubmittedRun implements QueuedWrite {
  readonly command: Commands;
  readonly deadline: number;
  growthBytes = 0;
  /** Place among the submissions of this node, which all of them share. */
  readonly order: number;
  readonly finished: RunEnded;
  readonly parts: readonly OpenWrite[];
  readonly settle: SubmittedRunParts["settle"];
  #texts: readonly string[] | undefined;

  constructor({ command, deadline, order, finished, settle }: SubmittedRunParts) {
    this.command = command;
    this.deadline = deadline;
    this.order = order;
    this.finished = finished;
    this.settle = settle;
    this.parts = Array.from({ length: command.count }, (_, place) => new RunPart(this, place));
  }

  get bytes(): number {
    return this.command.body.length;
  }

  done(outcome: WriteOutcome): void {
    for (const part of this.parts) part.done(outcome);
  }

  /** The command at a place. */
  commandAt(place: number): string {
    this.#texts ??= decodeCommands(this.command);
    return this.#texts[place] ?? "";
  }
}

/** One of the commands. What all of them hold counts until the last has its outcome. */
class RunPart implements OpenWrite {
  readonly #run: SubmittedRun;
  readonly #place: number;

  constructor(run: SubmittedRun, place: number) {
    this.#run = run;
    this.#place = place;
  }

  get bytes(): number {
    return this.#isLast ? this.#run.bytes : 0;
  }

  get growthBytes(): number {
    return this.#isLast ? this.#run.growthBytes : 0;
  }

  get deadline(): number {
    return this.#run.deadline;
  }

  done(outcome: WriteOutcome): void {
    this.#run.settle(this.#run, { outcome, place: this.#place });
  }

  get #isLast(): boolean {
    return this.#place === this.#run.command.count - 1;
  }
}
