/** What the commands about sessions do. */

import { unreachable } from "../base/assert.ts";
import { hash64 } from "../base/hash.ts";
import {
  bareCommand,
  type CloseSessionCommand,
  type Command,
  type KeepAliveCommand,
  type OpenSessionCommand,
} from "./commands.ts";
import { writeCount, writeField } from "./fields.ts";
import { dependsOnShown } from "./judge.ts";
import type { Shown } from "./rights.ts";
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

/**
 * By what a command is known in its session. Who sends it again may have another password, but has to be able to read the same keys where
 * the answer depends on that: what was shown to one who may read more is no answer for another.
 */
export function hashInSession(
  command: Command,
  { encoded, shown }: { readonly encoded: string; readonly shown: Shown },
): string {
  // With their number: who may read nothing is not taken for one who may read everything.
  const seen = shown !== undefined && dependsOnShown(command)
    ? writeCount(shown.length) + shown.map(writeField).join("")
    : "";
  return hash64(bareCommand(encoded) + seen);
}
