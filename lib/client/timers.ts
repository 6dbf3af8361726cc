/** Many deadlines for the price of one timer: they fall due in slots of a few milliseconds, and most are removed before. */

import { TIMER_SLOT_MS } from "./limits.ts";

/** A deadline that was added. */
export interface TimerEntry {
  readonly slot: number;
  readonly action: () => void;
}

/** All deadlines of one client. No timer of the runtime is set while there are none, so that a process can end. */
export class Timers {
  readonly #slots = new Map<number, Set<TimerEntry>>();
  #tick: ReturnType<typeof setTimeout> | undefined;
  #swept = 0;

  /** Runs `action` once after `delayMs`, up to two slots late. */
  add(delayMs: number, action: () => void): TimerEntry {
    const now = currentSlot();
    if (this.#slots.size === 0) this.#swept = now;
    const entry = { slot: now + 1 + Math.ceil(delayMs / TIMER_SLOT_MS), action };
    const slot = this.#slots.get(entry.slot);
    if (slot === undefined) this.#slots.set(entry.slot, new Set([entry]));
    else slot.add(entry);
    this.#schedule();
    return entry;
  }

  /** Forgets a deadline; nothing happens when it has passed. */
  remove(entry: TimerEntry): void {
    const slot = this.#slots.get(entry.slot);
    if (slot === undefined) return;
    slot.delete(entry);
    if (slot.size > 0) return;
    this.#slots.delete(entry.slot);
    if (this.#slots.size > 0) return;
    clearTimeout(this.#tick);
    this.#tick = undefined;
  }

  #schedule(): void {
    if (this.#tick !== undefined) return;
    const tick = setTimeout(() => {
      // In Deno 2.4 a timer that is due already fires although it was cleared; it must not end the one set since.
      if (this.#tick === tick) this.#sweep();
    }, TIMER_SLOT_MS);
    this.#tick = tick;
  }

  #sweep(): void {
    this.#tick = undefined;
    const now = currentSlot();
    for (const slot of this.#dueSlots(now)) {
      const due = this.#slots.get(slot);
      if (due === undefined) continue;
      // One action may remove another entry: what is removed here does not run any more.
      for (const entry of due) {
        due.delete(entry);
        entry.action();
      }
      this.#slots.delete(slot);
    }
    this.#swept = now;
    if (this.#slots.size > 0) this.#schedule();
  }

  /** After a long pause of the process there are fewer slots in use than slots that have passed. */
  #dueSlots(now: number): readonly number[] {
    if (now - this.#swept > this.#slots.size) {
      return [...this.#slots.keys()].filter((slot) => slot <= now).sort((a, b) => a - b);
    }
    return Array.from({ length: now - this.#swept }, (_, at) => this.#swept + 1 + at);
  }
}

function currentSlot(): number {
  return Math.floor(performance.now() / TIMER_SLOT_MS);
}
