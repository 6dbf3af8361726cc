/** The level of the cluster (ADR 18): to what it may rise, and who cannot what is on. Pure. */

import type { Configuration, Member, NodeId } from "../../raft/types.ts";
import type { Greeting } from "../../transport/transport.ts";
import { describeVersions, FIRST_LEVEL } from "../../transport/versions.ts";

/** The level from which on commands may be about users, and come from one. */
const USERS_LEVEL = 7;
/** The level from which on files of snapshots may be compressed. */
export const COMPRESSION_LEVEL = 8;

/** Whether every member of that configuration knows of users. */
export function knowsUsers({ level = FIRST_LEVEL }: Pick<Configuration, "level">): boolean {
  return level >= USERS_LEVEL;
}

/** Whether every member reads files that are compressed. */
export function knowsCompression({ level = FIRST_LEVEL }: Pick<Configuration, "level">): boolean {
  return level >= COMPRESSION_LEVEL;
}

/** What each member can do, as far as it is known. */
export interface Abilities {
  readonly self: NodeId;
  readonly own: Pick<Greeting, "versions">;
  /** The last greeting heard from each peer. */
  readonly greetings: ReadonlyMap<NodeId, Pick<Greeting, "versions">>;
}

/** The newest version that every member can, voters and learners; undefined while one of them has said nothing in this life. */
export function commonVersion(members: readonly Member[], { self, own, greetings }: Abilities): number | undefined {
  let common = own.versions.newest;
  for (const { id } of members) {
    const versions = id === self ? own.versions : greetings.get(id)?.versions;
    if (versions === undefined) return undefined;
    common = Math.min(common, versions.newest);
  }
  return common;
}

/** Why a program that cannot what is on is refused, whatever else it says; undefined for one that can. */
export function refusalAtLevel(
  { nodeId, versions }: Pick<Greeting, "nodeId" | "versions">,
  { level = FIRST_LEVEL }: Configuration,
): string | undefined {
  if (versions.newest >= level) return undefined;
  return `Node ${nodeId} speaks protocol ${describeVersions(versions)}, and version ${level} is on in this cluster: ` +
    `upgrade node ${nodeId}`;
}
