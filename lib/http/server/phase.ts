/** What an HTTP connection is about, and how long that may take. */

import type { HttpTimes } from "./limits.ts";

/**
 * `Waiting -> Head -> Body -> Handling (-> Streaming)`, then `Waiting` again or, after the last reply, `Finishing` (it
 * leaves) and `Lingering` (what the client still sends is dropped: closed with unread input, the system would reset the
 * connection and the client could lose the reply). From everywhere to `Closed`, once.
 */
export type Phase = "Waiting" | "Head" | "Body" | "Handling" | "Streaming" | "Finishing" | "Lingering" | "Closed";

/** How long a phase may take in ms; what waits for the handler or for the client to read has other bounds. */
export function phaseMs(
  phase: Phase,
  { times, isFresh, bodyBytes }: {
    readonly times: HttpTimes;
    /** Whether nothing has come on the connection yet. */
    readonly isFresh: boolean;
    /** Of the body that is being read, so far. */
    readonly bodyBytes: number;
  },
): number {
  const { headMs, bodyMs, bodyBytesPerSecondMin, idleMs, lingerMs } = times;
  switch (phase) {
    case "Waiting":
      return isFresh ? headMs : idleMs;
    case "Head":
      return headMs;
    case "Body":
      return bodyMs + bodyBytes / bodyBytesPerSecondMin * 1_000;
    case "Lingering":
      return lingerMs;
    default:
      return Infinity;
  }
}
