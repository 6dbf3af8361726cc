/** MEMBER: who belongs to the cluster, and the changes of that. */

import { unreachable } from "../../base/assert.ts";
import type { MemberChange, MemberChangeOutcome, NodeMonitor } from "../../node/api.ts";
import { CHANGE_UNKNOWN, describeDone, describeUnsafe, NOT_A_MEMBER } from "../../node/membership/change_texts.ts";
import { ADDITION_FORM, readAddition } from "../../node/membership/member_addresses.ts";
import { NODE_ID_MAX } from "../../raft/types.ts";
import type { UsageError } from "./arguments.ts";
import { renderCluster } from "./cluster.ts";
import { trimmedRest } from "./lexer.ts";
import { notDone } from "./outcomes.ts";
import type { Request } from "./requests.ts";
import { showText } from "./show.ts";

/** How it is used. */
export const MEMBER_USAGE = "MEMBER LIST, ADD <address>, PROMOTE <id>, DRAIN <id>, UNDRAIN <id> or REMOVE <id>";
const DETAIL = `an address is ${ADDITION_FORM}`;

/** The changes of one member, by their words. */
const TYPES = new Map<string, Exclude<MemberChange["type"], "Add">>([
  ["PROMOTE", "Promote"],
  ["DRAIN", "Drain"],
  ["UNDRAIN", "Undrain"],
  ["REMOVE", "Remove"],
]);

const LIST: Request = { type: "Report", render: renderCluster };

/** What the line asks for. */
export function readMember(line: string, at: number): Request | UsageError {
  const [word = "", operand, ...rest] = trimmedRest(line, at).split(/[ \t]+/);
  const name = word.toUpperCase();
  if (name === "LIST" && operand === undefined) return LIST;
  const change = operand === undefined || rest.length > 0 ? undefined : readChange(name, operand);
  return change === undefined ? { type: "UsageError", detail: DETAIL } : { type: "Member", change };
}

function readChange(name: string, operand: string): MemberChange | undefined {
  if (name === "ADD") return readAddition(operand);
  const id = /^[0-9]{1,10}$/.test(operand) ? Number(operand) : Infinity;
  if (id > NODE_ID_MAX) return undefined;
  const type = TYPES.get(name);
  return type === undefined ? undefined : { type, id };
}

/** The reply once it is known: one line without its end, and whether the change holds. */
export function memberReply(
  change: MemberChange,
  { outcome, node }: { readonly outcome: MemberChangeOutcome; readonly node: NodeMonitor },
): { readonly reply: string; readonly isDone: boolean } {
  if (outcome.type === "Done") return { reply: `${describeDone(change, outcome.id)}.`, isDone: true };
  return { reply: refusalLine(outcome, node), isDone: false };
}

function refusalLine(outcome: Exclude<MemberChangeOutcome, { readonly type: "Done" }>, node: NodeMonitor): string {
  switch (outcome.type) {
    case "Unsafe":
      return `Error: Unsafe. ${showText(describeUnsafe(outcome))}`;
    case "NotAMember":
      return `Error: Not a member. ${NOT_A_MEMBER}.`;
    case "Unknown":
      return `Error: Outcome unknown. ${CHANGE_UNKNOWN}.`;
    case "NotLeader":
      return notDone({ type: "NotDone", reason: "NoLeader", leaderId: undefined }, node);
    default:
      return unreachable(outcome);
  }
}
