/** What happens to messages: loss, duplicates, delays, and nodes that do not reach each other. */

import type { Random } from "../../lib/base/random.ts";
import type { PeerMessage } from "../../lib/transport/forward.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import type { FaultCounts } from "./faults.ts";
import type { Settings } from "./settings.ts";

const TAIL_MS_MAX = 2_000;
const COPIES_MAX = 3;
const REPETITIONS = 3;

/** The fate of each message, and which directions are blocked. */
export class NetworkFaults {
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #counts: FaultCounts;
  readonly #blocked = new Set<number>();
  /** Until when what goes in a direction waits. */
  readonly #clogged = new Map<number, number>();
  /** Answers to this server come again and again until then. */
  #repeated: { readonly to: NodeId; readonly until: number } | undefined;
  #calm = false;

  constructor(settings: Settings, { random, counts }: { readonly random: Random; readonly counts: FaultCounts }) {
    this.#settings = settings;
    this.#random = random;
    this.#counts = counts;
  }

  /** Whether every direction is open, but for chance. */
  get isWhole(): boolean {
    return this.#blocked.size === 0 && this.#clogged.size === 0;
  }

  /** Loses everything from one node to another, silently. */
  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(direction(from, to));
  }

  /** Loses everything between the nodes of one group and those of another. */
  part(group: readonly NodeId[], others: readonly NodeId[]): void {
    for (const a of group) {
      for (const b of others) {
        this.block(a, b);
        this.block(b, a);
      }
    }
  }

  /** Holds everything between two nodes back until the moment `until`. */
  clog(a: NodeId, b: NodeId, until: number): void {
    this.#clogged.set(direction(a, b), until);
    this.#clogged.set(direction(b, a), until);
  }

  /** Each vote and acknowledgement for a server comes several times more until the moment `until`. */
  repeatAnswers(to: NodeId, until: number): void {
    this.#repeated = { to, until };
  }

  /** Ends blocks and clogs. */
  heal(): void {
    this.#blocked.clear();
    this.#clogged.clear();
  }

  /** From now on messages only take their time. */
  calm(): void {
    this.heal();
    this.#calm = true;
  }

  /** Milliseconds for each copy of a message that leaves at `now`; see `MemoryNetworkOptions.fates`. */
  fates(message: PeerMessage, now: number): readonly number[] {
    const { from, to } = message;
    const { latencyMs } = this.#settings;
    const way = direction(from, to);
    if (this.#blocked.size > 0 && this.#blocked.has(way)) return [];
    const delay = latencyMs * (0.5 + this.#random.fraction());
    if (this.#calm) return [delay];
    if (this.#happens("network/loss", this.#settings.lossProbability)) return [];
    const wait = Math.max(0, (this.#clogged.get(way) ?? 0) - now);
    const first = wait + delay + this.#further();
    const fates = [first, ...this.#repetitions(message, now)];
    if (!this.#happens("network/duplicate", this.#settings.duplicateProbability)) return fates;
    const copies = this.#random.between(1, COPIES_MAX - 1);
    return [...fates, ...Array.from({ length: copies }, () => first + this.#random.fraction() * latencyMs * 20)];
  }

  #repetitions(message: PeerMessage, now: number): readonly number[] {
    const { to, until } = this.#repeated ?? { to: undefined, until: 0 };
    if (message.to !== to || now >= until || !isAnswer(message)) return [];
    return Array.from({ length: REPETITIONS }, () => this.#random.fraction() * (until - now));
  }

  #further(): number {
    const { latencyMs, reorderProbability, tailProbability } = this.#settings;
    if (this.#happens("network/tail", tailProbability)) return this.#random.fraction() * TAIL_MS_MAX;
    return this.#happens("network/reorder", reorderProbability) ? this.#random.fraction() * latencyMs * 10 : 0;
  }

  #happens(
    fault: "network/loss" | "network/duplicate" | "network/tail" | "network/reorder",
    probability: number,
  ): boolean {
    if (!this.#settings.faults.has(fault) || !this.#random.chance(probability)) return false;
    this.#counts.add(fault);
    return true;
  }
}

function isAnswer(message: PeerMessage): boolean {
  return message.type === "AppendEntriesResult" || (message.type === "RequestVoteResult" && !message.preVote);
}

function direction(from: NodeId, to: NodeId): number {
  return from * 1_000 + to;
}
