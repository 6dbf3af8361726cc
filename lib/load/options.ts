/** What the load generator is told. */

import type { Trust } from "../base/dial.ts";

/** The commands that can be measured. `mset` sets `MSET_KEYS` keys with one request. */
export type LoadCommand = "set" | "get" | "incr" | "mset";

/** Every command, in the order of the help. */
export const LOAD_COMMANDS: readonly LoadCommand[] = ["set", "get", "incr", "mset"];

/** Keys of one MSET. */
export const MSET_KEYS = 10;

/** Where a server listens. */
export interface LoadAddress {
  readonly hostname: string;
  readonly port: number;
}

/** One run. */
export interface LoadOptions {
  /** Connections are shared out over them in turn; one that is lost goes on with the next address. At least one. */
  readonly addresses: readonly LoadAddress[];
  /** TLS with all of them, and whom to believe; left out for none. */
  readonly trust?: Trust | undefined;
  readonly connections: number;
  /** Requests that one connection sends together. */
  readonly pipeline: number;
  readonly command: LoadCommand;
  readonly valueBytes: number;
  /** Keys are numbers below this, at most 2^32. */
  readonly keys: number;
  /** Random keys with equal chances, or one after the other from 0 on, to fill a server. */
  readonly keyOrder: "random" | "sequential";
  /** Part of the requests that are GET instead, 0 to 1. */
  readonly readShare: number;
  /**
   * Requests per second over all connections (open loop): each is sent when it is due, whatever became of those before,
   * and its latency counts from then. Undefined is the closed loop: a connection sends when all its replies have come.
   */
  readonly rate: number | undefined;
  /** The end: after so many seconds, or after so many requests. */
  readonly limit: { readonly seconds: number } | { readonly requests: number };
  /** Seconds of load before anything is counted. */
  readonly warmupSeconds: number;
  readonly seed: number;
  /** Whom each connection logs in as; byte strings. Undefined where nobody has to. */
  readonly login?: { readonly user: string; readonly password: string } | undefined;
  /** Called about once a second. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the run early; what was measured until then is the result. */
  readonly stop?: Promise<void>;
}

/** What has come back since the last report. */
export interface LoadProgress {
  /** Since the measuring began; negative during the warm-up. */
  readonly seconds: number;
  readonly perSecond: number;
  readonly errors: number;
  /** Longest latency since the last report, in milliseconds. */
  readonly maxMs: number;
}

/** Latencies in milliseconds, each at most 0.8 % too high; `max` is exact. All 0 when there was none. */
export interface Latencies {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

/** What a run gave. */
export interface LoadResult {
  /** From the first counted request to the last counted reply. */
  readonly seconds: number;
  /** Replies that were no errors. */
  readonly requests: number;
  readonly perSecond: number;
  /** GETs that found nothing. */
  readonly misses: number;
  readonly errors: number;
  /**
   * Errors by the first word of the reply, with one example; CONNECTION are requests whose connection was lost, UNANSWERED
   * those whose reply had not come 10 s after the end, PROTOCOL replies that are not RESP.
   */
  readonly errorsByWord: Readonly<Record<string, { readonly count: number; readonly example: string }>>;
  /** From the time a request was due (open loop) or sent (closed loop), of the requests without an error. */
  readonly latencyMs: Latencies;
  /** How late the generator itself was in sending what was due; null in the closed loop. */
  readonly sentLateMs: Latencies | null;
  /** Processor seconds of this process while measuring; near `seconds` the generator is the bottleneck. */
  readonly cpuSeconds: number;
}

/** No address could be reached. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}
