/** Users, their rights and the hashes of their passwords, as part of the replicated state. Without users everybody may do everything. */

import { unreachable } from "../base/assert.ts";
import { hash64 } from "../base/hash.ts";
import type { CommandResult } from "./results.ts";
import {
  ADMIN,
  bytesOfRights,
  changeRights,
  missingAdmin,
  type MissingRight,
  NO_RIGHTS,
  type Rights,
  type RightsChange,
  type RightsRefusal,
  writeRights,
} from "./rights.ts";
import {
  type AddTokenCommand,
  isTokenTtl,
  NEVER,
  type RemoveTokenCommand,
  TOKEN_BYTES,
  type TokenRecord,
  type TokenRefusal,
  Tokens,
} from "./tokens.ts";

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
  readonly rights: Rights;
}

/** When a user may be given a password: whatever there is, only a new user, only one that exists, only the first of all. */
export type UserRule = "Any" | "Create" | "Change" | "First";
/** Every rule. */
export const USER_RULES: readonly UserRule[] = ["Any", "Create", "Change", "First"];

/** Makes a user, or gives one another password or other rights. */
export interface SetUserCommand {
  readonly type: "SetUser";
  readonly rule: UserRule;
  readonly name: string;
  /** "" leaves the password and the login of a user as they are. */
  readonly hash: string;
  /**
   * A new user begins without rights, but for the first of all, who is an administrator. Left out, as before there were rights: a new
   * user is an administrator, and the others stay what they are.
   */
  readonly change?: RightsChange | undefined;
}

/** Removes a user, unless it is the last one, or the last administrator: without users everybody could do everything again. */
export interface RemoveUserCommand {
  readonly type: "RemoveUser";
  readonly name: string;
}

/** What changes users or their tokens. */
export type UserCommand = SetUserCommand | RemoveUserCommand | AddTokenCommand | RemoveTokenCommand;

/** Why a command about users, or one of somebody who is none, was not applied. */
export type UserRefusal =
  /** There are users, and who submitted the command is none of them, or not any more. */
  | "NotLoggedIn"
  | "UserExists"
  | "NoSuchUser"
  | "LastUser"
  | "TooManyUsers"
  /** The name or the hash is none. */
  | "BadUser"
  /** There would be users, and nobody who may change them. */
  | "LastAdmin"
  | RightsRefusal
  | TokenRefusal;

/** The refusals, for whoever reads them. */
export const USER_REFUSALS: readonly UserRefusal[] = [
  ...["NotLoggedIn", "UserExists", "NoSuchUser", "LastUser", "TooManyUsers", "BadUser", "LastAdmin"] as const,
  ...["NoSuchRight", "WiderRight", "TooManyGrants"] as const,
  ...["TokenExists", "NoSuchToken", "TooManyTokens", "BadToken", "PasswordNeeded"] as const,
];

/** Users as those see them who may not change them. */
export interface UsersView {
  /** Number of users. Once it is above 0 it stays so. */
  readonly size: number;
  /** The last entry that changed them, as far as the users of a snapshot tell it; 0 for none. */
  readonly revision: number;
  /** Whether that is the login of a user or a token, or there are no users: who has it may do what his rights allow. */
  allows(login: number): boolean;
  /** What who has that login may do; undefined for nobody's. Without users everybody may do everything. */
  rightsOf(login: number): Rights | undefined;
  find(name: string): UserRecord | undefined;
  /** The user who has that login, or whose token has. */
  findByLogin(login: number): UserRecord | undefined;
  /** In order of their names. */
  list(): readonly UserRecord[];
  /** The token that is known by that login. */
  findToken(login: number): TokenRecord | undefined;
  /** Those of a user, in order of their names. */
  tokensOf(user: UserRecord): readonly TokenRecord[];
}

/** When, and by whom, a command about users is done. */
export interface UserTurn {
  readonly revision: number;
  /** The cluster's time, in ms since 1970. */
  readonly nowMs: number;
  readonly login: number;
}

/** Whether `name` can be one. */
export function isUserName(name: string): boolean {
  return NAME.test(name);
}

