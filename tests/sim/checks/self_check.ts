/**
 * ADR 42: nobody's memory is called damaged, and nobody's state wrong, but where a bit was changed; only such a node goes into quarantine,
 * and in quarantine a node votes for nobody.
 */

import type { NodeId } from "../../../lib/raft/types.ts";
import type { Step, Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { MemoryFlips } from "../memory_flips.ts";
import type { Seen } from "../seen.ts";
import { QUARANTINE_MARK, type SimServer } from "../server.ts";

const BEGINS = /^In quarantine: /;
const FOUND = /^The memory of this node does not hold/;
const FENCED = /^Answers (nothing from its state any more|again, though)/;
const DIFFERS = /^At entry (\d+) node (\d+) has another state/;
const SPLIT = /^At entry (\d+) no majority has the same state/;

/** What was changed, and who counts what was found. */
export interface SelfCheckParts {
  readonly flips: MemoryFlips;
  readonly servers: readonly SimServer[];
  readonly saw: (what: Seen) => void;
}

/** Holds each alarm of each node against the bits that were changed. */
export class SelfCheck implements Check {
  readonly name = "self-check";
  readonly #parts: SelfCheckParts;
  readonly #violate: Violate;
  /** Whose directory may say that it is in quarantine: that of a state that was damaged in a process before which there was none. */
  readonly #mayBeMarked = new Set<NodeId>();

  constructor(parts: SelfCheckParts, violate: Violate) {
    this.#parts = parts;
    this.#violate = violate;
  }

  /** See `Check`. */
  says(server: SimServer, message: string): void {
    const { flips, saw } = this.#parts;
    const isDamaged = flips.isIn(server);
    if (FOUND.test(message)) this.#judge(isDamaged, { server, message, as: "memory found damaged" });
    if (FENCED.test(message)) this.#judge(isDamaged, { server, message, as: "answers nothing or again" });
    if (BEGINS.test(message)) {
      const how = message.includes("a majority has the digest") ? "quarantine by digest" : "quarantine by sweep";
      this.#judge(isDamaged, { server, message, as: how });
    }
    const [, differsAt, id] = DIFFERS.exec(message) ?? [];
    if (differsAt !== undefined) {
      this.#judge(flips.explains(Number(differsAt), Number(id)), { server, message, as: "other state told" });
    }
    const [, splitAt] = SPLIT.exec(message) ?? [];
    if (splitAt !== undefined) {
      this.#judge(flips.explains(Number(splitAt)), { server, message, as: "no majority told" });
    }
    if (message.startsWith("The quarantine is over")) saw("repaired");
    if (message.startsWith("Repaired ")) saw("rot repaired");
  }

  /** See `Check`. */
  watch(): void {
    for (const server of this.#parts.servers) this.#look(server);
  }

  /** See `Check`. */
  started(server: SimServer): void {
    this.#look(server);
    if (server.isInQuarantine) this.#parts.saw("quarantine over a restart");
    // What a power loss would leave of the mark counts.
    else if (!server.disk.crash().exists(QUARANTINE_MARK)) this.#mayBeMarked.delete(server.id);
  }

  /** See `Check`. */
  stepped(server: SimServer, { event, update }: Step): void {
    if (event.type !== "Receive" || event.message.type !== "RequestVote" || !server.isInQuarantine) return;
    if (!update.messages.some((message) => message.type === "RequestVoteResult" && message.voteGranted)) return;
    this.#violate(`node ${server.id} votes in quarantine`);
  }

  #look(server: SimServer): void {
    if (this.#parts.flips.isIn(server)) this.#mayBeMarked.add(server.id);
    if (!server.isInQuarantine || this.#mayBeMarked.has(server.id)) return;
    this.#violate(`node ${server.id} is in quarantine, and no bit of its memory was changed`);
  }

  #judge(isRight: boolean, { server, message, as }: { server: SimServer; message: string; as: Seen }): void {
    if (isRight) this.#parts.saw(as);
    else this.#violate(`node ${server.id} says without a reason: ${message}`);
  }
}
