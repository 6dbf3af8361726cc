/**
 * How a cluster begins (divergence D19): its first leader makes the id, and a server that holds nothing helps to begin one
 * only where nobody who answers holds anything.
 *
 * Known problem: two of three servers lose their directories and start as new ones. They are a majority and know of nothing
 * that they have lost, so without a rule they elect a leader and take writes beside the third, which has all the data.
 *
 * - A cluster has an id as soon as the configuration that names it is committed. Until then its leader takes no commands, so
 *   whoever knows no id holds no command of anybody: what it has may be replaced.
 * - A server knows the id when it knows that entry to be committed. It is part of the hard state: no acknowledgement of what
 *   follows leaves before it is durable. Hence a majority knows it once a command is acknowledged.
 * - A server is blank while it knows no id and its log is empty. A blank one campaigns, or votes for another blank one, only
 *   while no peer has told it in this life that it knows an id; and it campaigns only when a majority, itself included, has
 *   said that it knows none.
 *
 * A crash in between cannot keep a cluster from beginning. Where somebody knows the id, a majority holds the entry: they are
 * not blank, and one of them can win. Where nobody does, no blank server is held back.
 */

import type { Core, LeadingCore } from "./core.ts";
import type { RequestVote } from "./messages.ts";
import { hasQuorum } from "./quorum.ts";
import type { Configuration, NodeId } from "./types.ts";

/** What a server that holds nothing has heard about the others in this life. */
export interface Founding {
  /** By peer: whether it knows the id of a cluster. True stays true. */
  readonly knows: Map<NodeId, boolean>;
  /** Ticks since a majority, this server included, was first known to know none. */
  agreedTicks: number;
  /** A campaign was due and had to wait. */
  waits: boolean;
}

/** At the start of a life. */
export function newFounding(): Founding {
  return { knows: new Map(), agreedTicks: 0, waits: false };
}

/** Takes what a peer said. True when a campaign that is under way would begin another cluster. */
export function hearIntroduction(
  core: Core,
  { peer, knowsCluster }: { readonly peer: NodeId; readonly knowsCluster: boolean },
): boolean {
  const { knows } = core.founding;
  if (knows.get(peer) !== true) knows.set(peer, knowsCluster);
  const { role } = core.roleState;
  return knowsCluster && isBlank(core) && (role === "PreCandidate" || role === "Candidate");
}

/** One tick. */
export function tickFounding(core: Core): void {
  if (isBlank(core) && hasQuorum(core.log.configuration, (id) => saidNothing(core, id))) core.founding.agreedTicks += 1;
}

/** Whether a server that is due to campaign may do so, for all it has heard of clusters that exist. */
export function mayFound(core: Core): boolean {
  if (!isBlank(core)) return true;
  if (findHolder(core) !== undefined) return false;
  const { agreedTicks } = core.founding;
  if (agreedTicks === 0) return false;
  // Who has not answered yet may be about to: a dead one is waited for as long as a leader would be.
  const all = core.log.configuration.voters.every((id) => saidNothing(core, id));
  return all || agreedTicks >= core.limits.electionTimeoutTicksMin;
}

/** Whether a vote would begin another cluster beside one that is known to exist. */
export function wouldFoundBeside(core: Core, request: RequestVote): boolean {
  return isBlank(core) && request.lastLogIndex === 0 && findHolder(core) !== undefined;
}

/** A peer because of which this server, which holds nothing, begins no cluster though it would be time to. */
export function foundingHeldBy(core: Core): NodeId | undefined {
  return core.founding.waits && isBlank(core) ? findHolder(core) : undefined;
}

/** The id that a leader is to give to its cluster; undefined where the configuration in force names one. */
export function clusterIdToGive(core: LeadingCore): string | undefined {
  if (core.log.configuration.clusterId !== undefined) return undefined;
  return core.options.makeClusterId?.();
}

/** Whether the id of the cluster is still to be committed: until then nothing else may be. */
export function isFounding(core: Core): boolean {
  return core.options.makeClusterId !== undefined && core.clusterId === undefined;
}

/** At the end of a step: the id counts from the moment in which the entry that names it is known to be committed. */
export function learnClusterId(core: Core): void {
  if (core.clusterId === undefined) core.clusterId = core.log.clusterIdThrough(core.commitIndex);
}

/** Whether a configuration is of another cluster than this server: no honest leader of its own sends it. */
export function isForeign({ clusterId }: Core, configuration: Configuration): boolean {
  return clusterId !== undefined && configuration.clusterId !== undefined && configuration.clusterId !== clusterId;
}

function isBlank(core: Core): boolean {
  return isFounding(core) && core.log.lastIndex === 0;
}

function saidNothing(core: Core, id: NodeId): boolean {
  return id === core.id || core.founding.knows.get(id) === false;
}

function findHolder(core: Core): NodeId | undefined {
  for (const [peer, knowsCluster] of core.founding.knows) if (knowsCluster) return peer;
  return undefined;
}
