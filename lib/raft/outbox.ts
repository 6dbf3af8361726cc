/** Collects the effects of one step and hands them out as one `Update`. */

import type { Message } from "./messages.ts";
import type { Run } from "./run.ts";
import type { HardState } from "./types.ts";
import type { AcceptedProposal, ConfirmedRead, LogWrite, RefusedRequest, SnapshotChunk, Update } from "./update.ts";

const NONE: readonly never[] = Object.freeze([]);

/** The lists of an `Update` while they are being filled. Each is made when its first item comes: most stay empty. */
export class Outbox {
  #writes: LogWrite[] | undefined;
  #snapshotChunks: SnapshotChunk[] | undefined;
  #messages: Message[] | undefined;
  #durableMessages: Message[] | undefined;
  #apply: readonly Run[] = NONE;
  #confirmedReads: ConfirmedRead[] | undefined;
  #refusedReads: RefusedRequest[] | undefined;
  #accepted: AcceptedProposal[] | undefined;
  #refused: RefusedRequest[] | undefined;

  write(write: LogWrite): void {
    (this.#writes ??= []).push(write);
  }

  storeChunk(chunk: SnapshotChunk): void {
    (this.#snapshotChunks ??= []).push(chunk);
  }

  /** For messages that promise nothing about this server's disk. */
  send(message: Message): void {
    (this.#messages ??= []).push(message);
  }

  /** For messages that must not leave before the term and vote they speak of are durable (B2, B24). */
  sendWhenDurable(message: Message): void {
    (this.#durableMessages ??= []).push(message);
  }

  /** At most once in a step. */
  apply(runs: readonly Run[]): void {
    this.#apply = runs;
  }

  confirmRead(read: ConfirmedRead): void {
    (this.#confirmedReads ??= []).push(read);
  }

  refuseRead(request: RefusedRequest): void {
    (this.#refusedReads ??= []).push(request);
  }

  accept(proposal: AcceptedProposal): void {
    (this.#accepted ??= []).push(proposal);
  }

  refuse(request: RefusedRequest): void {
    (this.#refused ??= []).push(request);
  }

  /** Everything collected since the last call; `hardState` is set when this step changed it. */
  take(hardState: HardState | undefined): Update {
    if (hardState !== undefined) this.#holdBack();
    const update: Update = {
      hardState,
      writes: this.#writes ?? NONE,
      snapshotChunks: this.#snapshotChunks ?? NONE,
      messages: this.#messages ?? NONE,
      durableMessages: this.#durableMessages ?? NONE,
      apply: this.#apply,
      confirmedReads: this.#confirmedReads ?? NONE,
      refusedReads: this.#refusedReads ?? NONE,
      accepted: this.#accepted ?? NONE,
      refused: this.#refused ?? NONE,
    };
    this.#clear();
    return update;
  }

  /**
   * Divergence D5. A step that changes the term lets nothing out before the term is durable. It matters for a sole voter,
   * who wins its election in the step that starts it: entries sent at once could be sent again, different, in the same
   * term after a crash.
   */
  #holdBack(): void {
    if (this.#messages === undefined) return;
    this.#durableMessages = [...this.#messages, ...(this.#durableMessages ?? NONE)];
    this.#messages = undefined;
  }

  #clear(): void {
    this.#writes = undefined;
    this.#snapshotChunks = undefined;
    this.#messages = undefined;
    this.#durableMessages = undefined;
    this.#apply = NONE;
    this.#confirmedReads = undefined;
    this.#refusedReads = undefined;
    this.#accepted = undefined;
    this.#refused = undefined;
  }
}
