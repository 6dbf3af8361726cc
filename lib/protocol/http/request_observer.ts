/** What is noticed of every HTTP request beside its reply: a count by operation and code, and a span where traces are exported. */

import type { CounterFamily, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { Tracer } from "../../observe/tracing.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import { answerTraced } from "./request_tracing.ts";
import type { Route } from "./route.ts";

/** The label `route` of a path that nothing serves: what a client asks for must not become a label. */
const NO_ROUTE = "none";

/** How a request is answered, and by which operation; `route` is undefined for a path that nothing serves. */
export interface Answering {
  readonly route: Route | undefined;
  readonly answer: () => HttpReply | Promise<HttpReply>;
}

/** Stands between the router and the routes. */
export class RequestObserver {
  readonly #requests: CounterFamily;
  readonly #tracer: Tracer | undefined;

  /** Counts in `metrics`; makes spans when there is a tracer. */
  constructor(metrics: Registry, tracer: Tracer | undefined) {
    this.#requests = metrics.counterFamily(METRIC.httpRequests, ["route", "code"]);
    this.#tracer = tracer;
  }

  /** Answers a request; an answer that is known at once stays so unless there is a tracer. */
  answer(request: HttpRequest, { route, answer }: Answering): HttpReply | Promise<HttpReply> {
    const tracer = this.#tracer;
    const reply = tracer === undefined ? answer() : answerTraced(request, { tracer, route, answer });
    const name = route?.id ?? NO_ROUTE;
    return reply instanceof Promise ? reply.then((known) => this.#count(name, known)) : this.#count(name, reply);
  }

  #count(route: string, reply: HttpReply): HttpReply {
    this.#requests.counter([route, String(reply.status)]).add();
    return reply;
  }
}
