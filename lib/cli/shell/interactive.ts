/** The shell on a terminal: line editing by node:readline, a prompt that says which node answers, Tab completion. */

import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { textToByteString } from "../../base/bytes.ts";
import { EXIT } from "../failures.ts";
import { ForeignServerFailure } from "./connections.ts";
import { type History, HISTORY_LINES_MAX } from "./history.ts";
import type { NodeView } from "../../cluster/probe.ts";
import type { Session } from "./session.ts";
import { Shell } from "./shell.ts";
import { completions } from "./vocabulary.ts";

/** What the terminal shell works with. */
export interface InteractiveOptions {
  /** The terminal: `stdin` and `stdout` of node:process. */
  readonly input: Readable;
  readonly output: Writable;
  readonly session: Session;
  readonly history: History;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs until EXIT or Ctrl-D, or until something else than KVStore turns out to answer. Resolves to the exit code. */
export async function runInteractive(options: InteractiveOptions): Promise<number> {
  return await new Terminal(options).run();
}

class Terminal {
  readonly #options: InteractiveOptions;
  readonly #readline: Interface;
  readonly #shell: Shell;
  /** Lines that came while a command was running: a pasted script. */
  readonly #waiting: string[] = [];
  #busy = false;
  #closed = false;
  #exitCode: number = EXIT.ok;
  #interrupt = () => {};
  #leave = () => {};

  constructor(options: InteractiveOptions) {
    this.#options = options;
    this.#readline = createInterface({
      input: options.input,
      output: options.output,
      terminal: true,
      completer: completeLine,
      history: [...options.history.lines].reverse(),
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
    });
    // Completion pauses the input, and Deno 2.4 loses the key that follows a pause.
    this.#readline.pause = () => this.#readline;
    this.#shell = new Shell({ ...options, interactive: true, pause: (delayMs) => this.#pause(delayMs) });
  }

  async run(): Promise<number> {
    const left = new Promise<void>((resolve) => this.#leave = resolve);
    this.#readline.on("line", (line: string) => {
      this.#waiting.push(line);
      this.#interrupt();
      this.#work();
    });
    this.#readline.on("SIGINT", () => this.#clearLine());
    this.#readline.on("close", () => this.#close());
    this.#work();
    await left;
    this.#options.session.close();
    return this.#exitCode;
  }

  #work(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#runWaiting();
  }

  async #runWaiting(): Promise<void> {
    do {
      for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
        const { leave, exitCode } = await this.#shell.run(textToByteString(line));
        if (leave) return this.#end(exitCode);
      }
      if (!this.#closed) await this.#prompt();
      // More may have come while the prompt was made.
    } while (this.#waiting.length > 0);
    this.#busy = false;
    if (this.#closed) this.#leave();
  }

  #end(exitCode: number): void {
    this.#closed = true;
    this.#exitCode = exitCode;
    this.#waiting.length = 0;
    this.#readline.close();
    this.#leave();
  }

  async #prompt(): Promise<void> {
    let view: NodeView | undefined;
    try {
      view = await this.#options.session.describe();
    } catch (error) {
      if (!(error instanceof ForeignServerFailure)) throw error;
      this.#options.err(`kvstore: ${error.message}\n`);
      return this.#end(error.exitCode);
    }
    const who = view === undefined ? "(not connected)" : `${view.nodeId ?? "?"} (${view.role})`;
    this.#readline.setPrompt(`kvstore ${who}> `);
    if (!this.#closed) this.#readline.prompt();
  }

  /** Ctrl-C: ends WATCH, or gives up the line that was begun. */
  #clearLine(): void {
    if (this.#busy) {
      this.#interrupt();
      return;
    }
    this.#options.out("^C\n");
    // The end of the line, then everything before it.
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#readline.prompt();
  }

  /** Ctrl-D, or the terminal is gone: what was typed before is still run. */
  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#interrupt();
    this.#options.out("\n");
    if (!this.#busy) this.#leave();
  }

  #pause(delayMs: number): Promise<boolean> {
    if (this.#closed || this.#waiting.length > 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), delayMs);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }
}

/** Completes the first word of a line. */
function completeLine(line: string): [string[], string] {
  if (/[ \t]/.test(line)) return [[], line];
  return [completions(line).map((name) => `${name} `), line];
}
