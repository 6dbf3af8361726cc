/** Raft figure 2 and 5.3: an acknowledgement of entries leaves a follower only when a power loss could not take them. */

import type { Random } from "../../../lib/base/random.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import type { Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import { holdsEntry, readDurableLog } from "../durable_log.ts";
import type { SimServer } from "../server.ts";
import type { Shadows } from "../../support/raft/checks/shadow.ts";

/** Reading a whole directory is dear, so chance decides which acknowledgements are looked at. */
const LOOK_PROBABILITY = 0.02;

/** Reads what the disk would hold after a power loss at this moment. */
export class DurableAcknowledgement implements Check {
  readonly name = "durable-acknowledgement";
  readonly #random: Random;
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(parts: { readonly random: Random; readonly shadows: Shadows }, violate: Violate) {
    this.#random = parts.random;
    this.#shadows = parts.shadows;
    this.#violate = violate;
  }

  /** See `Check`. */
  sent(server: SimServer, message: Message): void {
    if (message.type !== "AppendEntriesResult" || !message.success || !this.#random.chance(LOOK_PROBABILITY)) return;
    const { matchIndex } = message;
    const term = this.#shadows.of(server.id).termAt(matchIndex);
    readDurableLog(server)?.then((log) => {
      if (holdsEntry(log, { index: matchIndex, term })) return;
      this.#violate(
        `node ${server.id} acknowledged entry ${matchIndex}, but a power loss would leave ${log.snapshotIndex} and ` +
          `${log.entries.length} more (${log.damages.join()})`,
      );
    }, (error: unknown) => this.#violate(`node ${server.id}: its disk cannot be read: ${error}`));
  }
}
