/**
 * By what a node knows a request that another node passes on to it, or that the launcher sends: an HMAC over what is asked, when, of whom
 * and for which user, under a key that both know. It is worth nothing for another request, for another node, a second time, or later.
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { AuditEvent, AuditProtocol } from "../observe/audit.ts";

/** How far the clocks of two nodes may be apart, the time on the way included. */
export const PASS_MS = 60_000;
/** Passes that are remembered so that none is taken twice: only who knows a key can fill that. */
const PASSES_SEEN_MAX = 100_000;
const NONCE_BYTES = 16;
const PASS = /^(-?[0-9]{1,16})\.([0-9]{1,16})\.([0-9a-f]{32})\.([0-9a-f]{64})$/;

/** The scheme of `Authorization` for a pass. */
export const PASS_SCHEME = "KVStore-Node";
/** The user of AUTH for a pass; no user can have that name. */
export const PASS_USER = ":node";

/** What a pass is for. Byte strings. */
export interface PassSubject {
  /** The node that is asked. */
  readonly to: number;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** What a connection in the text protocol is passed in with. */
export function connectionTo(to: number): PassSubject {
  return { to, method: "AUTH", path: "", body: "" };
}

/** What is recorded of a pass that was none. */
export function refusedPass(from: string, protocol: AuditProtocol): AuditEvent {
  return { type: "Login", user: "(node)", from, protocol, command: "login", isAllowed: false, outcome: "WrongPass" };
}

/** A pass for one request on behalf of `login`, see `Login`. */
export function makePass(
  key: string,
  { subject, login, nowMs }: { readonly subject: PassSubject; readonly login: number; readonly nowMs: number },
): string {
  const said = `${login}.${Math.floor(nowMs)}.${randomBytes(NONCE_BYTES).toString("hex")}`;
  return `${said}.${macOf(key, said, subject).toString("hex")}`;
}

/** Takes each pass once. */
export class PassReader {
  readonly #keyOf: (login: number) => string | undefined;
  /** By nonce, in the order in which they came: when they were made. */
  readonly #seen = new Map<string, number>();

  /** `keyOf` gives the key of the passes for a login; undefined where there are none. */
  constructor(keyOf: (login: number) => string | undefined) {
    this.#keyOf = keyOf;
  }

  /** The login on whose behalf the request is made; undefined when the pass is none for it, or not of one of these times. */
  read(
    pass: string,
    { subject, nowMs }: { readonly subject: PassSubject; readonly nowMs: readonly number[] },
  ): number | undefined {
    const [, login = "", madeMs = "", nonce = "", mac = ""] = PASS.exec(pass) ?? [];
    if (mac === "") return undefined;
    const key = this.#keyOf(Number(login));
    if (key === undefined) return undefined;
    const expected = macOf(key, `${login}.${madeMs}.${nonce}`, subject);
    if (!timingSafeEqual(expected, Buffer.from(mac, "hex"))) return undefined;
    const isOfNow = nowMs.some((now) => Math.abs(now - Number(madeMs)) <= PASS_MS);
    if (!isOfNow || this.#seen.has(nonce)) return undefined;
    for (const [old, oldMs] of this.#seen) {
      // One that was made by a clock ahead holds as long as the difference more.
      if (nowMs.some((now) => now - oldMs <= PASS_MS) && this.#seen.size < PASSES_SEEN_MAX) break;
      this.#seen.delete(old);
    }
    this.#seen.set(nonce, Number(madeMs));
    return Number(login);
  }
}

function macOf(key: string, said: string, { to, method, path, body }: PassSubject): Buffer {
  const digest = createHash("sha256").update(Buffer.from(body, "latin1")).digest("hex");
  return createHmac("sha256", key).update(`kvstore pass\n${said}\n${to}\n${method}\n${path}\n${digest}`).digest();
}
