/** Signals as promises: the first one asks to stop, the second one to end at once. */

/** Which signals ask a process to stop. A node under the launcher leaves the terminal's own to the launcher. */
export type SignalSource = "terminal" | "launcher";

const TERMINAL: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** Counts stop signals from the moment it is made. */
export class StopSignals {
  /** Resolves at the first signal. */
  readonly stop: Promise<void>;
  /** Resolves at the second signal. */
  readonly kill: Promise<void>;
  readonly #resolvers: (() => void)[] = [];

  constructor(source: SignalSource) {
    this.stop = new Promise((resolve) => this.#resolvers.push(resolve));
    this.kill = new Promise((resolve) => this.#resolvers.push(resolve));
    for (const signal of TERMINAL) {
      // Ctrl-C reaches every process of the terminal; counted here too, it would be the node's second signal.
      const counts = source === "terminal" || signal === "SIGTERM" || Deno.build.os === "windows";
      Deno.addSignalListener(signal, counts ? () => this.#resolvers.shift()?.() : () => {});
    }
  }
}
