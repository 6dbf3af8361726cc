/** The way back from the blocks of a snapshot to a state machine; what cannot be a state is refused. */

import { ADMIN, readRights, writeRights } from "./rights.ts";
import { ANSWERS_KEPT_MAX, type KeptAnswer, NO_OWNER, type SessionRecord } from "./sessions.ts";
import { type BlockRecord, isKeyBlock, readJsonBlock, readKeyBlock } from "./snapshot_blocks.ts";
import { SNAPSHOT_FORMAT } from "./snapshot_cut.ts";
import type { StateMachine } from "./state_machine.ts";

/** Who has no rights written is one, as all users were before there were rights. */
const ADMINISTRATOR = writeRights(ADMIN);
const COMMAND_HASH = /^[0-9a-f]{16}$/;

/** Loads the blocks of a cut, in order, into an empty state machine. */
export class SnapshotLoader {
  readonly #state: StateMachine;
  #lastApplied: number | undefined;
  #timeMs = 0;
  #lastSession = 0;
  readonly #takeKey = (record: BlockRecord): boolean => this.#loadKey(record);

  /** `state` must be empty. */
  constructor(state: StateMachine) {
    this.#state = state;
  }

  /** Loads one block. False when it is not one that this version can read: the snapshot is unusable. */
  load(block: Uint8Array): boolean {
    if (this.#lastApplied === undefined) return this.#begin(readJsonBlock(block));
    if (isKeyBlock(block)) return readKeyBlock(block, this.#takeKey, this.#state.loading.expected);
    const { users, tokens, sessions } = readJsonBlock(block) ?? {};
    if (Array.isArray(users)) return users.every((user) => this.#loadUser(user));
    if (Array.isArray(tokens)) return tokens.every((token) => this.#loadToken(token));
    return Array.isArray(sessions) && sessions.every((session) => this.#loadSession(session));
  }

  /** Ends the loading. False when there was no first block. */
  finish(): boolean {
    if (this.#lastApplied === undefined) return false;
    this.#state.finishLoading({ index: this.#lastApplied, timeMs: this.#timeMs });
    return true;
  }

  #begin(header: Readonly<Record<string, unknown>> | undefined): boolean {
    const { format, lastApplied, timeMs } = header ?? {};
    if (format !== SNAPSHOT_FORMAT || !isCount(lastApplied) || !isCount(timeMs)) return false;
    this.#lastApplied = lastApplied;
    this.#timeMs = timeMs;
    return true;
  }

  #loadKey(record: BlockRecord): boolean {
    const { createRevision, revision, version, deadline } = record;
    if (!isCount(createRevision) || !isCount(revision) || !isCount(version) || !isCount(deadline)) return false;
    // With a newer record, entries after the snapshot would be applied on top of their own effects.
    if (createRevision > revision || revision > (this.#lastApplied ?? 0) || version === 0) return false;
    return this.#state.load(record);
  }

  #loadUser(user: unknown): boolean {
    if (!Array.isArray(user) || user.length < 4 || user.length > 5) return false;
    const [name, login, created, hash, written = ADMINISTRATOR]: readonly unknown[] = user;
    if (typeof name !== "string" || typeof hash !== "string" || !isCount(login) || !isCount(created)) return false;
    const rights = typeof written === "string" ? readRights(written) : undefined;
    if (rights === undefined || login > (this.#lastApplied ?? 0)) return false;
    return this.#state.loading.users.load({ name, login, created, hash, rights });
  }

  #loadToken(token: unknown): boolean {
    if (!Array.isArray(token) || token.length !== 5) return false;
    const [id, owner, name, hash, expiresAt]: readonly unknown[] = token;
    if (!isCount(id) || !isCount(owner) || !isCount(expiresAt) || id > (this.#lastApplied ?? 0)) return false;
    if (typeof name !== "string" || typeof hash !== "string") return false;
    return this.#state.loading.users.loadToken({ id, owner, name, hash, expiresAt });
  }

  #loadSession(session: unknown): boolean {
    const record = readSession(session);
    if (record === undefined || record.id <= this.#lastSession || record.id > (this.#lastApplied ?? 0)) return false;
    this.#lastSession = record.id;
    this.#state.loading.sessions.load(record);
    return true;
  }
}

function readSession(session: unknown): SessionRecord | undefined {
  if (!Array.isArray(session) || session.length < 5 || session.length > 6) return undefined;
  const [id, ttlMs, expiresAt, floor, answers, owner = NO_OWNER]: readonly unknown[] = session;
  if (!isCount(id) || !isCount(ttlMs) || !isCount(expiresAt) || !isCount(floor)) return undefined;
  if (!Array.isArray(answers) || answers.length > ANSWERS_KEPT_MAX || !answers.every(isAnswer)) return undefined;
  // Whoever opened it was made before.
  if (!isCount(owner) || owner >= id) return undefined;
  return { id, ttlMs, expiresAt, floor, answers, owner };
}

function isAnswer(answer: unknown): answer is KeptAnswer {
  if (!Array.isArray(answer) || answer.length !== 3) return false;
  const [sequence, text, hash]: readonly unknown[] = answer;
  if (typeof hash !== "string" || !COMMAND_HASH.test(hash)) return false;
  return isCount(sequence) && (text === null || (typeof text === "string" && isJson(text)));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // The caller refuses the block.
  }
}
