/**
 * Wing and Gong's search with Lowe's memory, for the operations of one key.
 *
 * The order is built from its front. Next may come each operation that was called before the first return among those
 * left; if it fits the state, it is lifted out of the timeline, and the search goes on behind it. When nothing fits, the
 * last choice is undone and the next one tried. A configuration (the set of ordered operations, the state) that was
 * reached before is not entered again: everything behind it has been tried. See `configurations.ts`.
 *
 * What keeps it from growing out of hand:
 *
 * - An operation that fits and surely changes nothing (a read) is taken at once, and that is no choice: an order in which
 *   it comes later stays one when it is moved to the front.
 * - Unknown writes never return, so they wait for ever. They are tried last. One is worth its place only if it changes the
 *   state and the next operation comes out different for it; otherwise the order without it is as good.
 * - A state that some operation left has to read is not left when nothing left could bring it back.
 * - Of unknown writes that are alike only the one called first is tried. Alike are those with the same argument; and all
 *   puts of values that nobody read, as long as the operations of the key tell such values apart by existence only.
 */

import { Configurations } from "./configurations.ts";
import type { Operation } from "./history.ts";
import { apply, IMPOSSIBLE, isReadOnly, modelOf, type State } from "./model.ts";
import { RankSet } from "./rank_set.ts";
import type { Deadlock } from "./search.ts";
import { byCall, Timeline } from "./timeline.ts";
import { WantedStates } from "./wanted_states.ts";

/** Operations of the longest order that an explanation shows. */
const TAIL_MAX = 8;

const NONE = -1;

/** One operation that was put into the order, and what to return to without it. */
interface Step {
  /** Rank among the known operations, or among the unknown ones. */
  readonly rank: number;
  readonly unknown: boolean;
  /** Whether it was a choice: something else could be tried in its place. */
  readonly choice: boolean;
  readonly stateBefore: State;
  readonly shadowBefore: Shadow | undefined;
}

/** After an unknown write: the state before it, from which the next operation has to come out different. */
interface Shadow {
  readonly state: State;
}

/** The search over the operations of one key, which `counts` accepts. Runs once. */
export class KeySearch {
  readonly #timeline: Timeline;
  readonly #unknown: readonly Operation[];
  /** For each unknown operation, the one before that is alike, or -1: that one has to be used first. */
  readonly #alike: Int32Array;
  readonly #ordered: RankSet;
  readonly #used: RankSet;
  readonly #wanted: WantedStates;
  readonly #steps: Step[] = [];
  readonly #reached = new Configurations();
  readonly #stateIds = new Map<State, number>();
  #state: State = undefined;
  #shadow: Shadow | undefined;
  #orderedCount = 0;
  #deadlock: Deadlock | undefined;

  constructor(operations: readonly Operation[]) {
    this.#timeline = new Timeline(operations.filter(({ outcome }) => outcome === "ok"));
    this.#unknown = byCall(operations.filter(({ outcome }) => outcome === "unknown"));
    this.#alike = findAlike(this.#unknown, operations);
    this.#ordered = new RankSet(this.#timeline.operations.length);
    this.#used = new RankSet(this.#unknown.length);
    this.#wanted = new WantedStates(operations);
  }

  /** Searches until an order is found, all orders are tried, or `deadEndsMax` dead ends have been met. */
  run(deadEndsMax: number): "Linearizable" | "Undecided" | Deadlock {
    const total = this.#timeline.operations.length;
    this.#takeReads();
    const lost = this.#findLost();
    if (lost !== undefined) return { ...this.#noteDeadEnd(), stuck: lost };
    let from: Step | undefined;
    for (let deadEnds = 0; this.#orderedCount < total;) {
      if (this.#advance(from)) {
        this.#takeReads();
        from = undefined;
        continue;
      }
      const farthest = this.#noteDeadEnd();
      if (++deadEnds > deadEndsMax) return "Undecided";
      from = this.#undo();
      if (from === undefined) return { ...farthest, reader: this.#readerAfter(farthest) };
    }
    return "Linearizable";
  }

  /** A read that no order can satisfy, since no write at all leaves what it shows. */
  #findLost(): Operation | undefined {
    return this.#timeline.operations.find((operation, rank) => {
      const shows = modelOf(operation).shows;
      if (shows === undefined || this.#ordered.has(rank) || shows(operation) === this.#state) return false;
      return this.#wanted.isLost(operation);
    });
  }

