/** Spans: what the provider is told, which parents are taken, and the runtime's own exporter. */

import { assert, assertEquals } from "@std/assert";
import { findTracer, makeTracer, readTraceParent } from "../../../lib/observe/tracing.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";

Deno.test("a traceparent is read, and what is none is not", () => {
  assertEquals(readTraceParent(`00-${TRACE_ID}-${SPAN_ID}-01`), {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    traceFlags: 1,
    isRemote: true,
  });
  assertEquals(readTraceParent(`01-${TRACE_ID}-${SPAN_ID}-00-later`)?.traceFlags, 0);
  const wrong = [
    "",
    "00",
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${"0".repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${"0".repeat(16)}-01`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}`,
  ];
  for (const text of wrong) assertEquals(readTraceParent(text), undefined, text);
});

Deno.test("a span has a parent only where one was sent", () => {
  const parents: unknown[] = [];
  const calls: unknown[] = [];
  const key = Symbol.for("OpenTelemetry Context Key SPAN");
  const tracer = makeTracer({
    getTracer: (name, version) => {
      calls.push(name, version);
      return {
        startSpan: (name, options, context) => {
          calls.push(name, options);
          parents.push((context?.getValue(key) as { spanContext(): unknown } | undefined)?.spanContext());
          return {
            setAttributes: (attributes) => void calls.push(attributes),
            setStatus: (status) => void calls.push(status),
            end: () => void calls.push("end"),
          };
        },
      };
    },
  }, "1.2.3");
  const span = tracer.start("GET /x", { attributes: { a: 1 }, parent: undefined });
  span.setAttributes({ b: 2 });
  span.fail();
  span.end();
  tracer.start("GET /y", { attributes: {}, parent: `00-${TRACE_ID}-${SPAN_ID}-01` });
  assertEquals(calls.slice(0, 7), ["kvstore", "1.2.3", "GET /x", { kind: 1, attributes: { a: 1 } }, { b: 2 }, {
    code: 2,
  }, "end"]);
  assertEquals(parents, [undefined, { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1, isRemote: true }]);
});

Deno.test("without OTEL_DENO there is no tracer", () => {
  assertEquals(Deno.env.get("OTEL_DENO"), undefined);
  assertEquals(findTracer("1"), undefined);
});

Deno.test("the runtime exports a span with its parent and attributes", async () => {
  const bodies: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = await request.text();
    if (new URL(request.url).pathname === "/v1/traces") bodies.push(body);
    return new Response("{}", { headers: { "content-type": "application/json" } });
  });
  const module = new URL("../../../lib/observe/tracing.ts", import.meta.url).href;
  const script = `import { findTracer } from "${module}";
    const span = findTracer("1").start("GET /v1/kv/{key}", { attributes: { "http.route": "r" }, parent: "00-${TRACE_ID}-${SPAN_ID}-01" });
    span.setAttributes({ "http.response.status_code": 503 });
    span.fail();
    span.end();`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
    },
  }).output();
  await server.shutdown();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const spans = bodies.flatMap((body) => JSON.parse(body).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans);
  const span = spans.find(({ name }) => name === "GET /v1/kv/{key}");
  assert(span !== undefined, bodies.join());
  assertEquals([span.traceId, span.parentSpanId, span.kind, span.status.code], [TRACE_ID, SPAN_ID, 2, 2]);
  const keys = span.attributes.map(({ key }: { key: string }) => key).sort();
  assertEquals(keys, ["http.response.status_code", "http.route"]);
});
