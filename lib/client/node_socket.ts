/** Sockets of Node, which other runtimes have too. */

import { createConnection, type Socket as NodeTcpSocket } from "node:net";
import type { Address } from "./address.ts";
import type { Socket, SocketEvents } from "./socket.ts";

/** Connects by `node:net`. */
export function connectByNode(
  { host, port }: Address,
  { events, signal }: { readonly events: SocketEvents; readonly signal: AbortSignal },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, noDelay: true });
    let connected: NodeSocket | undefined;
    let reason = new Error("The server closed the connection");
    function abort(): void {
      socket.destroy();
      reject(signal.reason);
    }
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.on("connect", () => {
      signal.removeEventListener("abort", abort);
      connected = new NodeSocket(socket);
      resolve(connected);
    });
    socket.on("data", (bytes: Uint8Array) => {
      if (connected?.closed === false) events.data(bytes);
    });
    socket.on("error", (error: Error) => {
      reason = error;
      signal.removeEventListener("abort", abort);
      reject(error);
    });
    // Without this a half-closed connection would go on: only whole ones are of use.
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      if (connected?.closed === false) events.ended(reason);
    });
  });
}

class NodeSocket implements Socket {
  readonly #socket: NodeTcpSocket;
  closed = false;

  constructor(socket: NodeTcpSocket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error?: Error | null) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    this.closed = true;
    this.#socket.destroy();
  }
}
