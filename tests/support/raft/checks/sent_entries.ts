/** Raft 5.3: what a leader sends are the entries of its log, behind the entry of its log that it names. */

import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { Shadows } from "./shadow.ts";

/** Holds each AppendEntries against the log that it comes from. */
export class SentEntries implements RaftCheck {
  readonly name = "sent-entries";
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { update }: Step): void {
    for (const message of update.messages) {
      if (message.type !== "AppendEntries" || message.entries === undefined) continue;
      const log = this.#shadows.of(server.id);
      const { term, firstIndex, lastIndex } = message.entries;
      if (log.terms.get(firstIndex) === term && log.terms.get(lastIndex) === term) continue;
      this.#violate(
        `node ${server.id} sends entries ${firstIndex} to ${lastIndex} of term ${term}, which are not in its log`,
      );
    }
  }
}
