/** Starts one complete server in this process: node, peer transport and the protocols of its clients. */

import type { Clock } from "../base/clock.ts";
import type { Node } from "../node/node.ts";
import { startNode } from "../node/start_node.ts";
import { SystemClock } from "../node/system_clock.ts";
import { Registry } from "../observe/metrics.ts";
import { startClientListener } from "../protocol/client_listener.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import type { Disk } from "../storage/disk.ts";
import { TcpTransport } from "../transport/tcp_transport.ts";
import { descriptorLimit } from "./descriptor_limit.ts";
import { randomNumber } from "./random_number.ts";
import type { RunningServer, ServerOptions } from "./server_types.ts";
import { UnsyncedDisk } from "./unsynced_disk.ts";

/** File descriptors kept for peers, log, snapshots and the runtime itself. */
const RESERVED_DESCRIPTORS = 64;
/** Client connections that are accepted even where descriptors are scarce. */
const CONNECTIONS_MIN = 16;
/** How long the client listener may take to end its connections. */
const CLOSE_CLIENTS_MS = 500;

/** What a server runs on, where that is not the machine itself; for tests of faults. */
export interface ServerGround {
  /** The disk under `--unsafe-no-fsync` too; the real one when left out. */
  readonly disk?: Disk;
  /** Size of a log segment in bytes. */
  readonly segmentBytes?: number;
}

/**
 * Starts a server; resolves once both ports are bound. It may take a while longer to find a leader.
 *
 * Rejects with `DirectoryLockedError`, `CorruptionError`, `IncompatibleError`, `AccessError`, or the system's error for a
 * port that is taken; then nothing is left open.
 */
export async function startServer(options: ServerOptions, ground: ServerGround = {}): Promise<RunningServer> {
  const clock = new SystemClock();
  const metrics = new Registry();
  const real = ground.disk ?? new DenoDisk();
  const disk: Disk = options.unsafeNoFsync ? new UnsyncedDisk(real) : real;
  const sizes = ground.segmentBytes === undefined ? {} : { segmentBytes: ground.segmentBytes };
  let transport: TcpTransport | undefined;
  const node = await startNode({ ...options, ...sizes, directory: options.dataDirectory }, {
    clock,
    disk,
    metrics,
    random: randomNumber,
    wallClockMs: () => Date.now(),
    log: options.log,
    makeTransport: (greeting) => {
      transport = new TcpTransport({
        clock,
        random: randomNumber,
        greeting,
        listen: { hostname: options.host, port: options.peerBindPort },
        secret: options.clusterSecret,
        log: options.log,
      });
      return transport;
    },
  });
  try {
    return await serveClients(node, { options, clock, peerPort: transport?.port ?? options.peerBindPort });
  } catch (error) {
    await node.stop();
    throw error;
  }
}

interface ServeParts {
  readonly options: ServerOptions;
  readonly clock: Clock;
  readonly peerPort: number;
}

async function serveClients(
  node: Node,
  { options, clock, peerPort }: ServeParts,
): Promise<RunningServer> {
  const listener = await startClientListener({
    node,
    clock,
    hostname: options.host,
    port: options.clientPort,
    connectionsMax: connectionsMax(options),
    httpPort: undefined,
    clusterMode: options.clusterMode,
    keyBytesMax: options.keyBytesMax,
    valueBytesMax: options.valueBytesMax,
    log: options.log,
  });
  let stopping: Promise<void> | undefined;
  return {
    node,
    clientAddress: `${options.host}:${listener.port}`,
    peerAddress: `${options.host}:${peerPort}`,
    failed: node.failed,
    stop: () => {
      stopping ??= (async () => {
        await node.drain();
        await listener.stop(CLOSE_CLIENTS_MS);
        await node.stop();
      })();
      return stopping;
    },
  };
}

/** The operator's limit, or what the system's limit on file descriptors leaves, whichever is lower. */
function connectionsMax(options: ServerOptions): number {
  const available = descriptorLimit() - RESERVED_DESCRIPTORS;
  if (available >= options.clientConnectionsMax) return options.clientConnectionsMax;
  const limit = Math.max(CONNECTIONS_MIN, available);
  options.log("info", `At most ${limit} client connections: the system allows ${descriptorLimit()} open files`);
  return limit;
}
