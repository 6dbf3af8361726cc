/** One span for each HTTP request. */

import type { Attributes, Span, Tracer } from "../observe/tracing.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import type { Route } from "./route.ts";

const SERVER_ERROR = 500;

/**
 * Answers a request inside a span, which ends when the reply is known; the body of a stream may go on. Called only where
 * there is a tracer. `route` is undefined for a path that nothing serves. Keys are in paths, so a span names the route only.
 */
export async function answerTraced(
  request: HttpRequest,
  { tracer, route, answer }: {
    readonly tracer: Tracer;
    readonly route: Route | undefined;
    readonly answer: () => HttpReply | Promise<HttpReply>;
  },
): Promise<HttpReply> {
  const { method } = request;
  const span = tracer.start(route === undefined ? method : `${method} ${route.path}`, {
    attributes: attributesOf(request, route),
    parent: request.headers.get("traceparent"),
  });
  try {
    const reply = await answer();
    finish(span, reply.status);
    return reply;
  } catch (error) {
    finish(span, SERVER_ERROR);
    throw error;
  }
}

function attributesOf({ method, id, remote }: HttpRequest, route: Route | undefined): Attributes {
  return {
    "http.request.method": method,
    "client.address": remote,
    "kvstore.request_id": id,
    ...(route === undefined ? {} : { "http.route": route.path, "kvstore.operation": route.id }),
  };
}

function finish(span: Span, status: number): void {
  span.setAttributes({ "http.response.status_code": status });
  if (status >= SERVER_ERROR) span.fail();
  span.end();
}
