/** Sockets of Node, which other runtimes have too. */

import { createConnection, isIP, type Socket as NodeTcpSocket } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import { tlsError, type Trust } from "../base/dial.ts";
import { type Address, formatAddress } from "./address.ts";
import type { Socket, SocketOptions } from "./socket.ts";

/** Connects by `node:net`, or by `node:tls`, where CAs that are given take the place of those of the runtime. */
export function connectByNode(
  { host, port }: Address,
  { events, signal, trust }: SocketOptions,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = trust === undefined ? createConnection({ host, port, noDelay: true }) : secure(host, port, trust);
    let connected: NodeSocket | undefined;
    let reason = new Error("The server closed the connection");
    function abort(): void {
      socket.destroy();
      reject(signal.reason);
    }
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.on(trust === undefined ? "connect" : "secureConnect", () => {
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
      // The system's errors name the call that failed.
      if (trust === undefined || "syscall" in error) return reject(error);
      reject(tlsError(error, { address: formatAddress({ host, port }), name: trust.serverName ?? host }));
    });
    // Without this a half-closed connection would go on: only whole ones are of use.
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      if (connected?.closed === false) events.ended(reason);
    });
  });
}

function secure(host: string, port: number, { caCerts, serverName = host, identity }: Trust): NodeTcpSocket {
  const socket = connectTls({
    host,
    port,
    ...(caCerts.length === 0 ? {} : { ca: [...caCerts] }),
    ...identity,
    // An address is no name that could be sent; it is compared all the same.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
  });
  socket.setNoDelay(true);
  return socket;
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
