/** The load of a redis-cli that reads its commands from a pipe, with what `failOver` asks of a driver. */

import { kill, spawnLine } from "../../support/program.ts";
import { delay, withDeadline } from "../../support/wait.ts";
import type { Json } from "./driver.ts";
import type { Load } from "./fail_over.ts";

const PAUSE_MS = 10;
const END_TIMEOUT_MS = 30_000;
// More than the load ever counts to, so that a reply says by its last digits which key it is about.
const BASE = 1_000_000;

/** One process of redis-cli that stays, through every loss of its connection. */
export class CliLoad implements Load, AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #records: (readonly [key: string, value: string])[] = [];
  readonly #errors: Record<string, number> = {};
  readonly #reading: Promise<unknown>;
  #running = false;
  #writing: Promise<void> = Promise.resolve();

  /** Starts redis-cli for a port of 127.0.0.1. */
  constructor(port: number) {
    this.#child = spawnLine(["redis-cli", "-h", "127.0.0.1", "-p", String(port)], { stdin: "piped" });
    this.#input = this.#child.stdin.getWriter();
    this.#reading = Promise.all([
      this.#eachLine(this.#child.stdout, (line) => this.#takeReply(line)),
      this.#eachLine(this.#child.stderr, (line) => this.#takeError(line)),
    ]);
  }

  /** What a driver answers to the operations of its load. */
  async ask(op: string): Promise<Json> {
    if (op === "start") {
      this.#running = true;
      this.#writing = this.#write();
    }
    if (op === "stop") {
      this.#running = false;
      await this.#writing;
      // It ends once it has answered every line: what it answers later would be missing in the report.
      await this.#input.close().catch(() => {});
      await withDeadline(this.#reading, { what: "redis-cli answers every line and ends", timeoutMs: END_TIMEOUT_MS });
    }
    // `missing` is left to the other reads: this client reads in the same way.
    if (op === "missing") return [];
    return { records: [...this.#records], counts: [], acknowledged: this.#records.length, errors: { ...this.#errors } };
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    await this.#writing;
    await this.#input.close().catch(() => {});
    const timer = setTimeout(() => kill(this.#child, "SIGKILL"), 2_000);
    await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
  }

  async #write(): Promise<void> {
    for (let n = 1; this.#running; n++) {
      await this.#input.write(new TextEncoder().encode(`INCRBY {load}:${n} ${BASE + n}\n`)).catch(() => {});
      await delay(PAUSE_MS);
    }
  }

  async #eachLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (line: string) => void): Promise<void> {
    let tail = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (tail + text).split("\n");
      tail = lines.pop() ?? "";
      for (const line of lines) take(line);
    }
  }

  #takeReply(line: string): void {
    const value = Number(line);
    if (line === "" || !Number.isSafeInteger(value)) return this.#takeError(line);
    // redis-cli sends a command again when the connection broke before its reply: then both may have been done.
    const times = Math.floor(value / BASE);
    this.#records.push([`{load}:${(value % BASE) / times}`, line]);
  }

  #takeError(line: string): void {
    if (line !== "") this.#errors[line] = (this.#errors[line] ?? 0) + 1;
  }
}
