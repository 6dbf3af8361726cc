/** Goes through the memory of the state, in slices, again and again: does it hold what was written there? */

import type { Clock } from "../../base/clock.ts";
import type { Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { StateMachine } from "../../kv/state_machine.ts";
import type { AppliedState } from "../effects/applied.ts";
import { SWEEP_PASS_MS_MIN, SWEEP_PAUSE_MS, SWEEP_SHARE, SWEEP_SLICE_MS } from "../limits.ts";
import type { NodeLog } from "../options.ts";

/** What it looks at, and whom it tells. */
export interface MemorySweepParts {
  readonly clock: Pick<Clock, "now">;
  readonly applied: Pick<AppliedState, "state" | "id">;
  readonly metrics: Registry;
  readonly log: NodeLog;
  /** How long a pass takes at least, in ms; `SWEEP_PASS_MS_MIN` when left out, and no pass at all with `Infinity`. */
  readonly passMs?: number | undefined;
}

/** Owns the place that it has come to, and what it has found. */
export class MemorySweep {
  readonly #parts: MemorySweepParts;
  #state: Pick<StateMachine, "memorySweep"> | undefined;
  #bucket = 0;
  #dueAt = -Infinity;
  #foundAt: number | undefined;
  #foundIndex = 0;
  #tell: () => void = () => {};

  /** It begins with the next look. */
  constructor(parts: MemorySweepParts) {
    this.#parts = parts;
    parts.metrics.gauge(METRIC.memoryDamaged, () => Number(this.foundAt !== undefined));
  }

  /** `Clock.now()` when this state's memory was found to hold something else than was written there; undefined while it was not. */
  get foundAt(): number | undefined {
    return this.#state === this.#parts.applied.state ? this.#foundAt : undefined;
  }

  /** The last entry that the state held then; 0 while nothing was found. */
  get foundIndex(): number {
    return this.foundAt === undefined ? 0 : this.#foundIndex;
  }

  /** `tell` is called in the moment in which damage is found. */
  watch(tell: () => void): void {
    this.#tell = tell;
  }

  /** Does a slice if one is due; to be called with every tick. A state that was found to be damaged is looked at no more. */
  look(): void {
    const { clock, applied: { state } } = this.#parts;
    const begun = clock.now();
    if (begun < this.#dueAt) return;
    if (this.#state !== state) this.#begin(state);
    if (this.#foundAt === undefined) this.#sweep(begun);
    // However long a part took, it is its share of the time.
    this.#dueAt = begun + Math.max(SWEEP_PAUSE_MS, (clock.now() - begun) / SWEEP_SHARE);
  }

  /** Damage was found, by the sweep or by somebody else; `where` says by what. */
  found(where: string): void {
    const { clock, applied: { state, id }, log } = this.#parts;
    if (this.foundAt !== undefined) return;
    this.#state = state;
    this.#foundAt = clock.now();
    this.#foundIndex = id.index;
    const at = `at entry ${id.index}, digest ${state.digest}`;
    log("error", `The memory of this node does not hold what was written there: ${where}, ${at}`);
    this.#tell();
  }

  #begin(state: Pick<StateMachine, "memorySweep">): void {
    this.#state = state;
    this.#bucket = 0;
    this.#foundAt = undefined;
  }

  #sweep(begun: number): void {
    const { clock, applied: { state }, passMs = SWEEP_PASS_MS_MIN } = this.#parts;
    const { memorySweep: sweep } = state;
    const most = Math.ceil(sweep.buckets * SWEEP_PAUSE_MS / passMs);
    for (let count = 0; count < most && clock.now() - begun < SWEEP_SLICE_MS; count++) {
      if (!sweep.isSound(this.#bucket)) return this.found(`part ${this.#bucket} of ${sweep.buckets}`);
      this.#bucket = (this.#bucket + 1) % sweep.buckets;
    }
  }
}
