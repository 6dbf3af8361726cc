/** Users as the model has them: who has which login from which entry to which. */

import { NO_LOGIN, type RemoveUserCommand, type SetUserCommand } from "../../../lib/kv/users.ts";
import { OK } from "../../linearizability/calls.ts";
import type { ModelResult } from "./keyspace_model.ts";

/** The users after the entries applied so far, and every login that there ever was. */
export class ModelUsers {
  readonly #logins = new Map<string, number>();
  /** By login, the entry that ended it. */
  readonly #ends = new Map<number, number>();
  /** The entry that made the first user. */
  #first = Infinity;

  /** Whether somebody with that login may do something after the entry at `index`. */
  allowsAt(login: number, index: number): boolean {
    if (index < this.#first) return true;
    const isKnown = login !== NO_LOGIN && login <= index && (this.#ends.has(login) || this.#isHeld(login));
    return isKnown && index < (this.#ends.get(login) ?? Infinity);
  }

  /** Applies a command about users as entry `revision`. */
  apply(command: SetUserCommand | RemoveUserCommand, revision: number): ModelResult {
    const reason = this.#refusalOf(command);
    if (reason !== undefined) return { type: "Refused", revision, reason };
    const before = this.#logins.get(command.name);
    if (before !== undefined) this.#ends.set(before, revision);
    if (command.type === "RemoveUser") this.#logins.delete(command.name);
    else this.#logins.set(command.name, revision);
    this.#first = Math.min(this.#first, revision);
    return { type: "Reply", revision, reply: OK };
  }

  #isHeld(login: number): boolean {
    return [...this.#logins.values()].includes(login);
  }

  #refusalOf(command: SetUserCommand | RemoveUserCommand): string | undefined {
    const exists = this.#logins.has(command.name);
    if (command.type === "RemoveUser") {
      if (!exists) return "NoSuchUser";
      return this.#logins.size === 1 ? "LastUser" : undefined;
    }
    const { rule } = command;
    if (rule === "Change") return exists ? undefined : "NoSuchUser";
    const isTaken = rule === "First" ? this.#logins.size > 0 : rule === "Create" && exists;
    return isTaken ? "UserExists" : undefined;
  }
}
