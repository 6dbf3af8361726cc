/**
 * Raft 6, and the bug of 2015: one change of the configuration at a time, and none before an entry of the own term is
 * committed; who is no voter any more does not lead.
 */

import { isVoter } from "../../../lib/raft/quorum.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { Check, Step, Violate } from "../check.ts";
import type { SimServer } from "../server.ts";
import type { Shadows } from "../shadow.ts";

/** Looks at each configuration that a leader appends, and at who leads. */
export class Membership implements Check {
  readonly name = "membership";
  readonly #lastConfiguration = new Map<NodeId, number>();
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft, update, event }: Step): void {
    const { configuration, configurationIndex, commitIndex } = raft;
    if (raft.role === "Leader" && configurationIndex <= commitIndex && !isVoter(configuration, server.id)) {
      this.#violate(`node ${server.id} leads on, and is no voter by the committed configuration ${configurationIndex}`);
    }
    const fromLeader = event.type === "Receive" && event.message.type === "AppendEntries";
    for (const { entries } of update.writes) {
      for (const entry of entries) {
        if (entry.type !== "Configuration") continue;
        if (!fromLeader) this.#appended(server, { raft, index: entry.index, term: entry.term });
        this.#lastConfiguration.set(server.id, entry.index);
      }
    }
  }

  #appended(
    server: SimServer,
    { raft, index, term }: { readonly raft: Step["raft"]; readonly index: number; readonly term: number },
  ): void {
    const before = this.#lastConfiguration.get(server.id) ?? 0;
    const { commitIndex } = raft;
    // An entry that the new leader has since replaced does not count.
    const pending = before > commitIndex && before < index && this.#shadows.of(server.id).termAt(before) !== undefined;
    if (pending) this.#violate(`node ${server.id} appends configuration ${index} while ${before} is not committed`);
    if (this.#shadows.of(server.id).termAt(commitIndex) !== term) {
      this.#violate(
        `node ${server.id} appends configuration ${index} before it has committed an entry of term ${term}`,
      );
    }
  }

  /** See `Check`. */
  ended(server: SimServer): void {
    this.#lastConfiguration.delete(server.id);
  }
}
