/** Sockets of Deno, by its own interface, which costs less than Node's. */

import type { Address } from "./address.ts";
import type { Socket, SocketEvents } from "./socket.ts";

const READ_BYTES = 65_536;

/** Connects by `Deno.connect`. */
export async function connectByDeno(
  { host, port }: Address,
  { events, signal }: { readonly events: SocketEvents; readonly signal: AbortSignal },
): Promise<Socket> {
  const connection = await orAborted(Deno.connect({ hostname: host, port, transport: "tcp" }), signal);
  connection.setNoDelay(true);
  const socket = new DenoSocket(connection);
  void socket.read(events);
  return socket;
}

/** Deno 2.4 cannot be told to stop connecting: what connects too late is closed. */
function orAborted(connecting: Promise<Deno.TcpConn>, signal: AbortSignal): Promise<Deno.TcpConn> {
  return new Promise((resolve, reject) => {
    function abort(): void {
      reject(signal.reason);
    }
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    connecting.then((connection) => {
      signal.removeEventListener("abort", abort);
      if (signal.aborted) connection.close();
      else resolve(connection);
    }, (error) => {
      signal.removeEventListener("abort", abort);
      reject(error);
    });
  });
}

class DenoSocket implements Socket {
  readonly #connection: Deno.TcpConn;
  #closed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  /** Reads until the end, whichever way it comes. Never rejects. */
  async read(events: SocketEvents): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    let reason = new Error("The server closed the connection");
    try {
      for (let count = await this.#connection.read(buffer); count !== null;) {
        events.data(buffer.subarray(0, count));
        if (this.#closed) return;
        count = await this.#connection.read(buffer);
      }
    } catch (error) {
      reason = error instanceof Error ? error : new Error(String(error));
    }
    if (!this.#closed) events.ended(reason);
  }
}
