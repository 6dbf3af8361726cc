/** A whole cluster inside this process, for programs and tests that want one without starting other processes. */

import { PEER_PORT_OFFSET } from "../transport/address.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../kv/commands.ts";
import type { Log } from "../observe/log.ts";
import type { Member } from "../raft/types.ts";
import { defaultMemoryLimit, THIS_MACHINE } from "./machine_memory.ts";
import { startServer } from "./server.ts";
import type { RunningServer, ServerOptions } from "./server_types.ts";

/** How far the peer port is from the client port. */
/** How far the HTTP port is from the client port. */
const HTTP_PORT_OFFSET = 3_000;

/** What a local cluster is started with. */
export interface LocalClusterOptions {
  /** Number of nodes, 1 to 7. */
  readonly nodes: number;
  /** Client port of node 0; node i gets `port + i`, HTTP is 3 000 above, and peers talk 10 000 above. */
  readonly port: number;
  /** Each node keeps its data in `node-<id>` below. */
  readonly dataDirectory: string;
  /** What keys, log and queues of all nodes together may take; 60 % of the memory when left out. */
  readonly memoryLimitBytes?: number;
  readonly log?: Log;
}

/** The servers of a local cluster, by id. */
export interface LocalCluster {
  readonly servers: readonly RunningServer[];
  /** Stops every server in order. */
  stop(): Promise<void>;
}

/** The settings that the command line has as defaults. */
const DEFAULTS = {
  host: "127.0.0.1",
  clusterId: undefined,
  newIdentity: false,
  clusterSecret: undefined,
  snapshotEntries: 200_000,
  snapshotBytes: 67_108_864,
  compression: "zstd",
  scrubBytesPerSecond: 1_048_576,
  electionTimeoutMs: 1_000,
  heartbeatMs: 100,
  requestTimeoutMs: 5_000,
  clientConnectionsMax: 4_096,
  receiveTimeoutMs: 30_000,
  clusterMode: false,
  keyBytesMax: KEY_BYTES_MAX,
  valueBytesMax: VALUE_BYTES_MAX,
  slowCommandMs: 100,
  unsafeNoFsync: false,
} as const;

/**
 * Starts the servers and resolves once every port is bound; a leader is found shortly after.
 *
 * Rejects with the errors of `startServer`; then nothing is left running.
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const members: readonly Member[] = Array.from({ length: options.nodes }, (_, id) => ({
    id,
    address: `${DEFAULTS.host}:${options.port + id + PEER_PORT_OFFSET}`,
    clientAddress: `${DEFAULTS.host}:${options.port + id}`,
    identity: "",
  }));
  const servers: RunningServer[] = [];
  const stop = async (): Promise<void> => {
    for (const server of servers) await server.stop();
  };
  try {
    for (const { id } of members) servers.push(await startServer(optionsOf({ nodeId: id, members }, options)));
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, stop };
}

function shareOf({ memoryLimitBytes, nodes }: LocalClusterOptions): number {
  return memoryLimitBytes === undefined ? defaultMemoryLimit(THIS_MACHINE, nodes) : memoryLimitBytes / nodes;
}

interface Place {
  readonly nodeId: number;
  readonly members: readonly Member[];
}

function optionsOf({ nodeId, members }: Place, options: LocalClusterOptions): ServerOptions {
  const peerPort = options.port + nodeId + PEER_PORT_OFFSET;
  return {
    ...DEFAULTS,
    memoryLimitBytes: shareOf(options),
    nodeId,
    members,
    clientPort: options.port + nodeId,
    peerPort,
    peerBindPort: peerPort,
    httpPort: options.port + nodeId + HTTP_PORT_OFFSET,
    dataDirectory: `${options.dataDirectory}/node-${nodeId}`,
    log: options.log ?? (() => undefined),
  };
}
