/** Which states the operations of a key that are left still have to read, and whether something left could bring them back. */

import type { Operation } from "./history.ts";
import { apply, IMPOSSIBLE, modelOf, type State } from "./model.ts";

interface Account {
  /** Operations left that fit this state only. */
  readers: number;
  /** Operations left that leave this state. */
  sources: number;
}

/**
 * Says when a state must not be left yet. Values are mostly unique, so a state that is left rarely comes back: a wrong
 * choice shows at once, and not only when the last reader of the lost value is reached.
 */
export class WantedStates {
  readonly #accounts = new Map<State, Account>();
  /** False when some operation leaves a state that depends on what it found: then any state may come back. */
  readonly #isExact: boolean;

  constructor(operations: readonly Operation[]) {
    this.#isExact = operations.every((operation) => {
      const { overwrites, shows } = modelOf(operation);
      return overwrites || shows !== undefined;
    });
    for (const operation of operations) this.putBack(operation);
  }

  /** Whether everything that needs `state` can still be ordered if the next operation leaves another one. */
  mayLeave(state: State): boolean {
    if (!this.#isExact) return true;
    const account = this.#accounts.get(state);
    return account === undefined || account.readers === 0 || account.sources > 0;
  }

  /** Whether nothing that is left could bring the state that the operation needs. */
  isLost(operation: Operation): boolean {
    const { shows } = modelOf(operation);
    return this.#isExact && shows !== undefined && this.#account(shows(operation)).sources === 0;
  }

  /** Counts the operation as ordered. */
  take(operation: Operation): void {
    this.#count(operation, -1);
  }

  /** Counts the operation as left. */
  putBack(operation: Operation): void {
    this.#count(operation, 1);
  }

  #count(operation: Operation, change: 1 | -1): void {
    if (!this.#isExact) return;
    const { shows } = modelOf(operation);
    if (shows !== undefined) {
      this.#account(shows(operation)).readers += change;
      return;
    }
    for (const found of [undefined, ""]) {
      const left = apply(found, operation);
      if (left === IMPOSSIBLE) continue;
      this.#account(left).sources += change;
      return;
    }
  }

  #account(state: State): Account {
    const known = this.#accounts.get(state);
    if (known !== undefined) return known;
    const account = { readers: 0, sources: 0 };
    this.#accounts.set(state, account);
    return account;
  }
}
