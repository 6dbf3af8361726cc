/** What a forced recovery of a directory would make: decided from what is in it, before anything is changed. */

import { IncompatibleError } from "../../base/errors.ts";
import { isRetired, retire, RETIRED_RANGES_MAX } from "../../raft/retired.ts";
import { type Configuration, type EntryId, type Member, type NodeId, toTerm } from "../../raft/types.ts";
import type { Inspection } from "../../storage/inspect.ts";
import { type Raise, raiseFrom } from "./new_cluster.ts";

/** What the operator wants. */
export interface RecoveryWish {
  /** The members of the new cluster, without identities. The directory's own may be left out: then it is where it was. */
  readonly members: readonly Member[];
  /** How many revisions the old cluster may have handed out beyond the last entry here. */
  readonly revisionStep: number;
}

/** A recovery that may be made. */
export interface RecoveryPlan {
  readonly directory: string;
  readonly nodeId: NodeId;
  readonly clusterName: string;
  /** Of the cluster that was lost. */
  readonly clusterId: string;
  /** The last entry of the directory: the whole log counts, committed or not. */
  readonly last: EntryId;
  readonly raise: Raise;
  /** Of the new cluster, but for its id: the directory's node is the only voter, the others are learners. */
  readonly configuration: Configuration;
}

/**
 * The plan for a directory without damage; undefined when its node is the only voter: then nothing is lost, and nothing to be
 * recovered. Throws `IncompatibleError` where it holds no data of a cluster, or the wish cannot be granted.
 */
export function planRecovery(inspection: Inspection, wish: RecoveryWish): RecoveryPlan | undefined {
  const { directory, ownership, recoverable } = inspection;
  const refused = (why: string) => new IncompatibleError(`Cannot recover ${directory}: ${why}`);
  if (ownership === null || recoverable === null) throw refused("it cannot be read");
  const { nodeId, clusterName } = ownership;
  const { clusterId, configuration, currentTerm, last } = recoverable;
  if (clusterId === null) throw refused("it knows of no cluster, so it holds no write that was ever acknowledged");
  const { voters, votersOld } = configuration;
  if (voters.length === 1 && voters[0] === nodeId && votersOld.length === 0) return undefined;
  const raise = raiseFrom({ index: last.index, term: toTerm(currentTerm) }, { ...wish, refused });
  const listed = wish.members.find(({ id }) => id === nodeId) ?? configuration.members.find(({ id }) => id === nodeId);
  const own = { ...(listed ?? { id: nodeId, address: "", clientAddress: "" }), identity: ownership.identity };
  const others = wish.members.filter(({ id }) => id !== nodeId);
  const named = [nodeId, ...others.map(({ id }) => id)];
  const gone = named.find((id) => isRetired(configuration, id));
  if (gone !== undefined) throw refused(`node ${gone} was removed from the cluster, and its id is used no more`);
  // A lost node that turns up under an id that was given again would be in the way of the one that has it.
  const lost = configuration.members.map(({ id }) => id).filter((id) => !named.includes(id));
  const retired = retire(configuration.retired ?? [], lost);
  if (retired.length > RETIRED_RANGES_MAX) throw refused("too many ids were removed from the cluster");
  // What is not about members goes on.
  const { clusterId: _old, drained: _drained, ...kept } = configuration;
  return {
    ...{ directory, nodeId, clusterName, clusterId, last, raise },
    configuration: {
      ...kept,
      members: [own, ...others].sort((left, right) => left.id - right.id),
      voters: [nodeId],
      votersOld: [],
      learners: others.map(({ id }) => id).sort((left, right) => left - right),
      ...(retired.length === 0 ? {} : { retired }),
    },
  };
}
