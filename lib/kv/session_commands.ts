/** What the commands about sessions do. */

import { unreachable } from "../base/assert.ts";
import { hash64 } from "../base/hash.ts";
import type { Turn } from "./call.ts";
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
import { type HashedUse, NO_OWNER, SESSION_TTL_MS, type Sessions, type SessionVerdict } from "./sessions.ts";
import type { UserRecord, UsersView } from "./users.ts";

/** Opens, keeps or closes a session at `nowMs`, the cluster's time. */
export function useSession(
  sessions: Sessions,
  command: OpenSessionCommand | KeepAliveCommand | CloseSessionCommand,
  { turn: { revision, login }, users, nowMs }: SessionTurn,
): CommandResult {
  const user = users.findByLogin(login);
  switch (command.type) {
    case "OpenSession": {
      const ttlMs = Math.min(Math.max(command.ttlMs, SESSION_TTL_MS.least), SESSION_TTL_MS.most);
      const owner = command.isOwned === true ? user?.created ?? NO_OWNER : NO_OWNER;
      const id = sessions.open(revision, { ttlMs, now: nowMs, owner });
      if (id === undefined) return { type: "Refused", revision, reason: "TooManySessions" };
      return { type: "Reply", revision, reply: id };
    }
    case "KeepAlive":
      if (isForeign(sessions.ownerOf(command.session), user)) return foreign(revision);
      return replyOf(sessions.renew(command.session, nowMs), revision);
    case "CloseSession": {
      const mayEnd = user?.rights.isAdmin === true || !isForeign(sessions.ownerOf(command.session), user);
      return mayEnd ? replyOf(sessions.close(command.session), revision) : foreign(revision);
    }
    default:
      return unreachable(command);
  }
}

/** The entry that is applied, whose it may be, and the cluster's time. */
export interface SessionTurn {
  readonly turn: Turn;
  readonly users: Pick<UsersView, "findByLogin">;
  readonly nowMs: number;
}

/** Uses the session of a command: whether the command is done now. Nothing that another user sends touches a session or tells of it. */
export function judgeInSession(
  sessions: Sessions,
  use: HashedUse,
  { turn, users, nowMs }: SessionTurn,
): SessionVerdict {
  if (isForeign(sessions.ownerOf(use.id), users.findByLogin(turn.login))) {
    return { type: "Refuse", reason: "ForeignSession" };
  }
  sessions.renew(use.id, nowMs);
  return sessions.judge(use, turn.revision);
}

function isForeign(owner: number, user: UserRecord | undefined): boolean {
  return owner !== NO_OWNER && owner !== user?.created;
}

function foreign(revision: number): CommandResult {
  return { type: "Refused", revision, reason: "ForeignSession" };
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
