/** Thesis 6.4: a read is confirmed at an index that covers everything that was committed when it was asked for. */

import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { CommittedLog } from "./committed_log.ts";

/** Remembers what was committed at each question. */
export class ReadIndexes implements RaftCheck {
  readonly name = "read-index";
  readonly #asked = new Map<object, Map<number, number>>();
  readonly #committedLog: CommittedLog;
  readonly #violate: Violate;

  constructor(log: CommittedLog, violate: Violate) {
    this.#committedLog = log;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { event, update }: Step): void {
    const asked = this.#asked.get(server.life) ?? new Map<number, number>();
    if (asked.size === 0) this.#asked.set(server.life, asked);
    if (event.type === "Read") asked.set(event.id, this.#committedLog.lastIndex);
    for (const { id, index } of update.confirmedReads) {
      const committed = asked.get(id);
      asked.delete(id);
      if (committed === undefined) this.#violate(`node ${server.id} confirmed read ${id}, which was not asked for`);
      else if (index < committed) {
        this.#violate(
          `node ${server.id} confirmed a read at ${index}, but ${committed} was committed before it was asked`,
        );
      }
    }
    for (const { id } of update.refusedReads) asked.delete(id);
  }

  /** See `RaftCheck`. */
  ended(server: CheckedServer): void {
    this.#asked.delete(server.life);
  }
}
