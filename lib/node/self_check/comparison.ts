/** Whose state is not that of a majority, by the digests that the nodes tell. Pure. */

import type { NodeId } from "../../raft/types.ts";
import type { StateCheck } from "../../transport/transport.ts";

/** What is compared. */
export interface ComparisonFacts {
  /** Both sets of them where two are in force: then nothing has a majority that has none in each. */
  readonly voterSets: readonly (readonly NodeId[])[];
  /** What each node has told of itself, this one included. */
  readonly checks: ReadonlyMap<NodeId, readonly StateCheck[]>;
  /** Nodes that are heard now, this one included: what others have not told they may never tell. */
  readonly heard: ReadonlySet<NodeId>;
}

/** A node whose digest at an entry is another than that of a majority. */
export interface Difference {
  readonly index: number;
  readonly digest: string;
  readonly ofMajority: string;
}

/** An entry at which no digest is that of a majority, nor may become it. */
export interface Split {
  readonly index: number;
  readonly digests: ReadonlyMap<NodeId, string>;
}

/** What the digests say. */
export interface Comparison {
  /** By node, from the newest entry at which both it and a majority have told theirs. */
  readonly differing: ReadonlyMap<NodeId, Difference>;
  /** Those that have the digest of the majority there, by node. */
  readonly agreeing: ReadonlyMap<NodeId, number>;
  /** The newest one, behind every entry at which there is a majority. */
  readonly split: Split | undefined;
}

/** Compares digests of the same entry and of the same version, the newest entries first. */
export function compareChecks(facts: ComparisonFacts): Comparison {
  const differing = new Map<NodeId, Difference>();
  const agreeing = new Map<NodeId, number>();
  let split: Split | undefined;
  for (const [index, versions] of byIndex(facts.checks)) {
    for (const digests of versions.values()) {
      const ofMajority = majorityOf(digests, facts);
      if (ofMajority === undefined) {
        if (agreeing.size === 0 && isSplit(digests, facts)) split ??= { index, digests };
        continue;
      }
      for (const [id, digest] of digests) {
        if (differing.has(id) || agreeing.has(id)) continue;
        if (digest === ofMajority) agreeing.set(id, index);
        else differing.set(id, { index, digest, ofMajority });
      }
    }
  }
  return { differing, agreeing, split };
}

/** The version stands before the colon: digests of different versions say nothing about each other. */
function versionOf(digest: string): string {
  return digest.slice(0, digest.indexOf(":"));
}

type Digests = ReadonlyMap<NodeId, string>;

/** The newest entry first; of each the digests by version. */
function byIndex(
  checks: ReadonlyMap<NodeId, readonly StateCheck[]>,
): readonly (readonly [index: number, versions: ReadonlyMap<string, Digests>])[] {
  const found = new Map<number, Map<string, Map<NodeId, string>>>();
  for (const [id, taken] of checks) {
    for (const { index, digest } of taken) {
      const versions = found.get(index) ?? new Map<string, Map<NodeId, string>>();
      const digests = versions.get(versionOf(digest)) ?? new Map<NodeId, string>();
      found.set(index, versions.set(versionOf(digest), digests.set(id, digest)));
    }
  }
  return [...found].sort(([left], [right]) => right - left);
}

/** Whether those are a majority of each set of voters. */
export function isMajorityOfEach(voterSets: ComparisonFacts["voterSets"], those: ReadonlySet<NodeId>): boolean {
  return voterSets.every((voters) => 2 * voters.filter((id) => those.has(id)).length > voters.length);
}

function majorityOf(digests: Digests, { voterSets }: ComparisonFacts): string | undefined {
  return [...new Set(digests.values())].find((digest) =>
    isMajorityOfEach(voterSets, withDigest(digests, (own) => own === digest))
  );
}

function withDigest(digests: Digests, isWanted: (digest: string) => boolean): Set<NodeId> {
  return new Set([...digests].filter(([, digest]) => isWanted(digest)).map(([id]) => id));
}

/** Whether two digests differ, and none of them becomes that of a majority by what is still to be told. */
function isSplit(digests: Digests, { voterSets, heard }: ComparisonFacts): boolean {
  const different = new Set(digests.values());
  if (different.size < 2) return false;
  const silent = [...heard].filter((id) => !digests.has(id));
  return ![...different].some((digest) =>
    isMajorityOfEach(voterSets, new Set([...withDigest(digests, (own) => own === digest), ...silent]))
  );
}
