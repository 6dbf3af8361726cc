/** The OpenAPI 3.1 document, made from the table of routes. */

import { textToByteString } from "../../base/bytes.ts";
import { VERSION } from "../../observe/version.ts";
import { PROBLEM_TYPE } from "./problem.ts";
import type { BodyDescription, Parameter, ResponseDescription, Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const PROBLEM_SCHEMA: Json = {
  type: "object",
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", description: "For programs." },
    detail: { type: "string", description: "For people." },
    leader: { type: ["integer", "null"] },
    term: { type: "integer" },
    members: {
      type: "array",
      items: {
        type: "object",
        properties: {
          id: { type: "integer" },
          address: { type: "string" },
          http_address: { type: "string" },
          reachable: { type: "boolean" },
        },
        required: ["id", "address", "http_address", "reachable"],
      },
    },
  },
  required: ["type", "title", "status", "code"],
};

/** What every operation can answer. */
const COMMON_PROBLEMS: Readonly<Record<number, string>> = {
  400: "The request says what cannot be; also for an unknown parameter of the query.",
  403: "`bad_host`, `bad_origin`, `bad_token`: a page of another origin may not use this server.",
  408: "`request_timeout`: the request came too slowly.",
  413: "`too_large`",
  414: "The request line is too long.",
  429: "`overloaded`: too many requests are waiting; certainly not done.",
  431: "`headers_too_large`",
  500: "`internal`: a bug of the server.",
  503: "`no_leader`, `no_quorum`, `stopping`, `overloaded`: certainly not done, may be sent again.",
};

/** What only operations that write, or wait for a revision, can answer. */
const WAITING_PROBLEMS: Readonly<Record<number, string>> = {
  504: "`outcome_unknown`: appended, and whether it is committed is not known; `revision_not_reached` for a reading.",
};

const WRITE_PROBLEMS: Readonly<Record<number, string>> = {
  409: "`stale_sequence`, `answer_not_kept`: the number was used before in its session.",
  410: "`no_session`: the session of `Idempotency-Key` is not open.",
  422: "`sequence_reused`: another request was done under the number; this one was not.",
  507: "`no_space`: the disk of the leader is full; certainly not done.",
};

const REDIRECTION: Readonly<Record<number, string>> = { 307: "The leader is elsewhere; only on `?redirect`." };

const REPLY_HEADERS: Json = {
  "X-KV-Node": { description: "Number of this node.", schema: { type: "integer" } },
  "X-KV-Leader": { description: "Number of the leader, or `none`.", schema: { type: "string" } },
  "X-KV-Term": { description: "The current term.", schema: { type: "integer" } },
  "X-KV-Revision": {
    description: "The revision of a write, or that as of which a reply was made.",
    schema: { type: "integer" },
  },
  "X-Request-Id": { description: "The name of the request in the log.", schema: { type: "string" } },
};

/** The document as a byte string. */
export function openApiDocument(routes: readonly Route[]): string {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = path;
  }
  return textToByteString(`${
    JSON.stringify({
      openapi: "3.1.0",
      info: {
        title: "KVStore",
        version: VERSION,
        description: "A replicated key-value store. Every node answers every operation.",
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/" }],
      tags: Array.from(new Set(routes.map(({ tag }) => tag)), (name) => ({ name })),
      paths,
      components: { schemas: { Problem: PROBLEM_SCHEMA }, headers: REPLY_HEADERS, responses: problemResponses() },
    })
  }\n`);
}

function operationOf({ id, tag, summary, path, query, headers, body, method, responses }: Route): Json {
  const parameters = [
    ...pathNames(path).map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    ...query.map((parameter) => parameterOf(parameter, "query")),
    ...headers.map((parameter) => parameterOf(parameter, "header")),
  ];
  const problems = {
    ...COMMON_PROBLEMS,
    ...(method === "GET" ? {} : WRITE_PROBLEMS),
    ...(method !== "GET" || query.some(({ name }) => name === "min_revision") ? WAITING_PROBLEMS : {}),
    ...(query.some(({ name }) => name === "redirect") ? REDIRECTION : {}),
  };
  const known = Object.entries(responses).map(([status, response]) => [status, responseOf(response)] as const);
  const common = Object.keys(problems).map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    responses: { ...Object.fromEntries(common), ...Object.fromEntries(known) },
  };
}

function pathNames(path: string): readonly string[] {
  return Array.from(path.matchAll(/\{(.+?)\}/g), ([, name = ""]) => name);
}

function parameterOf({ name, description, schema, required = false }: Parameter, place: "query" | "header"): Json {
  return { name, in: place, description, required, schema };
}

function bodyOf({ description, contentType, schema }: BodyDescription): Json {
  return { description, required: true, content: { [contentType]: schema === undefined ? {} : { schema } } };
}

function responseOf({ description, contentType, schema, json }: ResponseDescription): Json {
  const headers = Object.fromEntries(
    Object.keys(REPLY_HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
  if (contentType === undefined) return { description, headers };
  const shown = contentType === PROBLEM_TYPE && schema === undefined ? PROBLEM_REFERENCE : schema;
  const content = {
    [contentType]: shown === undefined ? {} : { schema: shown },
    ...(json === undefined ? {} : { "application/json": { schema: json } }),
  };
  return { description, headers, content };
}

const PROBLEM_REFERENCE: Json = { $ref: "#/components/schemas/Problem" };

/** Each reply that many operations share, once. */
function problemResponses(): Json {
  const all = { ...REDIRECTION, ...COMMON_PROBLEMS, ...WRITE_PROBLEMS, ...WAITING_PROBLEMS };
  return Object.fromEntries(
    Object.entries(all).map(([status, description]) => {
      const isProblem = !Object.hasOwn(REDIRECTION, status);
      const response = isProblem ? { description, contentType: PROBLEM_TYPE } : { description };
      return [`Problem${status}`, responseOf(response)];
    }),
  );
}
