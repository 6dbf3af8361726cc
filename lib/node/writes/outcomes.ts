/** Outcomes of writes: what a refusal of the core comes to, and their texts for the way from the leader to the node whose client waits. */

import { resultFromJson, resultToJson } from "../../kv/results.ts";
import type { Refusal } from "../../raft/update.ts";
import type { NotDoneReason, WriteOutcome } from "../api.ts";

/** From here on a reply stands as it is. */
const LONG_BYTES_MIN = 65_536;
const REASONS: readonly NotDoneReason[] = [
  "NotLeader",
  "NoLeader",
  "Overloaded",
  "NoSpace",
  "OutOfMemory",
  "TooLarge",
  "Stopping",
  "Timeout",
  "NotLoggedIn",
  "TooOld",
];

/** Why a proposal was refused; one that got no answer at all met no leader. */
export function reasonOf(refusal: Refusal | undefined): NotDoneReason {
  if (refusal === undefined || refusal.reason === "LogFull") return "Overloaded";
  if (refusal.reason === "Transferring") return "Stopping";
  if (refusal.reason === "NotLeader" && refusal.leaderId !== undefined) return "NotLeader";
  return "NoLeader";
}

/** Whether a write was refused for want of leadership: it was certainly not done, and another leader may do it. */
export function isForAnotherLeader(outcome: WriteOutcome): boolean {
  if (outcome.type !== "NotDone") return false;
  const { reason } = outcome;
  return reason === "NotLeader" || reason === "NoLeader" || reason === "Stopping" || reason === "Quarantined";
}

/** A byte string. */
export function encodeOutcome(outcome: WriteOutcome): string {
  if (outcome.type === "Unknown") return "U";
  // A leader that goes, for whoever passes writes on to it: programs of before know one reason for that.
  if (outcome.type === "NotDone") return `N${outcome.reason === "Quarantined" ? "Stopping" : outcome.reason}`;
  const { result } = outcome;
  // A long reply stays as it is: JSON makes six characters of many a byte.
  if (result.type === "Reply" && typeof result.reply === "string" && result.reply.length >= LONG_BYTES_MIN) {
    return `S${result.revision}:${result.reply}`;
  }
  return `D${JSON.stringify(resultToJson(result))}`;
}

/** What `encodeOutcome` wrote; everything else, which a newer version may write, is an unknown outcome. */
export function decodeOutcome(text: string): WriteOutcome {
  if (text[0] === "N") {
    const reason = REASONS.find((known) => known === text.slice(1));
    if (reason !== undefined) return { type: "NotDone", reason, leaderId: undefined };
  }
  if (text[0] === "S") return decodeLongReply(text);
  const result = text[0] === "D" ? resultFromJson(parse(text.slice(1))) : undefined;
  return result === undefined ? { type: "Unknown" } : { type: "Done", result };
}

function decodeLongReply(text: string): WriteOutcome {
  const head = LONG_REPLY.exec(text.slice(0, LONG_REPLY_HEAD_MAX));
  const revision = Number(head?.[1]);
  const reply = text.slice(head?.[0].length);
  if (!Number.isSafeInteger(revision) || reply.length < LONG_BYTES_MIN) return { type: "Unknown" };
  return { type: "Done", result: { type: "Reply", revision, reply } };
}

const LONG_REPLY = /^S([0-9]{1,16}):/;
const LONG_REPLY_HEAD_MAX = 18;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller takes what it cannot read for unknown.
  }
}
