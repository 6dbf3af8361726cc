/** A client library in a process of its own, which does what a test asks by JSON lines. */

import { type CommandLine, kill, spawnLine } from "../../support/program.ts";
import { withDeadline } from "../../support/wait.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 5_000;
const STDERR_CHARACTERS_MAX = 4_000;

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** An operation failed inside the client; the message is the client's. */
export class OperationError extends Error {}

interface Waiter {
  resolve(result: Json): void;
  reject(error: Error): void;
}

/** One driver: `tests/clients/node/driver.js` or a script that speaks the same lines. */
export class Driver implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #waiters = new Map<number, Waiter>();
  readonly #reading: Promise<unknown>;
  #stderr = "";
  #nextId = 1;
  #ended = false;

  private constructor(name: string, line: CommandLine) {
    this.#name = name;
    this.#child = spawnLine(line, { stdin: "piped" });
    this.#input = this.#child.stdin.getWriter();
    this.#reading = Promise.all([this.#readReplies(), this.#readErrors()]);
  }

  /** Starts the driver and waits until its client is connected and answers a `ping`, if it knows that. */
  static async start(name: string, line: CommandLine): Promise<Driver> {
    const driver = new Driver(name, line);
    try {
      await driver.ask("ready", [], START_TIMEOUT_MS);
    } catch (error) {
      await driver[Symbol.asyncDispose]();
      throw error;
    }
    return driver;
  }

  /** The result of an operation; rejects with OperationError, or when the driver ends or takes too long. */
  async ask(op: string, args: readonly Json[] = [], timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Json> {
    if (this.#ended) throw this.#endedError();
    const id = this.#nextId++;
    const reply = new Promise<Json>((resolve, reject) => this.#waiters.set(id, { resolve, reject }));
    // The rejection is seen below, but the write may take longer than the driver lives.
    reply.catch(() => {});
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify({ id, op, args })}\n`)).catch(() => {});
    return await withDeadline(reply, {
      what: `${this.#name}: ${op} ${JSON.stringify(args)}${this.#said()}`,
      timeoutMs,
    });
  }

  /** Ends the driver by ending its input; kills it when that does not suffice. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    const ended = this.#child.status;
    await withDeadline(ended, { what: "the driver ends", timeoutMs: END_TIMEOUT_MS }).catch(async () => {
      kill(this.#child, "SIGKILL");
      await ended;
    });
    await this.#reading;
  }

  async #readReplies(): Promise<void> {
    let tail = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (tail + text).split("\n");
      tail = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
    this.#ended = true;
    for (const waiter of this.#waiters.values()) waiter.reject(this.#endedError());
    this.#waiters.clear();
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS_MAX);
    }
  }

  #take(line: string): void {
    const reply: { readonly id: number; readonly result?: Json; readonly error?: string } = JSON.parse(line);
    const waiter = this.#waiters.get(reply.id);
    this.#waiters.delete(reply.id);
    if (reply.error === undefined) waiter?.resolve(reply.result ?? null);
    else waiter?.reject(new OperationError(reply.error));
  }

  #endedError(): Error {
    return new Error(`${this.#name}: the driver ended${this.#said()}`);
  }

  #said(): string {
    return this.#stderr === "" ? "" : ` (standard error: ${this.#stderr.trim()})`;
  }
}
