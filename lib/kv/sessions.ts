/** Client sessions (Raft 8, thesis 6.3): each command of a session is applied at most once, and its first answer given again. */

import { hash64 } from "../base/hash.ts";
import { Sum } from "../store/digest.ts";
import type { SessionUse } from "./commands.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import type { CommandResult, SessionRefusal } from "./results.ts";
import { resultFromJson, resultToJson } from "./results.ts";

/** Sessions that may be open. */
export const SESSIONS_MAX = 10_000;
/** Answers kept of one session: so many commands may be under way at once. */
export const ANSWERS_KEPT_MAX = 128;
/** A longer answer is not kept: it is told of that the command was applied. */
export const ANSWER_BYTES_MAX = 16_384;
/** Bytes of the answers of one session; the oldest go first. */
export const SESSION_BYTES_MAX = 65_536;
/** What a session, and each answer of one, takes beside the bytes of the answers. */
export const SESSION_HEAD_BYTES = 512;
/** See `SESSION_HEAD_BYTES`; the hash of the command included. */
export const ANSWER_HEAD_BYTES = 192;
/** Shortest and longest time that a session may live after its last use, in ms. */
export const SESSION_TTL_MS = { least: 1_000, most: 86_400_000, otherwise: 60_000 } as const;
/** The owner of a session that belongs to nobody: whoever may write something can use it. */
export const NO_OWNER = 0;

/** What is kept of a command: its sequence number, its answer (null was too long), and the hash of the command. */
export type KeptAnswer = readonly [sequence: number, answer: string | null, hash: string];

/** A session as a snapshot holds it; the answers in the order in which they were given. */
export interface SessionRecord {
  readonly id: number;
  readonly ttlMs: number;
  readonly expiresAt: number;
  /** No sequence number up to this one is applied any more. */
  readonly floor: number;
  readonly answers: readonly KeptAnswer[];
  /** The entry that made the user to whom it belongs, which no user of the same name shares; or `NO_OWNER`. */
  readonly owner: number;
}

/** How a session is opened: for how long it lives, at what time of the cluster, and whose it is. */
export interface Opening {
  readonly ttlMs: number;
  readonly now: number;
  readonly owner?: number;
}

interface Session {
  readonly id: number;
  readonly ttlMs: number;
  readonly owner: number;
  floor: number;
  bytes: number;
  deadline: Deadline;
  /** By sequence number. */
  readonly answers: Map<number, KeptAnswer>;
  /** What the digest has of it, so that its end takes that out at once: many end with one entry, each with long answers. */
  readonly sum: Sum;
}

/** A command of a session, and the hash of all of it but the leader's time. */
export interface HashedUse extends SessionUse {
  readonly hash: string;
}

/** What to do with a command of a session. */
export type SessionVerdict =
  | { readonly type: "Apply" }
  | { readonly type: "Answer"; readonly result: CommandResult }
  | { readonly type: "Refuse"; readonly reason: SessionRefusal };

const APPLY: SessionVerdict = { type: "Apply" };

/** Every open session. Invariant: each has its deadline in the queue, and at most `ANSWERS_KEPT_MAX` answers. */
export class Sessions {
  readonly #sessions = new Map<number, Session>();
  readonly #deadlines = new Deadlines();
  #heldBytes = 0;
  /** Of the hashes of every session and of every answer, kept up to date by each change. */
  readonly #digest = new Sum();
  /** While a snapshot is being taken: what the sessions were that have changed since. Undefined for one that was not there. */
  #saved: Map<number, SessionRecord | undefined> | undefined;
  readonly #hash: (part: string) => string;

  /** No session. `hash` gives 16 hexadecimal digits. */
  constructor(hash: (part: string) => string = hash64) {
    this.#hash = hash;
  }

  /** Number of open sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Bytes of memory that count against a limit. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** 16 hexadecimal digits that are equal where the same sessions are open and have had the same answers. */
  get digest(): string {
    return this.#digest.toString();
  }

  /** The earliest deadline. */
  get nextDeadline(): number | undefined {
    return this.#deadlines.first?.at;
  }

  /** Opens a session; undefined when there are too many. Its id is the index of the entry that opens it. */
  open(id: number, { ttlMs, now, owner = NO_OWNER }: Opening): number | undefined {
    if (this.#sessions.size >= SESSIONS_MAX) return undefined;
    this.#save(id);
    const deadline = this.#deadlines.add(nameOf(id), now + ttlMs);
    this.#add({ id, ttlMs, owner, floor: 0, bytes: 0, deadline, answers: new Map(), sum: new Sum() });
    return id;
  }

  /** To whom a session belongs; `NO_OWNER` for one that is not open, too. */
  ownerOf(id: number): number {
    return this.#sessions.get(id)?.owner ?? NO_OWNER;
  }

  /** Puts a session's deadline off; whether it is open. */
  renew(id: number, now: number): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    const at = Math.max(session.deadline.at, now + session.ttlMs);
    if (at === session.deadline.at) return true;
    this.#save(id);
    this.#discount(session, headOf(session));
    this.#deadlines.remove(session.deadline);
    session.deadline = this.#deadlines.add(nameOf(id), at);
    this.#count(session, headOf(session));
    return true;
  }

