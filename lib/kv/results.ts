/** What applying a command gave, and its form as text: kept in sessions, in snapshots, and sent to the node that forwarded. */

import { unreachable } from "../base/assert.ts";
import { type Reply, replyFromJson, replyToJson } from "./replies.ts";
import type { MissingRight } from "./rights.ts";
import { USER_REFUSALS, type UserRefusal } from "./users.ts";

/** Why a command of a session was not applied, now or at all. */
export type SessionRefusal =
  /** The session has expired, was closed, or never existed. */
  | "NoSession"
  /** The answer of that sequence number has been forgotten; whether it was applied is not known any more. */
  | "StaleSequence"
  /** It was applied; its answer was too long to be kept. */
  | "AnswerNotKept"
  /** Another command was applied under that sequence number. */
  | "SequenceReused"
  /** So many sessions are open that none can be added. */
  | "TooManySessions"
  /** The session belongs to another user; nothing was done. */
  | "ForeignSession";

/** Why a command was not applied. */
export type CommandRefusal = SessionRefusal | UserRefusal;

/** What applying a command gave. `revision` is the log index at which it was applied. */
export type CommandResult =
  | { readonly type: "Put"; readonly revision: number; readonly created: boolean }
  | { readonly type: "Delete"; readonly revision: number; readonly existed: boolean }
  | { readonly type: "Reply"; readonly revision: number; readonly reply: Reply }
  | {
    readonly type: "Transaction";
    readonly revision: number;
    readonly succeeded: boolean;
    readonly replies: readonly Reply[];
  }
  | { readonly type: "Refused"; readonly revision: number; readonly reason: CommandRefusal }
  /** Who submitted it lacks a right; nothing was done. */
  | { readonly type: "Forbidden"; readonly revision: number; readonly missing: MissingRight }
  | { readonly type: "Invalid"; readonly revision: number };

const REFUSALS: readonly CommandRefusal[] = [
  ...USER_REFUSALS,
  "NoSession",
  "StaleSequence",
  "AnswerNotKept",
  "SequenceReused",
  "TooManySessions",
  "ForeignSession",
];

/** A result as JSON values. */
export function resultToJson(result: CommandResult): unknown {
  const { type, revision } = result;
  switch (type) {
    case "Put":
      return { type, revision, created: result.created };
    case "Delete":
      return { type, revision, existed: result.existed };
    case "Reply":
      return { type, revision, reply: replyToJson(result.reply) };
    case "Transaction":
      return { type, revision, succeeded: result.succeeded, replies: replyToJson(result.replies) };
    case "Refused":
      return { type, revision, reason: result.reason };
    case "Forbidden":
      return { type, revision, missing: result.missing };
    case "Invalid":
      return { type, revision };
    default:
      return unreachable(result);
  }
}

/** Reads what `resultToJson` made; undefined for everything else. */
export function resultFromJson(json: unknown): CommandResult | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { type, revision, created, existed, reply, succeeded, replies, reason, missing } = json as Readonly<
    Record<string, unknown>
  >;
  if (typeof revision !== "number" || !Number.isSafeInteger(revision) || revision < 0) return undefined;
  switch (type) {
    case "Put":
      return typeof created === "boolean" ? { type, revision, created } : undefined;
    case "Delete":
      return typeof existed === "boolean" ? { type, revision, existed } : undefined;
    case "Reply": {
      const read = replyFromJson(reply);
      return read === undefined ? undefined : { type, revision, reply: read };
    }
    case "Transaction": {
      const read = Array.isArray(replies) ? replyFromJson(replies) : undefined;
      if (typeof succeeded !== "boolean" || !Array.isArray(read)) return undefined;
      return { type, revision, succeeded, replies: read };
    }
    case "Refused": {
      const known = REFUSALS.find((refusal) => refusal === reason);
      return known === undefined ? undefined : { type, revision, reason: known };
    }
    case "Forbidden": {
      const read = missingFromJson(missing);
      return read === undefined ? undefined : { type, revision, missing: read };
    }
    case "Invalid":
      return { type, revision };
    default:
      return undefined; // From another version.
  }
}

function missingFromJson(json: unknown): MissingRight | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { right, prefix } = json as Readonly<Record<string, unknown>>;
  if (right !== "read" && right !== "write" && right !== "admin") return undefined;
  return prefix === undefined || typeof prefix === "string" ? { right, prefix } : undefined;
}
