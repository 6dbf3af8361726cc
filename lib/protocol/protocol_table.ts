/** The protocols of the client port, told apart by the first byte of a connection. */

import type { ClientLink, ProtocolSession, SessionContext } from "./protocol.ts";
import { RespSession } from "./resp/session.ts";
import { TextSession } from "./text/session.ts";

/** One protocol: which first bytes mean it, and how a session of it begins. */
interface Protocol {
  readonly name: string;
  accepts(firstByte: number): boolean;
  start(link: ClientLink, context: SessionContext): ProtocolSession;
}

/** Begins every request of a Redis client; the inline form is not told from a line of the text protocol. */
const STAR = 0x2a;

/** Asked in this order; the text protocol takes whatever nobody before it wants, so it stays the last. */
const PROTOCOLS: readonly Protocol[] = [
  { name: "resp", accepts: (byte) => byte === STAR, start: (link, context) => new RespSession(link, context) },
  { name: "text", accepts: () => true, start: (link, context) => new TextSession(link, context) },
];

/** Begins the session that a connection's first byte asks for; undefined when no protocol takes it. */
export function startSession(
  firstByte: number,
  ends: { readonly link: ClientLink; readonly context: SessionContext },
): ProtocolSession | undefined {
  return PROTOCOLS.find((protocol) => protocol.accepts(firstByte))?.start(ends.link, ends.context);
}
