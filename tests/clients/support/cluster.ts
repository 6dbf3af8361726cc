/** What the clients are pointed at: three nodes of KVStore, or a redis-server with KVSTORE_CLIENTS_TARGET=redis. */

import { type ProcessCluster, withCluster } from "../../support/process_cluster.ts";
import { withRedisServer } from "./redis_server.ts";

/** A running server under test. */
export interface Target {
  /** Client ports; that of the leader comes first. */
  readonly ports: readonly number[];
  /** The nodes, to kill them; undefined for redis-server, which has no others to fail over to. */
  readonly cluster: ProcessCluster | undefined;
}

/** What a target is started with. */
export interface TargetOptions {
  /** Whether the clients are cluster clients, which expect to be told where each key lives. */
  readonly clusterMode: boolean;
}

/** Whether the tests run against redis-server; then what kills a leader is left out. */
export function isRedisTarget(): boolean {
  const target = Deno.env.get("KVSTORE_CLIENTS_TARGET") ?? "kvstore";
  if (target !== "redis" && target !== "kvstore") {
    throw new Error(`Cannot test "${target}": KVSTORE_CLIENTS_TARGET is "kvstore" or "redis"`);
  }
  return target === "redis";
}

/** Runs `body` on a fresh target. */
export async function withTarget(options: TargetOptions, body: (target: Target) => Promise<void>): Promise<void> {
  if (isRedisTarget()) {
    await withRedisServer(options, (port) => body({ ports: [port], cluster: undefined }));
    return;
  }
  const flags = options.clusterMode ? ["--cluster-mode"] : [];
  await withCluster({ flags }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const order = [leader, ...cluster.others(leader)];
    await body({ ports: order.map((id) => cluster.node(id).clientPort), cluster });
  });
}
