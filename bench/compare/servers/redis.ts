/** One redis-server that syncs every write before it acknowledges it and never rewrites its file: the reference of all bars. */

import { findFreePorts } from "../../../tests/support/ports.ts";
import { ServerProcess } from "../../../tests/support/server_process.ts";
import { untilAnswered } from "../until_answered.ts";
import { pidsOf, unwatch, watch } from "./server.ts";
import type { Subject } from "./subject.ts";

const START_TIMEOUT_MS = 120_000;
const DURABLE = ["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"];

/** Starts one and waits until it answers. */
export async function startRedis(): Promise<Subject> {
  const redis = new RedisServer();
  redis.start(0);
  await redis.settle();
  return redis;
}

/** The command line of one. */
export function redisLine(port: number, directory: string): readonly string[] {
  return ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--dir", directory, ...DURABLE];
}

class RedisServer implements Subject {
  readonly name = "Redis";
  readonly ids: readonly number[] = [0];
  readonly #directory = Deno.makeTempDirSync({ prefix: "kvstore-compare-redis-" });
  readonly #port = findFreePorts(1)[0] ?? 0;
  #process: ServerProcess | undefined;

  constructor() {
    watch(this);
  }

  pids(): readonly number[] {
    return pidsOf(this);
  }

  address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  httpPort(): undefined {
    return undefined;
  }

  leader(): Promise<number> {
    return Promise.resolve(0);
  }

  pid(): number {
    return this.#process?.alive === true ? this.#process.pid : 0;
  }

  directory(): string {
    return this.#directory;
  }

  async kill(_id: number, signal: Deno.Signal): Promise<void> {
    await this.#process?.end(signal);
  }

  lastWords(): readonly string[] {
    return this.#process?.alive === false ? [`redis-server has ended: ${this.#process.lines.at(-1) ?? ""}`] : [];
  }

  start(_id: number): void {
    this.#process = new ServerProcess(redisLine(this.#port, this.#directory), { directory: this.#directory });
  }

  async settle(): Promise<void> {
    const since = performance.now();
    await untilAnswered(this.address(), { words: ["PING"], since, timeoutMs: START_TIMEOUT_MS });
  }

  metrics(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  snapshot(): Promise<string> {
    return Promise.reject(new Error("Cannot take a snapshot of redis-server in KVStore's place"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process?.alive === true) await this.#process.end("SIGKILL");
    unwatch(this);
    await Deno.remove(this.#directory, { recursive: true });
  }
}
