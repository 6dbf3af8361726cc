/** A node's end of the talk with its launcher. */

import type { LauncherAnswer, LauncherPort, NodeAction } from "../http/launcher_port.ts";
import { CONTROL_LINE_LENGTH_MAX, type ControlRequest, readOrder, writeRequest } from "./control_lines.ts";

/** How long the launcher may take to answer. */
export const LAUNCHER_TIMEOUT_MS = 5_000;
/** Requests that wait for their answers. */
export const LAUNCHER_REQUESTS_MAX = 64;

const GONE: LauncherAnswer = { type: "Gone" };

/** What a link talks through. */
export interface LauncherLinkOptions {
  /** The standard input, whose other end the launcher holds: it closes when the launcher ends in whatever way. */
  readonly input: { read(buffer: Uint8Array): Promise<number | null> };
  /** Writes to the standard output. */
  readonly write: (line: string) => void;
  readonly after: (delayMs: number, action: () => void) => () => void;
}

/** Asks, waits for answers, and hears orders. */
export class LauncherLink implements LauncherPort {
  readonly #options: LauncherLinkOptions;
  readonly #waiting = new Map<number, (answer: LauncherAnswer) => void>();
  #number = 0;
  #isolated = false;
  /** Called with every order to cut or mend the connections to the other nodes. */
  isolate: (isolated: boolean) => void = () => {};
  /** Resolves when the launcher is gone. A node must not outlive it, not even when it is killed with signal 9. */
  readonly gone: Promise<void>;

  /** Begins to listen. */
  constructor(options: LauncherLinkOptions) {
    this.#options = options;
    this.gone = this.#listen();
  }

  /** What the last such order said: it may have come before there was anything to cut. */
  get isolated(): boolean {
    return this.#isolated;
  }

  /** See `LauncherPort`. */
  status(): Promise<LauncherAnswer> {
    return this.#ask(undefined);
  }

  /** See `LauncherPort`. */
  act(node: number, action: NodeAction): Promise<LauncherAnswer> {
    return this.#ask({ node, action });
  }

  /** See `LauncherPort`. */
  addNode(): Promise<LauncherAnswer> {
    return this.#ask("AddNode");
  }

  /** See `LauncherPort`. */
  beginRollingRestart(): Promise<LauncherAnswer> {
    return this.#ask("RollingRestart");
  }

  #ask(wish: ControlRequest["wish"]): Promise<LauncherAnswer> {
    if (this.#waiting.size >= LAUNCHER_REQUESTS_MAX) {
      return Promise.resolve({ type: "Refused", reason: "too many requests wait for the launcher" });
    }
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve) => {
      const finish = (answer: LauncherAnswer) => {
        this.#waiting.delete(number);
        cancel();
        resolve(answer);
      };
      const cancel = this.#options.after(LAUNCHER_TIMEOUT_MS, () => finish(GONE));
      this.#waiting.set(number, finish);
      this.#options.write(writeRequest({ number, wish }));
    });
  }

  async #listen(): Promise<void> {
    const buffer = new Uint8Array(4_096);
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for (;;) {
        const count = await this.#options.input.read(buffer);
        if (count === null) return;
        const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#hear(line);
        if (rest.length > CONTROL_LINE_LENGTH_MAX) rest = "";
      }
    } catch {
      // A pipe that cannot be read any more has no launcher at its end either.
    }
  }

  #hear(line: string): void {
    const order = readOrder(line);
    if (order?.type === "Isolate") {
      this.#isolated = order.isolated;
      this.isolate(order.isolated);
    }
    if (order?.type === "Answer") this.#waiting.get(order.number)?.(order.answer);
  }
}
