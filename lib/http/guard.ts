/** Keeps pages of other origins out: what a browser sends for one is refused, whatever name it was led here by. */

import type { NodeMonitor } from "../node/api.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import { problem, type ProblemReply } from "./problem.ts";
import { hasToken } from "./token.ts";

/** What a request is judged by. */
export interface GuardFacts {
  /** `host:port` of every member's HTTP, of this one too; "" where it is not known. */
  readonly httpAddresses: readonly string[];
  /** Hosts by which the operator names the members. */
  readonly hosts: readonly string[];
  readonly token: string;
}

/** Whether a request is let through, and the origin beside its own that may read the reply. */
export type Judgement =
  | { readonly type: "Allowed"; readonly sharedWith: string | undefined }
  | { readonly type: "Refused"; readonly reply: ProblemReply };

/** The codes of what is refused here. */
export const GUARD_CODES: readonly string[] = ["bad_host", "bad_origin", "bad_token"];

/** Methods that change nothing. */
const SAFE_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS"];
const SAME_ORIGIN: Judgement = { type: "Allowed", sharedWith: undefined };

/** What a guard asks of a node. */
export function guardFacts(
  node: Pick<NodeMonitor, "members">,
  { httpAddress, token }: { readonly httpAddress: string; readonly token: string },
): GuardFacts {
  const members = node.members();
  const addresses = [httpAddress, ...members.map((member) => member.httpAddress)];
  const named = [...addresses, ...members.flatMap(({ clientAddress, peerAddress }) => [clientAddress, peerAddress])];
  return { httpAddresses: addresses, hosts: named.map(hostOf), token };
}

/**
 * Judges the head of a request. A name that is not known here may have been made to lead here by a page that wants to be taken
 * for this server, so only names of the members, loopback names and addresses are answered to.
 */
export function judgeOrigin(
  request: Omit<HttpRequest, "body">,
  facts: () => GuardFacts,
  { isForm = false }: { readonly isForm?: boolean } = {},
): Judgement {
  const { headers } = request;
  const host = headers.get("host");
  if (host !== undefined && !isOwnHost(host.toLowerCase(), facts)) return BAD_HOST;
  const origin = headers.get("origin");
  const isOwn = isOwnOrigin(request);
  // A form has no header of its own for the token; where it comes from nobody but the browser says.
  if (isForm) return isOwn ? SAME_ORIGIN : NOT_OWN_FORM;
  if (origin === undefined) return judgeWithoutOrigin(request);
  const known = facts();
  if (!isOwn && !isMember(origin, known.httpAddresses)) return badOrigin(origin);
  if (!SAFE_METHODS.includes(request.method) && !hasToken(request, known)) return BAD_TOKEN;
  return isOwn ? SAME_ORIGIN : { type: "Allowed", sharedWith: origin };
}

/** Whether a page of the very address that was asked sends it, and says so. Where TLS is spoken pages that came without it are others. */
export function isOwnOrigin({ headers, isTls }: Pick<HttpRequest, "headers" | "isTls">): boolean {
  const [origin, host] = [headers.get("origin"), headers.get("host")];
  if (origin === undefined || host === undefined) return false;
  return origin === `https://${host}` || (origin === `http://${host}` && isTls !== true);
}

/** What changes something and comes with a cookie, and does not say from which page. */
export function withoutOrigin({ method, headers }: Pick<HttpRequest, "method" | "headers">): boolean {
  return !SAFE_METHODS.includes(method) && !headers.has("origin");
}

/** Images, scripts, frames and forms of a page carry no `Origin`, but today's browsers say whose page it is. */
function judgeWithoutOrigin({ method, headers }: Omit<HttpRequest, "body">): Judgement {
  const site = headers.get("sec-fetch-site") ?? "none";
  if (site === "none" || site === "same-origin") return SAME_ORIGIN;
  // Following a link leads here in plain sight; the page that has it learns nothing.
  const isLink = method === "GET" && headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
  return isLink ? SAME_ORIGIN : badOrigin("another site");
}

