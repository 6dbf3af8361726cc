/** Sockets of Deno, by its own interface, which costs less than Node's. */

import { dial } from "../base/dial.ts";
import type { Address } from "./address.ts";
import type { Socket, SocketEvents, SocketOptions } from "./socket.ts";

const READ_BYTES = 65_536;

/** Connects by `Deno.connect`. Rejects with `TlsError` where TLS is wanted and cannot be had. */
export async function connectByDeno(
  { host, port }: Address,
  { events, signal, trust }: SocketOptions,
): Promise<Socket> {
  const connection = await orAborted(dial({ hostname: host, port }, { trust }), signal);
  const socket = new DenoSocket(connection);
  void socket.read(events);
  return socket;
}

/** Deno 2.4 cannot be told to stop connecting: what connects too late is closed. */
function orAborted(connecting: Promise<Deno.Conn>, signal: AbortSignal): Promise<Deno.Conn> {
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
  readonly #connection: Deno.Conn;
  #closed = false;

  constructor(connection: Deno.Conn) {
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
