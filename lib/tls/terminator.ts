/** The server's side of TLS for all its connections: one certificate at a time, which can be replaced. */

import type { Clock } from "../base/clock.ts";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Pair } from "./authority.ts";
import { Handshakes } from "./handshakes.ts";
import { TlsServerSocket, type Unfit } from "./tls_socket.ts";

/** The oldest Deno whose sockets can be taken over with TLS. */
const OLDEST_DENO = [2, 8] as const;

/** Speaks TLS 1.2 and 1.3. */
export class TlsTerminator {
  readonly #handshakes: Handshakes;
  #context: SecureContext;

  /** The pair must fit, as `loadPair` sees to. */
  constructor(pair: Pair, clock: Clock) {
    this.#handshakes = new Handshakes(clock);
    this.#context = contextOf(pair);
  }

  /** Handshakes under way now. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** Takes another pair that fits, for the connections that come from now on. */
  use(pair: Pair): void {
    this.#context = contextOf(pair);
  }

  /** The socket with TLS on it. */
  upgrade(socket: Deno.TcpConn, unfit: Unfit): TlsServerSocket {
    return new TlsServerSocket(socket, { ...unfit, context: this.#context, handshakes: this.#handshakes });
  }
}

/** Why a runtime of that version cannot be a server of TLS; undefined when it can. */
export function whyNoTls(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_DENO;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `TLS for clients needs a runtime of Deno ${OLDEST_DENO.join(".")} or later, and this is ${version}`;
}

function contextOf({ certificate, key }: Pair): SecureContext {
  return createSecureContext({ cert: certificate, key, minVersion: "TLSv1.2" });
}