function isOwnHost(host: string, facts: () => GuardFacts): boolean {
  const name = hostOf(host);
  // An address cannot be made to lead elsewhere, so the browser has really asked for it.
  if (isLoopbackName(name) || IPV4.test(name) || IPV6.test(name)) return true;
  return facts().hosts.includes(name);
}

function isMember(origin: string, httpAddresses: readonly string[]): boolean {
  const match = ORIGIN.exec(origin);
  const address = match?.[1]?.toLowerCase();
  if (address === undefined) return false;
  if (httpAddresses.includes(address)) return true;
  // A page opened as localhost goes on with the other members, which call themselves 127.0.0.1.
  if (!isLoopback(hostOf(address))) return false;
  return httpAddresses.some((other) => isLoopback(hostOf(other)) && portOf(other) === portOf(address));
}

const ORIGIN = /^https?:\/\/([^/?#@\s]{1,270})$/;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const IPV6 = /^\[[0-9a-f:.]{2,45}\]$/;

function isLoopbackName(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

function isLoopback(host: string): boolean {
  return isLoopbackName(host) || host.startsWith("127.") && IPV4.test(host) || host === "[::1]";
}

/** The host of `host:port`, in lower case. */
function hostOf(address: string): string {
  return address.replace(/:\d*$/, "").toLowerCase();
}

function portOf(address: string): string {
  return /:(\d+)$/.exec(address)?.[1] ?? "80";
}

const BAD_HOST: Judgement = {
  type: "Refused",
  reply: problem({
    status: 403,
    code: "bad_host",
    detail: "This server is not known by the name in Host: use localhost, an IP address or the name of a member",
  }),
};

const BAD_TOKEN: Judgement = {
  type: "Refused",
  reply: problem({
    status: 403,
    code: "bad_token",
    detail: "What a page changes must carry the token of this node in X-KV-Token; /v1/live has it",
  }),
};

const NOT_OWN_FORM: Judgement = {
  type: "Refused",
  reply: problem({
    status: 403,
    code: "bad_origin",
    detail: "A form is taken from a page of this server alone: programs send user and password with each request",
  }),
};

/** The reply to a cookie that comes from nowhere. */
export const NO_ORIGIN: ProblemReply = problem({
  status: 403,
  code: "bad_origin",
  detail:
    "What is changed with a cookie must carry Origin, as browsers send it: programs send user and password instead",
});

const SHOWN_LENGTH_MAX = 100;

function badOrigin(origin: string): Judgement {
  const detail = `Pages of ${origin.slice(0, SHOWN_LENGTH_MAX)} may not use this server`;
  return { type: "Refused", reply: problem({ status: 403, code: "bad_origin", detail }) };
}

/** Longest time in seconds for which a browser may remember what is allowed. */
const PREFLIGHT_SECONDS = "600";
const SHARED_HEADERS =
  "X-KV-Node, X-KV-Leader, X-KV-Term, X-KV-Revision, X-KV-Create-Revision, X-KV-Version, X-KV-TTL-Ms, X-KV-Stale-Age-Ms, ETag, Accept-Ranges, Content-Range, Retry-After, X-Request-Id";
const SENT_HEADERS =
  "Accept, Authorization, Content-Type, If-Match, If-None-Match, If-Range, Range, Idempotency-Key, Last-Event-ID, X-KV-Token, X-Request-Id";

/** The headers by which a browser lets a page of a member's origin read a reply. */
export function sharingHeaders(origin: string): HttpReply["headers"] {
  return [
    ["Access-Control-Allow-Origin", origin],
    ["Access-Control-Expose-Headers", SHARED_HEADERS],
    ["Vary", "Origin"],
  ];
}

/** The headers that let such a page send what it was about to. `allow` is that of the path. */
export function preflightHeaders(allow: string): HttpReply["headers"] {
  return [
    ["Access-Control-Allow-Methods", allow],
    ["Access-Control-Allow-Headers", SENT_HEADERS],
    ["Access-Control-Max-Age", PREFLIGHT_SECONDS],
  ];
}
