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

  /** Called with every entry that is applied. */
  look({ revision }: Pick<UsersView, "revision">): void {
    if (revision !== this.#seen) this.replaced({ revision });
  }

  /**
   * A state took the place of another: that is always told. A snapshot knows the entries of the users that are left, and not the last one that
   * removed somebody.
   */
  replaced({ revision }: Pick<UsersView, "revision">): void {
    this.#seen = revision;
    for (const listener of [...this.#listeners]) listener();
  }
}
