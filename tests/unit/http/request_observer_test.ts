/** Requests are counted by operation and code, and each becomes one span that ends with its status. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Registry } from "../../../lib/observe/metrics.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import type { Attributes, Tracer } from "../../../lib/observe/tracing.ts";
import type { HttpReply, HttpRequest } from "../../../lib/http/http.ts";
import { RequestObserver } from "../../../lib/http/request_observer.ts";
import { HEALTH_ROUTES } from "../../../lib/http/routes/health.ts";

const [LIVEZ] = HEALTH_ROUTES;

function request(headers: readonly (readonly [string, string])[] = []): HttpRequest {
  const about = { query: "", body: "", remote: "127.0.0.1:9", id: "r1" };
  return { method: "GET", path: "/secret-key", headers: new Map(headers), ...about };
}

function reply(status: number): HttpReply {
  return { status, headers: [], body: "" };
}

function counts(registry: Registry): unknown {
  const series = registry.families.get(METRIC.httpRequests)?.series ?? new Map();
  return Object.fromEntries(Array.from(series, ([labels, { value }]) => [labels, value]));
}

class RecordingTracer implements Tracer {
  readonly events: unknown[] = [];

  start(name: string, options: { attributes: Attributes; parent: string | undefined }) {
    this.events.push(["start", name, options]);
    return {
      setAttributes: (attributes: Attributes) => void this.events.push(attributes),
      fail: () => void this.events.push("fail"),
      end: () => void this.events.push("end"),
    };
  }
}

Deno.test("requests are counted by operation and code; paths never become labels", async () => {
  const registry = new Registry();
  const observer = new RequestObserver(registry, { tracer: undefined, now: () => 0 });
  const atOnce = observer.answer(request(), { route: LIVEZ, answer: () => reply(200) });
  assert(!(atOnce instanceof Promise), "without a tracer nothing is made to wait");
  await observer.answer(request(), { route: LIVEZ, answer: () => Promise.resolve(reply(503)) });
  await observer.answer(request(), { route: LIVEZ, answer: () => reply(503) });
  await observer.answer(request(), { route: undefined, answer: () => reply(404) });
  assertEquals(counts(registry), {
    '{route="getLivez",code="200"}': 1,
    '{route="getLivez",code="503"}': 2,
    '{route="none",code="404"}': 1,
  });
});

Deno.test("a request is one span: its route, its status, its parent, and no key", async () => {
  const tracer = new RecordingTracer();
  const observer = new RequestObserver(new Registry(), { tracer, now: () => 0 });
  await observer.answer(request([["traceparent", "00-x"]]), { route: LIVEZ, answer: () => reply(200) });
  await observer.answer(request(), { route: undefined, answer: () => reply(500) });
  const common = { "http.request.method": "GET", "client.address": "127.0.0.1:9", "kvstore.request_id": "r1" };
  const attributes = { ...common, "http.route": "/livez", "kvstore.operation": "getLivez" };
  assertEquals(tracer.events, [
    ["start", "GET /livez", { attributes, parent: "00-x" }],
    { "http.response.status_code": 200 },
    "end",
    ["start", "GET", { attributes: common, parent: undefined }],
    { "http.response.status_code": 500 },
    "fail",
    "end",
  ]);
  assert(!JSON.stringify(tracer.events).includes("secret"));
});

Deno.test("a span ends also when the answer is a bug", async () => {
  const tracer = new RecordingTracer();
  const observer = new RequestObserver(new Registry(), { tracer, now: () => 0 });
  const answer = () => Promise.reject(new RangeError("bug"));
  await assertRejects(async () => await observer.answer(request(), { route: LIVEZ, answer }), RangeError);
  assertEquals(tracer.events.slice(-2), ["fail", "end"]);
});
