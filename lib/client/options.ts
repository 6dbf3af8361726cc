/** What a client is made with. */

import type { Trust } from "../base/dial.ts";
import { type Address, parseAddress } from "./address.ts";
import type { Credentials } from "./handshake.ts";
import { ATTEMPT_TIMEOUT_MS, CONNECTIONS_PER_SERVER, OPERATION_TIMEOUT_MS, OPERATIONS_MAX } from "./limits.ts";
import { SESSION_TTL_MS, SESSION_TTL_MS_RANGE } from "./limits.ts";

/** How to connect, and the defaults of every operation. */
export interface ConnectOptions {
  /** Client addresses of some or all servers of the cluster: `host:port`, `[ipv6]:port`. The others are learned. */
  readonly servers: readonly string[];
  /**
   * Opens a session: writes are numbered, applied at most once, and repeated while their outcome is unknown. Without it,
   * such a write fails with `OutcomeUnknownError`. Needs KVStore.
   */
  readonly session?: boolean | undefined;
  /** How long a session outlives its client, in ms: 1 000 to 86 400 000, 60 000 by default. */
  readonly sessionTtlMs?: number | undefined;
  /** How long an operation may take in all, its repetitions included, in ms; 10 000 by default. For `connect` too. */
  readonly timeoutMs?: number | undefined;
  /**
   * After so long without a reply, what can be repeated is sent to another server, in ms; 3 000 by default, which is more than
   * an election takes.
   */
  readonly attemptTimeoutMs?: number | undefined;
  /** Aborting it rejects `connect` with its reason; once connected it has no effect. */
  readonly signal?: AbortSignal | undefined;
  /** Connections to one server; 2 by default. With 1, requests arrive in the order in which they were made. */
  readonly connections?: number | undefined;
  /** Operations that may be under way at once; one more fails with `NotDoneError` TOOMANY. 10 000 by default. */
  readonly operationsMax?: number | undefined;
  /** TLS with every server, those that are learned too; left out for none. `{}` trusts the CAs that the runtime trusts. */
  readonly tls?: ClientTls | undefined;
  /** For servers that ask who comes; `username` is "default" without it. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** In the place of both: a token of a user, as `kvstore user token add` makes one. */
  readonly token?: string | undefined;
}

/** Whom a client believes. */
export interface ClientTls {
  /**
   * Certificates of CAs, in PEM. On Node they take the place of those that the runtime trusts, on Deno they stand beside them
   * (unless `DENO_TLS_CA_STORE` is "," in the environment: then they are the only ones).
   */
  readonly caCert?: string | undefined;
  /** A name or an address that the certificate of every server has; the host of its address when left out. */
  readonly serverName?: string | undefined;
  /** What is shown to servers that ask clients for a certificate, in PEM, and its key. On Deno it does not go with `serverName`. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/** What sockets are to know of it. Throws TypeError for texts that are no certificates, and for what does not go together. */
export function trustOf(
  tls: ClientTls | undefined,
  { onDeno = typeof Deno !== "undefined" } = {},
): Trust | undefined {
  if (tls === undefined) return undefined;
  const { caCert, serverName, cert, key } = tls;
  for (const [name, text] of Object.entries({ caCert, cert })) {
    if (text === undefined || text.includes(CERTIFICATE)) continue;
    throw new TypeError(`Cannot use tls.${name}: it is no certificate in PEM (its text, not the name of its file)`);
  }
  if ((cert === undefined) !== (key === undefined)) throw new TypeError("Cannot use tls: cert and key go together");
  if (cert !== undefined && serverName !== undefined && onDeno) {
    throw new TypeError(
      "Cannot use tls.serverName with tls.cert on Deno: connect by a name that the certificates have",
    );
  }
  const identity = cert === undefined || key === undefined ? {} : { identity: { cert, key } };
  return { caCerts: caCert === undefined ? [] : [caCert], serverName, ...identity };
}

/** The user whose password is a token, whoever's it is. */
const TOKEN_USER = "__token__";

/** As whom to come in; undefined for nobody. Throws TypeError for a token beside a user or a password. */
export function credentialsOf({ username, password, token }: ConnectOptions): Credentials | undefined {
  if (token === undefined) return password === undefined ? undefined : { username: username ?? "default", password };
  if (username === undefined && password === undefined) return { username: TOKEN_USER, password: token };
  throw new TypeError("Cannot use token with username or password: a token says by itself whose it is");
}

/** Options in which everything is decided. */
export interface Settings {
  readonly addresses: readonly Address[];
  readonly connections: number;
  readonly operationsMax: number;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly sessionTtlMs: number;
}

/** Checks the options. Throws TypeError for an address that is none and RangeError for a number out of its range. */
export function settle(options: ConnectOptions): Settings {
  const sessionTtlMs = options.sessionTtlMs ?? SESSION_TTL_MS;
  const { least, most } = SESSION_TTL_MS_RANGE;
  if (!(Number.isInteger(sessionTtlMs) && sessionTtlMs >= least && sessionTtlMs <= most)) {
    throw new RangeError(`Cannot use ${sessionTtlMs} as sessionTtlMs: it is a whole number from ${least} to ${most}`);
  }
  if (options.servers.length === 0) throw new TypeError("Cannot connect: servers is empty");
  return {
    addresses: options.servers.map(readAddress),
    connections: atLeastOne("connections", options.connections ?? CONNECTIONS_PER_SERVER),
    operationsMax: atLeastOne("operationsMax", options.operationsMax ?? OPERATIONS_MAX),
    timeoutMs: checkTimeout("timeoutMs", options.timeoutMs ?? OPERATION_TIMEOUT_MS),
    attemptTimeoutMs: checkTimeout("attemptTimeoutMs", options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS),
    sessionTtlMs,
  };
}

/** The same number of milliseconds. Throws RangeError unless it is above 0. */
export function checkTimeout(name: string, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`Cannot use ${value} as ${name}: it must be above 0`);
}

function readAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`Cannot use "${text}" as a server: write host:port`);
  return address;
}

function atLeastOne(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`Cannot use ${value} as ${name}: it is a whole number from 1`);
}
