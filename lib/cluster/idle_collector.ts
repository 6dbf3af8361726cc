/**
 * Gives memory back to the system while a process has nothing to do. V8 keeps what it once needed until it needs more, which is never
 * as long as nothing happens: some 60 MiB after a million writes.
 */

import process from "node:process";
import type { Clock, Timer } from "../base/clock.ts";

/** How often it is looked whether the process is idle. */
export const IDLE_LOOK_MS = 1_000;
/** Looks in a row that must find it idle. */
export const IDLE_LOOKS = 4;
/** Above this part of one processor a process is not idle: ticks and heartbeats take some hundredths. */
export const IDLE_PROCESSOR_SHARE = 0.1;
/** Nothing is collected unless the heap has grown by so much since the last time, and the process was busy in between. */
export const IDLE_GROWTH_BYTES_MIN = 16_777_216;
/** A heap with more in use is left alone: nothing else runs meanwhile, about 1 ms for each MiB. */
export const IDLE_HEAP_BYTES_MAX = 134_217_728;

/** What is known of the process, and how its heap is collected. */
export interface CollectedProcess {
  /** Processor time of all its threads so far. */
  processorMs(): number;
  heap(): { readonly heapTotal: number; readonly heapUsed: number };
  collect(): void;
}

/** Looks at the process from `start` to `stop`. */
export class IdleCollector {
  readonly #process: CollectedProcess;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #at = 0;
  #processorMs = 0;
  #idleLooks = 0;
  /** What little an idle process allocates fills its young generation in a minute: that is no reason to collect again and again. */
  #wasBusy = true;
  /** Bytes of the heap that the last collection left. */
  #left = 0;

  constructor(collected: CollectedProcess, clock: Clock) {
    this.#process = collected;
    this.#clock = clock;
  }

  /** Begins to look. */
  start(): void {
    this.#at = this.#clock.now();
    this.#processorMs = this.#process.processorMs();
    this.#arm();
  }

  /** Ends for good. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.after(IDLE_LOOK_MS, () => {
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const now = this.#clock.now();
    const processorMs = this.#process.processorMs();
    const isIdle = processorMs - this.#processorMs < IDLE_PROCESSOR_SHARE * (now - this.#at);
    this.#at = now;
    this.#processorMs = processorMs;
    this.#idleLooks = isIdle ? this.#idleLooks + 1 : 0;
    this.#wasBusy ||= !isIdle;
    if (this.#idleLooks < IDLE_LOOKS || !this.#wasBusy) return;
    this.#wasBusy = false;
    const { heapTotal, heapUsed } = this.#process.heap();
    if (heapTotal - this.#left < IDLE_GROWTH_BYTES_MIN || heapUsed > IDLE_HEAP_BYTES_MAX) return;
    this.#process.collect();
    this.#left = this.#process.heap().heapTotal;
  }
}

/** How this process is collected; undefined where V8 was started without the flag that allows it. */
export function collectedProcess(): CollectedProcess | undefined {
  const { gc } = globalThis as {
    readonly gc?: (how: { readonly type: "major"; readonly flavor: "last-resort" }) => void;
  };
  if (gc === undefined) return undefined;
  return {
    processorMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    },
    heap: () => Deno.memoryUsage(),
    // The usual flavor keeps the pages that it has emptied.
    collect: () => gc({ type: "major", flavor: "last-resort" }),
  };
}
