/** Error replies of HTTP: `application/problem+json` (RFC 9457) with a code for programs and what is known of the cluster. */

import { unreachable } from "../base/assert.ts";
import { isText, textToByteString } from "../base/bytes.ts";
import { describeRefusal } from "../access/user_changes.ts";
import { describeMissing } from "../kv/describe.ts";
import type { MissingRight } from "../kv/rights.ts";
import type { CommandRefusal } from "../kv/results.ts";
import type { NodeMonitor, NotDone, NotDoneReason, WriteOutcome } from "../node/api.ts";
import { describeLag } from "../node/views/lag.ts";
import { describeReach } from "../node/views/reach.ts";
import type { HttpReply } from "./http.ts";
import { reasonOf } from "./server/refusal.ts";

/** Media type of every error. */
export const PROBLEM_TYPE = "application/problem+json";

/** One error. */
export interface Problem {
  /** 400 to 599. */
  readonly status: number;
  /** For programs, in snake_case. */
  readonly code: string;
  /** For people. Byte string: what a client sent may be shown in it. */
  readonly detail: string;
  /** Headers beside those of every problem. */
  readonly headers?: HttpReply["headers"];
  /** Whether `detail` is to say whom this node reaches, and what to do. */
  readonly tellsReach?: boolean;
  /** Fields of the body beside those of every problem. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A reply that can still be told what is known of the cluster. */
export interface ProblemReply extends HttpReply {
  readonly problem: Problem;
  /** The right that was missing, where that is the problem. */
  readonly missing?: MissingRight;
}

/** The reply to what cannot be done. */
export function problem(of: Problem): ProblemReply {
  const headers = [["Content-Type", PROBLEM_TYPE], ["Cache-Control", "no-store"], ...of.headers ?? []] as const;
  return { status: of.status, headers, body: bodyOf(of, {}), problem: of };
}

/** Whether a reply is one of `problem`. */
export function isProblem(reply: object): reply is ProblemReply {
  return "problem" in reply;
}

/** The same problem with leader, term and members, and whether each is reachable. */
export function withCluster(reply: ProblemReply, node: NodeMonitor): HttpReply {
  const { raft: { leaderId, currentTerm } } = node.status();
  const members = node.members().map(({ id, clientAddress, httpAddress, reachable }) => {
    return { id, address: clientAddress, http_address: httpAddress, reachable };
  });
  const { problem: told } = reply;
  const clauses = told.tellsReach === true ? describeReach(node, "?level=stale").map(textToByteString) : [];
  const detail = [told.detail, ...clauses].join("; ");
  return { ...reply, body: bodyOf({ ...told, detail }, { leader: leaderId ?? null, term: currentTerm, members }) };
}

function bodyOf({ status, code, detail, more }: Problem, cluster: Readonly<Record<string, unknown>>): string {
  const about = { type: "about:blank", title: reasonOf(status), status, code };
  // `detail` is a byte string already, and only what follows it may hold text.
  const rest = textToByteString(JSON.stringify({ ...more, ...cluster }));
  const shown = isText(detail) ? detail : detail.replace(BEYOND_ASCII, "?");
  const head = JSON.stringify({ ...about, detail: shown });
  return rest === "{}" ? head : `${head.slice(0, -1)},${rest.slice(1)}`;
}

const BEYOND_ASCII = /[\u0080-\u00ff]/g;

/** 400 for a request that says what cannot be; `code` is `bad_request` when left out. */
export function badRequest(detail: string, code = "bad_request"): ProblemReply {
  return problem({ status: 400, code, detail });
}

const RETRY_AFTER = [["Retry-After", "1"]] as const;

/** The reply to a request that was certainly not done, and may be sent again. */
export function notDone({ reason }: Pick<NotDone, "reason">): ProblemReply {
  return problem(NOT_DONE[reason]);
}

/** The same for a read, which a node may fail to serve in time because its disk lets it lag. */
export function readNotDone(outcome: NotDone, node: NodeMonitor): ProblemReply {
  const lag = outcome.reason === "Timeout" ? describeLag(node) : undefined;
  if (lag === undefined) return notDone(outcome);
  const detail = `This node is ${textToByteString(lag)}`;
  return problem({ status: 503, code: "lagging", detail, headers: RETRY_AFTER });
}

const NOT_DONE: Readonly<Record<NotDoneReason, Problem>> = {
  NotLeader: noLeader("This node does not lead"),
  NoLeader: noLeader("No leader is known here; nothing was done"),
  Overloaded: {
    status: 429,
    code: "overloaded",
    detail: "Too many requests are waiting; nothing was done",
    headers: RETRY_AFTER,
  },
  NoSpace: { status: 507, code: "no_space", detail: "The disk of the leader is full; nothing was done" },
  OutOfMemory: { status: 507, code: "out_of_memory", detail: "The leader's memory limit is reached; nothing was done" },
  TooLarge: { status: 413, code: "too_large", detail: "The request is larger than an entry of the log may be" },
  Stopping: {
    status: 503,
    code: "stopping",
    detail: "This node is stopping; nothing was done",
    headers: RETRY_AFTER,
  },
  Timeout: {
    status: 503,
    code: "no_quorum",
    detail: "No majority confirmed in time that this node is up to date",
    headers: RETRY_AFTER,
    tellsReach: true,
  },
  NotLoggedIn: { status: 401, code: "not_logged_in", detail: "Authentication required; nothing was done" },
  Quarantined: {
    status: 503,
    code: "quarantined",
    detail: "The state of this node is not sound, and it waits for another one; nothing was done, ask another node",
    headers: RETRY_AFTER,
  },
  TooOld: {
    status: 503,
    code: "not_known_to_all",
    detail:
      "Some member is not known to know of users: try again in a moment, or upgrade the older ones; nothing was done",
    headers: RETRY_AFTER,
  },
};

function noLeader(detail: string): Problem {
  return { status: 503, code: "no_leader", detail, headers: RETRY_AFTER, tellsReach: true };
}

/** The reply to a write that was not done, or of which nothing is known. */
export function writeProblem(outcome: Exclude<WriteOutcome, { readonly type: "Done" }>): ProblemReply {
  if (outcome.type === "NotDone") return notDone(outcome);
  const detail = "The request was appended to the log, and whether it is committed is not known";
  return problem({ status: 504, code: "outcome_unknown", detail });
}

/** The reply to a command that was not applied now. */
export function refusalProblem(reason: CommandRefusal): ProblemReply {
  switch (reason) {
    case "NoSession":
      return problem({ status: 410, code: "no_session", detail: "The session expired, was closed, or never existed" });
    case "StaleSequence":
      return problem({
        status: 409,
        code: "stale_sequence",
        detail: "The answer to this sequence number is not kept any more",
      });
    case "AnswerNotKept":
      return problem({
        status: 409,
        code: "answer_not_kept",
        detail: "The request was done before; its answer was too long to be kept",
      });
    case "SequenceReused":
      return problem({
        status: 422,
        code: "sequence_reused",
        detail: "Another request was done under this sequence number; this one was not done",
      });
    case "TooManySessions":
      return problem({ status: 429, code: "overloaded", detail: "Too many sessions are open", headers: RETRY_AFTER });
    case "ForeignSession":
      return problem({
        status: 403,
        code: "not_owner",
        detail: "The session belongs to another user; nothing was done",
      });
    case "NotLoggedIn":
      return problem(NOT_DONE.NotLoggedIn);
    case "UserExists":
    case "NoSuchUser":
    case "LastUser":
    case "TooManyUsers":
    case "BadUser":
    case "LastAdmin":
    case "NoSuchRight":
    case "WiderRight":
    case "TooManyGrants":
    case "TokenExists":
    case "NoSuchToken":
    case "TooManyTokens":
    case "BadToken":
    case "PasswordNeeded":
      return problem({ status: 409, code: "user_not_changed", detail: describeRefusal(reason) });
    default:
      return unreachable(reason);
  }
}

/** The reply to who lacks a right; nothing was done. */
export function forbidden(missing: MissingRight): ProblemReply {
  const why = describeMissing(missing);
  const detail = `Not permitted: ${why}; nothing was done`;
  return { ...problem({ status: 403, code: "forbidden", detail, more: { right: missing.right } }), missing };
}

/** The reply to an entry of the log that this version cannot read, which only another version can have caused. */
export function invalidCommand(): ProblemReply {
  return problem({ status: 501, code: "not_supported", detail: "The state machine does not know the command" });
}
