/** Steps the core and performs what it decides, in the order that `Update` fixes. */

import type { Event } from "../../raft/events.ts";
import type { Message } from "../../raft/messages.ts";
import type { Update } from "../../raft/update.ts";
import type { Core, Stages } from "../parts.ts";

type Needed = Core & Pick<Stages, "outbox" | "persistence" | "snapshots" | "applier" | "reads">;

/** Performs at once what may be; flushing, syncing and applying wait for the end of the pass. Owns nothing. */
export class Effects {
  readonly #parts: Needed;

  constructor(parts: Needed) {
    this.#parts = parts;
  }

  /** One step of the core. What it throws is a bug, and ends the node. */
  step(event: Event): Update {
    const { raft, ports, observer, time, persistence, ownEntries, snapshots, applier, reads } = this.#parts;
    observer.count(event);
    const update = raft.step(event);
    ports.stepped?.(raft, { event, update });
    time.observe();
    for (const message of update.messages) this.#send(message);
    if (update.hardState !== undefined) persistence.saveHardState(update.hardState);
    for (const write of update.writes) persistence.append(write);
    ownEntries.written(update.writes);
    for (const chunk of update.snapshotChunks) snapshots.store(chunk);
    for (const message of update.durableMessages) this.#send(message);
    applier.commit(update.apply);
    for (const read of update.confirmedReads) reads.confirm(read, raft.currentTerm);
    for (const { id, refusal } of update.refusedReads) reads.refuse(id, refusal);
    return update;
  }

  #send(message: Message): void {
    const { persistence, outbox } = this.#parts;
    if (persistence.savingHardState) return persistence.hold(message);
    outbox.transmit(message);
  }
}
