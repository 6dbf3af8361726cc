/** What is measured: three nodes of KVStore, or one redis-server in their place or beside them. */

import { findFreePorts } from "../../tests/support/ports.ts";
import { ProcessCluster } from "../../tests/support/process_cluster.ts";
import { ServerProcess } from "../../tests/support/server_process.ts";
import { fieldsOf } from "../../tests/support/text_client.ts";
import type { CompareOptions } from "./options.ts";
import { untilAnswered } from "./resp_connection.ts";

const START_TIMEOUT_MS = 60_000;

/** Servers under measurement. Ids count from 0. */
export interface Subject extends AsyncDisposable {
  readonly ids: readonly number[];
  address(id: number): string;
  /** Undefined when there is no HTTP. */
  httpPort(id: number): number | undefined;
  /** The id of the leader, once all nodes agree on it. */
  leader(): Promise<number>;
  pid(id: number): number;
  directory(id: number): string;
  /** Ends a node and waits for its end. */
  kill(id: number, signal: Deno.Signal): Promise<void>;
  /** Starts a node and does not wait. */
  start(id: number, flags?: readonly string[]): void;
  /** Resolves when every node has applied what is committed now. */
  settle(): Promise<void>;
  /** The fields of the METRICS command; undefined when there is none. */
  metrics(id: number): Promise<ReadonlyMap<string, string> | undefined>;
}

/** Starts what the options name. */
export async function startSubject(options: CompareOptions): Promise<Subject> {
  return options.subject === "redis" ? await startRedis() : await KVStoreSubject.start(options);
}

/** Starts redis-server as durable as KVStore is: every write synced before it is acknowledged. */
export async function startRedis(): Promise<Subject> {
  const redis = new RedisSubject();
  redis.start(0);
  await redis.settle();
  return redis;
}

class KVStoreSubject implements Subject {
  readonly #cluster: ProcessCluster;

  private constructor(cluster: ProcessCluster) {
    this.#cluster = cluster;
  }

  static async start({ binary }: CompareOptions): Promise<KVStoreSubject> {
    const flags = ["--log-level=warn"];
    const cluster = new ProcessCluster(
      binary === undefined ? { flags } : { flags, program: (args) => [binary, ...args] },
    );
    const subject = new KVStoreSubject(cluster);
    try {
      await cluster.start();
      return subject;
    } catch (error) {
      await subject[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ids(): readonly number[] {
    return this.#cluster.nodes.map((node) => node.id);
  }

  address(id: number): string {
    return `127.0.0.1:${this.#cluster.node(id).clientPort}`;
  }

  httpPort(id: number): number {
    return this.#cluster.node(id).httpPort;
  }

  async leader(): Promise<number> {
    return await this.#cluster.waitForLeader();
  }

  pid(id: number): number {
    return this.#cluster.node(id).process?.pid ?? 0;
  }

  directory(id: number): string {
    return this.#cluster.node(id).directory;
  }

  async kill(id: number, signal: Deno.Signal): Promise<void> {
    await this.#cluster.kill(id, signal);
  }

  start(id: number, flags: readonly string[] = []): void {
    this.#cluster.launch(id, flags);
  }

  async settle(): Promise<void> {
    await this.#cluster.waitUntilEqual(START_TIMEOUT_MS);
  }

  async metrics(id: number): Promise<ReadonlyMap<string, string> | undefined> {
    return fieldsOf(await this.#cluster.block(id, "METRICS"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}

class RedisSubject implements Subject {
  readonly ids: readonly number[] = [0];
  readonly #directory = Deno.makeTempDirSync({ prefix: "kvstore-compare-redis-" });
  readonly #port = findFreePorts(1)[0] ?? 0;
  #process: ServerProcess | undefined;

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
    return this.#process?.pid ?? 0;
  }

  directory(): string {
    return this.#directory;
  }

  async kill(_id: number, signal: Deno.Signal): Promise<void> {
    await this.#process?.end(signal);
  }

  start(_id: number): void {
    const line = ["redis-server", "--port", String(this.#port), "--bind", "127.0.0.1", "--dir", this.#directory];
    const durable = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    this.#process = new ServerProcess([...line, ...durable], { directory: this.#directory });
  }

  async settle(): Promise<void> {
    const since = performance.now();
    await untilAnswered(this.address(), { words: ["PING"], since, timeoutMs: START_TIMEOUT_MS });
  }

  metrics(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process?.alive === true) await this.#process.end("SIGKILL");
    await Deno.remove(this.#directory, { recursive: true });
  }
}
