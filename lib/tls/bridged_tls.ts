/**
 * The server's side of TLS for runtimes whose sockets cannot be taken over: the socket's bytes go through a connection of this
 * process with itself, at whose other end is TLS.
 *
 * Deno cannot end a connection of `Deno.listenTls` whose handshake is not done; here it ends when the connection to itself does.
 */

import type { Pair } from "./authority.ts";
import type { RawSocket } from "./tls_socket.ts";

const LOOPBACK = "127.0.0.1";
const PUMP_BYTES = 65_536;
/** Strangers of this machine that may get in between before it counts as a failure. */
const PAIRING_ATTEMPTS_MAX = 16;

/** A connection with TLS. Reads and writes like a socket; the handshake comes before both. */
export class BridgedTls {
  readonly #tcp: RawSocket;
  readonly #near: Deno.TcpConn;
  readonly #far: Deno.TlsConn;
  /** What leaves has left, or cannot. */
  readonly #drained: Promise<void>;
  #isSecure = false;
  #isClosed = false;

  private constructor(tcp: RawSocket, { near, far }: { near: Deno.TcpConn; far: Deno.TlsConn }) {
    this.#tcp = tcp;
    this.#near = near;
    this.#far = far;
    // Either end may go at any time: then so does the other.
    pump(tcp, near).catch(() => {}).finally(() => closeQuietly(near));
    this.#drained = pump(near, tcp).catch(() => {}).finally(() => closeQuietly(tcp));
  }

  /** Puts TLS on a socket. Rejects with the system's error. */
  static async over(tcp: RawSocket, pair: Pair): Promise<BridgedTls> {
    for (let attempt = 1;; attempt++) {
      const ends = await connectToItself(pair);
      if (ends !== undefined) return new BridgedTls(tcp, ends);
      if (attempt === PAIRING_ATTEMPTS_MAX) throw new Deno.errors.ConnectionAborted("Others were faster");
    }
  }

  /** Resolves once the handshake is done. Rejects where it is not. */
  async handshake(): Promise<void> {
    await this.#far.handshake();
    this.#isSecure = true;
  }

  read(target: Uint8Array): Promise<number | null> {
    return this.#far.read(target);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#far.write(bytes);
  }

  /** Ends at once where the handshake is not done; else what was written goes on its way first. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeQuietly(this.#far);
    if (this.#isSecure) return void this.#drained.then(() => closeQuietly(this.#near));
    closeQuietly(this.#near);
    closeQuietly(this.#tcp);
  }
}

/** Both ends of a connection; undefined where somebody else of this machine was in the way. */
async function connectToItself({ certificate, key }: Pair) {
  const listener = Deno.listenTls({ hostname: LOOPBACK, port: 0, cert: certificate, key });
  try {
    const near = await Deno.connect({ hostname: LOOPBACK, port: portOf(listener.addr) });
    const far = await listener.accept();
    if (portOf(far.remoteAddr) === portOf(near.localAddr)) return { near, far };
    for (const end of [near, far]) end.close();
    return undefined;
  } finally {
    listener.close();
  }
}

function portOf(address: Deno.Addr): number {
  return "port" in address ? address.port : 0;
}

async function pump(from: Pick<RawSocket, "read">, to: Pick<RawSocket, "write">): Promise<void> {
  const buffer = new Uint8Array(PUMP_BYTES);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    for (let rest = buffer.subarray(0, count); rest.length > 0;) rest = rest.subarray(await to.write(rest));
  }
}

function closeQuietly(end: Pick<RawSocket, "close">): void {
  try {
    end.close();
  } catch {
    // There is nothing left to release.
  }
}
