/** Thesis 6.4: a read is confirmed at an index that covers everything that was committed when it was asked for. */

import type { Check, Step, Violate } from "../check.ts";
import type { Reference } from "../reference.ts";
import type { SimServer } from "../server.ts";

/** Remembers what was committed at each question. */
export class ReadIndexes implements Check {
  readonly name = "read-index";
  readonly #asked = new Map<object, Map<number, number>>();
  readonly #reference: Reference;
  readonly #violate: Violate;

  constructor(reference: Reference, violate: Violate) {
    this.#reference = reference;
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { event, update }: Step): void {
    const asked = this.#asked.get(server.life) ?? new Map<number, number>();
    if (asked.size === 0) this.#asked.set(server.life, asked);
    if (event.type === "Read") asked.set(event.id, this.#reference.lastIndex);
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

  /** See `Check`. */
  ended(server: SimServer): void {
    this.#asked.delete(server.life);
  }
}