/** Whether those are the rights of users from before there were rights: they are not written. */
export function isPlainAdmin({ isAdmin, grants }: Rights): boolean {
  return isAdmin && grants.length === 0;
}

/**
 * Every user. Invariant: names and logins are unique, those of tokens included, each token belongs to a user who is there, and the last
 * user stays, and the last administrator.
 */
export class Users implements UsersView {
  readonly #byName = new Map<string, UserRecord>();
  readonly #byLogin = new Map<number, UserRecord>();
  /** Undefined while there was none. */
  #tokens: Tokens | undefined;
  #revision = 0;
  #rightsBytes = 0;
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
    return this.#byName.size * USER_BYTES + this.#rightsBytes + (this.#tokens?.size ?? 0) * TOKEN_BYTES;
  }

  /** When the next token expires; undefined for never. */
  get nextDeadline(): number | undefined {
    return this.#tokens?.nextExpiry;
  }

  /** Equal where the same users have the same passwords, rights and tokens; "" without users. */
  get digest(): string {
    this.#digest ??= this.#makeDigest();
    return this.#digest;
  }

  /** See `UsersView`. */
  allows(login: number): boolean {
    return this.#byName.size === 0 || this.findByLogin(login) !== undefined;
  }

  /** See `UsersView`. */
  rightsOf(login: number): Rights | undefined {
    return this.#byName.size === 0 ? ADMIN : this.findByLogin(login)?.rights;
  }

  /** See `UsersView`. */
  find(name: string): UserRecord | undefined {
    return this.#byName.get(name);
  }

  /** See `UsersView`. */
  findByLogin(login: number): UserRecord | undefined {
    return this.#byLogin.get(login) ?? this.#byLogin.get(this.#tokens?.get(login)?.owner ?? NO_LOGIN);
  }

  /** See `UsersView`. */
  findToken(login: number): TokenRecord | undefined {
    return this.#tokens?.get(login);
  }

  /** See `UsersView`. */
  tokensOf({ login }: UserRecord): readonly TokenRecord[] {
    return this.#tokens?.of(login) ?? [];
  }

  /** See `UsersView`. */
  list(): readonly UserRecord[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Does a command about users or tokens. The reply to a token that is made is when it expires. */
  apply(command: UserCommand, turn: UserTurn): CommandResult {
    const { revision } = turn;
    const missing = "user" in command ? this.#missingForTokens(command.user, turn) : undefined;
    if (missing !== undefined) return { type: "Forbidden", revision, missing };
    const done = this.#do(command, turn);
    if (typeof done === "string") return { type: "Refused", revision, reason: done };
    this.#changed(revision);
    return { type: "Reply", revision, reply: done ?? { status: "OK" } };
  }

  /** Removes the tokens that have expired at the cluster's time `nowMs`. */
  expireTokens({ nowMs, revision }: Pick<UserTurn, "nowMs" | "revision">): void {
    if (this.#tokens?.expire(nowMs) === true) this.#changed(revision);
  }

  /** For loading a snapshot whose users are loaded; false when it can be no token, or is there already. */
  loadToken(token: TokenRecord): boolean {
    const { id, owner } = token;
    if (!this.#byLogin.has(owner) || id <= owner || this.findByLogin(id) !== undefined) return false;
    this.#tokens ??= new Tokens();
    if (this.#tokens.add(token) !== undefined) return false;
    this.#changed(Math.max(this.#revision, id));
    return true;
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

  #do(command: UserCommand, turn: UserTurn): number | UserRefusal | undefined {
    switch (command.type) {
      case "SetUser":
        return this.#set(command, turn.revision);
      case "RemoveUser":
        return this.#remove(command.name);
      case "AddToken":
        return this.#addToken(command, turn);
      case "RemoveToken":
        return this.#removeToken(command);
      default:
        return unreachable(command);
    }
  }

  /** A user looks after his own tokens, and an administrator after everybody's. */
  #missingForTokens(user: string, { login }: UserTurn): MissingRight | undefined {
    const asker = this.findByLogin(login);
    return asker === undefined || asker.name === user ? undefined : missingAdmin(asker.rights);
  }

  #set(command: SetUserCommand, revision: number): UserRefusal | undefined {
    const { name, hash } = command;
    const before = this.#byName.get(name);
    const refusal = this.#refusalOf(command);
    if (refusal !== undefined) return refusal;
    const rights = this.#rightsAfter(command, before);
    if (typeof rights === "string") return rights;
    if (before !== undefined) this.#drop(before);
    const login = before === undefined || hash !== "" ? revision : before.login;
    if (before !== undefined && login !== before.login) this.#tokens?.removeAll(before.login);
    this.#add({
      name,
      login,
      created: before?.created ?? revision,
      hash: hash === "" ? before?.hash ?? "" : hash,
      rights,
    });
    return undefined;
  }

  #remove(name: string): UserRefusal | undefined {
    const user = this.#byName.get(name);
    if (user === undefined) return "NoSuchUser";
    if (this.size === 1) return "LastUser";
    if (this.#isLastAdmin(user)) return "LastAdmin";
    this.#drop(user);
    this.#tokens?.removeAll(user.login);
    return undefined;
  }

  #addToken(
    { user, name, hash, ttlMs }: AddTokenCommand,
    { revision: id, nowMs, login }: UserTurn,
  ): number | UserRefusal {
    const owner = this.#byName.get(user)?.login;
    if (owner === undefined) return "NoSuchUser";
    if (this.findToken(login) !== undefined) return "PasswordNeeded";
    if (!isTokenTtl(ttlMs)) return "BadToken";
    this.#tokens ??= new Tokens();
    const expiresAt = ttlMs === NEVER ? NEVER : nowMs + ttlMs;
    return this.#tokens.add({ id, owner, name, hash, expiresAt }) ?? expiresAt;
  }

  #removeToken({ user, name }: RemoveTokenCommand): UserRefusal | undefined {
    const owner = this.#byName.get(user)?.login;
    if (owner === undefined) return "NoSuchUser";
    return this.#tokens?.remove(owner, name) === true ? undefined : "NoSuchToken";
  }

  #rightsAfter({ change }: SetUserCommand, before: UserRecord | undefined): Rights | UserRefusal {
    if (change === undefined) return before?.rights ?? ADMIN;
    const rights = changeRights(before?.rights ?? NO_RIGHTS, change);
    if (typeof rights === "string" || rights.isAdmin) return rights;
    if (this.size === 0) return rights.grants.length === 0 ? ADMIN : "LastAdmin";
    return before !== undefined && this.#isLastAdmin(before) ? "LastAdmin" : rights;
  }

  #isLastAdmin({ name, rights }: UserRecord): boolean {
    if (!rights.isAdmin) return false;
    for (const other of this.#byName.values()) if (other.rights.isAdmin && other.name !== name) return false;
    return true;
  }

  #add(user: UserRecord): void {
    this.#byName.set(user.name, user);
    this.#byLogin.set(user.login, user);
    this.#rightsBytes += bytesOfRights(user.rights);
  }

  #drop(user: UserRecord): void {
    this.#byName.delete(user.name);
    this.#byLogin.delete(user.login);
    this.#rightsBytes -= bytesOfRights(user.rights);
  }

  #changed(revision: number): void {
    this.#revision = revision;
    this.#digest = undefined;
  }

  #makeDigest(): string {
    const lines = this.list().flatMap(({ name, login, created, hash, rights }) => [
      `${name} ${login} ${created} ${hash}${isPlainAdmin(rights) ? "" : ` ${writeRights(rights)}`}`,
      ...(this.#tokens?.of(login) ?? []).map((token) => `${token.id} ${token.name} ${token.hash} ${token.expiresAt}`),
    ]);
    return hash64(lines.join("\n"));
  }

  #refusalOf({ rule, name, hash, change }: SetUserCommand): UserRefusal | undefined {
    if (!NAME.test(name) || (!HASH.test(hash) && (hash !== "" || change === undefined))) return "BadUser";
    const exists = this.#byName.has(name);
    if (rule === "First" && this.size > 0) return "UserExists";
    if (rule === "Create" && exists) return "UserExists";
    if ((rule === "Change" || hash === "") && !exists) return "NoSuchUser";
    return !exists && this.size >= USERS_MAX ? "TooManyUsers" : undefined;
  }
}
