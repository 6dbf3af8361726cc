/** One attempt to connect, with an end. */

import type { Clock } from "../base/clock.ts";
import type { NodeId } from "../raft/types.ts";
import type { Endpoint } from "./address.ts";
import type { TransportLimits } from "./limits.ts";
import { type PeerSecurity, type PeerSocket, PeerTlsError } from "./security.ts";
import { secureDialed } from "./tls_dialed.ts";

/** How to connect; `connect` is replaceable for tests. */
export interface DialOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Ends the attempt early. */
  readonly signal: AbortSignal;
  readonly connect?: (options: Endpoint & { readonly signal: AbortSignal }) => Promise<Deno.TcpConn>;
}

/** Connects within `timeoutMs`. Rejects with the system's error or `DialTimeoutError`; what connects too late is closed. */
export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Deno.TcpConn> {
  const attempt = new AbortController();
  const timeout = Promise.withResolvers<never>();
  function abandon(): void {
    attempt.abort();
    timeout.reject(new DialTimeoutError(options.timeoutMs));
  }
  const timer = options.clock.after(options.timeoutMs, abandon);
  options.signal.addEventListener("abort", abandon);
  const connecting = (options.connect ?? connectTcp)({ ...endpoint, signal: attempt.signal });
  connecting.then((socket) => {
    if (attempt.signal.aborted) socket.close();
  }, () => {}); // The race below reports the error.
  try {
    return await Promise.race([connecting, timeout.promise]);
  } finally {
    timer.cancel();
    options.signal.removeEventListener("abort", abandon);
  }
}

/** What a connection to another node is made with. */
export interface PeerDialOptions {
  /** The endpoint as it was given: `host:port`. */
  readonly address: string;
  readonly clock: Clock;
  readonly limits: Pick<TransportLimits, "dialTimeoutMs" | "handshakeTimeoutMs">;
  readonly signal: AbortSignal;
  /** TLS, with the certificate of `expected`; none where it is left out. */
  readonly security: PeerSecurity | undefined;
  readonly expected: NodeId | undefined;
  /** What to do where too many handshakes hang at that address (hanging.ts). `Go`: the other side is evidently alive. */
  readonly whenMany: "Wait" | "Fail" | "Go";
  /** Goes on without TLS where the other side speaks none. */
  readonly alsoPlain: boolean;
}

/** A connection to another node. */
export interface DialedPeer {
  readonly socket: PeerSocket;
  readonly hasTls: boolean;
}

/** Connects, and speaks TLS where that is wanted. Rejects as `dial`, and with `PeerTlsError`. */
export async function dialPeer(
  endpoint: Endpoint,
  { address, clock, limits, signal, security, expected, whenMany, alsoPlain }: PeerDialOptions,
): Promise<DialedPeer> {
  if (whenMany === "Wait") await security?.hanging.room(address, signal);
  if (whenMany === "Fail" && (security?.hanging.waitMs(address) ?? 0) > 0) {
    throw new Error("it does not go on with handshakes of TLS");
  }
  const connect = () => dial(endpoint, { clock, timeoutMs: limits.dialTimeoutMs, signal });
  const tcp = await connect();
  if (security === undefined) return { socket: tcp, hasTls: false };
  const options = { address, security, expected, clock, signal, timeoutMs: limits.handshakeTimeoutMs };
  try {
    return { socket: await secureDialed(tcp, options), hasTls: true };
  } catch (error) {
    if (!alsoPlain || !(error instanceof PeerTlsError) || !error.speaksNone) throw error;
    return { socket: await connect(), hasTls: false };
  }
}

/** No connection within the time for one attempt. */
export class DialTimeoutError extends Error {
  override readonly name = "DialTimeoutError";
  constructor(timeoutMs: number) {
    super(`no connection within ${timeoutMs} ms`);
  }
}

function connectTcp(options: Endpoint & { readonly signal: AbortSignal }): Promise<Deno.TcpConn> {
  return Deno.connect(options);
}
