/** What is held against the bars: three nodes of KVStore, or one redis-server in their place or beside them. */

import type { CompareOptions } from "../options.ts";
import { startKVStore } from "./kvstore.ts";
import { startRedis } from "./redis.ts";
import type { Server } from "./server.ts";

/** A server that can be killed, started again and asked how it is. */
export interface Subject extends Server {
  /** Undefined when there is no HTTP. */
  httpPort(id: number): number | undefined;
  /** The id of the leader, once all nodes agree on it. */
  leader(): Promise<number>;
  directory(id: number): string;
  /** Ends a node and waits for its end. */
  kill(id: number, signal: Deno.Signal): Promise<void>;
  /** What the nodes that have ended said last; empty while all of them run. */
  lastWords(): readonly string[];
  /** Starts a node and does not wait. */
  start(id: number, flags?: readonly string[]): void;
  /** Resolves when every node has applied what is committed now. */
  settle(): Promise<void>;
  /** The fields of the METRICS command; undefined when there is none. */
  metrics(id: number): Promise<ReadonlyMap<string, string> | undefined>;
  /** Makes a node take a snapshot now; resolves to its answer when it is done. */
  snapshot(id: number): Promise<string>;
}

/** Starts what the options name. */
export async function startSubject(options: CompareOptions): Promise<Subject> {
  return options.subject === "redis" ? await startRedis() : await startKVStore(options);
}
