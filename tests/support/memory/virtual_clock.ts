/** Simulated time: one queue of events in order of time, and between two of them every promise that can settle does. */

import type { Clock, Timer } from "../../../lib/base/clock.ts";
import { turn } from "../wait.ts";
import type { Life } from "./life.ts";

/** Something that happens at a time. */
export interface VirtualEvent {
  readonly action: () => void;
  /** The process whose timer it is, or that it reaches; undefined for what no process owns. */
  readonly life: Life | undefined;
  /** It comes from outside the process: what comes due at the same moment for the same process is one turn of its event loop. */
  readonly isArrival: boolean;
}

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly life: Life | undefined;
  readonly isArrival: boolean;
  /** Undefined when it was cancelled. */
  action: (() => void) | undefined;
}

/** A clock that a test moves, in milliseconds from 0. The same calls give the same order of events. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #heap: Planned[] = [];

  /** Simulated milliseconds. */
  now(): number {
    return this.#now;
  }

  /** An event that no process owns. */
  after(delayMs: number, action: () => void): Timer {
    return this.plan(delayMs, { action, life: undefined, isArrival: false });
  }

  /** An event in `delayMs`. It is dropped when its process is gone by then, and waits while the process is paused. */
  plan(delayMs: number, event: VirtualEvent): Timer {
    this.#order += 1;
    const planned: Planned = { at: this.#now + Math.max(0, delayMs), order: this.#order, ...event };
    this.#push(planned);
    return { cancel: () => planned.action = undefined };
  }

  /** A microtask, as in the real clock. */
  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }

  /** Moves time on by `ms`, firing what is due. */
  async advance(ms: number): Promise<void> {
    await this.settle();
    await this.run(ms);
  }

  /** One turn of the event loop: fires what is due and was set before it. Time stands still. */
  async turn(): Promise<void> {
    await this.settle();
    const due: Planned[] = [];
    for (let next = this.#take(this.#now); next !== undefined; next = this.#take(this.#now)) due.push(next);
    for (const planned of due) this.#execute(planned);
    await this.settle();
  }

  /** Moves time on until `condition` holds; throws after `limitMs` of simulated time. */
  async until(condition: () => boolean, limitMs: number, what: string): Promise<void> {
    const end = this.#now + limitMs;
    await this.settle();
    while (!condition()) {
      if (this.#now >= end) throw new Error(`Not within ${limitMs} simulated ms: ${what}`);
      await this.advance(5);
    }
  }

  /** Lets a paused process go on: as after SIGCONT, its timers run before what has arrived. */
  async resume(life: Life): Promise<void> {
    life.paused = false;
    for (const action of life.heldTimers.splice(0)) {
      if (life.alive) action();
      await this.settle();
    }
    for (const action of life.heldArrivals.splice(0)) if (life.alive) action();
    await this.settle();
  }

  /** Fires what comes due within `ms`, each followed by `settle`, and moves time there unless `isStopped`. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (!this.isStopped()) {
      const first = this.#take(end);
      if (first === undefined) break;
      this.#now = first.at;
      this.#execute(first);
      for (let next = this.#heap[0]; first.isArrival && isSameTurn(next, first); next = this.#heap[0]) {
        this.#execute(this.#take(end));
      }
      await this.settle();
    }
    if (!this.isStopped()) this.#now = end;
  }

  /** Looked at between events; true ends `run` early. */
  isStopped(): boolean {
    return false;
  }

  /** Lets every microtask run. */
  settle(): Promise<void> {
    return turn();
  }

  #execute(planned: Planned | undefined): void {
    if (planned?.action === undefined || planned.life?.alive === false) return;
    const { life, action, isArrival } = planned;
    if (life?.paused === true) (isArrival ? life.heldArrivals : life.heldTimers).push(action);
    else action();
  }

  /** The first event, unless it comes after `end`. */
  #take(end: number): Planned | undefined {
    const first = this.#heap[0];
    return first === undefined || first.at > end ? undefined : this.#pop();
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

function isSameTurn(next: Planned | undefined, first: Planned): boolean {
  return next !== undefined && next.at === first.at && next.life === first.life;
}
