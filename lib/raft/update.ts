/** What the core asks its driver to do after a step. The order of the fields is the order of the effects. */

import type { Message } from "./messages.ts";
import type { Run } from "./run.ts";
import type { Configuration, EntryId, HardState, Index, NodeId } from "./types.ts";

/** Entries to write to the log. An entry at or above the first index that is already stored is replaced, its tail too. */
export interface LogWrite {
  /** Counts writes from 1 in this process; comes back in `Persisted`, so that an overwritten entry is never acknowledged. */
  readonly number: number;
  /** That of the AppendEntries itself where nothing was cut off. */
  readonly run: Run;
}

/** A chunk of a snapshot from the leader, to be stored at `offset` (0 starts a new file). */
export interface SnapshotChunk {
  readonly from: NodeId;
  readonly lastIncluded: EntryId;
  readonly configuration: Configuration;
  readonly offset: number;
  readonly data: Uint8Array;
  /** After this chunk: verify, make durable, load, then `SnapshotInstalled` or `SnapshotRejected`. */
  readonly done: boolean;
}

/** The commands of a proposal are in the leader's log from `first` on, contiguous, of one term. */
export interface AcceptedProposal {
  readonly id: number;
  readonly first: EntryId;
}

/** Why a proposal, read or change was not taken. Nothing of it was appended. */
export type Refusal =
  | { readonly reason: "NotLeader"; readonly leaderId: NodeId | undefined }
  | { readonly reason: "Transferring"; readonly leaderId: NodeId | undefined }
  | { readonly reason: "LogFull" }
  | { readonly reason: "ChangeInProgress" }
  | { readonly reason: "TermNotCommitted" }
  | { readonly reason: "InvalidConfiguration"; readonly what: string };

/** A refused proposal, read, membership change or transfer, by the id of its event. */
export interface RefusedRequest {
  readonly id: number;
  readonly refusal: Refusal;
}

/** Every read of `id` may be served once the state machine has applied `index`. */
export interface ConfirmedRead {
  readonly id: number;
  readonly index: Index;
  /** The leader's time at that index; see `ReadPoint`. */
  readonly timeMs: number;
}

/**
 * The effects of one step, to be performed in this order.
 *
 * 1. `hardState` and `writes` are made durable (in any order, together). 2. `snapshotChunks` are stored. 3. `messages` may
 * leave at once, before that (thesis 10.2.1), unless a hard state of an EARLIER step is still being made durable: then they wait for it.
 * 4. `durableMessages` leave when the hard state of this step and of all earlier ones is durable (Raft figure 2). What they
 * say of the log is durable already: an acknowledgement is made from `Persisted` only.
 */
export interface Update {
  readonly hardState: HardState | undefined;
  readonly writes: readonly LogWrite[];
  readonly snapshotChunks: readonly SnapshotChunk[];
  readonly messages: readonly Message[];
  readonly durableMessages: readonly Message[];
  /** Newly committed entries, in order, each exactly once in the life of the process. */
  readonly apply: readonly Run[];
  readonly confirmedReads: readonly ConfirmedRead[];
  readonly refusedReads: readonly RefusedRequest[];
  readonly accepted: readonly AcceptedProposal[];
  /** Refused proposals, membership changes and transfers. */
  readonly refused: readonly RefusedRequest[];
}
