/** What the conversations of one port in the Redis protocol share. */

import type { RunNode } from "../../node/api.ts";
import type { SessionContext, SessionNode } from "../session_context.ts";
import type { ClientRegistry } from "./client_record.ts";
import type { ServerStatistics } from "./statistics/server_statistics.ts";

/** The server as Redis clients see it. */
export interface RespContext extends SessionContext {
  readonly node: SessionNode & RunNode;
  /** The clients that speak this protocol. */
  readonly clients: ClientRegistry;
  /** What INFO, SLOWLOG and LATENCY tell of the commands served here. */
  readonly statistics: ServerStatistics;
  /** Where HTTPS is served; undefined for nowhere. */
  readonly httpsPort?: number | undefined;
  /** Clients are told to go to the leader themselves, as in Redis Cluster. */
  readonly clusterMode: boolean;
  /** Longest key and longest value, in bytes. */
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}
