/** How a state goes on as that of a new cluster (ADR 23): raised revisions, a snapshot that names the cluster, and its first hard state. */

import type { IncompatibleError } from "../../base/errors.ts";
import { raisedBlocks, type Raising } from "../../kv/raised_blocks.ts";
import type { StateMachine } from "../../kv/state_machine.ts";
import { type Configuration, type EntryId, toIndex, toTerm } from "../../raft/types.ts";
import type { Storage } from "../../storage/storage.ts";

/** Revisions that a recovery may reach: half of what a number holds exactly is left for what comes. */
export const RECOVERED_REVISION_MAX = 2 ** 52;

/** How far revisions rise. */
export interface Raise {
  /** Added to the revision of every key. Above `last` by the step, so that no key keeps a revision that was handed out. */
  readonly raisedBy: number;
  /** The last entry of the snapshot that the new cluster begins with. */
  readonly begins: EntryId;
}

/** The raise of a state that ends with `last`, whose term is the last that is known; throws what `refused` makes where it would leave no room for what comes. */
export function raiseFrom(
  last: EntryId,
  { revisionStep, refused }: { readonly revisionStep: number; readonly refused: (why: string) => IncompatibleError },
): Raise {
  const raisedBy = last.index + revisionStep;
  const revision = last.index + raisedBy;
  if (revision > RECOVERED_REVISION_MAX) {
    throw refused(`revision ${revision} would be above ${RECOVERED_REVISION_MAX}; give a smaller --revision-step`);
  }
  return { raisedBy, begins: { index: toIndex(revision), term: toTerm(last.term + 1) } };
}

/** What a new cluster begins with. */
export interface Beginning extends Omit<Raising, "by"> {
  readonly raise: Raise;
  /** Its members, and its id. */
  readonly configuration: Configuration & { readonly clusterId: string };
}

/**
 * Makes `storage` that of a node of the new cluster. The rename of the snapshot is the step that counts: from then on every start goes
 * on from it. Rejects with `NoSpaceError` or `DiskFailureError`.
 */
export async function beginCluster(storage: Storage, state: StateMachine, beginning: Beginning): Promise<void> {
  const { raise: { raisedBy: by, begins }, configuration } = beginning;
  const writer = storage.createSnapshot(begins, configuration);
  const cut = state.cut();
  try {
    for (const block of raisedBlocks(cut, { ...beginning, by })) writer.write(block);
    await writer.finish();
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    cut.close();
  }
  const { clusterId } = configuration;
  await storage.saveHardState({ currentTerm: begins.term, votedFor: undefined, clusterId });
}
