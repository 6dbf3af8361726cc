/** What a connection of a client is read from and written to, be there TLS on it or not. */

import type { CertifiedClient } from "../base/certified_client.ts";

/** A socket that was accepted; `Deno.TcpConn` is one. All but `close` reject with an error of the socket. */
export interface ClientSocket {
  readonly remoteAddr: Pick<Deno.NetAddr, "hostname" | "port">;
  /** The client as its certificate names it, once something was read; undefined where it does not. */
  readonly certified?: CertifiedClient | undefined;
  /** Whether there is TLS on it; left out where there is none. */
  readonly isTls?: boolean;
  /** Whether its handshake of TLS is over; left out where there is no TLS. */
  readonly isSecured?: boolean;
  /** The number of bytes that were read into `target`, at least one; null at the end of what the client sends. */
  read(target: Uint8Array): Promise<number | null>;
  /** The number of bytes that were taken, at least one. `bytes` must stay as they are until then. */
  write(bytes: Uint8Array): Promise<number>;
  /** Tells the client that nothing more comes. */
  closeWrite(): Promise<void>;
  /** May throw when it is closed already. */
  close(): void;
}

/** What makes a socket with TLS of one that was accepted. */
export interface TlsUpgrade {
  upgrade(socket: Deno.TcpConn, told: PlainClients): ClientSocket;
}

/** What becomes of clients that speak no TLS where it is spoken. */
export interface PlainClients {
  /** Logs a warning that any client can cause: bounded in number. */
  readonly warn: (message: string) => void;
  /** What they are told, by their first bytes. */
  reply(firstBytes: Uint8Array): Uint8Array;
}

/** A listening socket of a port. */
export interface Door {
  readonly listener: Deno.TcpListener;
  /** Undefined where clients come as they are. */
  readonly tls: TlsUpgrade | undefined;
}

/** Where TLS is spoken as well, or instead when the port is the plain one. */
export interface TlsDoor {
  readonly port: number;
  readonly tls: TlsUpgrade;
}

/** Opens a port and, if there is one, that for TLS. Throws the system's error when one cannot be bound; then none is open. */
export function openDoors(
  hostname: string,
  port: number,
  { tls }: { readonly tls: TlsDoor | undefined },
): readonly Door[] {
  const first = Deno.listen({ hostname, port });
  if (tls === undefined) return [{ listener: first, tls: undefined }];
  if (tls.port === port) return [{ listener: first, tls: tls.tls }];
  try {
    return [{ listener: first, tls: undefined }, { listener: Deno.listen({ hostname, port: tls.port }), tls: tls.tls }];
  } catch (error) {
    first.close();
    throw error;
  }
}
