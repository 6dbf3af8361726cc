/**
 * Spans through the OpenTelemetry that Deno has built in. Deno instruments its own HTTP server by itself; ours reads its
 * connections itself, so it makes the spans. Nothing here runs unless `OTEL_DENO` switched the exporter on: without it,
 * starting a span is an error of the runtime.
 */

/** Attributes by OpenTelemetry's names. */
export type Attributes = Readonly<Record<string, string | number>>;

/** A span that has begun. */
export interface Span {
  setAttributes(attributes: Attributes): void;
  /** The operation failed. */
  fail(): void;
  end(): void;
}

/** Begins spans. `parent` is the value of a `traceparent` header; what cannot be read of it begins a new trace. */
export interface Tracer {
  start(name: string, options: { readonly attributes: Attributes; readonly parent: string | undefined }): Span;
}

/** Which trace and span something belongs to, as the W3C has it. */
interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote: boolean;
}

/** What of `@opentelemetry/api` Deno's own provider understands; its types are not part of Deno's. */
interface RawSpan {
  setAttributes(attributes: Attributes): void;
  setStatus(status: { readonly code: number }): void;
  end(): void;
}

interface RawContext {
  getValue(key: symbol): unknown;
}

interface RawTracer {
  startSpan(name: string, options: { kind: number; attributes: Attributes }, context?: RawContext): RawSpan;
}

interface RawProvider {
  getTracer(name: string, version: string): RawTracer;
}

const TRACER_NAME = "kvstore";
const KIND_SERVER = 1;
const STATUS_ERROR = 2;
/** Under this key a context holds the span that a new one becomes a child of. */
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");

/** The tracer of the runtime, or undefined when `OTEL_DENO` is not set to true. */
export function findTracer(version: string): Tracer | undefined {
  return isSwitchedOn() ? makeTracer(Deno.telemetry.tracerProvider as RawProvider, version) : undefined;
}

/** By the rules of the runtime: where it did not start its exporter, a span throws, and with older ones ends the process. */
function isSwitchedOn(): boolean {
  try {
    return isTrue(Deno.env.get("OTEL_DENO")) && !isTrue(Deno.env.get("OTEL_SDK_DISABLED"));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}

/** A tracer on a provider of OpenTelemetry. */
export function makeTracer(provider: RawProvider, version: string): Tracer {
  const tracer = provider.getTracer(TRACER_NAME, version);
  return {
    start: (name, { attributes, parent }) => {
      const span = tracer.startSpan(name, { kind: KIND_SERVER, attributes }, contextOf(parent));
      return {
        setAttributes: (more) => span.setAttributes(more),
        fail: () => span.setStatus({ code: STATUS_ERROR }),
        end: () => span.end(),
      };
    },
  };
}

function contextOf(parent: string | undefined): RawContext | undefined {
  const spanContext = parent === undefined ? undefined : readTraceParent(parent);
  if (spanContext === undefined) return undefined;
  const span = { spanContext: () => spanContext, isRecording: () => false };
  return { getValue: (key) => key === SPAN_KEY ? span : undefined };
}

const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Reads a `traceparent` header (W3C Trace Context, 3.2); undefined for what is none. */
export function readTraceParent(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACE_PARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
