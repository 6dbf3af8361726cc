/** Reads of the applied state, and the confirmation that it is new enough for them. */

import type { Call, Compare } from "../../kv/commands.ts";
import type { Reply } from "../../kv/replies.ts";
import type { Shown } from "../../kv/rights.ts";
import type { UsersView } from "../../kv/users.ts";
import type { Counter } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { NodeReader, ReadOutcome, StateView } from "../api.ts";
import type { Span } from "../../store/span.ts";
import type { Stages } from "../parts.ts";

/** Takes or refuses reads; `PendingReads` has them from then on. */
export class Reader implements NodeReader {
  readonly #parts: Stages;
  readonly #surroundings: { random(): number };
  readonly #count: Counter;

  /** Nothing is read yet. */
  constructor(parts: Stages) {
    this.#parts = parts;
    this.#surroundings = { random: () => parts.ports.random() };
    this.#count = parts.metrics.counter(METRIC.reads);
  }

  /** The applied state; read it in the turn in which a read was confirmed. */
  get state(): StateView {
    return this.#parts.applied.state;
  }

  /** See `NodeReader`. */
  read(done: (outcome: ReadOutcome) => void, requests = 1): void {
    const { raft: { leaderId }, lifetime, quarantine, reads, limits, tickTime, timeoutMs, inbox } = this.#parts;
    const isOver = lifetime.isOver || quarantine.isFenced;
    if (isOver || reads.size >= limits.readsMax) {
      const reason = quarantine.isFenced ? "Quarantined" : isOver ? "Stopping" : "Overloaded";
      return queueMicrotask(() => done({ type: "NotDone", reason, leaderId }));
    }
    this.#count.add(requests);
    reads.add({ deadline: tickTime.now + timeoutMs, done });
    inbox.wake();
  }

  /** See `NodeReader`. */
  answer(call: Call, shown?: Shown): Reply {
    const { random } = this.#surroundings;
    return this.#parts.applied.state.read(call, shown === undefined ? this.#surroundings : { random, shown });
  }

  /** See `RunNode`. */
  lookUp(keys: Iterable<Span>, tell: (value: Span | undefined) => void): void {
    this.#parts.applied.state.lookUp(keys, tell);
  }

  /** See `NodeReader`. */
  ageMs(): number | undefined {
    return this.#parts.freshness.ageMs();
  }

  /** See `NodeReader`. */
  get isQuarantined(): boolean {
    return this.#parts.quarantine.isFenced;
  }

  /** See `NodeReader`. */
  compare(compares: readonly Compare[]): boolean {
    return this.#parts.applied.state.compare(compares);
  }

  /** See `NodeReader`. */
  get users(): UsersView {
    return this.#parts.applied.state.users;
  }

  /** See `NodeReader`. */
  timeMs(): number {
    return this.#parts.clusterClock.now();
  }
}
