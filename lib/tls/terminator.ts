/** The server's side of TLS for all its connections: one certificate and one set of CAs at a time, which can be replaced. */

import type { Clock } from "../base/clock.ts";
import { CLOSINGS_MAX, Handshakes } from "./handshakes.ts";
import { type RawSocket, type Serving, TlsServerSocket, type Unfit } from "./tls_socket.ts";

/** The oldest Deno whose sockets can be taken over with TLS. */
const OLDEST_DENO = [2, 8] as const;

/** Speaks TLS 1.2 and 1.3. */
export class TlsTerminator {
  readonly #handshakes: Handshakes;
  readonly #closings: Handshakes;
  #serving: Serving;

  /** With a context as `contextOf` makes it. */
  constructor(serving: Serving, clock: Clock) {
    this.#handshakes = new Handshakes(clock);
    this.#closings = new Handshakes(clock, CLOSINGS_MAX);
    this.#serving = serving;
  }

  /** Handshakes and closings under way now. */
  get underWay(): number {
    return this.#handshakes.size + this.#closings.size;
  }

  /** Serves with something else the connections that come from now on. */
  use(serving: Serving): void {
    this.#serving = serving;
  }

  /** Resolves once those that were closed have been told so, or cannot be told in time. */
  closed(): Promise<void> {
    return this.#closings.allOver();
  }

  /** The socket with TLS on it. */
  upgrade(socket: RawSocket, unfit: Unfit): TlsServerSocket {
    const [handshakes, closings] = [this.#handshakes, this.#closings];
    return new TlsServerSocket(socket, { ...unfit, ...this.#serving, handshakes, closings });
  }
}

/** Why a runtime of that version cannot be a server of TLS; undefined when it can. */
export function whyNoTls(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_DENO;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `TLS for clients needs a runtime of Deno ${OLDEST_DENO.join(".")} or later, and this is ${version}`;
}
