/** Three nodes of etcd, and its own check of performance. */

import { findFreePorts } from "../../../tests/support/ports.ts";
import { ServerProcess } from "../../../tests/support/server_process.ts";
import { waitFor } from "../../../tests/support/wait.ts";
import { pidsOf, type Server, unwatch, watch } from "./server.ts";

const START_TIMEOUT_MS = 30_000;

/** A running etcd cluster. */
export class EtcdCluster implements Server {
  readonly name = "etcd";
  readonly ids: readonly number[];
  readonly #ports: readonly number[];
  readonly #processes: readonly ServerProcess[];
  readonly #directory: string;

  private constructor(directory: string, { ports, processes }: { ports: number[]; processes: ServerProcess[] }) {
    this.#directory = directory;
    this.#ports = ports;
    this.#processes = processes;
    this.ids = ports.map((_, id) => id);
    watch(this);
  }

  /** Starts it and waits for a leader. */
  static async start(): Promise<EtcdCluster> {
    const directory = await Deno.makeTempDir({ prefix: "kvstore-compare-etcd-" });
    const ports = findFreePorts(3);
    const peers = findFreePorts(3).map((port) => `http://127.0.0.1:${port}`);
    const processes = ports.map((port, id) =>
      new ServerProcess([
        ...["etcd", "--name", `n${id}`, "--data-dir", `${directory}/n${id}`, "--logger", "zap", "--log-level", "error"],
        ...["--listen-client-urls", `http://127.0.0.1:${port}`, "--advertise-client-urls", `http://127.0.0.1:${port}`],
        ...["--listen-peer-urls", peers[id] ?? "", "--initial-advertise-peer-urls", peers[id] ?? ""],
        ...["--initial-cluster", peers.map((peer, at) => `n${at}=${peer}`).join(","), "--initial-cluster-state", "new"],
      ], { directory })
    );
    const cluster = new EtcdCluster(directory, { ports, processes });
    try {
      await cluster.leaderPort();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The processes that run now. */
  pids(): readonly number[] {
    return pidsOf(this);
  }

  address(id: number): string {
    return `127.0.0.1:${this.#ports[id]}`;
  }

  pid(id: number): number {
    const process = this.#processes[id];
    return process?.alive === true ? process.pid : 0;
  }

  /** The client port of the leader. */
  async leaderPort(): Promise<number> {
    return await waitFor(async () => {
      for (const port of this.#ports) {
        const response = await fetch(`http://127.0.0.1:${port}/v3/maintenance/status`, { method: "POST", body: "{}" });
        const { header, leader } = await response.json();
        if (leader !== undefined && header?.member_id === leader) return port;
      }
      return undefined;
    }, { what: "etcd has a leader", timeoutMs: START_TIMEOUT_MS, everyMs: 100 });
  }

  /** Writes per second that `etcdctl check perf` reaches over gRPC with its greatest load; takes a minute. Undefined without etcdctl. */
  async checkPerf(): Promise<number | undefined> {
    const endpoints = this.#ports.map((port) => `127.0.0.1:${port}`).join(",");
    const command = new Deno.Command("etcdctl", {
      args: ["check", "perf", "--load=xl", `--endpoints=${endpoints}`],
      env: { ETCDCTL_API: "3" },
    });
    try {
      const { stdout, stderr } = await command.output();
      const decoder = new TextDecoder();
      const rate = /Throughput[^\d]*(\d+)/i.exec(decoder.decode(stdout) + decoder.decode(stderr))?.[1];
      return rate === undefined ? undefined : Number(rate);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Ends it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.alive ? process.end("SIGKILL") : undefined));
    unwatch(this);
    await Deno.remove(this.#directory, { recursive: true });
  }
}
