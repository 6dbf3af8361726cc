/** A clock that a test moves: timers fire in order of time, and between two of them every promise that can settle does. */

import type { Clock, Timer } from "../../../lib/base/clock.ts";

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** Simulated time in milliseconds, from 0. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  #waiting: Waiting[] = [];

  /** Simulated milliseconds. */
  now(): number {
    return this.#now;
  }

  /** Fires when `advance` reaches its time. */
  after(delayMs: number, action: () => void): Timer {
    this.#order += 1;
    const waiting = { at: this.#now + delayMs, order: this.#order, action };
    this.#waiting.push(waiting);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
      },
    };
  }

  /** A microtask, as in the real clock. */
  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }

  /** Moves time on by `ms`, firing what is due. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#nextUntil(end); next !== undefined; next = this.#nextUntil(end)) {
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#now = next.at;
      next.action();
      await settle();
    }
    this.#now = end;
  }

  /** One turn of the event loop: fires what is due and was set before it. Time stands still. */
  async turn(): Promise<void> {
    await settle();
    for (const due of this.#waiting.filter(({ at }) => at <= this.#now)) {
      if (!this.#waiting.includes(due)) continue;
      this.#waiting = this.#waiting.filter((other) => other !== due);
      due.action();
    }
    await settle();
  }

  /** Moves time on until `condition` holds; throws after `limitMs` of simulated time. */
  async until(condition: () => boolean, limitMs: number, what: string): Promise<void> {
    const end = this.#now + limitMs;
    await settle();
    while (!condition()) {
      if (this.#now >= end) throw new Error(`Not within ${limitMs} simulated ms: ${what}`);
      await this.advance(5);
    }
  }

  #nextUntil(end: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.at > end) continue;
      if (next === undefined || waiting.at < next.at || (waiting.at === next.at && waiting.order < next.order)) {
        next = waiting;
      }
    }
    return next;
  }
}

/** Lets every microtask run. A message channel is the shortest way round the event loop: no timer is waited for. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      port2.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
