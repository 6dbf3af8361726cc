/** Versions of the protocol between nodes: which this program speaks, and which two sides speak with each other (ADR 18). */

import type { NodeId } from "../raft/types.ts";

/** What one side speaks: every version from `oldest` to `newest`. */
export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

/** The newest version of handshake, messages and log that this program speaks. */
export const PROTOCOL_VERSION = 8;

/** What this program speaks: the versions before as well, so that a cluster is upgraded one node after the other. */
export const SPOKEN_VERSIONS: VersionRange = { oldest: 6, newest: PROTOCOL_VERSION };

/** The level of a cluster whose configuration names none: what all members spoke before there were levels. */
export const FIRST_LEVEL = 6;

/** The version that two sides use with each other, the newest that both speak; undefined when there is none. */
export function agreedVersion(one: VersionRange, other: VersionRange): number | undefined {
  const newest = Math.min(one.newest, other.newest);
  return newest >= Math.max(one.oldest, other.oldest) ? newest : undefined;
}

/** Why a node refuses a peer with which it shares no version, and which of the two to upgrade. Read on both sides. */
export function describeDisagreement(
  { nodeId, versions }: { readonly nodeId: NodeId; readonly versions: VersionRange },
  other: VersionRange,
): string {
  const older = versions.newest < other.newest ? `node ${nodeId}` : "the peer";
  return `node ${nodeId} speaks protocol ${describeVersions(versions)}, its peer ${
    describeVersions(other)
  }: upgrade ${older}`;
}

/** `version 6`, or `versions 6 to 7`. */
export function describeVersions({ oldest, newest }: VersionRange): string {
  return oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`;
}
