/** What is noticed of every HTTP request beside its reply: a count by operation and code, its time, and a span where traces are exported. */

import type { CounterFamily, Histogram, Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import type { Tracer } from "../observe/tracing.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import { answerTraced } from "./request_tracing.ts";
import type { Route } from "./route.ts";

const MS_PER_SECOND = 1_000;
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
  readonly #seconds: Histogram;
  readonly #tracer: Tracer | undefined;
  readonly #now: () => number;

  /** Counts in `metrics`, by a clock in milliseconds; makes spans when there is a tracer. */
  constructor(metrics: Registry, { tracer, now }: { readonly tracer: Tracer | undefined; readonly now: () => number }) {
    this.#seconds = metrics.histogram(METRIC.httpSeconds);
    this.#now = now;
    this.#requests = metrics.counterFamily(METRIC.httpRequests, ["route", "code"]);
    this.#tracer = tracer;
  }

  /** Answers a request; an answer that is known at once stays so unless there is a tracer. */
  answer(request: HttpRequest, { route, answer }: Answering): HttpReply | Promise<HttpReply> {
    const tracer = this.#tracer;
    const startedAt = this.#now();
    const reply = tracer === undefined ? answer() : answerTraced(request, { tracer, route, answer });
    const name = route?.id ?? NO_ROUTE;
    const note = (known: HttpReply): HttpReply => {
      this.#seconds.record((this.#now() - startedAt) / MS_PER_SECOND);
      this.#requests.counter([name, String(known.status)]).add();
      return known;
    };
    return reply instanceof Promise ? reply.then(note) : note(reply);
  }
}
