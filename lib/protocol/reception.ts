/** The protocols of the client port: which one a client speaks, and how its conversation begins. */

import { unreachable } from "../base/assert.ts";
import { type Language, readOpening } from "./first_bytes.ts";
import type { ClientLink, ProtocolSession, Reception } from "../net/session.ts";
import type { RespContext } from "./resp/context.ts";
import { startRespConversation } from "./resp/interpreter.ts";
import { startTextConversation, type TextContext } from "./text/interpreter.ts";
import { isLoginNeeded } from "./session_context.ts";
import { LOGIN_TOO_SLOW, TOO_SLOW } from "./text/outcomes.ts";

/** The answer to a PING that comes before anything tells the protocol: the same in both. */
const PONG = "+PONG\r\n";

/** Receives the clients of one port. */
export function receptionOf(context: RespContext & TextContext): Reception {
  return {
    greet(received, { link, inputEnded }) {
      const { language, pings, rest } = readOpening(received, inputEnded);
      const session = language === undefined ? undefined : startSession(language, link);
      return { session, requests: pings, reply: PONG.repeat(pings), rest };
    },
    tooSlow: `${TOO_SLOW}\n`,
    loginTooSlow: `${LOGIN_TOO_SLOW}\n`,
    isLoginNeeded: (link) => isLoginNeeded(link, context),
  };

  function startSession(language: Language, link: ClientLink): ProtocolSession {
    switch (language) {
      case "resp":
        return startRespConversation(link, context);
      case "text":
        return startTextConversation(link, context);
      default:
        return unreachable(language);
    }
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

/** What a client is told in its language that speaks no TLS where nothing else is spoken, as a byte string. */
export function tlsIsSpoken(language: Language): string {
  switch (language) {
    case "resp":
      return "-ERR this port speaks TLS: connect with TLS, as redis-cli --tls does\r\n";
    case "text":
      return "Error: This port speaks TLS: connect with TLS, as openssl s_client does.\n";
    default:
      return unreachable(language);
  }
}