  /** Ends a session; whether it was open. */
  close(id: number): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    this.#save(id);
    this.#digest.subtract(session.sum.high, session.sum.low);
    this.#deadlines.remove(session.deadline);
    this.#sessions.delete(id);
    this.#heldBytes -= heldBytesOf(session);
    return true;
  }

  /** Ends sessions whose deadline has come, at most `countMax`. */
  sweep(now: number, countMax: number): void {
    for (let count = 0; count < countMax; count++) {
      const { first } = this.#deadlines;
      if (first === undefined || first.at > now) return;
      this.close(Number(first.key));
    }
  }

  /** Whether a command is new to its session. Another one under a used number is a mistake of the client, never an answer. */
  judge({ id, sequence, hash }: HashedUse, revision: number): SessionVerdict {
    const session = this.#sessions.get(id);
    if (session === undefined) return { type: "Refuse", reason: "NoSession" };
    const kept = session.answers.get(sequence);
    if (kept === undefined) return sequence <= session.floor ? { type: "Refuse", reason: "StaleSequence" } : APPLY;
    const [, answer, keptHash] = kept;
    if (keptHash !== hash) return { type: "Refuse", reason: "SequenceReused" };
    if (answer === null) return { type: "Refuse", reason: "AnswerNotKept" };
    const result = resultFromJson(JSON.parse(answer));
    return { type: "Answer", result: result ?? { type: "Invalid", revision } };
  }

  /** Keeps the answer to a command that has just been applied. */
  keep({ id, sequence, hash }: HashedUse, result: CommandResult): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#save(id);
    this.#discount(session, headOf(session));
    this.#heldBytes -= heldBytesOf(session);
    const kept: KeptAnswer = [sequence, this.#answerOf(result), hash];
    session.answers.set(sequence, kept);
    this.#count(session, partOf(session, kept));
    session.bytes += kept[1]?.length ?? 0;
    while (session.answers.size > ANSWERS_KEPT_MAX || session.bytes > SESSION_BYTES_MAX) this.#forgetOldest(session);
    this.#count(session, headOf(session));
    this.#heldBytes += heldBytesOf(session);
  }

  #answerOf(result: CommandResult): string | null {
    // Its text would be longer still: 8 MiB of random bytes are 13 MB of JSON, for nothing.
    if (result.type === "Reply" && typeof result.reply === "string" && result.reply.length > ANSWER_BYTES_MAX) {
      return null;
    }
    const text = JSON.stringify(resultToJson(result));
    return text.length > ANSWER_BYTES_MAX ? null : text;
  }

  /** Begins to keep what sessions were, for a snapshot; returns the ids of now. */
  beginSnapshot(): readonly number[] {
    this.#saved = new Map();
    return [...this.#sessions.keys()].sort((a, b) => a - b);
  }

  /** What a session was when the snapshot began. */
  snapshotOf(id: number): SessionRecord | undefined {
    if (this.#saved?.has(id) === true) return this.#saved.get(id);
    return this.#record(id);
  }

  /** The snapshot is complete. */
  endSnapshot(): void {
    this.#saved = undefined;
  }

  /** For loading a snapshot. */
  load({ id, ttlMs, expiresAt, floor, answers, owner }: SessionRecord): void {
    const bytes = answers.reduce((sum, [, answer]) => sum + (answer?.length ?? 0), 0);
    const deadline = this.#deadlines.add(nameOf(id), expiresAt);
    const bySequence = new Map(answers.map((kept) => [kept[0], kept]));
    this.#add({ id, ttlMs, owner, floor, bytes, deadline, answers: bySequence, sum: new Sum() });
  }

  #add(session: Session): void {
    this.#sessions.set(session.id, session);
    this.#heldBytes += heldBytesOf(session);
    this.#count(session, headOf(session));
    for (const answer of session.answers.values()) this.#count(session, partOf(session, answer));
  }

  /** What is forgotten must never be applied again: the floor rises to it. */
  #forgetOldest(session: Session): void {
    for (const kept of session.answers.values()) {
      const [sequence, answer] = kept;
      this.#discount(session, partOf(session, kept));
      session.answers.delete(sequence);
      session.bytes -= answer?.length ?? 0;
      session.floor = Math.max(session.floor, sequence);
      return;
    }
  }

  #count({ sum }: Session, part: string): void {
    const [high, low] = this.#halvesOf(part);
    sum.add(high, low);
    this.#digest.add(high, low);
  }

  #discount({ sum }: Session, part: string): void {
    const [high, low] = this.#halvesOf(part);
    sum.subtract(high, low);
    this.#digest.subtract(high, low);
  }

  #halvesOf(part: string): [high: number, low: number] {
    const digits = this.#hash(part);
    return [parseInt(digits.slice(0, HALF_DIGITS), 16), parseInt(digits.slice(HALF_DIGITS), 16)];
  }

  #save(id: number): void {
    const saved = this.#saved;
    if (saved !== undefined && !saved.has(id)) saved.set(id, this.#record(id));
  }

  #record(id: number): SessionRecord | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    const { ttlMs, owner, floor, deadline, answers } = session;
    return { id, ttlMs, expiresAt: deadline.at, floor, answers: [...answers.values()], owner };
  }
}

const ID_DIGITS = 16;
/** Of a hash in hexadecimal. */
const HALF_DIGITS = 8;

/** Names in the queue are ordered as the ids are. */
function nameOf(id: number): string {
  return id.toString().padStart(ID_DIGITS, "0");
}

function heldBytesOf({ bytes, answers }: Pick<Session, "bytes" | "answers">): number {
  return SESSION_HEAD_BYTES + bytes + answers.size * ANSWER_HEAD_BYTES;
}

/** What the digest has of a session without its answers, and of one of them. No JSON is "-". */
function headOf({ id, ttlMs, owner, floor, deadline }: Session): string {
  return `${id} ${ttlMs} ${floor} ${deadline.at}${owner === NO_OWNER ? "" : ` ${owner}`}`;
}

function partOf({ id }: Session, [sequence, answer, hash]: KeptAnswer): string {
  return `${id} ${sequence} ${hash} ${answer ?? "-"}`;
}
