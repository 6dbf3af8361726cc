/** `GET /v1/live`: what the dashboard shows, a frame a second. */

import type { NodeMonitor } from "../../node/api.ts";
import type { HttpReply } from "../http.ts";
import { LiveHub } from "../live/live_hub.ts";
import { problem, PROBLEM_TYPE } from "../problem.ts";
import type { HttpContext, Route, RouteCall } from "../route.ts";

const EVENT_STREAM = "text/event-stream";

/** The operation, for the table of routes. */
export const LIVE_ROUTES: readonly Route[] = [{
  method: "GET",
  path: "/v1/live",
  id: "watchNode",
  tag: "Monitoring",
  summary: "What the dashboard shows: server-sent events, each a JSON object with everything, one a second.",
  query: [],
  headers: [],
  responses: {
    200: { description: "The fields may change.", contentType: EVENT_STREAM, schema: { type: "string" } },
    429: { description: "`overloaded`: too many dashboards are open.", contentType: PROBLEM_TYPE },
  },
  handle: watchNode,
}];

const hubs = new WeakMap<NodeMonitor, LiveHub>();

function watchNode({ context }: RouteCall): HttpReply {
  const body = hubOf(context).open();
  if (body === undefined) {
    const headers = [["Retry-After", "5"]] as const;
    return problem({ status: 429, code: "overloaded", detail: "Too many dashboards are open", headers });
  }
  const headers = [["Content-Type", EVENT_STREAM], ["Cache-Control", "no-store"], ["X-Accel-Buffering", "no"]] as const;
  return { status: 200, headers, body };
}

function hubOf(context: HttpContext): LiveHub {
  const known = hubs.get(context.shared);
  if (known !== undefined) return known;
  const made = new LiveHub({ ...context, node: context.shared });
  hubs.set(context.shared, made);
  return made;
}
