/** Members, configurations, logs and snapshots to begin a test with. */

import {
  type Configuration,
  type Entry,
  type Member,
  type NodeId,
  type SnapshotDescription,
  toIndex,
  toTerm,
} from "../../../lib/raft/types.ts";

/** An index and a term, with plain numbers where the contract has branded ones. */
interface PlainEntryId {
  readonly index: number;
  readonly term: number;
}

/** A member with made-up addresses. */
export function memberOf(id: NodeId): Member {
  return { id, address: `host${id}:1`, clientAddress: `host${id}:2`, identity: `dir${id}` };
}

/** A configuration; it is joint where `votersOld` says so. */
export function configurationOf(
  voters: readonly NodeId[],
  { votersOld = [], learners = [] }: { readonly votersOld?: readonly NodeId[]; readonly learners?: readonly NodeId[] } =
    {},
): Configuration {
  const ids = [...new Set([...voters, ...votersOld, ...learners])].sort((left, right) => left - right);
  return { members: ids.map(memberOf), voters, votersOld, learners };
}

/** The log of commands whose terms are `terms`, from index `first` on; equal (index, term) gives an equal command. */
export function logOf(terms: readonly number[], first = 1): Entry[] {
  return terms.map((term, at) => ({
    type: "Command",
    index: toIndex(first + at),
    term: toTerm(term),
    command: `${first + at}@${term}`,
  }));
}

/** A configuration entry. */
export function configurationEntry({ index, term }: PlainEntryId, configuration: Configuration): Entry {
  return { type: "Configuration", index: toIndex(index), term: toTerm(term), configuration };
}

/** A snapshot of the log up to an entry, of 10 bytes and voters 1, 2, 3 unless said otherwise. */
export function snapshotAt(
  { index, term }: PlainEntryId,
  rest: { readonly bytes?: number; readonly configuration?: Configuration } = {},
): SnapshotDescription {
  return {
    lastIncluded: { index: toIndex(index), term: toTerm(term) },
    configuration: rest.configuration ?? configurationOf([1, 2, 3]),
    bytes: rest.bytes ?? 10,
  };
}

/** The terms of a log, which with the indexes say everything about it. */
export function termsOf(entries: readonly Entry[]): number[] {
  return entries.map((entry) => entry.term);
}
