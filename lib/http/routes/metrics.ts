/** `GET /metrics`: the metrics of this node for Prometheus. */

import { textToByteString } from "../../base/bytes.ts";
import { expose, EXPOSITION_TYPE } from "../../observe/exposition.ts";
import { processSamples } from "../../observe/process_samples.ts";
import type { HttpReply } from "../http.ts";
import { nodeSamples } from "../node_samples.ts";
import type { Route, RouteCall } from "../route.ts";

/** The operation, for the table of routes. */
export const METRICS_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/metrics",
    id: "getMetrics",
    isForUsers: true,
    tag: "Monitoring",
    summary: "Metrics of this node in the text format of Prometheus.",
    query: [],
    headers: [],
    responses: { 200: { description: "Every metric of the node.", contentType: EXPOSITION_TYPE } },
    handle: getMetrics,
  },
];

function getMetrics({ context: { node } }: RouteCall): HttpReply {
  const page = expose(node.metrics, [...nodeSamples(node), ...processSamples()]);
  return {
    status: 200,
    headers: [["Content-Type", EXPOSITION_TYPE], ["Cache-Control", "no-store"]],
    body: textToByteString(page),
  };
}
