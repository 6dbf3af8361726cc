/** Raft 5.3: what a leader sends are the entries of its log, behind the entry of its log that it names. */

import type { AppendEntries } from "../../../../lib/raft/messages.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { ShadowLog, Shadows } from "./shadow.ts";

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
    for (const message of [...update.messages, ...update.durableMessages]) {
      if (message.type !== "AppendEntries") continue;
      const flaw = flawOf(message, this.#shadows.of(server.id));
      if (flaw !== undefined) this.#violate(`node ${server.id} sends ${flaw}`);
    }
  }
}

function flawOf({ prevLogIndex, prevLogTerm, entries }: AppendEntries, log: ShadowLog): string | undefined {
  if (!isInLog(log, prevLogIndex, prevLogTerm)) {
    return `what follows entry ${prevLogIndex}/${prevLogTerm}, which is not in its log`;
  }
  if (entries === undefined) return undefined;
  const { term, firstIndex, lastIndex } = entries;
  if (firstIndex !== prevLogIndex + 1) return `entry ${firstIndex} as what follows ${prevLogIndex}`;
  for (let index: number = firstIndex; index <= lastIndex; index++) {
    if (log.terms.get(index) !== term) return `entry ${index} of term ${term}, which is not in its log`;
  }
  return undefined;
}

/** The term of the entry before the log is not known after a restart from a snapshot that is older than that entry. */
function isInLog(log: ShadowLog, index: number, term: number): boolean {
  return log.termAt(index) === term || (index > 0 && index === log.baseIndex && log.baseTerm === 0);
}
