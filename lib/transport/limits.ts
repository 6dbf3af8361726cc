/** The limits and times of the peer transport, all named and all injectable. */

/** Bounds of the peer transport. Sizes in bytes, times in milliseconds. */
export interface TransportLimits {
  /** Prefix, header and body of one frame; the reader never holds more of it. */
  readonly frameBytesMax: number;
  /** The JSON header of one frame. */
  readonly headerBytesMax: number;
  /** A whole frame of a connection that has not proved who it is. */
  readonly handshakeFrameBytesMax: number;
  /** What waits for one connection, in flight included. */
  readonly queueBytesMax: number;
  /** Frames that wait for one connection, in flight included. */
  readonly queueMessagesMax: number;
  /** From the established connection to the end of the handshake, on both sides. */
  readonly handshakeTimeoutMs: number;
  /** From the attempt to connect to the established connection. */
  readonly dialTimeoutMs: number;
  /** The first pause between two attempts; doubled by each failure. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  readonly pingIntervalMs: number;
  /** From a ping handed to the system to its answer; then the connection counts as half-open. */
  readonly pongTimeoutMs: number;
  /** Without any progress of a write: the peer does not read. */
  readonly writeTimeoutMs: number;
  /** Accepted connections in the handshake; one more closes the oldest of them. */
  readonly unauthenticatedMax: number;
  /** Between two rounds of asking the seeds who is there, while a peer is not reached. */
  readonly seedIntervalMs: number;
  /** After an accept that failed for want of a file descriptor or of memory. */
  readonly acceptPauseMs: number;
}

/** Digests of its state that a peer tells with a ping. */
export const CHECKS_HEARD_MAX = 64;

/** The limits in force where the options name no other. */
export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  frameBytesMax: 67_108_864,
  headerBytesMax: 65_536,
  handshakeFrameBytesMax: 16_384,
  queueBytesMax: 67_108_864,
  queueMessagesMax: 10_000,
  handshakeTimeoutMs: 2_000,
  dialTimeoutMs: 1_000,
  backoffMsMin: 20,
  backoffMsMax: 1_000,
  pingIntervalMs: 1_000,
  pongTimeoutMs: 3_000,
  writeTimeoutMs: 10_000,
  unauthenticatedMax: 64,
  seedIntervalMs: 1_000,
  acceptPauseMs: 50,
};