  /** Takes the next operation that fits: the first of all, or the first that comes after an undone one. */
  #advance(undone: Step | undefined): boolean {
    if (undone?.unknown !== true) {
      let event = undone === undefined
        ? this.#timeline.first
        : this.#timeline.after(this.#timeline.callOf(undone.rank));
      for (let rank = this.#timeline.called(event); rank !== NONE; rank = this.#timeline.called(event)) {
        if (this.#tryKnown(rank)) return true;
        event = this.#timeline.after(event);
      }
    }
    if (this.#unknown.length === 0) return false;
    const end = this.#timeline.firstReturning().return ?? Infinity;
    for (let rank = undone?.unknown === true ? undone.rank + 1 : 0; rank < this.#unknown.length; rank++) {
      const operation = this.#unknownAt(rank);
      if (operation.call > end) return false;
      if (this.#tryUnknown(rank, operation)) return true;
    }
    return false;
  }

  #tryKnown(rank: number): boolean {
    const next = this.#fits(this.#timeline.at(rank));
    if (next === IMPOSSIBLE) return false;
    this.#ordered.add(rank);
    const isNew = this.#isNew(next, undefined);
    this.#ordered.remove(rank);
    if (isNew) this.#takeKnown(rank, { next, choice: true });
    return isNew;
  }

  #tryUnknown(rank: number, operation: Operation): boolean {
    const before = this.#alike[rank] ?? NONE;
    if (this.#used.has(rank) || (before !== NONE && !this.#used.has(before))) return false;
    const next = this.#fits(operation);
    if (next === IMPOSSIBLE || next === this.#state) return false;
    const shadow = { state: this.#state };
    this.#used.add(rank);
    if (!this.#isNew(next, shadow)) {
      this.#used.remove(rank);
      return false;
    }
    this.#push({ rank, unknown: true, choice: true });
    this.#wanted.take(operation);
    this.#state = next;
    this.#shadow = shadow;
    return true;
  }

  /** The state after the operation; `IMPOSSIBLE` also if that leads nowhere or the unknown write before it made no difference. */
  #fits(operation: Operation): State | typeof IMPOSSIBLE {
    const next = apply(this.#state, operation);
    if (next === IMPOSSIBLE || (next !== this.#state && !this.#wanted.mayLeave(this.#state))) return IMPOSSIBLE;
    if (this.#shadow === undefined) return next;
    return apply(this.#shadow.state, operation) === next ? IMPOSSIBLE : next;
  }

  #takeKnown(rank: number, { next, choice }: { readonly next: State; readonly choice: boolean }): void {
    this.#push({ rank, unknown: false, choice });
    this.#timeline.lift(rank);
    this.#wanted.take(this.#timeline.at(rank));
    this.#ordered.add(rank);
    this.#orderedCount += 1;
    this.#state = next;
    this.#shadow = undefined;
  }

  #push(step: { readonly rank: number; readonly unknown: boolean; readonly choice: boolean }): void {
    this.#steps.push({ ...step, stateBefore: this.#state, shadowBefore: this.#shadow });
  }

  /** Takes all operations that fit and change nothing. */
  #takeReads(): void {
    let event = this.#timeline.first;
    for (let rank = this.#timeline.called(event); rank !== NONE; rank = this.#timeline.called(event)) {
      const operation = this.#timeline.at(rank);
      const fits = isReadOnly(operation) && this.#fits(operation) !== IMPOSSIBLE;
      if (fits) this.#takeKnown(rank, { next: this.#state, choice: false });
      // With the first return gone, more operations may come next; those passed over still do not fit.
      event = this.#timeline.after(event);
    }
  }

  /** Undoes the last choice and returns it, or undefined when there was none. */
  #undo(): Step | undefined {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      this.#state = step.stateBefore;
      this.#shadow = step.shadowBefore;
      if (step.unknown) {
        this.#used.remove(step.rank);
        this.#wanted.putBack(this.#unknownAt(step.rank));
      } else {
        this.#timeline.restore(step.rank);
        this.#wanted.putBack(this.#timeline.at(step.rank));
        this.#ordered.remove(step.rank);
        this.#orderedCount -= 1;
      }
      if (step.choice) return step;
    }
    return undefined;
  }

  /** Whether the configuration with the sets as they stand is worth a visit; remembers it. */
  #isNew(state: State, shadow: Shadow | undefined): boolean {
    const shadowId = shadow === undefined ? NONE : this.#stateId(shadow.state);
    const name = `${this.#stateId(state)},${shadowId},${this.#ordered.text()}`;
    return this.#reached.add(name, this.#used);
  }

  #unknownAt(rank: number): Operation {
    const operation = this.#unknown[rank];
    if (operation === undefined) {
      throw new RangeError(`Cannot find unknown operation ${rank} of ${this.#unknown.length}`);
    }
    return operation;
  }

