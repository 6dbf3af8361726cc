/** Makes the core of a node from what was recovered and what the operator set. */

import { DEFAULT_RAFT_LIMITS } from "../raft/limits.ts";
import type { RaftLimits } from "../raft/options.ts";
import { RaftNode } from "../raft/raft_node.ts";
import { type Ticks, toTicks } from "../raft/types.ts";
import { TICK_MS } from "./limits.ts";
import type { NodeOptions } from "./options.ts";
import type { Ground } from "./parts.ts";

/** Digits of the random id of a cluster. */
export const CLUSTER_ID_DIGITS = 32;
/** The random delay before the PreVote once the leader's connection has ended, in ticks: it keeps followers from colliding. */
const DISCONNECT_DELAY_TICKS = { min: 1, max: 5 } as const;

/** The first election timeout of a life, as a share of the shortest one: for the lowest id, and more for each further one. */
const FIRST_TIMEOUT_SHARE = 0.3;
const FIRST_TIMEOUT_STEP = 0.2;

/** The core, as it was before the process ended. */
export function makeCore(
  { storage: { recovered }, options, ports, raftLimits: limits, incarnation, stamps }: Ground,
): RaftNode {
  const { min, max } = DISCONNECT_DELAY_TICKS;
  return new RaftNode({
    id: options.nodeId,
    initialConfiguration: recovered.initialConfiguration,
    hardState: recovered.hardState,
    snapshot: recovered.snapshot,
    runs: recovered.runs,
    incarnation,
    readPoint: (commitIndex) => stamps.readPoint(commitIndex),
    makeClusterId: () => randomDigits(() => ports.random(), CLUSTER_ID_DIGITS),
    drawElectionTimeout: () => toTicks(Math.ceil(limits.electionTimeoutTicksMin * (1 + ports.random()))),
    firstElectionTimeoutTicks: firstElectionTimeout(options, limits),
    drawDisconnectDelay: () => toTicks(min + Math.floor(ports.random() * (max - min + 1))),
    limits,
  });
}

/**
 * Staggered by the rank of the id among the members: the lowest one asks after 0.3 of the shortest election timeout, so that
 * a cluster that starts as a whole soon has a leader, and usually the one that people try first.
 */
function firstElectionTimeout(options: NodeOptions, limits: RaftLimits): Ticks {
  const rank = options.members.filter((member) => member.id < options.nodeId).length;
  const share = FIRST_TIMEOUT_SHARE + FIRST_TIMEOUT_STEP * rank;
  return toTicks(Math.max(1, Math.ceil(limits.electionTimeoutTicksMin * share)));
}

/** The limits of the core: times in ticks. */
export function limitsOf(options: NodeOptions): RaftLimits {
  return {
    ...DEFAULT_RAFT_LIMITS,
    heartbeatTicks: toTicks(Math.max(1, Math.round(options.heartbeatMs / TICK_MS))),
    electionTimeoutTicksMin: toTicks(Math.max(2, Math.round(options.electionTimeoutMs / TICK_MS))),
    ...options.raftLimits,
  };
}

/** So many hexadecimal digits; `random` gives a number in [0, 1). */
export function randomDigits(random: () => number, count: number): string {
  let digits = "";
  while (digits.length < count) digits += Math.floor(random() * 16).toString(16);
  return digits;
}
