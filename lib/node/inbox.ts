/** Events on their way to the core: they gather during a turn of the event loop, and one pass takes them at its end. */

import type { Clock } from "../base/clock.ts";
import { fault } from "../base/faults.ts";
import type { Event } from "../raft/events.ts";
import type { Lifetime } from "./lifetime.ts";

/** Owns the events that wait for a pass, and plans that pass. */
export class Inbox {
  readonly #clock: Clock;
  readonly #lifetime: Lifetime;
  #pass: (() => void) | undefined;
  #events: Event[] = [];
  #isPlanned = false;

  /** Empty, with nobody to take what comes. */
  constructor(clock: Clock, lifetime: Lifetime) {
    this.#clock = clock;
    this.#lifetime = lifetime;
  }

  /** From now on `pass` runs at the end of each turn in which it was woken. What it throws ends the node. */
  open(pass: () => void): void {
    this.#pass = pass;
    if (this.#events.length > 0) this.wake();
  }

  /** Adds an event; it is stepped at the end of this turn. */
  put(event: Event): void {
    this.#events.push(event);
    this.wake();
  }

  /** Whether that event waits to be stepped. Not to be asked within a pass. */
  holds(event: Event): boolean {
    return this.#events.includes(event);
  }

  /** Plans a pass for the end of this turn. */
  wake(): void {
    const pass = this.#pass;
    if (pass === undefined || this.#isPlanned || this.#lifetime.isOver) return;
    this.#isPlanned = true;
    this.#clock.endOfTurn(() => {
      this.#isPlanned = false;
      if (this.#lifetime.isOver) return;
      try {
        pass();
      } catch (error) {
        this.#lifetime.fail(error);
      }
    });
  }

  /** Takes out the events of this pass, in order. */
  take(): readonly Event[] {
    const events = this.#events;
    this.#events = events.length > 1 && fault("node/inboxInParts") ? events.splice(events.length >> 1) : [];
    if (this.#events.length > 0) this.wake();
    return events;
  }
}
