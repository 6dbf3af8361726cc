/** The deadlines of the nodes that `hurried_node.ts` runs. */

import type { HttpTimes } from "../../../lib/protocol/http/server/limits.ts";

/** Short enough for a test to wait for, long enough for two thousand connections to be opened before. */
export const HURRIED_TIMES: Pick<HttpTimes, "headMs" | "bodyMs" | "idleMs"> = {
  headMs: 6_000,
  bodyMs: 6_000,
  idleMs: 6_000,
};
