/** Replies of the Redis protocol, byte by byte, from what the model says and what the node told the connection. */

import { unreachable } from "../../../lib/base/assert.ts";
import type { NotDone } from "../../../lib/node/api.ts";
import { newestCommit } from "../../../lib/node/views/lag.ts";
import type { Node } from "../../../lib/node/node.ts";
import { bulk, error, integer, list, OK, status } from "../../support/resp/encode.ts";
import type { ModelResult } from "../model/keyspace_model.ts";
import { reachPattern } from "../text/advice.ts";
import { LAG } from "../text/replies.ts";

/** A write of which nothing is known. */
export const UNKNOWN = error("TIMEOUT outcome unknown");
/** Who has not logged in, or not any more. */
export const NOBODY = error("NOAUTH Authentication required.");
/** What AUTH answers to a token that is none. */
export const WRONG = error("WRONGPASS invalid username-password pair or user is disabled.");
/** What it answers where the node knows of no user yet. */
export const LOADING = error("LOADING the users are not known here yet; try again later");
/** Nothing, in the version of the protocol that is spoken here. */
const NOTHING = "$-1\r\n";
/** What EXEC answers where a watched key has changed. */
export const NO_LIST = "*-1\r\n";

const SESSION_ERRORS: Readonly<Record<string, string>> = {
  NoSession: "NOSESSION the session is not open: it expired, was closed, or never existed",
  StaleSequence: "STALESEQ the answer to this sequence number is not kept any more",
  AnswerNotKept: "STALESEQ the command was applied; its answer was too long to be kept",
  SequenceReused: "SEQREUSED another command was applied under this sequence number; this one was not",
  TooManySessions: "BUSY too many sessions are open; try again later",
  ForeignSession: "NOTOWNER the session belongs to another user; nothing was done",
};

/** The reply to a write whose entry gave this result. */
export function replyToResult(result: ModelResult): string {
  switch (result["type"]) {
    case "Put":
      return OK;
    case "Delete":
      return integer(result["existed"] === true ? 1 : 0);
    case "Reply":
      return replyOf(result["reply"]);
    case "Transaction":
      return result["succeeded"] === true ? replyOf(result["replies"]) : NO_LIST;
    case "Refused":
      return error(SESSION_ERRORS[String(result["reason"])] ?? "no such reason");
    default:
      return "no such result";
  }
}

/** An answer in the form of `replyToJson`, as bytes. */
export function replyOf(json: unknown): string {
  if (json === null) return NOTHING;
  if (typeof json === "number") return integer(json);
  if (typeof json === "string") return bulk(json);
  if (Array.isArray(json)) return list(json.map(replyOf));
  const { n, s, e } = json as { readonly n?: string; readonly s?: string; readonly e?: string };
  if (n !== undefined) return integer(BigInt(n));
  return s === undefined ? error(String(e)) : status(s);
}

/** The reply to what was certainly not done, as long as the node is as it is. */
export function replyToNotDone({ reason }: NotDone, node: Node): string | RegExp {
  const reach = reachPattern(node, { staleRead: "KV.GET <key> STALE", separator: "; " });
  switch (reason) {
    case "NotLeader":
    case "NoLeader":
      return new RegExp(`^-CLUSTERDOWN no leader; ${reach}\r\n$`);
    case "Overloaded":
      return error("BUSY too many requests are waiting; try again later");
    case "NoSpace":
      return error("READONLY the leader's disk is full; reads go on");
    case "OutOfMemory":
    case "NotLoggedIn":
    case "TooOld":
      return /^the workload has no users$/;
    case "Quarantined":
      return error("TRYAGAIN the state of this node is not sound, and it waits for another one; use another node");
    case "TooLarge":
      return /^the workload has nothing too large$/;
    case "Stopping":
      return error("TRYAGAIN this node is shutting down; use another one");
    case "Timeout": {
      const timedOut = `no majority confirmed the request in time; ${reach}`;
      const lags = node.driver.applied.id.index < newestCommit(node.status());
      return new RegExp(`^-TRYAGAIN (${timedOut}${lags ? `|this node is ${LAG}` : ""})\r\n$`);
    }
    default:
      return unreachable(reason);
  }
}
