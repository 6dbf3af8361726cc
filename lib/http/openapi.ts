/** The OpenAPI 3.1 document, made from the table of routes. */

import { textToByteString } from "../base/bytes.ts";
import { VERSION } from "../observe/version.ts";
import { isProblemStatus, SHARED_REPLIES, sharedStatusesOf } from "./openapi_replies.ts";
import { PROBLEM_TYPE } from "./problem.ts";
import { IF_RANGE, RANGE } from "./ranges.ts";
import { STALE_AGE } from "./reads.ts";
import type { BodyDescription, Parameter, ResponseDescription, Route, Tag } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const PROBLEM_SCHEMA: Json = {
  type: "object",
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", description: "For programs." },
    detail: { type: "string", description: "For people." },
    passing: { type: "boolean", description: "Whether the same request may be taken in a moment." },
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

const TAGS: Readonly<Record<Tag, string>> = {
  Keys: "Reading and writing keys, one by one, in pages and in transactions.",
  Sessions: "Writes that are done at most once, however often they are sent.",
  Users: "Who may come in.",
  Events: "What changes, as it changes.",
  Cluster: "Who leads, who belongs to it, snapshots and backups.",
  "Local cluster": "What can be done to the nodes of a cluster on one machine.",
  Monitoring: "Metrics, health and the state of a node.",
  Dashboard: "The page for browsers.",
  Description: "This document.",
};

const REPLY_HEADERS: Json = {
  "X-KV-Node": { description: "Number of this node.", schema: { type: "integer" } },
  "X-KV-Leader": { description: "Number of the leader, or `none`.", schema: { type: "string" } },
  "X-KV-Term": { description: "The current term.", schema: { type: "integer" } },
  "X-KV-Revision": {
    description: "The revision of a write, or that as of which a reply was made.",
    schema: { type: "integer" },
  },
  [STALE_AGE]: {
    description:
      "Of `level=stale` alone: the reply holds every write that was acknowledged so many ms ago or longer; or `unknown`.",
    schema: { type: "string", pattern: "^([0-9]+|unknown)$" },
  },
  "X-Request-Id": { description: "The name of the request in the log.", schema: { type: "string" } },
};

/** The document as a byte string. */
export function openApiDocument(routes: readonly Route[]): string {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operationOf(route);
    if (route.method === "GET") path["head"] = headOf(route);
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
      // Without users nobody has to log in.
      security: [{}, { basic: [] }],
      tags: Array.from(new Set(routes.map(({ tag }) => tag)), (name) => ({ name, description: TAGS[name] })),
      paths,
      components: {
        schemas: { Problem: PROBLEM_SCHEMA },
        headers: REPLY_HEADERS,
        responses: sharedResponses(routes),
        securitySchemes: { basic: { type: "http", scheme: "basic" } },
      },
    })
  }\n`);
}

function operationOf(route: Route): Json {
  const { id, tag, summary, body, responses } = route;
  const shared = sharedStatusesOf(route);
  const references = shared.map((status) => [status, { $ref: `#/components/responses/${sharedName(status)}` }]);
  // Where a reply of the operation's own has a status that problems have as well, it can be either.
  const own = Object.entries(responses).map(([status, response]) =>
    [status, responseOf(shared.includes(Number(status)) ? orProblem(response) : response)] as const
  );
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...parametersOf(route),
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    responses: { ...Object.fromEntries(references), ...Object.fromEntries(own) },
  };
}

/** HEAD, which the router answers where there is GET: the same without any body, and without parts of one. */
function headOf(route: Route): Json {
  const references = sharedStatusesOf(route).map((status) => {
    return [status, { $ref: `#/components/responses/${headName(status)}` }];
  });
  const own = Object.entries(route.responses)
    .filter(([status]) => !PART_STATUSES.includes(Number(status)))
    .map(([status, { description }]) => [status, responseOf({ description })] as const);
  return {
    operationId: `${route.id}Head`,
    tags: [route.tag],
    summary: `The headers of GET. ${route.summary}`,
    ...parametersOf({ ...route, headers: route.headers.filter((header) => !PART_HEADERS.includes(header)) }),
    responses: { ...Object.fromEntries(references), ...Object.fromEntries(own) },
  };
}

/** RFC 9110, 14.2: ranges mean something for GET alone. */
const PART_HEADERS: readonly Parameter[] = [RANGE, IF_RANGE];
const PART_STATUSES: readonly number[] = [206, 416];

function sharedName(status: number): string {
  return `${isProblemStatus(status) ? "Problem" : "Status"}${status}`;
}

function headName(status: number): string {
  return `${sharedName(status)}Head`;
}

function parametersOf({ path, query, headers }: Pick<Route, "path" | "query" | "headers">): Json {
  const parameters = [
    ...pathNames(path).map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    ...query.map((parameter) => parameterOf(parameter, "query")),
    ...headers.map((parameter) => parameterOf(parameter, "header")),
  ];
  return parameters.length === 0 ? {} : { parameters };
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

function orProblem(response: ResponseDescription): ResponseDescription {
  const types = typesOf(response);
  return types.length === 0 || types.includes(PROBLEM_TYPE)
    ? response
    : { ...response, contentType: [...types, PROBLEM_TYPE] };
}

function typesOf({ contentType = [] }: ResponseDescription): readonly string[] {
  return typeof contentType === "string" ? [contentType] : contentType;
}

function responseOf(response: ResponseDescription): Json {
  const { description, schema, json } = response;
  const headers = Object.fromEntries(
    Object.keys(REPLY_HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
  const types = typesOf(response);
  if (types.length === 0) return { description, headers };
  const content = Object.fromEntries(types.map((type) => {
    const shown = type === PROBLEM_TYPE ? PROBLEM_REFERENCE : schema;
    return [type, shown === undefined ? {} : { schema: shown }];
  }));
  return {
    description,
    headers,
    content: json === undefined ? content : { ...content, [JSON_TYPE]: { schema: json } },
  };
}

const JSON_TYPE = "application/json";
const UNAUTHORIZED = 401;
/** What browsers get in the place of a problem. */
const LOGIN_PAGE_TYPE = "text/html; charset=utf-8";
const PROBLEM_REFERENCE: Json = { $ref: "#/components/schemas/Problem" };

/** Each reply that many operations share, once, and once without its body where HEAD can have it. */
function sharedResponses(routes: readonly Route[]): Json {
  const ofHead = new Set(routes.filter(({ method }) => method === "GET").flatMap(sharedStatusesOf));
  return Object.fromEntries(
    Object.entries(SHARED_REPLIES).flatMap(([key, description]) => {
      const status = Number(key);
      const shown = status === UNAUTHORIZED ? [PROBLEM_TYPE, LOGIN_PAGE_TYPE] : [PROBLEM_TYPE];
      const contentType = isProblemStatus(status) ? shown : [];
      const whole = [sharedName(status), responseOf({ description, contentType })] as const;
      return ofHead.has(status) ? [whole, [headName(status), responseOf({ description })] as const] : [whole];
    }),
  );
}
