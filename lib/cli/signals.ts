/** Signals as promises: the first one asks to stop, the second one to end at once. */

/** Which signals ask a process to stop. A node under the launcher leaves the terminal's own to the launcher. */
export type SignalSource = "terminal" | "launcher";

/** Where signals come from; tests give their own. */
export interface SignalSystem {
  readonly onWindows: boolean;
  listen(signal: Deno.Signal, action: () => void): void;
  /** In milliseconds. */
  now(): number;
}

/**
 * Signals that come within this time of the one before are the same wish: Ctrl-C reaches every process of the terminal, and
 * `deno task` and npx pass theirs on besides.
 */
const SAME_WISH_MS = 300;

const THIS_SYSTEM: SignalSystem = {
  onWindows: Deno.build.os === "windows",
  listen: (signal, action) => Deno.addSignalListener(signal, action),
  now: () => performance.now(),
};

/** Counts stop signals from the moment it is made. */
export class StopSignals {
  /** Resolves at the first signal. */
  readonly stop: Promise<void>;
  /** Resolves at the second signal. */
  readonly kill: Promise<void>;
  /** What SIGHUP asks for where it is not the end of a terminal; while it is undefined, SIGHUP is a stop signal as the others. */
  hangup: (() => void) | undefined;
  readonly #resolvers: (() => void)[] = [];
  readonly #system: SignalSystem;
  #lastMs = -Infinity;

  constructor(source: SignalSource, system: SignalSystem = THIS_SYSTEM) {
    this.#system = system;
    this.stop = new Promise((resolve) => this.#resolvers.push(resolve));
    this.kill = new Promise((resolve) => this.#resolvers.push(resolve));
    for (
      const signal of system.onWindows ? ["SIGINT", "SIGBREAK"] as const : ["SIGINT", "SIGTERM", "SIGHUP"] as const
    ) {
      // Under the launcher a Ctrl-C of the terminal is for the launcher alone.
      const counts = source === "terminal" || signal === "SIGTERM" || system.onWindows;
      system.listen(signal, () => {
        if (signal === "SIGHUP" && this.hangup !== undefined) this.hangup();
        else if (counts) this.#count();
      });
    }
  }

  #count(): void {
    const sinceLastMs = this.#system.now() - this.#lastMs;
    this.#lastMs = this.#system.now();
    if (sinceLastMs >= SAME_WISH_MS) this.#resolvers.shift()?.();
  }
}
