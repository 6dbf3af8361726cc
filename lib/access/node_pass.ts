/**
 * By what a node knows a request that another node passes on to it, or that the launcher sends: an HMAC over what is asked, when, of whom
 * and for which user, under a key that both know; one under each key of the sender, while a cluster changes its secret. It is worth
 * nothing for another request, for another node, a second time, or later.
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { AuditEvent, AuditProtocol } from "../observe/audit.ts";

/** How far the clocks of two nodes may be apart, the time on the way included. */
export const PASS_MS = 60_000;
/** Passes that are remembered so that none is taken twice: only who knows a key can fill that. */
const PASSES_SEEN_MAX = 100_000;
const NONCE_BYTES = 16;
/** Keys of a node at one time: for nodes with TLS and without, and for each the previous one. */
export const PASS_KEYS_MAX = 4;
const PASS = new RegExp(`^(-?[0-9]{1,16})\\.([0-9]{1,16})\\.([0-9a-f]{32})((?:\\.[0-9a-f]{64}){1,${PASS_KEYS_MAX}})$`);
/** Characters of the longest pass. */
export const PASS_CHARACTERS_MAX = 2 * 17 + 32 + PASS_KEYS_MAX * 65;

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

/** A pass for one request on behalf of `login`, see `Login`; for who has one of the keys `also` as well. */
export function makePass(
  key: string,
  { subject, login, nowMs, also = [] }: {
    readonly subject: PassSubject;
    readonly login: number;
    readonly nowMs: number;
    readonly also?: readonly string[];
  },
): string {
  const said = `${login}.${Math.floor(nowMs)}.${randomBytes(NONCE_BYTES).toString("hex")}`;
  return [said, ...[key, ...also].map((each) => macOf(each, said, subject).toString("hex"))].join(".");
}

/** Takes each pass once. */
export class PassReader {
  readonly #keysOf: (login: number) => readonly string[];
  /** By nonce, in the order in which they came: when they were made. */
  readonly #seen = new Map<string, number>();

  /** `keysOf` gives the keys of the passes for a login, any of which will do; none where there are none. */
  constructor(keysOf: (login: number) => readonly string[]) {
    this.#keysOf = keysOf;
  }

  /** The login on whose behalf the request is made; undefined when the pass is none for it, or not of one of these times. */
  read(
    pass: string,
    { subject, nowMs }: { readonly subject: PassSubject; readonly nowMs: readonly number[] },
  ): number | undefined {
    const [, login = "", madeMs = "", nonce = "", macs = ""] = PASS.exec(pass) ?? [];
    if (macs === "") return undefined;
    const given = macs.slice(1).split(".").map((mac) => Buffer.from(mac, "hex"));
    const expected = this.#keysOf(Number(login)).map((key) => macOf(key, `${login}.${madeMs}.${nonce}`, subject));
    if (!expected.some((mac) => given.some((other) => timingSafeEqual(mac, other)))) return undefined;
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
