/** Keeps a measurement within bounds: of time, and of the memory that the machine has left. */

import { note } from "../support/print.ts";
import { endAll } from "./servers/server.ts";

const LOOK_MS = 500;
const FREE_MEBIBYTES_MIN = 1_024;

/** Ends all servers and loads of ours when a bound is reached; what was measured with them then fails. */
export class Guard implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #until: number;
  #reason: string | undefined;

  constructor({ minutesMax }: { readonly minutesMax: number }) {
    this.#until = performance.now() + minutesMax * 60_000;
    this.#timer = setInterval(() => this.#look(minutesMax), LOOK_MS);
  }

  /** Why it ended everything; undefined when it did not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Lets go. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(minutesMax: number): void {
    if (this.#reason === undefined) {
      this.#reason = reasonToEnd({
        freeMebibytes: freeMebibytes(),
        minutesLeft: (this.#until - performance.now()) / 60_000,
        minutesMax,
      });
      if (this.#reason !== undefined) note(this.#reason);
    }
    // Again and again: a measurement that goes on for a while may start another server.
    if (this.#reason !== undefined) endAll();
  }
}

/** In words; undefined while there is none. */
export function reasonToEnd(
  state: { readonly freeMebibytes: number; readonly minutesLeft: number; readonly minutesMax: number },
): string | undefined {
  if (state.freeMebibytes < FREE_MEBIBYTES_MIN) {
    return `Ended: the machine had only ${state.freeMebibytes.toFixed(0)} MiB of memory left`;
  }
  return state.minutesLeft > 0 ? undefined : `Ended after ${state.minutesMax} minutes`;
}

/** Infinity where the system does not say. */
function freeMebibytes(): number {
  try {
    const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(Deno.readTextFileSync("/proc/meminfo"))?.[1];
    return kilobytes === undefined ? Infinity : Number(kilobytes) / 1_024;
  } catch {
    return Infinity;
  }
}
