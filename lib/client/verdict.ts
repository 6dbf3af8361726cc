/** What an error of a server means for the request that it answers. */

import { ServerError } from "./errors.ts";
import type { Reply } from "./replies.ts";

/** What to do about a reply. */
export type Verdict =
  /** It is the answer, be it an error or not. */
  | "Answer"
  /** Certainly not done: this server cannot now, another one may. */
  | "Elsewhere"
  /** Certainly not done: the leader has too much to do. */
  | "Wait"
  /** Certainly not done, and it would not be soon: no memory, no disk space. */
  | "Refused"
  /** It may have been done. */
  | "Unknown";

const VERDICTS: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["CLUSTERDOWN", "Elsewhere"],
  ["TRYAGAIN", "Elsewhere"],
  ["LOADING", "Elsewhere"],
  ["MASTERDOWN", "Elsewhere"],
  ["MOVED", "Elsewhere"],
  ["BUSY", "Wait"],
  ["READONLY", "Refused"],
  ["OOM", "Refused"],
  ["TIMEOUT", "Unknown"],
]);

/** Certainly not done: the connection has not logged in, or its login has ended. Passing for who can log in again. */
export const NOT_LOGGED_IN = "NOAUTH";

/** The verdict on a reply. */
export function judgeReply(reply: Reply): Verdict {
  return reply instanceof ServerError ? VERDICTS.get(reply.code) ?? "Answer" : "Answer";
}

/** Whether what failed with the code of a `NotDoneError` may succeed a little later. */
export function isPassing(code: string): boolean {
  const verdict = VERDICTS.get(code);
  return verdict === "Elsewhere" || verdict === "Wait" || [NOT_LOGGED_IN, "UNREACHABLE", "DEADLINE"].includes(code);
}

/** The address that a MOVED error names; undefined for anything else. */
export function movedTo(reply: Reply): string | undefined {
  return reply instanceof ServerError && reply.code === "MOVED" ? reply.message.split(" ")[2] : undefined;
}
