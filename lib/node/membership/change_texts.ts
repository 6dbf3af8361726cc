/** What people are told of a change of the membership, alike in every protocol. */

import { unreachable } from "../../base/assert.ts";
import type { MemberChange, MemberChangeOutcome } from "../api.ts";

/** Of a server that belongs to nothing. */
export const NOT_A_MEMBER = "There is no such member";
/** Of a change whose outcome is unknown. */
export const CHANGE_UNKNOWN =
  "The change was begun, and is not known to be committed; the same request again tells, and harms nothing";

/** Of a change that the leader does not know: its reason to refuse it. */
export const LEADER_TOO_OLD =
  "the leader runs an older program, which cannot do this: upgrade it, or let an upgraded node lead: kvstore leader transfer ID";

/** Why nothing was begun. */
export function describeUnsafe({ reason }: Extract<MemberChangeOutcome, { readonly reason: string }>): string {
  return `Nothing was begun: ${reason}`;
}

/** What was done. */
export function describeDone({ type }: MemberChange, id: number): string {
  switch (type) {
    case "Add":
      return `Member ${id} is added as a learner`;
    case "Promote":
      return `Member ${id} has a vote`;
    case "Drain":
      return `Member ${id} is drained`;
    case "Undrain":
      return `Member ${id} is drained no more`;
    case "Remove":
      return `Member ${id} is removed for good`;
    default:
      return unreachable(type);
  }
}
