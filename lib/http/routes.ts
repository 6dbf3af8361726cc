/** The table of everything that is served over HTTP. */

import type { Route } from "./route.ts";
import { CLUSTER_ROUTES } from "./routes/cluster.ts";
import { EVENT_ROUTES } from "./routes/events.ts";
import { HEALTH_ROUTES } from "./routes/health.ts";
import { HISTORY_ROUTES } from "./routes/history.ts";
import { KV_ROUTES } from "./routes/kv.ts";
import { LAUNCHER_ROUTES } from "./routes/launcher.ts";
import { LIVE_ROUTES } from "./routes/live.ts";
import { LOGIN_ROUTES } from "./routes/login.ts";
import { MEMBER_ROUTES } from "./routes/members.ts";
import { METRICS_ROUTES } from "./routes/metrics.ts";
import { openApiRoute } from "./routes/openapi.ts";
import { SCAN_ROUTES } from "./routes/scan.ts";
import { SESSION_ROUTES } from "./routes/sessions.ts";
import { SNAPSHOT_ROUTES } from "./routes/snapshot.ts";
import { TOKEN_ROUTES } from "./routes/tokens.ts";
import { TXN_ROUTES } from "./routes/txn.ts";
import { USER_ROUTES } from "./routes/users.ts";

const DESCRIBED: readonly Route[] = [
  ...KV_ROUTES,
  ...SCAN_ROUTES,
  ...HISTORY_ROUTES,
  ...TXN_ROUTES,
  ...SESSION_ROUTES,
  // Before the names of users, which take what is left of a path.
  ...TOKEN_ROUTES,
  ...USER_ROUTES,
  ...LOGIN_ROUTES,
  ...EVENT_ROUTES,
  ...CLUSTER_ROUTES,
  ...MEMBER_ROUTES,
  ...SNAPSHOT_ROUTES,
  ...LAUNCHER_ROUTES,
  ...METRICS_ROUTES,
  ...HEALTH_ROUTES,
  ...LIVE_ROUTES,
];

/** Every operation of this server, with those that others than this folder give it. */
export function routesWith(others: readonly Route[]): readonly Route[] {
  const described = [...DESCRIBED, ...others];
  return [...described, openApiRoute(described)];
}
