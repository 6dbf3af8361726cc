/** What the commands about sessions do. */

import { unreachable } from "../base/assert.ts";
import type { CloseSessionCommand, KeepAliveCommand, OpenSessionCommand } from "./commands.ts";
import type { CommandResult } from "./results.ts";
import { SESSION_TTL_MS, type Sessions } from "./sessions.ts";

/** Opens, keeps or closes a session at `nowMs`, the cluster's time. */
export function useSession(
  sessions: Sessions,
  command: OpenSessionCommand | KeepAliveCommand | CloseSessionCommand,
  { revision, nowMs }: { readonly revision: number; readonly nowMs: number },
): CommandResult {
  switch (command.type) {
    case "OpenSession": {
      const ttlMs = Math.min(Math.max(command.ttlMs, SESSION_TTL_MS.least), SESSION_TTL_MS.most);
      const id = sessions.open(revision, { ttlMs, now: nowMs });
      if (id === undefined) return { type: "Refused", revision, reason: "TooManySessions" };
      return { type: "Reply", revision, reply: id };
    }
    case "KeepAlive":
      return replyOf(sessions.renew(command.session, nowMs), revision);
    case "CloseSession":
      return replyOf(sessions.close(command.session), revision);
    default:
      return unreachable(command);
  }
}

function replyOf(known: boolean, revision: number): CommandResult {
  if (!known) return { type: "Refused", revision, reason: "NoSession" };
  return { type: "Reply", revision, reply: { status: "OK" } };
}
