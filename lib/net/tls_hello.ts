/** A client that speaks TLS where none is spoken: how it is known, and what it is told. */

/** A fatal alert, handshake_failure, in the oldest record that TLS clients read (RFC 8446 section 6.2); a byte string. */
const ALERT = "\x15\x03\x01\x00\x02\x02\x28";
const HANDSHAKE_RECORD = 0x16;
const MAJOR_VERSION = 3;

/** A client that has just come. */
export interface Newcomer {
  readonly remote: string;
  /** Bounded in number. */
  readonly warn: (message: string) => void;
  readonly send: (reply: string) => void;
}

/** Whether a connection begins with TLS; then the client is told, and the log. */
export function refusesTls(first: Uint8Array, { remote, warn, send }: Newcomer): boolean {
  // No request of ours begins with a control character.
  if (first[0] !== HANDSHAKE_RECORD || first[1] !== MAJOR_VERSION) return false;
  warn(`Refused ${remote}: it speaks TLS, and this port does not: use that of --tls-port or --http-tls-port`);
  send(ALERT);
  return true;
}
