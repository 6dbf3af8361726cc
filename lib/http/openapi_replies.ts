/** What operations can answer beside their own replies, for the OpenAPI document. */

import { IDEMPOTENCY_KEY, MIN_REVISION } from "./parameters.ts";
import { REDIRECT } from "./redirect.ts";
import type { Route } from "./route.ts";

/** Descriptions by status. */
type Problems = Readonly<Record<number, string>>;

/** What every operation can answer. */
const COMMON: Problems = {
  400: "The request says what cannot be; also for an unknown parameter of the query.",
  401:
    "`not_logged_in`: there are users, and the request has no user and password, or token, that are right; to browsers, the login page.",
  403:
    "`bad_host`, `bad_origin`, `bad_token`: a page of another origin may not use this server; `forbidden`: the user lacks a right; `not_owner`: the session is another user's.",
  408: "`request_timeout`: the request came too slowly.",
  413: "`too_large`",
  414: "`uri_too_long`: the request line is too long.",
  417: "`expectation_failed`: the only expectation met is 100-continue.",
  429: "`overloaded`: too many requests or logins are waiting; `rate_limited`: too many a second; certainly not done.",
  431: "`headers_too_large`",
  500: "`internal`: a bug of the server.",
  501: "`not_implemented`: another transfer coding than chunked; `not_supported`: another version of the log.",
  503:
    "`no_leader`, `no_quorum`, `lagging`, `stopping`, `quarantined`, `overloaded`, `not_known_to_all`, `users_not_known`: certainly not done, may be sent again.",
  505: "`version_not_supported`: another version than HTTP/1.0 and 1.1.",
};

/** What is asked of the cluster and not of this node alone. */
const WAITING: Problems = {
  504: "`outcome_unknown`: appended, and whether it is committed is not known; `revision_not_reached` for a reading.",
};

const WRITING: Problems = {
  409: "`stale_sequence`, `answer_not_kept`: the number was used before in its session.",
  410: "`no_session`: the session of `Idempotency-Key` is not open.",
  422: "`sequence_reused`: another request was done under the number; this one was not.",
  507: "`no_space`: the disk of the leader is full; `out_of_memory`: its memory limit is reached; certainly not done.",
};

const REDIRECTION: Problems = { 307: "The leader is elsewhere; only on `?redirect`." };

/** Everything that several operations share: problems, but for the redirection. */
export const SHARED_REPLIES: Problems = { ...COMMON, ...WAITING, ...WRITING, ...REDIRECTION };

/** Whether a shared reply has a problem as its body. */
export function isProblemStatus(status: number): boolean {
  return !Object.hasOwn(REDIRECTION, status);
}

/** The statuses of shared replies that an operation can answer. */
export function sharedStatusesOf({ query, headers }: Pick<Route, "query" | "headers">): readonly number[] {
  const isWrite = headers.includes(IDEMPOTENCY_KEY);
  const isRead = query.includes(MIN_REVISION);
  const problems = {
    ...COMMON,
    ...(isWrite || isRead ? WAITING : {}),
    ...(isWrite ? WRITING : {}),
    ...(query.includes(REDIRECT) ? REDIRECTION : {}),
  };
  return Object.keys(problems).map(Number);
}
