/**
 * Voters that shall not lead (divergence D22): somebody is about to take them away, or their machine is slow. They vote and
 * count in every majority.
 *
 * A drained server does not campaign when a leader falls silent: another one will. Two cases are left in which it does, so that a
 * drain can never keep a cluster without a leader: a candidate asked for its vote whose log is older, so that nobody wins
 * without this server's entries; and no leader was heard for `DRAINED_TIMEOUTS` election timeouts. A drained leader hands over
 * as soon as another one can take it.
 */

import type { Core, LeadingCore } from "./core.ts";
import { bestSuccessor, handleTransferLeadership } from "./transfer.ts";
import type { Configuration, NodeId } from "./types.ts";

/** Election timeouts that a drained server lets pass: enough for several elections of the others. */
export const DRAINED_TIMEOUTS = 5;

/** Whether the server shall not lead, by the configuration. */
export function isDrained({ drained = [] }: Configuration, id: NodeId): boolean {
  return drained.includes(id);
}

/** An election timeout is over: whether this server leaves the election to the others. */
export function leavesElection(core: Core): boolean {
  const { election, log } = core;
  if (!isDrained(log.configuration, core.id) || election.isNeeded) return false;
  election.timeoutsLeft -= 1;
  return election.timeoutsLeft > 0;
}

/** The leader of the term was heard: the next silence begins anew. */
export function resetPatience(core: Core): void {
  core.election.isNeeded = false;
  core.election.timeoutsLeft = DRAINED_TIMEOUTS;
}

/** Once for each tick of a leader: one that is drained, and is known to be, hands over to one that is not. */
export function handOverIfDrained(core: LeadingCore): void {
  const { log: { configuration, configurationIndex }, roleState, commitIndex } = core;
  if (!isDrained(configuration, core.id) || configurationIndex > commitIndex || roleState.transfer !== undefined) {
    return;
  }
  const successor = bestSuccessor(core);
  if (successor === undefined || isDrained(configuration, successor.id) || !successor.inContact) return;
  handleTransferLeadership(core, { type: "TransferLeadership", target: successor.id });
}
