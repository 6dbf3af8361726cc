/** What a connection and the protocol spoken on it ask of each other. Sockets are the connection's, meaning is the session's. */

import type { CertifiedClient } from "../base/certified_client.ts";

/** Bytes as they came; a byte string. */
export type Received = string;

/** One connection as its session sees it. Nothing here throws; after the connection has ended calls have no effect. */
export interface ClientLink {
  /** Address of the client, for the log. */
  readonly remote: string;
  /** The client as its certificate names it; undefined where it does not. */
  readonly certified?: CertifiedClient | undefined;
  /** `Clock.now()` when the connection was accepted. */
  readonly openedAt: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Size of the buffer that input is read into. */
  readonly readBufferBytes: number;
  /** Bytes given to `send` and not yet with the system. */
  readonly unsentBytes: number;
  /** Queues a byte string; all that is queued in one turn of the event loop leaves in one write. */
  send(reply: string): void;
  /** The session that was `full` can take input again. */
  wake(): void;
  /** Sends what is queued and closes; input is dropped from now on. */
  finish(): void;
  /** Closes at once; what is queued is lost. */
  abort(): void;
}

/**
 * What a session waits for: something of ours, the end of the request with this ordinal number, or the next request; then the
 * client would lose more than a connection by its end (a transaction, watched keys, a running WATCH), or not.
 */
export type Standing =
  | { readonly type: "Busy" }
  | { readonly type: "Receiving"; readonly request: number }
  | { readonly type: "Holding" }
  | { readonly type: "Idle" };

/** The conversation with one client in one protocol. Calls come from the event loop; only `closed` may come from within `abort`. */
export interface ProtocolSession {
  /** True while the session can take no more input; ended by `ClientLink.wake`. */
  readonly full: boolean;
  readonly standing: Standing;
  /** Whether nobody has logged in yet, and somebody has to. */
  readonly isBeforeLogin: boolean;
  /** Takes bytes as they came, perhaps with the buffer that begins with them, left as it is until it can take more. Not called while `full`. */
  receive(received: Received, buffer?: Uint8Array): void;
  /** The client sends nothing more, but may still read: answer what is open, then finish. */
  inputEnded(): void;
  /** The end of a request has not come in time: tell the client so, then finish. */
  requestTooSlow(): void;
  /** Nobody has logged in in time: tell the client so, then finish. */
  loginTooSlow(): void;
  /** Some of what was queued has been sent. */
  outputSent(): void;
  /** The server stops: answer what runs, take nothing more, then finish. */
  stop(): void;
  /** The connection has ended: let go of timers and memory. */
  closed(): void;
}

/** What becomes of a client's first bytes. */
export interface Greeting {
  /** Undefined while more bytes are needed. */
  readonly session: ProtocolSession | undefined;
  /** Requests that were answered before the protocol was known. */
  readonly requests: number;
  /** The replies to them. */
  readonly reply: string;
  /** What the session begins with, or what must be shown again with more behind it. */
  readonly rest: Received;
}

/** Receives clients whose protocol is not known yet. */
export interface Reception {
  /** Looks at everything that has come and was not understood. */
  greet(received: Received, client: { readonly link: ClientLink; readonly inputEnded: boolean }): Greeting;
  /** What a client is told whose first request does not become complete in time. */
  readonly tooSlow: string;
  /** What a client is told that has not said in time who it is. */
  readonly loginTooSlow: string;
  /** Whether somebody has to log in on that connection before anything else. */
  isLoginNeeded(link: ClientLink): boolean;
}
