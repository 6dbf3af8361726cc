/** What the load generator is told and what it answers. Both are one line of JSON. */

/** One run of the generator. */
export interface LoadPlan {
  readonly port: number;
  /** PUT and GET of the text protocol, or SET of Redis's, which has the same work to do. */
  readonly command: "PUT" | "GET" | "SET";
  readonly connections: number;
  /** Requests sent together by one connection, which then waits for all their replies. */
  readonly pipeline: number;
  readonly seconds: number;
  /** Length of every value. */
  readonly valueBytes: number;
  /** Keys are chosen at random among so many. */
  readonly keys: number;
}

/** What a run gave. Latencies in milliseconds, of a whole pipeline. */
export interface LoadResult {
  readonly requests: number;
  /** Replies that begin with "Error" or with "-". */
  readonly errors: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Processor seconds that the generator itself took. */
  readonly cpuSeconds: number;
}
