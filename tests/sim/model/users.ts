/** Users and their tokens as the model has them: who has which login and which rights from which entry to which. */

import { NEVER, TOKENS_OF_USER_MAX } from "../../../lib/kv/tokens.ts";
import { NO_LOGIN, type RemoveUserCommand, type SetUserCommand, type UserCommand } from "../../../lib/kv/users.ts";
import { OK } from "../../linearizability/calls.ts";
import type { ModelResult } from "./keyspace_model.ts";
import { changed, EVERYTHING, type ModelRights, NOTHING } from "./rights.ts";

/** The rights of a login from an entry on. */
interface Since {
  readonly from: number;
  readonly rights: ModelRights;
}

/** What is known of a login of a user. */
interface ModelLogin {
  readonly name: string;
  /** The entry that made the user. */
  readonly created: number;
}

/** A token, by the login of its user. */
interface ModelToken {
  readonly owner: number;
  readonly name: string;
  readonly expiresAt: number;
}

/** When, and by whom, a command about users is done. */
export interface ModelTurn {
  readonly revision: number;
  readonly nowMs: number;
  readonly login: number;
}

/** The users after the entries applied so far, and every login that there ever was, those by token included. */
export class ModelUsers {
  readonly #logins = new Map<string, number>();
  readonly #known = new Map<number, ModelLogin>();
  /** By login, which for a token is the entry that made it. */
  readonly #tokens = new Map<number, ModelToken>();
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
    if (login === NO_LOGIN || index < login || index >= (this.#ends.get(login) ?? Infinity)) return undefined;
    const token = this.#tokens.get(login);
    if (token !== undefined) return this.rightsAt(token.owner, index);
    return this.#rights.get(login)?.findLast(({ from }) => from <= index)?.rights;
  }

  /** The entry that made the user with that login; undefined for nobody's. */
  createdOf(login: number): number | undefined {
    return this.#userOf(login)?.created;
  }

  /** The token by which one comes in who has that login. */
  tokenOf(login: number): ModelToken | undefined {
    return this.#tokens.get(login);
  }

  /** Applies a command about users as entry `revision`. */
  apply(command: UserCommand, turn: ModelTurn): ModelResult {
    const { revision } = turn;
    if ("user" in command && !this.#looksAfter(command.user, turn)) {
      return { type: "Forbidden", revision, missing: { right: "admin" } };
    }
    const done = this.#do(command, turn);
    if (typeof done === "string") return { type: "Refused", revision, reason: done };
    this.#first = Math.min(this.#first, revision);
    return { type: "Reply", revision, reply: done ?? OK };
  }

  /** Ends the tokens whose time is over with entry `revision`. */
  expire({ nowMs, revision }: Pick<ModelTurn, "nowMs" | "revision">): void {
    for (const [id, { expiresAt }] of this.#tokens) {
      if (expiresAt !== NEVER && expiresAt <= nowMs && !this.#ends.has(id)) this.#ends.set(id, revision);
    }
  }

  /** The reply, where it is another than OK, or why not. */
  #do(command: UserCommand, turn: ModelTurn): number | string | undefined {
    switch (command.type) {
      case "AddToken":
        return this.#addToken(command, turn);
      case "RemoveToken": {
        const [id] = this.#tokensOf(command.user).find(([, { name }]) => name === command.name) ?? [];
        if (!this.#logins.has(command.user)) return "NoSuchUser";
        if (id === undefined) return "NoSuchToken";
        this.#ends.set(id, turn.revision);
        return undefined;
      }
      default:
        return this.#refusalOf(command) ?? this.#change(command, turn.revision);
    }
  }

  #addToken(
    { user, name, ttlMs }: UserCommand & { readonly type: "AddToken" },
    { revision, nowMs, login }: ModelTurn,
  ): number | string {
    const owner = this.#logins.get(user);
    if (owner === undefined) return "NoSuchUser";
    if (this.#tokens.has(login)) return "PasswordNeeded";
    const others = this.#tokensOf(user);
    if (others.some(([, other]) => other.name === name)) return "TokenExists";
    if (others.length >= TOKENS_OF_USER_MAX) return "TooManyTokens";
    const expiresAt = ttlMs === NEVER ? NEVER : nowMs + ttlMs;
    this.#tokens.set(revision, { owner, name, expiresAt });
    return expiresAt;
  }

  /** Those that are good now. */
  #tokensOf(user: string): readonly (readonly [id: number, token: ModelToken])[] {
    const owner = this.#logins.get(user);
    return [...this.#tokens].filter(([id, token]) => token.owner === owner && !this.#ends.has(id));
  }

  /** A user looks after his own tokens, and an administrator after everybody's. */
  #looksAfter(user: string, { login, revision }: ModelTurn): boolean {
    const asker = this.#userOf(login);
    return asker === undefined || asker.name === user || this.rightsAt(login, revision)?.isAdmin === true;
  }

  #userOf(login: number): ModelLogin | undefined {
    return this.#known.get(this.#tokens.get(login)?.owner ?? login);
  }

  /** Why not; undefined once it is done. */
  #change(command: SetUserCommand | RemoveUserCommand, revision: number): string | undefined {
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
    const created = login === undefined ? revision : this.#known.get(login)?.created ?? revision;
    this.#logins.set(name, now);
    this.#known.set(now, { name, created });
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
