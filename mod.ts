/**
 * KVStore as a library: start servers in your own process, and talk to servers anywhere.
 *
 * ```ts
 * import { connect, startLocalCluster } from "@kvstore/kvstore";
 *
 * const cluster = await startLocalCluster({ nodes: 3, port: 5000, dataDirectory: "./kvstore-data" });
 * const [server] = cluster.servers;
 * // Keys and values are byte strings: one character 0x00-0xFF per byte. `textToByteString` makes them from text.
 * server?.node.write({ type: "Put", key: "greeting", value: "hello" }, (outcome) => {
 *   // outcome.type is "Done", "NotDone" (safe to retry, here perhaps on outcome.leaderId) or "Unknown".
 * });
 *
 * const client = await connect({ servers: ["127.0.0.1:5000"], session: true });
 * await client.put("greeting", "hello");
 * await client.close();
 * await cluster.stop();
 * ```
 *
 * @module
 */

export { byteStringToText, textToByteString } from "./lib/base/bytes.ts";
export { type CasChange, type Client, connect, type StaleRead } from "./lib/client/client.ts";
export type { DeleteOptions, PutOptions } from "./lib/client/conditions.ts";
export { Entry, KeyEntry, RevisedEntry, type Revision } from "./lib/client/entries.ts";
export { NotDoneError, OutcomeUnknownError, ProtocolError, ServerError } from "./lib/client/errors.ts";
export type { ClientTls, ConnectOptions } from "./lib/client/options.ts";
export type { Reply as ClientReply } from "./lib/client/replies.ts";
export type { ScanOptions } from "./lib/client/scan.ts";
export type { OperationOptions } from "./lib/client/scope.ts";
export type { Comparison, Transaction, TransactionResult } from "./lib/client/transaction.ts";
export type { Bytes, Word } from "./lib/client/words.ts";
export { type LocalCluster, type LocalClusterOptions, startLocalCluster } from "./lib/cluster/local_cluster.ts";
export { startServer } from "./lib/cluster/server.ts";
export type { RunningServer, ServerOptions } from "./lib/cluster/server_types.ts";
export type { Log as LogSink, LogFields, LogLevel } from "./lib/observe/log.ts";
export type { KeyRecord } from "./lib/kv/key_record.ts";
export type { Command } from "./lib/kv/commands.ts";
export type { CommandResult } from "./lib/kv/results.ts";
export type {
  KeyValueNode,
  NodeAdministrator,
  NodeMonitor,
  NodeReader,
  NodeStatus,
  NodeWriter,
  NotDone,
  NotDoneReason,
  ReadOutcome,
  StateView,
  WriteOutcome,
} from "./lib/node/api.ts";
export type { Member } from "./lib/raft/types.ts";
