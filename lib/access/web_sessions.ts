/**
 * Logins of browsers: a page logs in once, and what the browser sends from then on is known by a secret in a cookie. This node alone keeps them,
 * in memory (ADR 36).
 */

import { createHash, randomBytes } from "node:crypto";
import type { Clock, Timer } from "../base/clock.ts";
import type { Login } from "./login.ts";

/** How long one lasts from its login on, in ms: 12 hours. */
export const WEB_SESSION_MS = 43_200_000;
/** Those of one user on a node; with one more the one that was used longest ago ends. */
export const WEB_SESSIONS_PER_USER_MAX = 16;
/** Those of all users on a node; the same. */
export const WEB_SESSIONS_MAX = 1_024;
/** 256 bits: nobody guesses one. */
const SECRET_BYTES = 32;

/** What gets something piece by piece, and is told when that ends. */
export interface WebGuest {
  /** May be called from within what applies entries. */
  loginEnded(): void;
}

/** What sessions ask of the gate: whose logins still hold, and to be told when one does not. */
export interface WebSessionsGate {
  admits(login: Login | undefined): boolean;
  enter(visitor: WebGuest & { readonly login: Login }): void;
  leave(visitor: WebGuest & { readonly login: Login }): void;
}

/** One login of one browser. */
export class WebSession implements WebGuest {
  readonly login: Login;
  /** Whether it was made over HTTPS: its secret has never been anywhere else. */
  readonly isSecure: boolean;
  /** `Clock.now()` from which on it is over. */
  readonly endsAt: number;
  readonly #guests = new Set<WebGuest>();
  readonly #ended: () => void;
  #hasEnded = false;

  constructor(
    login: Login,
    { isSecure, endsAt, ended }: { readonly isSecure: boolean; readonly endsAt: number; readonly ended: () => void },
  ) {
    this.login = login;
    this.isSecure = isSecure;
    this.endsAt = endsAt;
    this.#ended = ended;
  }

  /** Whether it is over. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Tells `guest` when the session ends, until `leave`. */
  enter(guest: WebGuest): void {
    this.#guests.add(guest);
  }

  /** Idempotent. */
  leave(guest: WebGuest): void {
    this.#guests.delete(guest);
  }

  /** Ends it: by the browser, or because the user was removed or has another password. Idempotent. */
  loginEnded(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ended();
    for (const guest of [...this.#guests]) guest.loginEnded();
  }
}

/** The sessions of a node. */
export class WebSessions {
  readonly #clock: Clock;
  readonly #gate: WebSessionsGate;
  /** By the hash of the secret, so that no time tells how near a guess was; the one that was used longest ago first. */
  readonly #sessions = new Map<string, WebSession>();

  constructor({ clock, gate }: { readonly clock: Clock; readonly gate: WebSessionsGate }) {
    this.#clock = clock;
    this.#gate = gate;
  }

  /** Those that have not ended. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Begins one for a login that the gate has just let in; returns its secret, 43 characters of base64url. */
  open(login: Login, { isSecure }: { readonly isSecure: boolean }): string {
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const hash = hashOf(secret);
    const timer: { current?: Timer } = {};
    const session = new WebSession(login, {
      isSecure,
      endsAt: this.#clock.now() + WEB_SESSION_MS,
      ended: () => {
        timer.current?.cancel();
        this.#sessions.delete(hash);
        this.#gate.leave(session);
      },
    });
    timer.current = this.#clock.after(WEB_SESSION_MS, () => session.loginEnded());
    this.#makeRoom(login);
    this.#sessions.set(hash, session);
    this.#gate.enter(session);
    return secret;
  }

  /** The session with that secret, which counts as used now; undefined where there is none, or none any more. */
  find(secret: string): WebSession | undefined {
    const hash = hashOf(secret);
    const session = this.#sessions.get(hash);
    if (session === undefined || this.#clock.now() >= session.endsAt || !this.#gate.admits(session.login)) return;
    this.#sessions.delete(hash);
    this.#sessions.set(hash, session);
    return session;
  }

  /** Ends all: no timer is left. */
  stop(): void {
    for (const session of [...this.#sessions.values()]) session.loginEnded();
  }

  /** Each token of a user is a login of its own: it is the name that tells whose a session is. */
  #makeRoom({ name }: Login): void {
    const own = [...this.#sessions.values()].filter(({ login }) => login.name === name);
    if (own.length >= WEB_SESSIONS_PER_USER_MAX) own[0]?.loginEnded();
    if (this.#sessions.size < WEB_SESSIONS_MAX) return;
    for (const oldest of this.#sessions.values()) return oldest.loginEnded();
  }
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret, "latin1").digest("base64");
}
