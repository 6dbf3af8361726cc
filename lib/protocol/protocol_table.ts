/** The protocols of the client port, and how a session of each begins. */

import { unreachable } from "../base/assert.ts";
import type { Language } from "./first_bytes.ts";
import type { ClientLink, ProtocolSession, SessionContext } from "./protocol.ts";
import { RespSession } from "./resp/session.ts";
import { TextSession } from "./text/session.ts";

/** Begins a session. */
export function startSession(
  language: Language,
  { link, context }: { readonly link: ClientLink; readonly context: SessionContext },
): ProtocolSession {
  switch (language) {
    case "resp":
      return new RespSession(link, context);
    case "text":
      return new TextSession(link, context);
    default:
      return unreachable(language);
  }
}

/** What a client is told in its language when the end of its request has not come in time, as a byte string. */
export function requestTooSlow(language: Language): string {
  switch (language) {
    case "resp":
      return "-ERR Protocol error: request not complete in time\r\n";
    case "text":
      return "Error: Request not complete in time.\n";
    default:
      return unreachable(language);
  }
}

/** What a client is told in its language when there is no room for it, as a byte string. */
export function tooManyConnections(language: Language, limit: number): string {
  switch (language) {
    case "resp":
      return "-ERR max number of clients reached\r\n";
    case "text":
      return `Error: Too many connections (limit ${limit}).\n`;
    default:
      return unreachable(language);
  }
}
