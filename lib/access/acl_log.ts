/** The last commands of any protocol and logins of Redis clients that were refused: ACL LOG. Neither values nor passwords are in it. */

import { ownCopy } from "../base/bytes.ts";

/** Entries kept, as Redis keeps them unless it is told otherwise. */
export const ACL_LOG_LENGTH_MAX = 128;
/** Bytes of a key that an entry shows. */
export const ACL_LOG_OBJECT_BYTES_MAX = 256;
/** Bytes of the line about the client that an entry shows: its name may have any length. */
export const ACL_LOG_CLIENT_BYTES_MAX = 1_024;
/** Equal entries are counted together that come within so long of the last of them, in ms. */
export const ACL_LOG_GROUPED_MS = 60_000;

/** What was refused: a login, a command, or a command because of a key. */
export type AclLogReason = "auth" | "command" | "key";

/** What is refused together: equal in all of this. */
export interface AclLogSubject {
  readonly reason: AclLogReason;
  /** For Redis clients whether it belongs to a MULTI, for others the protocol. */
  readonly context: "toplevel" | "multi" | "text" | "http";
  /** The word of the login, the command, or the key. */
  readonly object: string;
  /** "" for a name that nobody has: it may be a password. */
  readonly username: string;
}

/** Refusals of the same. */
export interface AclLogEntry extends AclLogSubject {
  /** Ascending from 0; RESET does not begin anew. */
  readonly id: number;
  readonly count: number;
  /** The client of the last of them, as in CLIENT INFO. */
  readonly clientInfo: string;
  /** The first and the last of them, in ms since 1970. */
  readonly createdMs: number;
  readonly updatedMs: number;
  /** The same as `updatedMs` by the clock of the process. */
  readonly updatedAt: number;
}

/** One refusal. */
export interface Refusal extends AclLogSubject {
  readonly clientInfo: string;
  /** By the clock of the process, in ms. */
  readonly at: number;
  /** In ms since 1970. */
  readonly timeMs: number;
}

/** What was refused to who lacks a right for it, in another protocol than Redis's. */
export interface RefusedCommand {
  /** The command, or the operation. */
  readonly command: string;
  /** Because of which key; undefined where it was not for one. */
  readonly key: string | undefined;
  readonly context: "text" | "http";
  /** Address and port of the client. */
  readonly remote: string;
}

/** The refusals, that of the last one first. */
export class AclLog {
  #entries: AclLogEntry[] = [];
  #nextId = 0;

  /** The newest entries, the newest first. */
  newest(count: number): readonly AclLogEntry[] {
    return this.#entries.slice(0, Math.max(count, 0));
  }

  /** Counts a refusal with those that are equal, or enters it; the oldest entry makes room. */
  add({ at, timeMs, ...refusal }: Refusal): void {
    const { reason, context, username } = refusal;
    const object = refusal.object.slice(0, ACL_LOG_OBJECT_BYTES_MAX);
    const clientInfo = refusal.clientInfo.slice(0, ACL_LOG_CLIENT_BYTES_MAX);
    const place = this.#entries.findIndex((entry) =>
      entry.reason === reason && entry.context === context && entry.object === object &&
      entry.username === username && at - entry.updatedAt <= ACL_LOG_GROUPED_MS
    );
    const [before] = place < 0 ? [] : this.#entries.splice(place, 1);
    const { id, count, createdMs } = before ?? { id: this.#nextId, count: 0, createdMs: timeMs };
    if (before === undefined) this.#nextId += 1;
    const updated = { clientInfo, createdMs, updatedMs: timeMs, updatedAt: at };
    const subject = { reason, context, object: ownCopy(object), username: ownCopy(username) };
    this.#entries.unshift({ id, count: count + 1, ...subject, ...updated });
    if (this.#entries.length > ACL_LOG_LENGTH_MAX) this.#entries.pop();
  }

  /** Forgets all entries. */
  reset(): void {
    this.#entries = [];
  }
}
