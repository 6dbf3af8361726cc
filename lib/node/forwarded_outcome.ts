/** Outcomes of writes as texts, for the way from the leader to the node whose client waits. */

import { resultFromJson, resultToJson } from "../kv/results.ts";
import type { NotDoneReason, WriteOutcome } from "./api.ts";

const REASONS: readonly NotDoneReason[] = [
  "NotLeader",
  "NoLeader",
  "Overloaded",
  "NoSpace",
  "TooLarge",
  "Stopping",
  "Timeout",
];

/** A byte string. */
export function encodeOutcome(outcome: WriteOutcome): string {
  if (outcome.type === "Unknown") return "U";
  if (outcome.type === "NotDone") return `N${outcome.reason}`;
  return `D${JSON.stringify(resultToJson(outcome.result))}`;
}

/** What `encodeOutcome` wrote; everything else, which a newer version may write, is an unknown outcome. */
export function decodeOutcome(text: string): WriteOutcome {
  if (text[0] === "N") {
    const reason = REASONS.find((known) => known === text.slice(1));
    if (reason !== undefined) return { type: "NotDone", reason, leaderId: undefined };
  }
  const result = text[0] === "D" ? resultFromJson(parse(text.slice(1))) : undefined;
  return result === undefined ? { type: "Unknown" } : { type: "Done", result };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller takes what it cannot read for unknown.
  }
}
