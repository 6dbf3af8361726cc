/** Users as the model has them: who has which login and which rights from which entry to which. */

import { NO_LOGIN, type RemoveUserCommand, type SetUserCommand } from "../../../lib/kv/users.ts";
import { OK } from "../../linearizability/calls.ts";
import type { ModelResult } from "./keyspace_model.ts";
import { changed, EVERYTHING, type ModelRights, NOTHING } from "./rights.ts";

/** The rights of a login from an entry on. */
interface Since {
  readonly from: number;
  readonly rights: ModelRights;
}

/** The users after the entries applied so far, and every login that there ever was. */
export class ModelUsers {
  readonly #logins = new Map<string, number>();
  /** By login, the entry that ended it. */
  readonly #ends = new Map<number, number>();
  /** By login, oldest first. */
  readonly #rights = new Map<number, Since[]>();
  /** The entry that made the first user. */
  #first = Infinity;

  /** Whether somebody with that login may do something after the entry at `index`. */
  allowsAt(login: number, index: number): boolean {
    return this.rightsAt(login, index) !== undefined;
  }

  /** What somebody with that login may do after the entry at `index`; undefined for nobody. */
  rightsAt(login: number, index: number): ModelRights | undefined {
    if (index < this.#first) return EVERYTHING;
    if (login === NO_LOGIN || index >= (this.#ends.get(login) ?? Infinity)) return undefined;
    return this.#rights.get(login)?.findLast(({ from }) => from <= index)?.rights;
  }

  /** Applies a command about users as entry `revision`. */
  apply(command: SetUserCommand | RemoveUserCommand, revision: number): ModelResult {
    const reason = this.#refusalOf(command) ?? this.#do(command, revision);
    if (reason !== undefined) return { type: "Refused", revision, reason };
    this.#first = Math.min(this.#first, revision);
    return { type: "Reply", revision, reply: OK };
  }

  /** Why not; undefined once it is done. */
  #do(command: SetUserCommand | RemoveUserCommand, revision: number): string | undefined {
    const { name } = command;
    const login = this.#logins.get(name);
    if (command.type === "RemoveUser") {
      if (login !== undefined) this.#ends.set(login, revision);
      this.#logins.delete(name);
      return undefined;
    }
    const before = login === undefined ? undefined : this.#rights.get(login)?.at(-1)?.rights;
    const { change, hash } = command;
    const rights = change === undefined ? before ?? EVERYTHING : changed(before ?? NOTHING, change);
    if (typeof rights === "string") return rights;
    const isNew = login === undefined || hash !== "";
    if (login !== undefined && isNew) this.#ends.set(login, revision);
    const now = isNew ? revision : login;
    this.#logins.set(name, now);
    this.#rights.set(now, [...this.#rights.get(now) ?? [], { from: revision, rights }]);
    return undefined;
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
