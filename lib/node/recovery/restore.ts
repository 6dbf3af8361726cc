/**
 * Makes the directory of a node of a new cluster from a backup (ADR 34).
 *
 * The mark of a restore is durable before anything else of the directory, and is removed when everything else is: a start refuses a
 * directory with the mark, and another restore begins it anew. A directory with anything else in it is never touched.
 */

import { IncompatibleError } from "../../base/errors.ts";
import { hash64 } from "../../base/hash.ts";
import type { Configuration, Member, NodeId } from "../../raft/types.ts";
import type { Disk } from "../../storage/disk.ts";
import { openStorage } from "../../storage/open.ts";
import { beginRestore, endRestore } from "../../storage/restore_mark.ts";
import { CLUSTER_ID_DIGITS, randomDigits } from "../core.ts";
import { knownContents } from "../known_contents.ts";
import type { LoadedBackup } from "./backup_file.ts";
import { beginCluster, type Raise, raiseFrom } from "./new_cluster.ts";

/** Digits of the identity of a directory. */
const IDENTITY_DIGITS = 16;
/** Digits of a cluster's id that are drawn; the others follow from them and from what is restored. */
const DRAWN_DIGITS = CLUSTER_ID_DIGITS / 2;

/** What the operator wants. */
export interface RestoreWish {
  readonly directory: string;
  readonly nodeId: NodeId;
  /** What the operator calls the cluster; "" for no name. */
  readonly clusterName: string;
  /** All members of the new cluster, without identities, the node among them; empty for this node alone. */
  readonly members: readonly Member[];
  /** How many revisions the old cluster may have handed out beyond the backup. */
  readonly revisionStep: number;
  /** The id that the restore of another node of the same new cluster has made; undefined for the first. */
  readonly clusterId: string | undefined;
  readonly keepsSessions: boolean;
  readonly keepsDeadlines: boolean;
}

/** A restore that may be made. */
export interface RestorePlan extends RestoreWish {
  readonly clusterId: string;
  readonly raise: Raise;
  /** Its members are the voters: all that are named, or this node alone. */
  readonly configuration: Configuration;
}

/** The surroundings of a restore. */
export interface RestorePorts {
  readonly disk: Disk;
  /** A number in [0, 1). */
  random(): number;
  /** Size of a log segment in bytes, for tests. */
  readonly segmentBytes?: number;
}

/** Decides, and changes nothing. Throws `IncompatibleError` where the wish cannot be granted. */
export function planRestore(
  { summary }: Pick<LoadedBackup, "summary">,
  wish: RestoreWish,
  { random }: Pick<RestorePorts, "random">,
): RestorePlan {
  const { directory, nodeId, members, revisionStep } = wish;
  const refused = (why: string) => new IncompatibleError(`Cannot restore into ${directory}: ${why}`);
  if (members.length > 0 && !members.some(({ id }) => id === nodeId)) {
    throw refused(`--members does not name node ${nodeId}`);
  }
  const raise = raiseFrom(summary.lastIncluded, { revisionStep, refused });
  const { level } = summary.configuration;
  const all = members.length > 0 ? members : [{ id: nodeId, address: "", clientAddress: "", identity: "" }];
  const sorted = [...all].sort((left, right) => left.id - right.id);
  const configuration = {
    members: sorted,
    voters: sorted.map(({ id }) => id),
    votersOld: [],
    learners: [],
    ...(level === undefined ? {} : { level }),
  };
  const drawn = wish.clusterId?.slice(0, DRAWN_DIGITS) ?? randomDigits(random, DRAWN_DIGITS);
  const clusterId = drawn + hash64(`${drawn} ${fingerprintOf(summary, { ...wish, configuration })}`);
  if (wish.clusterId !== undefined && wish.clusterId !== clusterId) {
    throw refused(
      `${wish.clusterId} is the id of a restore of another file, or with other members, names or flags: ` +
        "all nodes of a cluster are restored from one file in one way",
    );
  }
  return { ...wish, clusterId, raise, configuration };
}

/** Two directories that begin alike have the same, and only they may meet: what they hold counts as the same log. */
function fingerprintOf(
  { lastIncluded: { index, term }, bytes, blocks, checksum }: LoadedBackup["summary"],
  { clusterName, configuration, revisionStep, keepsSessions, keepsDeadlines }: RestoreWish & {
    readonly configuration: Configuration;
  },
): string {
  const file = [index, term, bytes, blocks, checksum];
  return JSON.stringify([file, clusterName, configuration, revisionStep, keepsSessions, keepsDeadlines]);
}

/**
 * Carries the plan out. Rejects with `IncompatibleError` where the directory holds anything but a restore that was interrupted, as
 * `openStorage` does, and with `NoSpaceError`.
 */
export async function restoreBackup(
  backup: Pick<LoadedBackup, "state">,
  plan: RestorePlan,
  ports: RestorePorts,
): Promise<void> {
  const { disk } = ports;
  const lock = await beginRestore(disk, plan.directory);
  try {
    await fill(plan, backup, ports);
    await endRestore(disk, plan.directory);
  } finally {
    lock.release();
  }
}

async function fill(
  plan: RestorePlan,
  { state }: Pick<LoadedBackup, "state">,
  { disk, random, segmentBytes }: RestorePorts,
): Promise<void> {
  const { directory, nodeId, clusterName, clusterId, configuration } = plan;
  const storage = await openStorage({
    disk,
    directory,
    nodeId,
    clusterName,
    initialConfiguration: configuration,
    makeIdentity: () => randomDigits(random, IDENTITY_DIGITS),
    contents: knownContents(),
    isRestore: true,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
  try {
    await beginCluster(storage, state, { ...plan, configuration: { ...configuration, clusterId } });
  } finally {
    await storage.close();
  }
}
