/** Tokens of users: random secrets that stand for a user until they expire or are revoked, as part of the replicated state. */

/** Tokens that one user may have. */
export const TOKENS_OF_USER_MAX = 16;
/** Tokens that all users may have together. */
export const TOKENS_MAX = 4_000;
/** Longest name of a token, in bytes. */
export const TOKEN_NAME_BYTES_MAX = 64;
/** What a token takes in memory, about: its name, its hash, and its places in the tables. */
export const TOKEN_BYTES = 512;
/** Shortest and longest life of a token that expires, in ms, and what it is when nothing is said: 1 second, 10 years, 90 days. */
export const TOKEN_TTL_MS = { least: 1_000, most: 315_360_000_000, otherwise: 7_776_000_000 } as const;
/** The life, and the moment of its end, of a token that does not expire. */
export const NEVER = 0;

/** What stands for a secret: its SHA-256, in hexadecimal. */
const HASH = /^sha256:[0-9a-f]{64}$/;
/** As for names of users: it stands in lines and in paths. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** One token. */
export interface TokenRecord {
  /** The entry that made it: the login of whoever comes in with it. */
  readonly id: number;
  /** The login of its user: another password ends it. */
  readonly owner: number;
  /** Unique among those of its user. */
  readonly name: string;
  readonly hash: string;
  /** The cluster's time, in ms since 1970, from which on it is none; `NEVER` for no end. */
  readonly expiresAt: number;
}

/** Makes a token of a user. */
export interface AddTokenCommand {
  readonly type: "AddToken";
  readonly user: string;
  readonly name: string;
  readonly hash: string;
  /** From the cluster's time on at which it is made; `NEVER` for no end. */
  readonly ttlMs: number;
}

/** Revokes a token of a user. */
export interface RemoveTokenCommand {
  readonly type: "RemoveToken";
  readonly user: string;
  readonly name: string;
}

/** Why a token was not made or revoked. */
export type TokenRefusal =
  | "TokenExists"
  | "NoSuchToken"
  | "TooManyTokens"
  /** The name, the hash or the life is none. */
  | "BadToken"
  /** Who asks has come in by a token: what that makes would outlive it. */
  | "PasswordNeeded";

/** Whether `name` can be one. */
export function isTokenName(name: string): boolean {
  return NAME.test(name);
}

/** Whether a token may live for so long, in ms. */
export function isTokenTtl(ttlMs: number): boolean {
  const { least, most } = TOKEN_TTL_MS;
  return ttlMs === NEVER || (Number.isSafeInteger(ttlMs) && ttlMs >= least && ttlMs <= most);
}

/** Every token. Invariant: ids are unique, and so are the names of one user's. */
export class Tokens {
  readonly #byId = new Map<number, TokenRecord>();
  /** By the login of the user. None is empty. */
  readonly #byOwner = new Map<number, Map<string, TokenRecord>>();
  /** "Unknown" after one that may have been the next is gone. */
  #next: number | undefined | "Unknown";

  /** Number of tokens. */
  get size(): number {
    return this.#byId.size;
  }

  /** When the next one expires; undefined for never. */
  get nextExpiry(): number | undefined {
    if (this.#next === "Unknown") {
      this.#next = undefined;
      for (const token of this.#byId.values()) this.#expect(token);
    }
    return this.#next;
  }

  /** The token of that id. */
  get(id: number): TokenRecord | undefined {
    return this.#byId.get(id);
  }

  /** Those of a user, by its login, in order of their names. */
  of(owner: number): readonly TokenRecord[] {
    return [...this.#byOwner.get(owner)?.values() ?? []].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Adds one; why that cannot be. */
  add(token: TokenRecord): TokenRefusal | undefined {
    const { id, owner, name, hash } = token;
    if (!NAME.test(name) || !HASH.test(hash)) return "BadToken";
    const others = this.#byOwner.get(owner) ?? new Map<string, TokenRecord>();
    if (others.has(name)) return "TokenExists";
    if (others.size >= TOKENS_OF_USER_MAX || this.size >= TOKENS_MAX) return "TooManyTokens";
    this.#byOwner.set(owner, others.set(name, token));
    this.#byId.set(id, token);
    this.#expect(token);
    return undefined;
  }

  /** Removes one; whether it was there. */
  remove(owner: number, name: string): boolean {
    const token = this.#byOwner.get(owner)?.get(name);
    if (token !== undefined) this.#drop(token);
    return token !== undefined;
  }

  /** Removes all of a user. */
  removeAll(owner: number): void {
    for (const token of this.of(owner)) this.#drop(token);
  }

  /** Removes those that have expired at `nowMs`; whether there were any. */
  expire(nowMs: number): boolean {
    if ((this.nextExpiry ?? Infinity) > nowMs) return false;
    for (const token of [...this.#byId.values()]) {
      if (token.expiresAt !== NEVER && token.expiresAt <= nowMs) this.#drop(token);
    }
    return true;
  }

  #expect({ expiresAt }: TokenRecord): void {
    if (expiresAt === NEVER || this.#next === "Unknown") return;
    this.#next = Math.min(this.#next ?? Infinity, expiresAt);
  }

  #drop({ id, owner, name }: TokenRecord): void {
    this.#byId.delete(id);
    const others = this.#byOwner.get(owner);
    others?.delete(name);
    if (others?.size === 0) this.#byOwner.delete(owner);
    this.#next = "Unknown";
  }
}
