/** Sessions as the model has them: answers by sequence number, forgotten in order. */

import type { SessionUse } from "../../../lib/kv/commands.ts";
import { ANSWER_BYTES_MAX, ANSWERS_KEPT_MAX, SESSION_BYTES_MAX, SESSION_TTL_MS } from "../../../lib/kv/sessions.ts";
import type { ModelResult } from "./keyspace_model.ts";

interface Kept {
  readonly sequence: number;
  readonly text: string;
  /** The whole command: the state machine keeps a hash of it. */
  readonly command: string;
}

interface Open {
  readonly ttlMs: number;
  /** The user to whom it belongs, by the entry that made him; undefined where it belongs to nobody. */
  readonly owner: number | undefined;
  expiresAt: number;
  floor: number;
  /** Oldest first. */
  kept: Kept[];
}

interface Act {
  readonly now: number;
  readonly revision: number;
  /** Who sent it, by the entry that made him; undefined for nobody. */
  readonly user: number | undefined;
  /** What the client sent. */
  readonly command: string;
  readonly act: () => ModelResult;
}

/** The open sessions. */
export class ModelSessions {
  readonly #open = new Map<number, Open>();

  /** Opens one. */
  open(
    id: number,
    { ttlMs, now, owner }: { readonly ttlMs: number; readonly now: number; readonly owner: number | undefined },
  ): number {
    const bounded = Math.min(Math.max(ttlMs, SESSION_TTL_MS.least), SESSION_TTL_MS.most);
    this.#open.set(id, { ttlMs: bounded, owner, expiresAt: now + bounded, floor: 0, kept: [] });
    return id;
  }

  /** Whether a user may use it. One that is not open belongs to nobody. */
  isOpenTo(id: number, user: number | undefined): boolean {
    const owner = this.#open.get(id)?.owner;
    return owner === undefined || owner === user;
  }

  /** Whether it is open; then it lives on. */
  renew(id: number, now: number): boolean {
    const session = this.#open.get(id);
    if (session !== undefined) session.expiresAt = Math.max(session.expiresAt, now + session.ttlMs);
    return session !== undefined;
  }

  /** Ends one. */
  close(id: number): boolean {
    return this.#open.delete(id);
  }

  /** Ends those whose time has come. */
  expire(now: number): void {
    for (const [id, { expiresAt }] of [...this.#open]) if (expiresAt <= now) this.#open.delete(id);
  }

  /** Acts unless that sequence number has been used, for this command or for another. */
  once({ id, sequence }: SessionUse, { now, revision, user, command, act }: Act): ModelResult {
    if (!this.isOpenTo(id, user)) return { type: "Refused", revision, reason: "ForeignSession" };
    const session = this.#open.get(id);
    if (session === undefined) return { type: "Refused", revision, reason: "NoSession" };
    this.renew(id, now);
    const known = session.kept.find((kept) => kept.sequence === sequence);
    if (known !== undefined && known.command !== command) {
      return { type: "Refused", revision, reason: "SequenceReused" };
    }
    if (known?.text === "") return { type: "Refused", revision, reason: "AnswerNotKept" };
    if (known !== undefined) return JSON.parse(known.text);
    if (sequence <= session.floor) return { type: "Refused", revision, reason: "StaleSequence" };
    const result = act();
    const text = JSON.stringify(result);
    session.kept.push({ sequence, command, text: text.length > ANSWER_BYTES_MAX ? "" : text });
    while (session.kept.length > ANSWERS_KEPT_MAX || sizeOf(session) > SESSION_BYTES_MAX) {
      session.floor = Math.max(session.floor, session.kept.shift()?.sequence ?? 0);
    }
    return result;
  }
}

function sizeOf({ kept }: Open): number {
  return kept.reduce((sum, { text }) => sum + text.length, 0);
}
