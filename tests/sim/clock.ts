/** Simulated time: one queue of events for the whole world, and for each process a clock of its own that may be wrong. */

import type { Clock, Timer } from "../../lib/base/clock.ts";

/** How many rounds of microtasks follow each turn; after work on a disk there are chains of promises to be let through. */
const MICROTASK_ROUNDS = 6;
const MICROTASK_ROUNDS_AFTER_DISK = 48;

/** One life of a process: what belongs to it ends with it, and waits while it is paused. */
export interface Life {
  alive: boolean;
  paused: boolean;
  /** Timers and arrivals that came due during a pause. */
  readonly heldTimers: (() => void)[];
  readonly heldArrivals: (() => void)[];
}

/** A life that has just begun. */
export function newLife(): Life {
  return { alive: true, paused: false, heldTimers: [], heldArrivals: [] };
}

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly life: Life | undefined;
  readonly isArrival: boolean;
  action: (() => void) | undefined;
}

/** The world's clock, in milliseconds from 0. The same calls give the same order of events. */
export class SimClock implements Clock {
  #now = 0;
  #order = 0;
  #heap: Planned[] = [];
  #turn: (() => void)[] = [];
  /** Set by whoever starts work that goes on in microtasks. */
  busy = false;
  /** Looked at between events; true ends `advance` early. */
  stopped: () => boolean = () => false;
  /** Events executed so far. */
  events = 0;

  /** Simulated milliseconds. */
  now(): number {
    return this.#now;
  }

  /** An event of the world itself, which no process owns. */
  after(delayMs: number, action: () => void): Timer {
    return this.plan(delayMs, { action, life: undefined, isArrival: false });
  }

  /** A timer of a process, or with `isArrival` something that reaches it from outside. */
  plan(
    delayMs: number,
    event: { readonly action: () => void; readonly life: Life | undefined; readonly isArrival: boolean },
  ): Timer {
    this.#order += 1;
    const planned: Planned = { at: this.#now + Math.max(0, delayMs), order: this.#order, ...event };
    this.#push(planned);
    return { cancel: () => planned.action = undefined };
  }

  /** Runs when every event of this moment has run. */
  endOfTurn(action: () => void): void {
    this.#turn.push(action);
  }

  /** Moves time on by `ms`. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (!this.stopped()) {
      const first = this.#heap[0];
      if (first === undefined || first.at > end) break;
      this.#now = first.at;
      // What comes due at the same moment for the same process is one turn of its event loop.
      do this.#execute(this.#pop()); while (
        this.#heap[0]?.at === first.at && this.#heap[0].life === first.life && first.isArrival
      );
      await this.#settle();
    }
    if (!this.stopped()) this.#now = end;
  }

  /** Lets a paused process go on: as after SIGCONT, its timers run before what has arrived. */
  async resume(life: Life): Promise<void> {
    life.paused = false;
    for (const action of life.heldTimers.splice(0)) {
      if (life.alive) action();
      await this.#settle();
    }
    for (const action of life.heldArrivals.splice(0)) if (life.alive) action();
    await this.#settle();
  }

  #execute(planned: Planned | undefined): void {
    if (planned?.action === undefined || planned.life?.alive === false) return;
    this.events += 1;
    const { life, action, isArrival } = planned;
    if (life?.paused === true) (isArrival ? life.heldArrivals : life.heldTimers).push(action);
    else action();
  }

  async #settle(): Promise<void> {
    for (;;) {
      const turn = this.#turn;
      this.#turn = [];
      for (const action of turn) action();
      const rounds = this.busy ? MICROTASK_ROUNDS_AFTER_DISK : MICROTASK_ROUNDS;
      this.busy = false;
      for (let round = 0; round < rounds; round++) await undefined;
      if (this.#turn.length === 0 && !this.busy) return;
    }
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || isBefore(parent, planned)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = planned;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      const left = heap[childAt];
      if (left === undefined) break;
      const right = heap[childAt + 1];
      let child = left;
      if (right !== undefined && isBefore(right, left)) {
        child = right;
        childAt += 1;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(left: Planned, right: Planned): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** The monotonic clock of one life of a process: skewed, drifting, jumping forward. */
export class ProcessClock implements Clock {
  readonly #world: SimClock;
  readonly #life: Life;
  #rate = 1;
  #base: number;
  #since: number;

  constructor(world: SimClock, life: Life, skewMs: number) {
    this.#world = world;
    this.#life = life;
    this.#base = skewMs;
    this.#since = world.now();
  }

  /** What this process takes for the time. */
  now(): number {
    return this.#base + (this.#world.now() - this.#since) * this.#rate;
  }

  /** A timer by this clock. */
  after(delayMs: number, action: () => void): Timer {
    return this.#world.plan(delayMs / this.#rate, { action, life: this.#life, isArrival: false });
  }

  /** See `Clock`. */
  endOfTurn(action: () => void): void {
    this.#world.endOfTurn(() => {
      if (this.#life.alive) action();
    });
  }

  /** From now on this clock runs `rate` times as fast as the world's. */
  drift(rate: number): void {
    this.#base = this.now();
    this.#since = this.#world.now();
    this.#rate = rate;
  }

  /** Jumps forward, as after the machine was suspended. */
  jump(ms: number): void {
    this.#base += ms;
  }
}
