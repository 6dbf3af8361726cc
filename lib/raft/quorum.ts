/** Majorities, simple and joint. Pure: configurations and values in, decisions out. */

import type { Configuration, NodeId } from "./types.ts";

/** How a vote stands: "Lost" when even every missing answer could not win it any more. */
export type VoteOutcome = "Won" | "Lost" | "Pending";

/**
 * The largest value that a majority has reached or passed; while joint, a majority of each of both sets (Raft 6).
 * Counts match indexes towards the commit index, and answered rounds towards a confirmed read. 0 without voters.
 */
export function quorumValue(configuration: Configuration, valueOf: (id: NodeId) => number): number {
  const value = majorityValue(configuration.voters, valueOf);
  if (configuration.votersOld.length === 0) return value;
  return Math.min(value, majorityValue(configuration.votersOld, valueOf));
}

/** Whether a majority (both while joint) satisfies `holds`. */
export function hasQuorum(configuration: Configuration, holds: (id: NodeId) => boolean): boolean {
  return quorumValue(configuration, (id) => holds(id) ? 1 : 0) === 1;
}

/** Counts votes; those of servers that are no voters do not count (B18). */
export function voteOutcome(configuration: Configuration, votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  if (hasQuorum(configuration, (id) => votes.get(id) === true)) return "Won";
  return hasQuorum(configuration, (id) => votes.get(id) !== false) ? "Pending" : "Lost";
}

/** Whether the server has a vote in the configuration; while joint in either of the two sets. */
export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.votersOld.includes(id);
}

/** Whether both majorities are needed (Raft 6: C_old,new is in force). */
export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOld.length > 0;
}

function majorityValue(voters: readonly NodeId[], valueOf: (id: NodeId) => number): number {
  const values: number[] = [];
  for (const id of voters) values.push(valueOf(id));
  values.sort(ascending);
  // Of n values in ascending order the one at (n-1)/2, rounded down, has a majority at or above it.
  return values[(values.length - 1) >> 1] ?? 0;
}

function ascending(left: number, right: number): number {
  return left - right;
}
