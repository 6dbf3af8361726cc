/** Makes requests from an OpenAPI document: mostly such as it allows, and some that go beyond it in every part. */

import type { Random } from "../../lib/base/random.ts";

type Json = Readonly<Record<string, unknown>>;

/** One operation of the document. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly parameters: readonly Json[];
  readonly body: { readonly contentType: string; readonly schema: Json | undefined } | undefined;
  /** Statuses that the document names. */
  readonly statuses: ReadonlySet<number>;
}

/** A request ready to be sent. */
export interface MadeRequest {
  readonly operation: Operation;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

const WORDS = [
  "a",
  "b",
  "k1",
  "0",
  "1",
  "-1",
  "true",
  "10s",
  "",
  "*",
  '"1"',
  '"7"',
  "1:1",
  "7:3",
  "9".repeat(17),
  "é",
  "\0",
  "%",
];
const BODY_BYTES_MAX = 2_000;
/** The part of the requests that are spoilt, and of the parameters of those. */
const SPOILT = 0.3;

/** The operations of a document. */
export function operationsOf(document: Json): readonly Operation[] {
  return Object.entries(document["paths"] as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const content = Object.entries((operation["requestBody"] as Json | undefined)?.["content"] ?? {}) as [
        string,
        Json,
      ][];
      const [contentType, media] = content[0] ?? [];
      return {
        method: method.toUpperCase(),
        path,
        id: String(operation["operationId"]),
        parameters: (operation["parameters"] ?? []) as readonly Json[],
        body: contentType === undefined ? undefined : { contentType, schema: media?.["schema"] as Json | undefined },
        statuses: new Set(Object.keys(operation["responses"] as Json).map(Number)),
      };
    })
  );
}

/** Draws one request. */
export function makeRequest(operations: readonly Operation[], random: Random): MadeRequest {
  const operation = random.pick(operations);
  const spoils = random.chance(SPOILT);
  const path = operation.path.replace(/\{(.+?)\}/g, () => encodeURIComponent(word(random)));
  const query: string[] = [];
  const headers: [string, string][] = [];
  for (const parameter of operation.parameters) {
    if (!random.chance(0.4)) continue;
    const schema = asJson(parameter["schema"]);
    const value = spoils && random.chance(SPOILT) ? spoiltValue(schema, random) : String(valueFor(schema, random));
    if (parameter["in"] === "query") query.push(`${parameter["name"]}=${encodeURIComponent(value)}`);
    if (parameter["in"] === "header") headers.push([String(parameter["name"]), headerText(value)]);
  }
  if (spoils && random.chance(0.3)) {
    query.push(`${encodeURIComponent(word(random))}=${encodeURIComponent(word(random))}`);
  }
  if (spoils && random.chance(0.1)) query.push("%zz");
  const method = spoils && random.chance(0.1) ? random.pick(["PATCH", "DELETE", "OPTIONS", "HEAD"]) : operation.method;
  const called = operations.find((other) => other.path === operation.path && other.method === method);
  return {
    operation: called ?? { ...operation, statuses: new Set() },
    method,
    target: query.length === 0 ? path : `${path}?${query.join("&")}`,
    headers,
    body: method === "GET" || method === "HEAD" ? undefined : bodyFor(operation, { random, spoils }),
  };
}

function bodyFor(
  { body }: Operation,
  { random, spoils }: { readonly random: Random; readonly spoils: boolean },
): Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  if (body.schema === undefined || (spoils && random.chance(0.3))) {
    return Uint8Array.from({ length: random.below(BODY_BYTES_MAX) }, () => random.below(256));
  }
  const text = JSON.stringify(valueFor(body.schema, random));
  return new TextEncoder().encode(spoils ? spoil(text, random) : text);
}

/** What a parameter may not be, for the most part; often a number just beyond its bounds. */
function spoiltValue(schema: Json, random: Random): string {
  const bounds = [Number(schema["minimum"]) - 1, Number(schema["maximum"]) + 1].filter(Number.isSafeInteger);
  return bounds.length > 0 && random.chance(0.5) ? String(random.pick(bounds)) : word(random);
}

/** Takes a piece out, or puts one in. */
function spoil(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const insert = random.pick(["", "null", "{", "[", '"', "1e999", '"x":1,', "\\ud800"]);
  return text.slice(0, at) + insert + text.slice(at + random.below(4));
}

/** A value that a schema allows; where it says nothing, any. */
function valueFor(schema: Json, random: Random, depth = 0): unknown {
  if (Array.isArray(schema["enum"])) return random.pick(schema["enum"]);
  if (Array.isArray(schema["examples"])) return random.pick(schema["examples"]);
  if (Array.isArray(schema["oneOf"])) return valueFor(random.pick(schema["oneOf"] as readonly Json[]), random, depth);
  const types = Array.isArray(schema["type"]) ? schema["type"] : [schema["type"]];
  switch (random.pick(types)) {
    case "integer":
      return random.between(Number(schema["minimum"] ?? 0), Number(schema["maximum"] ?? 20));
    case "boolean":
      return random.chance(0.5);
    case "null":
      return null;
    case "array":
      return Array.from({ length: random.below(4) }, () => valueFor(asJson(schema["items"]), random, depth + 1));
    case "object":
      return objectFor(schema, { random, depth });
    default:
      return schema["contentEncoding"] === "base64" ? btoa(word(random).replace(/[^ -~]/g, "")) : word(random);
  }
}

function objectFor(
  schema: Json,
  { random, depth }: { readonly random: Random; readonly depth: number },
): Readonly<Record<string, unknown>> {
  const names = Object.entries(asJson(schema["properties"])) as [string, Json][];
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const single = schema["maxProperties"] === 1 ? random.pick(names)[0] : undefined;
  const chosen = names.filter(([name]) => {
    if (single !== undefined) return name === single;
    if (required.has(name)) return true;
    // Both forms of the same bytes at once are refused; that is tried now and then.
    return name.endsWith("_base64") ? random.chance(0.1) : random.chance(0.8);
  });
  return Object.fromEntries(chosen.map(([name, inner]) => [name, valueFor(inner, random, depth + 1)]));
}

function word(random: Random): string {
  const fixed = random.pick(WORDS);
  return random.chance(0.8)
    ? fixed
    : fixed + String.fromCharCode(...Array.from({ length: 6 }, () => random.below(256)));
}

/** What the API that sends them takes for the value of a header. */
function headerText(value: string): string {
  return value.replace(/[^ -~]/g, "?").trim();
}

function asJson(value: unknown): Json {
  return typeof value === "object" && value !== null ? value as Json : {};
}
