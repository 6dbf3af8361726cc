/** The reply of one line to a read or a write, letter by letter, from what the node told the session. */

import { unreachable } from "../../../lib/base/assert.ts";
import type { NotDone, WriteOutcome } from "../../../lib/node/api.ts";
import { newestCommit } from "../../../lib/node/views/lag.ts";
import type { Node } from "../../../lib/node/node.ts";
import { reachPattern } from "./advice.ts";

/** What is known where a reply is judged. */
export interface Asked {
  readonly key: string;
  readonly node: Node;
}

/** The reply to PUT and DELETE. */
export function replyToWrite(outcome: WriteOutcome, asked: Asked): string | RegExp {
  switch (outcome.type) {
    case "Done":
      if (outcome.result.type === "Put") return `${asked.key} added successfully.`;
      if (outcome.result.type !== "Delete") return /^no such reply$/;
      return outcome.result.existed ? `${asked.key} deleted successfully.` : `Error: ${asked.key} does not exist.`;
    case "Unknown":
      return "Error: Outcome unknown. The write may or may not take effect.";
    case "NotDone":
      return replyToRefusal(outcome, asked);
    default:
      return unreachable(outcome);
  }
}

/** The reply to GET of what the model has under the key. */
export function replyToRead(value: string | undefined, { key }: Asked): string {
  return value === undefined ? `Error: ${key} does not exist.` : `value of ${key}: ${value}`;
}

/** The reply to what was certainly not done. */
export function replyToRefusal({ reason, leaderId }: NotDone, { node }: Asked): string | RegExp {
  const reach = reachPattern(node, { staleRead: "get <key> stale", separator: "\\. " });
  const noLeader = new RegExp(`^Error: No leader\\. ${reach}\\.$`, "i");
  switch (reason) {
    case "NoLeader":
      return noLeader;
    case "NotLeader":
      return leaderId === undefined ? noLeader : `Error: Not leader. Current leader is Node ${leaderId}`;
    case "Overloaded":
      return "Error: Overloaded. Too many requests are waiting; try again later.";
    case "NoSpace":
      return "Error: No space. The leader's disk is full; reads go on.";
    case "OutOfMemory":
      return "Error: Out of memory. The leader's memory limit is reached; reads and DELETE go on.";
    case "Stopping":
      return "Error: Stopping. This node is shutting down; use another one.";
    case "NotLoggedIn":
    case "TooOld":
      return /^the workload has no users$/;
    case "Quarantined":
      return "Error: Quarantine. The state of this node is not sound, and it waits for another one; use another node.";
    case "TooLarge":
      return /^the workload has nothing too large$/;
    case "Timeout": {
      const lags = node.driver.applied.id.index < newestCommit(node.status());
      const why = `No majority confirmed the request in time\\. ${reach}${lags ? `|This node is ${LAG}` : ""}`;
      return new RegExp(`^Error: Timeout\\. (${why})\\.$`, "i");
    }
    default:
      return unreachable(reason);
  }
}

/** Why a node may lag, for a pattern. */
export const LAG =
  "[1-9][0-9]* (entry|entries) behind: its (storage failed|disk is full|disk hangs, a sync has been under way for [0-9]+ s) \\(/data\\)";
