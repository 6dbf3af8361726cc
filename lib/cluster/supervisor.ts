/**
 * Keeps one node's process running: starts it, starts it again after a crash, gives up where that cannot help.
 *
 *     Running --crash--> Waiting --backoff--> Running
 *        |--exit 2, 74 to 78, or 5 quick failures--> GaveUp
 *        |--killed on request--> Down --restart--> Running
 *        '--exit 0, or told to stop--> Stopped
 */

import type { NodeProcess, ProcessEnd } from "./node_process.ts";

/** The first pause before a restart; doubled by each failure that follows quickly. */
const BACKOFF_MS_MIN = 200;
const BACKOFF_MS_MAX = 5_000;
/** A process that lived so long had started well, and its crash counts as the first. */
const SETTLED_MS = 10_000;
/** A node that fails so often before it serves (a taken port, a missing right, no cluster to join) will not mend itself. */
const QUICK_FAILURES_MAX = 5;

/** That of a node that found no leader to join under: it has waited for long, and had not started. */
const NOT_JOINED_EXIT_CODE = 5;
/** That of a node that was removed from the cluster. */
const REMOVED_EXIT_CODE = 76;
/** Exit codes after which another start would only do harm, and why. */
const FINAL_CODES: ReadonlyMap<number, (options: SupervisorOptions) => string> = new Map([
  [2, () => "its command line was refused"],
  [74, ({ inspectCommand }: SupervisorOptions) => `its data is damaged; see its last lines, and: ${inspectCommand}`],
  [75, () => "its disk failed a write; check the disk before starting it again"],
  [REMOVED_EXIT_CODE, () => "it was removed from the cluster"],
  [77, () => "its data is of another format version; start the program that wrote it, and discard nothing"],
  [78, () => "its data does not fit into its memory limit; raise --memory-limit, and discard nothing"],
]);

/** Exit codes of a node that is not started again. */
export const FINAL_EXIT_CODES: readonly number[] = [...FINAL_CODES.keys()];

const AGAIN = "is started again";

/** What the supervised process is doing. */
export type SupervisedState = "Running" | "Waiting" | "Down" | "GaveUp" | "Stopped";

/** What a supervisor needs. Times in milliseconds. */
export interface SupervisorOptions {
  /** How people call the process: `node 1`. */
  readonly name: string;
  /** What shows people the damage in its directory. */
  readonly inspectCommand: string;
  readonly start: () => NodeProcess;
  readonly now: () => number;
  /** Runs `action` later; the result cancels it. */
  readonly after: (delayMs: number, action: () => void) => () => void;
  /** Takes a line for people whenever the process ends or starts again. */
  readonly say: (line: string) => void;
  /** Called when the state has become `GaveUp` or `Stopped`. */
  readonly onFinal: () => void;
}

