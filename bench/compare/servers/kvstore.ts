/** Three nodes of KVStore, each a process of its own. */

import { ProcessCluster, type ProcessClusterOptions } from "../../../tests/support/process_cluster.ts";
import { programLine } from "../../../tests/support/program.ts";
import { fieldsOf, TextClient } from "../../../tests/support/text_client.ts";
import type { CompareOptions } from "../options.ts";
import { pidsOf, unwatch, watch } from "./server.ts";
import type { Subject } from "./subject.ts";

const START_TIMEOUT_MS = 60_000;
const SNAPSHOT_TIMEOUT_MS = 600_000;

/** Starts them and waits for a leader. `flagsOf` gives further flags of the node of an id. */
export async function startKVStore(
  { binary, flagsOf = () => [] }: Pick<CompareOptions, "binary"> & {
    readonly flagsOf?: (id: number) => readonly string[];
  },
  prepare: (cluster: ProcessCluster) => void = () => {},
): Promise<KVStoreServer> {
  const flags = ["--log-level=warn"];
  const options: ProcessClusterOptions = {
    flags,
    program: (args) => {
      const all = [...args, ...flagsOf(Number(args[args.indexOf("--node-id") + 1]))];
      return binary === undefined ? programLine(all) : [binary, ...all];
    },
  };
  const cluster = new ProcessCluster(options);
  const server = new KVStoreServer(cluster);
  try {
    prepare(cluster);
    await cluster.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** The nodes of one cluster. */
export class KVStoreServer implements Subject {
  readonly name = "KVStore";
  readonly #cluster: ProcessCluster;

  constructor(cluster: ProcessCluster) {
    this.#cluster = cluster;
    watch(this);
  }

  get ids(): readonly number[] {
    return this.#cluster.nodes.map((node) => node.id);
  }

  /** The processes that run now. */
  pids(): readonly number[] {
    return pidsOf(this);
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
    const { process } = this.#cluster.node(id);
    return process?.alive === true ? process.pid : 0;
  }

  directory(id: number): string {
    return this.#cluster.node(id).directory;
  }

  async kill(id: number, signal: Deno.Signal): Promise<void> {
    await this.#cluster.kill(id, signal);
  }

  lastWords(): readonly string[] {
    const ended = this.#cluster.nodes.filter(({ process }) => process?.alive === false);
    return ended.map(({ id, process }) => {
      const lines = process?.lines ?? [];
      // V8 says why before it prints its stack.
      return `Node ${id} has ended: ${lines.findLast((line) => /fatal/i.test(line)) ?? lines.at(-1) ?? ""}`;
    });
  }

  start(id: number, flags: readonly string[] = []): void {
    this.#cluster.launch(id, flags);
  }

  async settle(): Promise<void> {
    await this.#cluster.waitUntilEqual(START_TIMEOUT_MS);
  }

  async metrics(id: number): Promise<ReadonlyMap<string, string>> {
    return fieldsOf(await this.#cluster.block(id, "METRICS"));
  }

  async snapshot(id: number): Promise<string> {
    using client = await TextClient.connect(this.#cluster.node(id).clientPort, { timeoutMs: SNAPSHOT_TIMEOUT_MS });
    return await client.ask("SNAPSHOT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
    unwatch(this);
  }
}