  #stateId(state: State): number {
    const known = this.#stateIds.get(state);
    if (known !== undefined) return known;
    this.#stateIds.set(state, this.#stateIds.size);
    return this.#stateIds.size - 1;
  }

  /** Returns the dead end that came farthest, this one included. */
  #noteDeadEnd(): Deadlock {
    if (this.#deadlock !== undefined && this.#deadlock.ordered >= this.#orderedCount) return this.#deadlock;
    const stuck = this.#timeline.firstReturning();
    const candidates: Operation[] = [];
    let event = this.#timeline.first;
    for (let rank = this.#timeline.called(event); rank !== NONE; rank = this.#timeline.called(event)) {
      if (this.#timeline.at(rank) !== stuck) candidates.push(this.#timeline.at(rank));
      event = this.#timeline.after(event);
    }
    const tail = this.#steps.slice(-TAIL_MAX).map(({ rank, unknown }) =>
      unknown ? this.#unknownAt(rank) : this.#timeline.at(rank)
    );
    this.#deadlock = { ordered: this.#orderedCount, tail, state: this.#state, stuck, candidates, reader: undefined };
    return this.#deadlock;
  }

  /** The first operation called after the stuck one returned that fits the state at the dead end only. */
  #readerAfter({ state, stuck }: Deadlock): Operation | undefined {
    return this.#timeline.operations.find((operation) => {
      const { shows } = modelOf(operation);
      return operation.call > (stuck.return ?? 0) && shows !== undefined && shows(operation) === state;
    });
  }
}

/** For each unknown operation, the last one before it that is alike, or -1. */
function findAlike(unknown: readonly Operation[], all: readonly Operation[]): Int32Array {
  const alike = new Int32Array(unknown.length);
  if (unknown.length === 0) return alike;
  const shown = new Set<State>();
  let byExistence = true;
  for (const operation of all) {
    const { shows, observes } = modelOf(operation);
    if (shows !== undefined) shown.add(shows(operation));
    else if (observes !== "existence") byExistence = false;
  }
  const last = new Map<string, number>();
  for (const [rank, operation] of unknown.entries()) {
    const { argument } = operation;
    const hidden = byExistence && argument !== null && !shown.has(argument);
    const kind = `${operation.operation} ${hidden ? "" : JSON.stringify(argument)}`;
    alike[rank] = last.get(kind) ?? NONE;
    last.set(kind, rank);
  }
  return alike;
}
