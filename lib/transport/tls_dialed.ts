/** TLS on a dialed connection: the other end shows the certificate of the node that is meant. This end proves who it is inside (handshake.ts). */

import type { Clock } from "../base/clock.ts";
import type { NodeId } from "../raft/types.ts";
import { type PeerSecurity, type PeerSocket, PeerTlsError } from "./security.ts";

/** Who is dialed, and how. */
export interface SecureOptions {
  /** As it was dialed: `host:port`. */
  readonly address: string;
  readonly security: PeerSecurity;
  /** Undefined for any node of the cluster. */
  readonly expected: NodeId | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** No TLS within the time for a handshake. */
export class TlsTimeoutError extends Error {
  override readonly name = "TlsTimeoutError";
  constructor(timeoutMs: number) {
    super(`no TLS within ${timeoutMs} ms`);
  }
}

/** Puts TLS on a dialed socket. Rejects with `PeerTlsError` when the other end is not who is meant, or speaks no TLS; or with `TlsTimeoutError`. */
export async function secureDialed(tcp: Deno.TcpConn, options: SecureOptions): Promise<PeerSocket> {
  const { address, security, expected, clock, timeoutMs, signal } = options;
  const whom = expected === undefined ? "the node" : `node ${expected}`;
  const { pem, shown } = security.authorities();
  const conn = await begin(tcp, { hostname: security.hostOf(expected), caCerts: [pem] });
  const handshake = conn.handshake();
  const late = Promise.withResolvers<never>();
  const timer = clock.after(timeoutMs, () => late.reject(new TlsTimeoutError(timeoutMs)));
  const close = () => closeQuietly(conn);
  signal.addEventListener("abort", close);
  const over = () => {
    signal.removeEventListener("abort", close);
    close();
  };
  try {
    if (signal.aborted) close();
    await Promise.race([handshake, late.promise]);
    signal.removeEventListener("abort", close);
    return conn;
  } catch (error) {
    if (error instanceof TlsTimeoutError) security.hanging.add(address, { handshake, over });
    else over();
    // Other errors are those of the connection.
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    const why = explain(error.message, shown);
    throw new PeerTlsError(`no TLS with ${whom} at ${address}: ${why}`, why === NO_TLS);
  } finally {
    timer.cancel();
  }
}

const NO_TLS = "it speaks no TLS with its peers; give it --peer-tls-cert, --peer-tls-key and --peer-tls-ca";

/** Closes the socket where TLS cannot even begin. */
async function begin(tcp: Deno.TcpConn, options: Deno.StartTlsOptions): Promise<Deno.TlsConn> {
  try {
    // TLS offers no way to do it later. Without it a machine that is gone would be waited for until this process ends.
    tcp.setNoDelay(true);
    tcp.setKeepAlive(true);
    return await Deno.startTls(tcp, options);
  } catch (error) {
    closeQuietly(tcp);
    throw error;
  }
}

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // There is nothing left to release.
  }
}

/** What the runtime says names the certificate's dates or names where these are wrong; it knows nothing of what to do. */
function explain(why: string, trusted: string): string {
  if (why.includes("InvalidContentType")) {
    return NO_TLS;
  }
  if (why.includes("UnknownIssuer")) return `no CA of --peer-tls-ca has signed its certificate (${trusted})`;
  return why;
}
