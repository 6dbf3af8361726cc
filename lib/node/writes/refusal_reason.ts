/** What a refusal of the core means for a client. */

import type { Refusal } from "../../raft/update.ts";
import type { NotDoneReason, WriteOutcome } from "../api.ts";

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
  return reason === "NotLeader" || reason === "NoLeader" || reason === "Stopping";
}
