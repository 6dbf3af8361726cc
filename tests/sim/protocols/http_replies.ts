/** Replies of HTTP from what the model says and what the node told the request: status, headers, and every field of the body. */

import { unreachable } from "../../../lib/base/assert.ts";
import type { HttpReply } from "../../../lib/http/http.ts";
import type { NotDone } from "../../../lib/node/api.ts";
import { newestCommit } from "../../../lib/node/views/lag.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { ModelResult } from "../model/keyspace_model.ts";
import type { ModelRecord } from "../model/record.ts";
import { reachPattern } from "../text/advice.ts";
import { LAG } from "../text/replies.ts";
import type { HttpPart, HttpWish } from "./http_requests.ts";

/** What a reply must be. */
export interface WantedReply {
  readonly status: number;
  /** Those that are held against the reply; of others nothing is said. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it is, or as JSON that has at least these fields: `detail` may be a pattern. */
  readonly body: string | Readonly<Record<string, unknown>>;
}

/** A write of which nothing is known. */
export const UNKNOWN: WantedReply = problem(504, "outcome_unknown", {
  detail: "The request was appended to the log, and whether it is committed is not known",
});

const NOT_FOUND = problem(404, "key_not_found", { detail: "There is no such key" });

/** The reply to a write whose entry gave this result; not for a comparison that failed. */
export function replyToResult(wish: HttpWish, result: ModelResult): WantedReply {
  const revision = String(result["revision"]);
  const headers = { "X-KV-Revision": revision };
  switch (wish.type) {
    case "Get":
      return NOT_FOUND;
    case "Put": {
      const isNew = wish.ifAbsent || result["created"] === true;
      return { status: isNew ? 201 : 200, headers: { ...headers, ETag: `"${revision}"` }, body: "" };
    }
    case "Delete":
      return result["existed"] === true ? { status: 200, headers, body: "" } : NOT_FOUND;
    case "Transaction": {
      const { succeeded, replies } = result;
      const parts = succeeded === true ? wish.then : wish.otherwise;
      const results = parts.map((part, at) => itemOf(part, (replies as readonly unknown[])[at]));
      return {
        status: 200,
        headers: { ...headers, "Content-Type": "application/json" },
        body: { succeeded, revision: result["revision"], results },
      };
    }
    default:
      return unreachable(wish);
  }
}

/** The reply to GET of what the model has under the key. */
export function replyToRead(record: ModelRecord | undefined, nowMs: number): WantedReply {
  if (record === undefined) return NOT_FOUND;
  const { value, revision, createRevision, version, expiresAt } = record;
  const ttl = expiresAt === undefined ? {} : { "X-KV-TTL-Ms": String(Math.max(0, expiresAt - nowMs)) };
  const headers = { ETag: `"${revision}"`, "X-KV-Create-Revision": String(createRevision), ...ttl };
  return { status: 200, headers: { ...headers, "X-KV-Version": String(version) }, body: value };
}

/** The reply to somebody who lacks a right. */
export function replyToForbidden(right: string): WantedReply {
  return problem(403, "forbidden", { right });
}

/** The reply to a condition that did not hold; `record` is null where what is there now could not be read. */
export function replyToFailedCondition(record: ModelRecord | undefined | null): WantedReply {
  const failed = (more: Readonly<Record<string, unknown>>) => problem(412, "compare_failed", more);
  if (record === null) return failed({ detail: "The condition did not hold" });
  if (record === undefined) return failed({ detail: "There is no such key", mod_revision: 0 });
  const { revision } = record;
  const told = failed({ detail: `The key has revision ${revision}`, mod_revision: revision });
  return { ...told, headers: { ...told.headers, ETag: `"${revision}"` } };
}

