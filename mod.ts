/**
 * KVStore as a library: start servers in your own process.
 *
 * ```ts
 * import { startLocalCluster } from "@kvstore/kvstore";
 *
 * const cluster = await startLocalCluster({ nodes: 3, port: 5000, dataDirectory: "./kvstore-data" });
 * const [server] = cluster.servers;
 * // Keys and values are byte strings: one character 0x00-0xFF per byte. `textToByteString` makes them from text.
 * server?.node.write({ type: "Put", key: "greeting", value: "hello" }, (outcome) => {
 *   // outcome.type is "Done", "NotDone" (safe to retry, here perhaps on outcome.leaderId) or "Unknown".
 * });
 * await cluster.stop();
 * ```
 *
 * @module
 */

export { byteStringToText, textToByteString } from "./lib/base/bytes.ts";
export { type LocalCluster, type LocalClusterOptions, startLocalCluster } from "./lib/cluster/local_cluster.ts";
export { startServer } from "./lib/cluster/server.ts";
export type { LogLevel, LogSink, RunningServer, ServerOptions } from "./lib/cluster/server_types.ts";
export type { Command, CommandResult } from "./lib/kv/commands.ts";
export type {
  KeyRecord,
  KeyValueNode,
  NodeStatus,
  NotDone,
  NotDoneReason,
  ReadOutcome,
  StateView,
  WriteOutcome,
} from "./lib/node/api.ts";
export type { Member } from "./lib/raft/types.ts";
