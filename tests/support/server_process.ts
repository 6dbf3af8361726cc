/** One node of a test as a process of its own, with the lines it writes. */

import { kill, spawnLine, type SpawnOptions } from "./program.ts";
import { DEADLINE_MS, waitFor, withDeadline } from "./wait.ts";

const LINES_MAX = 20_000;

/** A process that was started, whose output is collected. */
export class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #output: Promise<unknown>;
  #status: Deno.CommandStatus | undefined;
  #stopped = false;
  /** Resolves when the process has ended and all it wrote is in `lines`. */
  readonly ended: Promise<Deno.CommandStatus>;

  /** Starts the command line. */
  constructor(
    line: readonly string[],
    options: SpawnOptions = {},
  ) {
    this.#child = spawnLine(line, options);
    this.#output = Promise.all([this.#collect(this.#child.stdout), this.#collect(this.#child.stderr)]);
    this.ended = this.#child.status.then(async (status) => {
      this.#status = status;
      if (options.stdin === "piped") await this.#child.stdin.close().catch(() => {});
      await this.#output;
      return status;
    });
  }

  /** The id of the process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether the process still exists, stopped or not. */
  get alive(): boolean {
    return this.#status === undefined;
  }

  /** Whether the process was stopped with SIGSTOP and not continued. */
  get paused(): boolean {
    return this.#stopped && this.alive;
  }

  /** The last lines of both outputs. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Sends a signal. */
  signal(signal: Deno.Signal): void {
    if (signal === "SIGSTOP") this.#stopped = true;
    if (signal === "SIGCONT") this.#stopped = false;
    kill(this.#child, signal);
  }

  /** Sends a signal and waits for the end of the process; rejects after `timeoutMs`. */
  async end(signal: Deno.Signal, timeoutMs = DEADLINE_MS): Promise<Deno.CommandStatus> {
    if (this.paused && signal !== "SIGKILL") this.signal("SIGCONT");
    this.signal(signal);
    return await withDeadline(this.ended, { what: `process ${this.pid} ends after ${signal}`, timeoutMs });
  }

  /** The first line with this text in it, once it is there. Rejects as soon as the process has ended without one. */
  async line(text: string, timeoutMs = DEADLINE_MS): Promise<string> {
    const found = await waitFor(async () => {
      const isOver = !this.alive;
      if (isOver) await this.#output;
      return this.#lines.find((line) => line.includes(text)) ?? (isOver ? null : undefined);
    }, { what: `process ${this.pid} writes "${text}"`, timeoutMs });
    if (found !== null) return found;
    throw new Error(`The process ended without writing "${text}": ${this.#lines.slice(-5).join(" | ")}`);
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let tail = "";
    try {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        const lines = (tail + text).split("\n");
        tail = lines.pop() ?? "";
        for (const line of lines) this.#add(line);
      }
    } catch {
      // The pipe broke because the process is gone.
    }
    if (tail !== "") this.#add(tail);
  }

  #add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > 2 * LINES_MAX) this.#lines.splice(0, LINES_MAX);
  }
}