/** The reply to what was certainly not done, as long as the node is as it is. */
export function replyToNotDone({ reason }: NotDone, { node, isRead }: {
  readonly node: Node;
  readonly isRead: boolean;
}): WantedReply {
  const reach = reachPattern(node, { staleRead: "?level=stale", separator: "; " });
  switch (reason) {
    case "NotLeader":
      return problem(503, "no_leader", { detail: new RegExp(`^This node does not lead; ${reach}$`) });
    case "NoLeader":
      return problem(503, "no_leader", {
        detail: new RegExp(`^No leader is known here; nothing was done; ${reach}$`),
      });
    case "Overloaded":
      return problem(429, "overloaded", { detail: "Too many requests are waiting; nothing was done" });
    case "NoSpace":
      return problem(507, "no_space", { detail: "The disk of the leader is full; nothing was done" });
    case "OutOfMemory":
    case "NotLoggedIn":
    case "TooOld":
      return problem(401, "the workload has no users", {});
    case "Quarantined": {
      const detail =
        "The state of this node is not sound, and it waits for another one; nothing was done, ask another node";
      return problem(503, "quarantined", { detail });
    }
    case "TooLarge":
      return problem(413, "the workload has nothing too large", {});
    case "Stopping":
      return problem(503, "stopping", { detail: "This node is stopping; nothing was done" });
    case "Timeout": {
      const late = `No majority confirmed in time that this node is up to date; ${reach}`;
      const lags = isRead && node.driver.applied.id.index < newestCommit(node.status());
      if (!lags) return problem(503, "no_quorum", { detail: new RegExp(`^${late}$`) });
      const pattern = new RegExp(`^(${late}|This node is ${LAG})$`);
      return { ...problem(503, "no_quorum", {}), body: { status: 503, detail: pattern } };
    }
    default:
      return unreachable(reason);
  }
}

/** What is wrong with a reply; undefined for nothing. */
export function flawOf(reply: HttpReply, wanted: WantedReply): string | undefined {
  const shown = JSON.stringify({ status: reply.status, headers: reply.headers, body: reply.body });
  const flaw = (what: string) => `${shown}: ${what}`;
  if (reply.status !== wanted.status) return flaw(`not ${wanted.status}`);
  const headers = new Map(reply.headers.map(([name, value]) => [name, value]));
  for (const [name, value] of Object.entries(wanted.headers)) {
    if (headers.get(name) !== value) return flaw(`${name} is not ${value}`);
  }
  if (typeof reply.body !== "string") return flaw("the body is a stream");
  if (typeof wanted.body === "string") return reply.body === wanted.body ? undefined : flaw(`not ${wanted.body}`);
  // Bytes of the body are characters here, so that what was text in UTF-8 is a byte string again.
  const told = JSON.parse(reply.body) as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(wanted.body)) {
    const fits = value instanceof RegExp
      ? value.test(String(told[name]))
      : JSON.stringify(decoded(told[name])) === JSON.stringify(value);
    if (!fits) return flaw(`${name} is not ${value instanceof RegExp ? String(value) : JSON.stringify(value)}`);
  }
  return undefined;
}

function problem(status: number, code: string, more: Readonly<Record<string, unknown>>): WantedReply {
  return { status, headers: { "Content-Type": "application/problem+json" }, body: { status, code, ...more } };
}

/** The result of one item, from the model's answer in the form of `replyToJson`. */
function itemOf({ kind }: HttpPart, answer: unknown): Readonly<Record<string, unknown>> {
  const { e } = (typeof answer === "object" && answer !== null ? answer : {}) as { readonly e?: string };
  if (e !== undefined) return { error: e };
  switch (kind) {
    case "put":
      return { put: true };
    case "get":
      return typeof answer === "string" ? { found: true, value: answer } : { found: false };
    case "delete":
      return { deleted: answer === 1 };
    default:
      return { reply: answer };
  }
}

/** Values in base64 as what they are. */
function decoded(json: unknown): unknown {
  if (!Array.isArray(json)) return json;
  return json.map((item: Readonly<Record<string, unknown>>) => {
    const { value_base64: coded, ...others } = item;
    return typeof coded === "string" ? { ...others, value: atob(coded) } : item;
  });
}
