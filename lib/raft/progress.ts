/** What a leader knows of one peer, and what it may send to it now. Pure: holds positions, sends nothing. */

import { assert } from "../base/assert.ts";
import type { ProgressState } from "./status.ts";
import { type Index, type NodeId, type SnapshotDescription, toIndex } from "./types.ts";

/** A snapshot on its way to a peer. */
export interface SnapshotTransfer {
  /** The snapshot it was begun with: a newer one does not replace it half-way. */
  readonly snapshot: SnapshotDescription;
  /** Where the chunk in flight begins. */
  offset: number;
  /** An earlier offset that the peer asked for, taken up when a heartbeat has passed without progress. */
  backTo: number | undefined;
  /** Since the chunk was sent; it is sent again after a heartbeat interval without progress. */
  waitedTicks: number;
  /** The peer has answered at least once. */
  started: boolean;
}

/**
 * One peer of a leader.
 *
 * ```
 *            the entry before nextIndex matches               the peer needs entries that are dropped
 *   Probe ------------------------------------> Replicate ------------------------------------> Snapshot
 *     ^ one message at a time, then wait          | pipelined: nextIndex runs ahead                |
 *     |                                           | of matchIndex, window of messages              | one chunk at a time
 *     +-- refusal, disconnection -----------------+                                                |
 *     +-- snapshot installed, disconnection -------------------------------------------------------+
 * ```
 *
 * Invariants: `matchIndex < nextIndex`; messages in flight only in Replicate; a transfer only in Snapshot.
 */
export class Progress {
  readonly id: NodeId;
  /** Counts in a majority. */
  isVoter = false;
  /** The data directory that what is known here was learned from; "" when not yet known. */
  identity = "";
  /** Ticks since the last answer. */
  silentTicks = 0;
  /** Heard since this leader last had reason to doubt the connection or its own clock. */
  inContact = true;
  /** Highest ReadIndex round this peer has answered. */
  answeredRound = 0;
  /** Highest round this peer was asked to answer at once. */
  askedRound = 0;
  /** The commit index this peer knows, if the messages arrived. */
  toldCommit = 0;
  /** In Probe: the one message is on its way. */
  probeSent = false;
  /** Snapshots that it could not use, one after another. */
  rejections = 0;
  /** Ticks until a snapshot may be sent to it again. */
  pauseTicks = 0;
  #state: ProgressState = "Probe";
  #matchIndex = 0;
  #nextIndex: number;
  /** The last index of each message on its way, ascending. */
  readonly #inFlight: number[] = [];
  #transfer: SnapshotTransfer | undefined;

  constructor(id: NodeId, nextIndex: number) {
    this.id = id;
    this.#nextIndex = nextIndex;
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** Everything up to here is equal to the leader's log and durable at the peer. */
  get matchIndex(): Index {
    return toIndex(this.#matchIndex);
  }

  /** The next entry to send. */
  get nextIndex(): Index {
    return toIndex(this.#nextIndex);
  }

  /** Messages with entries on their way. */
  get inFlightCount(): number {
    return this.#inFlight.length;
  }

  /** The transfer under way, in Snapshot. */
  get transfer(): SnapshotTransfer | undefined {
    return this.#transfer;
  }

  /** The peer answered, whatever it said. */
  heard(round: number): void {
    this.silentTicks = 0;
    this.inContact = true;
    if (round > this.answeredRound) this.answeredRound = round;
  }

  /** In Replicate: a message with the entries up to `last` is on its way; the next one follows without waiting. */
  sent(last: number): void {
    assert(this.#state === "Replicate" && last >= this.#nextIndex, "Cannot pipeline outside Replicate");
    this.#inFlight.push(last);
    this.#nextIndex = last + 1;
  }

  /** The peer has everything up to `index`. False when that was known: acknowledgements repeat and overtake each other. */
  acknowledged(index: number): boolean {
    let done = 0;
    while (done < this.#inFlight.length && (this.#inFlight[done] ?? 0) <= index) done += 1;
    if (done > 0) this.#inFlight.splice(0, done);
    if (index <= this.#matchIndex) return false;
    this.#matchIndex = index;
    this.rejections = 0;
    this.pauseTicks = 0;
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    return true;
  }

  /** One message at a time from `nextIndex` on, until the peer's log is found to match there. */
  becomeProbe(nextIndex: number): void {
    this.#enter("Probe");
    this.#nextIndex = Math.max(nextIndex, this.#matchIndex + 1);
  }

  /** The entry before `nextIndex` matches. */
  becomeReplicate(): void {
    this.#enter("Replicate");
  }

  /** The peer needs entries that are gone. */
  becomeSnapshot(snapshot: SnapshotDescription): void {
    this.#enter("Snapshot");
    this.#transfer = { snapshot, offset: 0, backTo: undefined, waitedTicks: 0, started: false };
  }

  #enter(state: ProgressState): void {
    this.#state = state;
    this.#inFlight.length = 0;
    this.#transfer = undefined;
    this.probeSent = false;
  }
}