/** Supervises one process. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #state: SupervisedState = "Stopped";
  #process: NodeProcess | undefined;
  #startedAt = 0;
  #quickFailures = 0;
  #exitCode = 0;
  #stopping = false;
  #paused = false;
  /** What shall become of the process that was ended on request. */
  #after: "Down" | "Restart" | undefined;
  #cancelRestart = () => {};

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get state(): SupervisedState {
    return this.#state;
  }

  /** The exit code of the last process that ended; of one that was killed by a signal, 128 and more. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** Whether the process has said that its node belongs to the cluster no more. */
  get removed(): boolean {
    return this.#state === "GaveUp" && this.#exitCode === REMOVED_EXIT_CODE;
  }

  /** The process id, while one runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Whether the process was told to end for good. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Whether the process was stopped in its tracks, and not continued. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Starts the process for the first time. Throws when the system cannot start it. */
  start(): void {
    this.#launch();
  }

  /** The same while others run: says that it is started, and `what` it does, or why it cannot be. Whether it runs. */
  begin(what: string): boolean {
    this.#launchOrSay(`is started and ${what}`);
    return this.#process !== undefined;
  }

  /** Ends the process with a signal and does not start it again. */
  stop(signal: "SIGTERM" | "SIGKILL"): void {
    this.#stopping = true;
    this.#cancelRestart();
    if (this.#process !== undefined) this.#signal(signal);
    else if (this.#state === "Waiting" || this.#state === "Down") this.#finish("Stopped");
  }

  /** Kills the running process, which then stays down until `restart`. */
  kill(): void {
    this.#after = "Down";
    this.#signal("SIGKILL");
  }

  /** Stops the running process in order and starts it again, or starts it at once where none runs. One that is stopping gets its time. */
  restart(): void {
    if (this.#after === "Restart") return;
    this.#cancelRestart();
    if (this.#process === undefined) return this.#launchOrSay(AGAIN);
    this.#after = "Restart";
    this.#signal("SIGTERM");
  }

  /** Stops the running process in its tracks, or lets it go on. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#process?.kill(paused ? "SIGSTOP" : "SIGCONT");
  }

  /** Writes to the standard input of the process. */
  tell(text: string): void {
    this.#process?.tell(text);
  }

  /** A process that stands still would take a signal only when it goes on. */
  #signal(signal: "SIGTERM" | "SIGKILL"): void {
    this.#process?.kill(signal);
    if (this.#paused) this.pause(false);
  }

  #launch(): void {
    this.#startedAt = this.#options.now();
    const process = this.#options.start();
    this.#process = process;
    this.#state = "Running";
    process.ended.then((end) => this.#ended(end));
  }

  #ended(end: ProcessEnd): void {
    this.#process = undefined;
    this.#paused = false;
    this.#exitCode = end.code;
    if (this.#stopping) return this.#finish("Stopped");
    const wanted = this.#after;
    this.#after = undefined;
    const { name, say } = this.#options;
    if (wanted === "Down") {
      say(`${name} was killed and stays down until it is restarted`);
      this.#state = "Down";
      return;
    }
    if (wanted === "Restart") return this.#launchOrSay(AGAIN);
    const how = end.signal === undefined ? `exited with code ${end.code}` : `was ended by ${end.signal}`;
    if (end.code === 0 && end.signal === undefined) {
      say(`${name} ${how}: it was asked to stop, so it is not started again`);
      return this.#finish("Stopped");
    }
    const lived = this.#options.now() - this.#startedAt;
    const hadStarted = lived >= SETTLED_MS && end.code !== NOT_JOINED_EXIT_CODE;
    this.#quickFailures = hadStarted ? 1 : this.#quickFailures + 1;
    const reason = this.#whyFinal(end);
    if (reason !== undefined) {
      say(`${name} ${how} and is not started again: ${reason}`);
      return this.#finish("GaveUp");
    }
    const delayMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (this.#quickFailures - 1));
    say(`${name} ${how}; starting it again in ${delayMs / 1000} s`);
    this.#state = "Waiting";
    this.#cancelRestart = this.#options.after(delayMs, () => this.#launchOrSay(AGAIN));
  }

  #whyFinal(end: ProcessEnd): string | undefined {
    // A signal comes from outside: however often somebody kills the node, it is started again.
    if (end.signal !== undefined) return undefined;
    const known = FINAL_CODES.get(end.code);
    if (known !== undefined) return known(this.#options);
    return this.#quickFailures >= QUICK_FAILURES_MAX ? `it failed ${this.#quickFailures} times in a row` : undefined;
  }

  #launchOrSay(done: string): void {
    try {
      this.#launch();
      this.#options.say(`${this.#options.name} ${done}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.say(`${this.#options.name} cannot be started: ${why}`);
      this.#exitCode = 1;
      this.#finish("GaveUp");
    }
  }

  #finish(state: "GaveUp" | "Stopped"): void {
    this.#state = state;
    this.#options.onFinal();
  }
}
