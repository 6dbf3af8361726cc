/** `GET /openapi.json`: what this server can do, from the table by which it does it. */

import type { HttpReply } from "../http.ts";
import { openApiDocument } from "../openapi.ts";
import type { Route } from "../route.ts";

const JSON_TYPE = "application/json";

/** The operation that describes `routes` and itself. */
export function openApiRoute(routes: readonly Route[]): Route {
  let document: string | undefined;
  const own: Route = {
    method: "GET",
    path: "/openapi.json",
    id: "getOpenApi",
    isForUsers: true,
    tag: "Description",
    summary: "This description.",
    query: [],
    headers: [],
    responses: { 200: { description: "An OpenAPI 3.1 document.", contentType: JSON_TYPE, schema: { type: "object" } } },
    handle: (): HttpReply => {
      document ??= openApiDocument([...routes, own]);
      return { status: 200, headers: [["Content-Type", JSON_TYPE]], body: document };
    },
  };
  return own;
}
