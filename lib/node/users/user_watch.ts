/** Tells of every change of the users, in the very step in which it is applied: before anything later is done or shown. */

import type { UsersView } from "../../kv/users.ts";

/** Those who want to hear of it. */
export class UserWatch {
  readonly #listeners = new Set<() => void>();
  #seen: number;

  /** Nothing is told of what `users` are now. */
  constructor(users: Pick<UsersView, "revision">) {
    this.#seen = users.revision;
  }

  /** Calls `listener` with every change from now on, until the function that is returned is called. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called with every entry that is applied, and with a state that takes the place of another. */
  look({ revision }: Pick<UsersView, "revision">): void {
    if (revision === this.#seen) return;
    this.#seen = revision;
    for (const listener of [...this.#listeners]) listener();
  }
}
