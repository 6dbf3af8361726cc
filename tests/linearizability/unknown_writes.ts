/**
 * Where writes of unknown outcome may stand in the order of the log, as far as the known operations ask for them.
 *
 * The known operations of a key stand in the order of their indexes. When the next one does not fit the state, an unknown
 * write must have come in between, and it is taken to stand directly before that operation. It may, if
 *
 * 1. it has not been used: one attempt is one entry of the log, so it takes effect at most once;
 * 2. an index is left for it: above the index of the key's operation before, above each index that was known before its
 *    call (`floor`), at most that of the operation that wants it, and not the index of a known write of any key.
 *
 * An upper bound does not exist: an unknown write may take effect at any later time. An unknown write that no operation
 * asks for is taken not to have happened: the next operation fits without it.
 *
 * Which write is taken: for a read, one that leaves what it shows. For a write whose reply says that the key existed or
 * not, one whose value no read shows, if there is any. With unique values this choice is exact: a read of a value can have
 * no other source. With repeated values it may refuse a history that a cleverer choice would explain; what is accepted is
 * always linearizable, since the places found are a witness.
 */

import type { Operation } from "./history.ts";
import { apply, IMPOSSIBLE, modelOf, type State } from "./model.ts";

/** A write of unknown outcome and index. */
export interface UnknownWrite {
  readonly operation: Operation;
  /** The highest index that was known before its call: its own must be above. Grows with the call. */
  readonly floor: number;
}

/** A known operation that does not fit, and the room before it. */
export interface Demand {
  readonly state: State;
  readonly operation: Operation;
  /** Index of the operation of this key before it. */
  readonly after: number;
  /** Its own index. */
  readonly upTo: number;
}

/** Counts the indexes from `after` (exclusive) to `upTo` that no known write has. */
export type CountFree = (after: number, upTo: number) => number;

/** At most so many states are tried to explain one operation by several unknown writes that build on each other. */
const CHAIN_STATES_MAX = 1_000;

/** The unknown writes of one key. */
export class UnknownWrites {
  /** Those that leave the same state whatever they found, by that state, in the order of their floors. */
  readonly #byState = new Map<State, Queue>();
  /** The others. */
  readonly #building: UnknownWrite[] = [];
  readonly #countFree: CountFree;

  /** `writes` in the order of their calls; `shown` are the states of this key that reads show. */
  constructor(writes: readonly UnknownWrite[], { shown, countFree }: {
    readonly shown: ReadonlySet<State>;
    readonly countFree: CountFree;
  }) {
    this.#countFree = countFree;
    const reserved = new Map<State, Queue>();
    for (const write of writes) {
      if (!modelOf(write.operation).overwrites) {
        this.#building.push(write);
        continue;
      }
      const left = apply(undefined, write.operation);
      if (left === IMPOSSIBLE) continue;
      const queues = left !== undefined && shown.has(left) ? reserved : this.#byState;
      const queue = queues.get(left);
      if (queue === undefined) queues.set(left, { writes: [write], used: 0 });
      else queue.writes.push(write);
    }
    // Last, so that a write whose value some read needs is taken for another purpose only when nothing else is left.
    for (const [state, queue] of reserved) this.#byState.set(state, queue);
  }

  /** The state after the operation that did not fit, with unknown writes before it, or `IMPOSSIBLE`. Uses them up. */
  place(demand: Demand): State | typeof IMPOSSIBLE {
    const shows = modelOf(demand.operation).shows;
    if (shows === undefined) return this.#placeAny(demand);
    const state = shows(demand.operation);
    const queue = this.#byState.get(state);
    if (queue !== undefined && this.#takeFirst(queue, demand)) return state;
    return this.#placeChain(demand);
  }

  #placeAny(demand: Demand): State | typeof IMPOSSIBLE {
    for (const [state, queue] of this.#byState) {
      const next = apply(state, demand.operation);
      if (next !== IMPOSSIBLE && this.#takeFirst(queue, demand)) return next;
    }
    return this.#placeChain(demand);
  }

  /** The first one has the lowest floor: if there is no room for it, there is none for the others. */
  #takeFirst(queue: Queue, demand: Demand): boolean {
    const first = queue.writes[queue.used];
    if (first === undefined || !this.#hasRoom([first], demand)) return false;
    queue.used += 1;
    return true;
  }

  #hasRoom(writes: readonly UnknownWrite[], { after, upTo }: Demand): boolean {
    // Each index is given to one write: above every floor there must be as many as writes that must lie there.
    return writes.every(({ floor }) => {
      const above = writes.filter((write) => write.floor >= floor).length;
      return this.#countFree(Math.max(floor, after), upTo) >= above;
    });
  }

  /** Tries chains of writes that build on the state, the shortest first. */
  #placeChain(demand: Demand): State | typeof IMPOSSIBLE {
    const seen = new Set<State>([demand.state]);
    const chains: Chain[] = [{ state: demand.state, writes: [] }];
    for (const { state, writes } of chains) {
      for (const write of this.#building) {
        if (writes.includes(write)) continue;
        const next = apply(state, write.operation);
        if (next === IMPOSSIBLE || seen.has(next) || !this.#hasRoom([...writes, write], demand)) continue;
        const chain = { state: next, writes: [...writes, write] };
        const last = apply(next, demand.operation);
        if (last !== IMPOSSIBLE) return this.#useChain(chain, last);
        seen.add(next);
        chains.push(chain);
        if (chains.length >= CHAIN_STATES_MAX) return IMPOSSIBLE;
      }
    }
    return IMPOSSIBLE;
  }

  #useChain(chain: Chain, last: State): State {
    for (const write of chain.writes) this.#building.splice(this.#building.indexOf(write), 1);
    return last;
  }
}

interface Queue {
  readonly writes: UnknownWrite[];
  used: number;
}

interface Chain {
  readonly state: State;
  readonly writes: readonly UnknownWrite[];
}
