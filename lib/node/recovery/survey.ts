/** Compares the directories that are left of a cluster: which is the newest, and what may be on none of them. Reads only. */

import { knownContents } from "../known_contents.ts";
import { hasQuorum } from "../../raft/quorum.ts";
import type { Configuration, EntryId, NodeId } from "../../raft/types.ts";
import type { Damage } from "../../storage/damage.ts";
import type { Disk } from "../../storage/disk.ts";
import { inspectDirectory, type Inspection, type LogDigest, type OtherVersion } from "../../storage/inspect.ts";

/**
 * How a directory stands to the newest one: the entries that both logs hold are the same or not, there are none, it is of
 * another cluster, or it cannot be read.
 */
export type Agreement = "newest" | "same" | "differs" | "nothing in common" | "other cluster" | "unreadable";

/** One directory of a survey; JSON-able. Null stands for what is not there or cannot be told. */
export interface Survivor {
  readonly directory: string;
  readonly nodeId: NodeId | null;
  readonly clusterName: string | null;
  readonly clusterId: string | null;
  readonly term: number | null;
  /** The last entry of log and snapshot; index 0 for none. */
  readonly last: EntryId | null;
  readonly snapshot: EntryId | null;
  readonly configuration: Configuration | null;
  readonly agreement: Agreement;
  /** Of the whole log; beside the newest, of the entries that both have. */
  readonly digest: LogDigest;
  readonly otherVersions: readonly OtherVersion[];
  readonly damages: readonly Damage[];
}

/** What the directories are together. */
export interface Survey {
  readonly survivors: readonly Survivor[];
  /** The directory with the newest log (Raft 5.4.1); null where none can be read. */
  readonly newest: string | null;
  /** Voters by the configuration of the newest, both sets while joint, and those of them whose directories are here. */
  readonly voters: readonly NodeId[];
  readonly present: readonly NodeId[];
  /** Whether those are a majority: then every acknowledged write is on one of them. */
  readonly isMajority: boolean;
}

/** An inspection of what a start would take. */
interface Readable extends Inspection {
  readonly recoverable: NonNullable<Inspection["recoverable"]>;
}

/** Reads every directory, and compares them. Rejects with `AccessError` when one cannot be read. */
export async function surveyDirectories(disk: Disk, directories: readonly string[]): Promise<Survey> {
  const inspections: Inspection[] = [];
  for (const directory of directories) inspections.push(await inspect(disk, directory));
  const newest = inspections.filter(isReadable).reduce<Readable | undefined>(newerOf, undefined);
  const survivors: Survivor[] = [];
  for (const inspection of inspections) {
    survivors.push(describe(inspection, await compare(disk, { inspection, newest })));
  }
  if (newest === undefined) return { survivors, newest: null, voters: [], present: [], isMajority: false };
  const { configuration } = newest.recoverable;
  const holders = inspections.filter(isReadable).filter((held) => isOfMember(held, newest));
  const present = ascending(holders.map(({ ownership }) => ownership?.nodeId ?? 0));
  const voters = ascending([...configuration.voters, ...configuration.votersOld]);
  return {
    survivors,
    newest: newest.directory,
    voters,
    present: present.filter((id) => voters.includes(id)),
    isMajority: hasQuorum(configuration, (id) => present.includes(id)),
  };
}

function inspect(disk: Disk, directory: string, digest?: { from: number; to: number }): Promise<Inspection> {
  return inspectDirectory(disk, directory, { contents: knownContents(), ...(digest === undefined ? {} : { digest }) });
}

function isReadable(inspection: Inspection): inspection is Readable {
  return inspection.recoverable !== null;
}

/** Raft 5.4.1: the later term, else the longer log. The first of two that are the same. */
function newerOf(best: Readable | undefined, other: Readable): Readable {
  if (best === undefined) return other;
  const [left, right] = [best.recoverable.last, other.recoverable.last];
  return right.term > left.term || (right.term === left.term && right.index > left.index) ? other : best;
}

/** Both digests are over the entries that both logs hold. */
async function compare(
  disk: Disk,
  { inspection, newest }: { readonly inspection: Inspection; readonly newest: Readable | undefined },
): Promise<Pick<Survivor, "agreement" | "digest">> {
  const { digest } = inspection;
  if (newest === undefined || !isReadable(inspection)) return { agreement: "unreadable", digest };
  if (inspection === newest) return { agreement: "newest", digest };
  if (!isOfSameCluster(inspection, newest)) return { agreement: "other cluster", digest };
  const from = Math.max(inspection.log?.first.index ?? Infinity, newest.log?.first.index ?? Infinity);
  const to = Math.min(inspection.log?.last.index ?? 0, newest.log?.last.index ?? 0);
  if (from > to) return { agreement: "nothing in common", digest };
  const own = (await inspect(disk, inspection.directory, { from, to })).digest;
  const other = (await inspect(disk, newest.directory, { from, to })).digest;
  return { agreement: own.crc === other.crc ? "same" : "differs", digest: own };
}

/** Who knows no id holds no write that was acknowledged (ADR 10), and may be of any cluster. */
function isOfSameCluster({ recoverable: { clusterId: own } }: Readable, newest: Readable): boolean {
  const other = newest.recoverable.clusterId;
  return own === null || other === null || own === other;
}

/** Whether it is the directory that the newest configuration counts on: another one under that id promised nothing (ADR 5). */
function isOfMember(inspection: Readable, newest: Readable): boolean {
  const member = newest.recoverable.configuration.members.find(({ id }) => id === inspection.ownership?.nodeId);
  if (member === undefined || !isOfSameCluster(inspection, newest)) return false;
  return member.identity === "" || member.identity === inspection.ownership?.identity;
}

function describe(inspection: Inspection, compared: Pick<Survivor, "agreement" | "digest">): Survivor {
  const { directory, ownership, hardState, snapshots, recoverable, otherVersions, damages } = inspection;
  return {
    directory,
    nodeId: ownership?.nodeId ?? null,
    clusterName: ownership?.clusterName ?? null,
    clusterId: recoverable?.clusterId ?? hardState?.clusterId ?? null,
    term: recoverable?.currentTerm ?? hardState?.currentTerm ?? null,
    last: recoverable?.last ?? null,
    snapshot: snapshots[0]?.lastIncluded ?? null,
    configuration: recoverable?.configuration ?? null,
    ...compared,
    otherVersions,
    damages,
  };
}

function ascending(ids: readonly NodeId[]): readonly NodeId[] {
  return [...new Set(ids)].sort((left, right) => left - right);
}
