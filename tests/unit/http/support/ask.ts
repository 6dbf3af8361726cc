/** Asks an HTTP service as the server would, without sockets, and holds every reply to the OpenAPI document. */

import { assert, assertEquals } from "@std/assert";
import { byteStringToText } from "../../../../lib/base/bytes.ts";
import type { Trust } from "../../../../lib/base/dial.ts";
import type { KeyValueNode } from "../../../../lib/node/api.ts";
import type { HttpHandler, HttpReply, HttpRequest } from "../../../../lib/http/http.ts";
import type { Route } from "../../../../lib/http/route.ts";
import { Happenings } from "../../../../lib/http/live/happenings.ts";
import { openApiDocument } from "../../../../lib/http/openapi.ts";
import { Router } from "../../../../lib/http/router.ts";
import { routesWith } from "../../../../lib/http/routes.ts";
import { loginPage } from "../../../../lib/dashboard/login_page.ts";
import { DASHBOARD_ROUTES } from "../../../../lib/dashboard/routes.ts";
import { makeHttpService } from "../../../../lib/http/service.ts";
import { bodyComplaint, replyComplaint } from "../../../support/openapi_replies.ts";
import { gateOf } from "../../../support/gate.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";

/** A reply whose body is whole. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Byte string. */
  readonly body: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** The code of a problem. */
  readonly code: unknown;
}

/** What a request has beside method and target. */
export interface Extras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly rate?: HttpRequest["rate"];
  readonly noteLogin?: HttpRequest["noteLogin"];
  readonly certified?: HttpRequest["certified"];
  readonly isTls?: boolean;
}

/** What a server serves. */
export const ALL_ROUTES = routesWith(DASHBOARD_ROUTES);

/** A service and the clock that it waits by. */
export interface Service {
  readonly handler: HttpHandler;
  readonly clock: VirtualClock;
  readonly logged: string[];
  /** Whether it serves what the OpenAPI document describes. */
  readonly isDescribed: boolean;
}

/** The service of a node, with small limits. */
export function serviceOf(
  node: KeyValueNode,
  routes?: readonly Route[],
  { https }: { readonly https?: Trust } = {},
): Service {
  const clock = new VirtualClock();
  const logged: string[] = [];
  const handler = makeHttpService({
    node,
    gate: gateOf(node, clock),
    clock,
    log: (level, message) => logged.push(`${level} ${message}`),
    keyBytesMax: 64,
    valueBytesMax: 1_024,
    httpAddress: "127.0.0.1:8000",
    happenings: new Happenings({ node, clock }),
    https,
    routes: routes ?? ALL_ROUTES,
    loginPage,
  });
  return { handler, clock, logged, isDescribed: routes === undefined };
}

/** Sends `METHOD /target?query`; the server would do the same with a body within the limit. */
export async function ask({ handler, isDescribed }: Service, line: string, extras: Extras = {}): Promise<Answer> {
  const [method = "", target = ""] = line.split(" ");
  const mark = target.indexOf("?");
  const headers = new Map(Object.entries({ host: "127.0.0.1:8000", ...extras.headers }));
  const head = {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? "" : target.slice(mark + 1),
    headers,
    remote: "127.0.0.1:1",
    rate: extras.rate,
    certified: extras.certified,
    isTls: extras.isTls,
    ...extras.noteLogin === undefined ? {} : { noteLogin: extras.noteLogin },
    id: "r1",
  };
  const verdict = handler.judge(head);
  const { body = "" } = extras;
  if (typeof verdict === "number") {
    assert(body.length <= verdict, `The server would refuse a body of ${body.length} bytes`);
  }
  const answer = answerOf(typeof verdict === "number" ? await handler.handle({ ...head, body }) : verdict);
  if (isDescribed) assertDescribed(head, answer);
  return answer;
}

const JSON_TYPES: readonly string[] = ["application/json", "application/problem+json"];
const router = new Router(ALL_ROUTES);
const document: Readonly<Record<string, unknown>> = JSON.parse(openApiDocument(ALL_ROUTES));

/** A request that leads to no operation is no matter of the document. */
function assertDescribed(
  { method, path }: { readonly method: string; readonly path: string },
  { status, headers, body }: Answer,
): void {
  const destination = router.find(method, path);
  const template = destination.type === "Options" ? undefined : destination.route?.path;
  if (template === undefined) return;
  const contentType = headers.get("content-type");
  const reply = { method, template, status, contentType };
  assertEquals(replyComplaint(document, reply), undefined);
  if (method === "HEAD" || headers.has("content-encoding") || !JSON_TYPES.includes(contentType ?? "")) return;
  assertEquals(bodyComplaint(document, reply, JSON.parse(byteStringToText(body) ?? "")), undefined);
}

function answerOf({ status, headers, body }: HttpReply): Answer {
  assert(typeof body === "string");
  const json = parse(body);
  return {
    status,
    headers: new Map(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body,
    json,
    code: json?.["code"],
  };
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  const text = byteStringToText(body);
  if (text === undefined || !text.startsWith("{")) return undefined;
  return JSON.parse(text);
}
