/** Starts the servers that are compared, each on free ports of 127.0.0.1 and with a directory of its own. */

import { startServer } from "../../lib/cluster/server.ts";
import type { RunningServer } from "../../lib/cluster/server_types.ts";
import { findFreePorts } from "../support/ports.ts";
import { ProcessCluster } from "../support/process_cluster.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor } from "../support/wait.ts";
import { Connection } from "../support/resp/connection.ts";

const START_TIMEOUT_MS = 20_000;
const ANSWER_TIMEOUT_MS = 2_000;
/** The command line that Debian's package brings. */
const REDIS = "redis-server";

/** A server that was started here. */
export interface StartedServer extends AsyncDisposable {
  /** One address for each node. */
  readonly addresses: readonly string[];
}

/** Whether redis-server can be started on this machine. */
export async function hasRedis(): Promise<boolean> {
  try {
    return (await new Deno.Command(REDIS, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** Starts redis-server, which keeps nothing. */
export async function startRedis(): Promise<StartedServer> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-differential-redis-" });
  const [port = 0] = findFreePorts(1);
  const line = [REDIS, "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = new ServerProcess(line, { directory });
  const addresses = [`127.0.0.1:${port}`];
  const dispose = async (): Promise<void> => {
    await server.end("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  };
  return await whenServing({ addresses, [Symbol.asyncDispose]: dispose });
}

/** Starts KVStore as processes of their own. */
export async function startCluster(nodes: number): Promise<StartedServer> {
  const cluster = new ProcessCluster({ nodes });
  const addresses = cluster.ports.map((port) => `127.0.0.1:${port}`);
  const server = { addresses, [Symbol.asyncDispose]: async () => await cluster[Symbol.asyncDispose]() };
  try {
    await cluster.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return await whenServing(server);
}

/** Starts one node of KVStore in this process. */
export async function startNodeHere(): Promise<StartedServer> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-differential-node-" });
  const [clientPort = 0, peerPort = 0] = findFreePorts(2);
  const addresses = [`127.0.0.1:${clientPort}`];
  let server: RunningServer | undefined;
  const dispose = async (): Promise<void> => {
    await server?.stop();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    server = await startServer({
      nodeId: 0,
      host: "127.0.0.1",
      clientPort,
      peerPort,
      peerBindPort: peerPort,
      httpPort: 0,
      members: [{ id: 0, address: `127.0.0.1:${peerPort}`, clientAddress: `127.0.0.1:${clientPort}`, identity: "" }],
      clusterId: undefined,
      dataDirectory: directory,
      newIdentity: false,
      clusterSecret: undefined,
      snapshotEntries: 10_000,
      snapshotBytes: 64 * 1024 * 1024,
      memoryLimitBytes: undefined,
      electionTimeoutMs: 1_000,
      heartbeatMs: 100,
      requestTimeoutMs: 5_000,
      clientConnectionsMax: 1_000,
      receiveTimeoutMs: 30_000,
      clusterMode: false,
      keyBytesMax: 64 * 1024,
      valueBytesMax: 8 * 1024 * 1024,
      slowCommandMs: 100,
      unsafeNoFsync: false,
      log: () => {},
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  return await whenServing({ addresses, [Symbol.asyncDispose]: dispose });
}

/** Resolves once every node does a write; else ends the server and rejects. */
async function whenServing(server: StartedServer): Promise<StartedServer> {
  let last = "nothing yet";
  try {
    for (const address of server.addresses) {
      await waitFor(async () => {
        using connection = await Connection.open(address);
        const [reply] = await connection.exchange([["FLUSHALL"]], ANSWER_TIMEOUT_MS);
        last = JSON.stringify(reply, (_, value) => typeof value === "bigint" ? String(value) : value);
        return reply?.type === "Status" ? true : undefined;
      }, { what: `${address} does a write`, timeoutMs: START_TIMEOUT_MS });
    }
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw new Error(`${error instanceof Error ? error.message : error}; the last reply to FLUSHALL: ${last}`);
  }
  return server;
}
