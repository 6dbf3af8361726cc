/** The Connector port: byte streams to servers, so that the client runs wherever one of its few implementations does. */

import type { Trust } from "../base/dial.ts";
import type { Address } from "./address.ts";

/** What a socket tells its owner. */
export interface SocketEvents {
  /** Bytes have come. They are the owner's until it returns. */
  data(bytes: Uint8Array): void;
  /** Nothing will come any more, for the reason given. Called at most once, and not after `close`. */
  ended(reason: Error): void;
}

/** A connected socket. */
export interface Socket {
  /** Resolves once the system has taken every byte, which belong to the caller again then; one write at a time. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes at once. Can be called again. */
  close(): void;
}

/** How to connect. */
export interface SocketOptions {
  readonly events: SocketEvents;
  readonly signal: AbortSignal;
  /** Whom to believe in the handshake of TLS; undefined for none. */
  readonly trust?: Trust | undefined;
}

/** Connects, without delaying small packets. Rejects with the system's error, and early when the signal is aborted. */
export type Connector = (
  address: Address,
  options: Omit<SocketOptions, "trust">,
) => Promise<Socket>;
