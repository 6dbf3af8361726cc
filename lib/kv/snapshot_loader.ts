/** The way back from the blocks of a snapshot to a state machine; what cannot be a state is refused. */

import { mayBeWide, readList } from "../base/long_strings.ts";
import { ANSWERS_KEPT_MAX, type KeptAnswer, type SessionRecord } from "./sessions.ts";
import { SNAPSHOT_FORMAT, VALUES_PER_KEY } from "./snapshot_cut.ts";
import type { StateMachine } from "./state_machine.ts";

const COMMAND_HASH = /^[0-9a-f]{16}$/;
const BEYOND_BYTES = /[\u0100-\uffff]/;

/** Loads the blocks of a cut, in order, into an empty state machine. */
export class SnapshotLoader {
  readonly #state: StateMachine;
  #lastApplied: number | undefined;
  #timeMs = 0;
  #lastKey: string | undefined;
  #lastSession = 0;

  /** `state` must be empty. */
  constructor(state: StateMachine) {
    this.#state = state;
  }

  /** Loads one block. False when it is not one that this version can read: the snapshot is unusable. */
  load(block: string): boolean {
    if (this.#lastApplied === undefined) return this.#begin(parse(block));
    const list = readList(block);
    if (list !== undefined) return this.#loadKeys(list, mayBeWide(block));
    const parsed = parse(block);
    if (typeof parsed !== "object" || parsed === null) return false;
    const { sessions } = parsed as { readonly sessions?: unknown };
    return Array.isArray(sessions) && sessions.every((session) => this.#loadSession(session));
  }

  /** Ends the loading. False when there was no first block. */
  finish(): boolean {
    if (this.#lastApplied === undefined) return false;
    this.#state.finishLoading({ index: this.#lastApplied, timeMs: this.#timeMs });
    return true;
  }

  #begin(header: unknown): boolean {
    if (typeof header !== "object" || header === null) return false;
    const { format, lastApplied, timeMs } = header as Readonly<Record<string, unknown>>;
    if (format !== SNAPSHOT_FORMAT || !isCount(lastApplied) || !isCount(timeMs)) return false;
    this.#lastApplied = lastApplied;
    this.#timeMs = timeMs;
    return true;
  }

  #loadKeys(values: readonly unknown[], mayBeWide: boolean): boolean {
    if (values.length % VALUES_PER_KEY !== 0) return false;
    for (let at = 0; at < values.length; at += VALUES_PER_KEY) {
      const [key, value, createRevision, revision, version, expiresAt] = values.slice(at, at + VALUES_PER_KEY);
      if (typeof key !== "string" || typeof value !== "string") return false;
      if (!isCount(createRevision) || !isCount(revision) || !isCount(version) || !isCount(expiresAt)) return false;
      if (mayBeWide && (BEYOND_BYTES.test(key) || BEYOND_BYTES.test(value))) return false;
      // With a newer record, entries after the snapshot would be applied on top of their own effects.
      if (createRevision > revision || revision > (this.#lastApplied ?? 0) || version === 0) return false;
      // A key that came before would be counted twice.
      if (this.#lastKey !== undefined && key <= this.#lastKey) return false;
      this.#lastKey = key;
      const deadline = expiresAt === 0 ? undefined : expiresAt;
      this.#state.load(key, { value, createRevision, revision, version, expiresAt: deadline });
    }
    return true;
  }

  #loadSession(session: unknown): boolean {
    const record = readSession(session);
    if (record === undefined || record.id <= this.#lastSession || record.id > (this.#lastApplied ?? 0)) return false;
    this.#lastSession = record.id;
    this.#state.loadSession(record);
    return true;
  }
}

function readSession(session: unknown): SessionRecord | undefined {
  if (!Array.isArray(session)) return undefined;
  const [id, ttlMs, expiresAt, floor, answers]: readonly unknown[] = session;
  if (!isCount(id) || !isCount(ttlMs) || !isCount(expiresAt) || !isCount(floor)) return undefined;
  if (!Array.isArray(answers) || answers.length > ANSWERS_KEPT_MAX || !answers.every(isAnswer)) return undefined;
  return { id, ttlMs, expiresAt, floor, answers };
}

function isAnswer(answer: unknown): answer is KeptAnswer {
  if (!Array.isArray(answer) || answer.length !== 3) return false;
  const [sequence, text, hash]: readonly unknown[] = answer;
  if (typeof hash !== "string" || !COMMAND_HASH.test(hash)) return false;
  return isCount(sequence) && (text === null || (typeof text === "string" && parse(text) !== undefined));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parse(block: string): unknown {
  try {
    return JSON.parse(block);
  } catch {
    return undefined; // The caller tells a block it cannot read by its shape.
  }
}
