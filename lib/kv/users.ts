/** Users and the hashes of their passwords, as part of the replicated state. Without users everybody may do everything. */

import { hash64 } from "../base/hash.ts";
import type { CommandResult } from "./results.ts";

/** Users that may exist. */
export const USERS_MAX = 1_000;
/** Longest name of a user, in bytes. */
export const USER_NAME_BYTES_MAX = 64;
/** What a user takes in memory, about: its name, its hash, and its places in the tables. */
export const USER_BYTES = 512;

/** What stands for a password: 16 bytes of salt and 32 bytes of scrypt with N = 2^14, r = 8 and p = 1, in hexadecimal. */
const HASH = /^scrypt:14:8:1:[0-9a-f]{32}:[0-9a-f]{64}$/;
/** No blank, colon or quote: names stand in lines, in HTTP's `user:password` and in paths. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** The login of somebody who has not said who he is. */
export const NO_LOGIN = 0;

/** One user. */
export interface UserRecord {
  readonly name: string;
  /**
   * The entry that gave the user its password: what a login is known by. A new password, and a user of the same name that is made
   * later, have another, so that nothing of before is taken for theirs.
   */
  readonly login: number;
  /** The entry that made the user. */
  readonly created: number;
  readonly hash: string;
}

/** When a user may be given a password: whatever there is, only a new user, only one that exists, only the first of all. */
export type UserRule = "Any" | "Create" | "Change" | "First";
/** Every rule. */
export const USER_RULES: readonly UserRule[] = ["Any", "Create", "Change", "First"];

/** Makes a user, or gives one another password. */
export interface SetUserCommand {
  readonly type: "SetUser";
  readonly rule: UserRule;
  readonly name: string;
  readonly hash: string;
}

/** Removes a user, unless it is the last one: without users everybody could do everything again. */
export interface RemoveUserCommand {
  readonly type: "RemoveUser";
  readonly name: string;
}

/** Why a command about users, or one of somebody who is none, was not applied. */
export type UserRefusal =
  /** There are users, and who submitted the command is none of them, or not any more. */
  | "NotLoggedIn"
  | "UserExists"
  | "NoSuchUser"
  | "LastUser"
  | "TooManyUsers"
  /** The name or the hash is none. */
  | "BadUser";

/** The refusals, for whoever reads them. */
export const USER_REFUSALS: readonly UserRefusal[] = [
  ...["NotLoggedIn", "UserExists", "NoSuchUser", "LastUser", "TooManyUsers", "BadUser"] as const,
];

/** Users as those see them who may not change them. */
export interface UsersView {
  /** Number of users. Once it is above 0 it stays so. */
  readonly size: number;
  /** The last entry that changed them, as far as the users of a snapshot tell it; 0 for none. */
  readonly revision: number;
  /** Whether who has that login may do anything: that of a user, or any while there are no users. */
  allows(login: number): boolean;
  find(name: string): UserRecord | undefined;
  findByLogin(login: number): UserRecord | undefined;
  /** In order of their names. */
  list(): readonly UserRecord[];
}

/** Whether `name` can be one. */
export function isUserName(name: string): boolean {
  return NAME.test(name);
}

/** Every user. Invariant: names and logins are unique, and the last user stays. */
export class Users implements UsersView {
  readonly #byName = new Map<string, UserRecord>();
  readonly #byLogin = new Map<number, UserRecord>();
  #revision = 0;
  /** Undefined until somebody asks for it: a snapshot loads many users. */
  #digest: string | undefined = "";

  /** See `UsersView`. */
  get size(): number {
    return this.#byName.size;
  }

  /** See `UsersView`. */
  get revision(): number {
    return this.#revision;
  }

  /** Bytes of memory that count against a limit. */
  get heldBytes(): number {
    return this.#byName.size * USER_BYTES;
  }

  /** Equal where the same users have the same passwords; "" without users. */
  get digest(): string {
    this.#digest ??= this.#makeDigest();
    return this.#digest;
  }

  /** See `UsersView`. */
  allows(login: number): boolean {
    return this.#byName.size === 0 || this.#byLogin.has(login);
  }

  /** See `UsersView`. */
  find(name: string): UserRecord | undefined {
    return this.#byName.get(name);
  }

  /** See `UsersView`. */
  findByLogin(login: number): UserRecord | undefined {
    return this.#byLogin.get(login);
  }

  /** See `UsersView`. */
  list(): readonly UserRecord[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Does a command about users. */
  apply(command: SetUserCommand | RemoveUserCommand, revision: number): CommandResult {
    const refusal = command.type === "SetUser" ? this.#refusalOf(command) : this.#refusalOfRemoval(command.name);
    if (refusal !== undefined) return { type: "Refused", revision, reason: refusal };
    const { name } = command;
    const before = this.#byName.get(name);
    if (before !== undefined) this.#byLogin.delete(before.login);
    if (command.type === "SetUser") {
      this.#add({ name, login: revision, created: before?.created ?? revision, hash: command.hash });
    } else this.#byName.delete(name);
    this.#changed(revision);
    return { type: "Reply", revision, reply: { status: "OK" } };
  }

  /** For loading a snapshot into an empty state; false when a user cannot be one, or is there already. */
  load(user: UserRecord): boolean {
    const { name, login, created, hash } = user;
    const isWrong = !NAME.test(name) || !HASH.test(hash) || created === NO_LOGIN || created > login ||
      this.#byName.has(name) || this.#byLogin.has(login) || this.size >= USERS_MAX;
    if (isWrong) return false;
    this.#add(user);
    this.#changed(Math.max(this.#revision, login));
    return true;
  }

  #add(user: UserRecord): void {
    this.#byName.set(user.name, user);
    this.#byLogin.set(user.login, user);
  }

  #changed(revision: number): void {
    this.#revision = revision;
    this.#digest = undefined;
  }

  #makeDigest(): string {
    const lines = this.list().map(({ name, login, created, hash }) => `${name} ${login} ${created} ${hash}`);
    return hash64(lines.join("\n"));
  }

  #refusalOf({ rule, name, hash }: SetUserCommand): UserRefusal | undefined {
    if (!NAME.test(name) || !HASH.test(hash)) return "BadUser";
    const exists = this.#byName.has(name);
    if (rule === "First" && this.size > 0) return "UserExists";
    if (rule === "Create" && exists) return "UserExists";
    if (rule === "Change" && !exists) return "NoSuchUser";
    return !exists && this.size >= USERS_MAX ? "TooManyUsers" : undefined;
  }

  #refusalOfRemoval(name: string): UserRefusal | undefined {
    if (!this.#byName.has(name)) return "NoSuchUser";
    return this.size === 1 ? "LastUser" : undefined;
  }
}
