/**
 * Raft 6, and the bug of 2015: one change of the configuration at a time, and none before an entry of the own term is
 * committed; who is no voter any more does not lead.
 */

import { isVoter } from "../../../../lib/raft/quorum.ts";
import { type EntryId, type NodeId, ZERO_ENTRY_ID } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { Shadows } from "./shadow.ts";

/** Looks at each configuration that a leader appends, and at who leads. */
export class Membership implements RaftCheck {
  readonly name = "membership";
  readonly #lastConfiguration = new Map<NodeId, EntryId>();
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft, update, event }: Step): void {
    const { configuration, configurationIndex, commitIndex } = raft;
    if (raft.role === "Leader" && configurationIndex <= commitIndex && !isVoter(configuration, server.id)) {
      this.#violate(`node ${server.id} leads on, and is no voter by the committed configuration ${configurationIndex}`);
    }
    const fromLeader = event.type === "Receive" && event.message.type === "AppendEntries";
    for (const { run } of update.writes) {
      for (const entry of run.entries()) {
        if (entry.type !== "Configuration") continue;
        if (!fromLeader) this.#appended(server, { raft, index: entry.index, term: entry.term });
        this.#lastConfiguration.set(server.id, entry);
      }
    }
  }

  #appended(
    server: CheckedServer,
    { raft, index, term }: { readonly raft: Step["raft"]; readonly index: number; readonly term: number },
  ): void {
    const before = this.#lastConfiguration.get(server.id) ?? ZERO_ENTRY_ID;
    const { commitIndex } = raft;
    const log = this.#shadows.of(server.id);
    // An entry that another leader has since replaced does not count.
    const isPending = before.index > commitIndex && before.index < index && log.termAt(before.index) === before.term;
    if (isPending) {
      this.#violate(`node ${server.id} appends configuration ${index} while ${before.index} is not committed`);
    }
    if (log.termAt(commitIndex) !== term) {
      this.#violate(
        `node ${server.id} appends configuration ${index} before it has committed an entry of term ${term}`,
      );
    }
  }

  /** See `RaftCheck`. */
  ended(server: CheckedServer): void {
    this.#lastConfiguration.delete(server.id);
  }
}
