/** What a refusal of the core means for a client. */

import type { Refusal } from "../../raft/update.ts";
import type { NotDoneReason } from "../api.ts";

/** Why a proposal was refused; one that got no answer at all met no leader. */
export function reasonOf(refusal: Refusal | undefined): NotDoneReason {
  if (refusal === undefined || refusal.reason === "LogFull") return "Overloaded";
  if (refusal.reason === "Transferring") return "Stopping";
  if (refusal.reason === "NotLeader" && refusal.leaderId !== undefined) return "NotLeader";
  return "NoLeader";
}
