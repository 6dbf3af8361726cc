/** The replicated state machine: keys, sessions and time. Deterministic: the same log gives the same state and snapshot. */

import { assert, fail, unreachable } from "../base/assert.ts";
import { bytesToString } from "../base/bytes.ts";
import { hash64 } from "../base/hash.ts";
import type { Seed } from "../store/key_hash.ts";
import { Span } from "../store/span.ts";
import type { Sweep } from "../store/sweep.ts";
import type { CallContext, ReadSurroundings, Turn } from "./call.ts";
import { changes, runCall, runCalls } from "./calls.ts";
import type { ChangeSink } from "./change.ts";
import { ChangeRecorder } from "./change_recorder.ts";
import {
  type Call,
  type Command,
  type Compare,
  decodeCommand,
  type LoggedCommand,
  type TransactionCommand,
} from "./commands.ts";
import { holds } from "./compare.ts";
import { missingForCommand } from "./judge.ts";
import type { KeyRecord } from "./key_record.ts";
import { Keyspace } from "./keyspace.ts";
import { PlainCounter } from "./plain_counter.ts";
import { PlainPut } from "./plain_put.ts";
import type { Reply } from "./replies.ts";
import type { CommandResult } from "./results.ts";
import { ADMIN, shownBy } from "./rights.ts";
import { drawnFrom } from "./drawn.ts";
import { CursorMemory } from "./scan_cursor.ts";
import { hashInSession, judgeInSession, useSession } from "./session_commands.ts";
import { Sessions } from "./sessions.ts";
import { type BlockRecord, snapshotBytesMax } from "./snapshot_blocks.ts";
import { SnapshotCut } from "./snapshot_cut.ts";
import { Users, type UsersView } from "./users.ts";

/** Keys, and sessions, that one entry removes at most because they are due: the rest waits for the next. */
export const SWEPT_PER_ENTRY_MAX = 1_000;

/** Raised with any change of what a digest of the state is made of: digests of different versions say nothing about each other. */
export const STATE_DIGEST_VERSION = 1;

/** How far reads may be told that time has gone on after the last stamp, after which a new leader begins as much later: no time goes back (ADR 9). */
export const READ_AHEAD_MS_MAX = 100;

const NO_CHANGES = new Span();

/**
 * The state after applying the log up to `lastApplied`. Invariants: those of `Keyspace` and `Sessions`; the time never goes back.
 */
export class StateMachine {
  readonly #keys: Keyspace;
  readonly #sessions = new Sessions();
  readonly #users = new Users();
  readonly #cursors = new CursorMemory();
  readonly #plainPut = new PlainPut();
  readonly #plainCounter = new PlainCounter();
  #lastApplied = 0;
  /** The latest time that a leader told reads of this state. */
  #toldMs = 0;
  #cut: SnapshotCut | undefined;
  #sink: ChangeSink | undefined;

  /** The empty state. `seed` is not to be known to clients; it changes nothing that can be seen. */
  constructor(seed: Seed) {
    this.#keys = new Keyspace(seed);
  }

  /** Index of the last entry applied. */
  get lastApplied(): number {
    return this.#lastApplied;
  }

  /** Number of keys, those included that have expired and are not swept yet. */
  get size(): number {
    return this.#keys.size;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#keys.bytes;
  }

  /** Who may come in, and what each of them may do. */
  get users(): UsersView {
    return this.#users;
  }

  /** Bytes of memory that count against a limit: of keys, sessions and answers, and users. */
  get heldBytes(): number {
    return this.#keys.heldBytes + this.#sessions.heldBytes + this.#users.heldBytes;
  }

  /** Bytes of its snapshot at most. */
  get snapshotBytesMax(): number {
    return snapshotBytesMax(this, this.#sessions.heldBytes + this.#users.heldBytes);
  }

  /** Version and hash of all that the log has made. Equal on every node that has applied the same, whatever it was started from. */
  get digest(): string {
    const users = this.#users.size === 0 ? "" : ` ${this.#users.digest}`;
    return `${STATE_DIGEST_VERSION}:${hash64(`${this.#keys.digest} ${this.#sessions.digest} ${this.timeMs}${users}`)}`;
  }

  /** Keys that have a deadline. */
  get expiring(): number {
    return this.#keys.expiring;
  }

  /** Open sessions. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** The cluster's time as of the last entry, in ms since 1970. */
  get timeMs(): number {
    return this.#keys.timeMs;
  }

  /** When the next key expires; undefined for never. */
  get nextKeyDeadline(): number | undefined {
    return this.#keys.nextDeadline;
  }

  /** The time by which reads judge deadlines: what the leader told, but where that would hide a key `READ_AHEAD_MS_MAX` after the log's at most. */
  get readTimeMs(): number {
    const { timeMs, nextDeadline = Infinity } = this.#keys;
    if (this.#toldMs <= timeMs) return timeMs;
    return Math.min(this.#toldMs, Math.max(timeMs + READ_AHEAD_MS_MAX, nextDeadline - 1));
  }

  /** Takes the time that a leader tells the readers of this state; an earlier one than before changes nothing. */
  learnTime(timeMs: number): void {
    if (timeMs > this.#toldMs) this.#toldMs = timeMs;
  }

  /** Another leader's entries follow: of what the old one told only that is kept which this log warrants. */
  keepWarrantedTime(): void {
    this.#toldMs = Math.min(this.#toldMs, this.#keys.timeMs + READ_AHEAD_MS_MAX);
  }

  /** The same for a state that takes the place of this one. */
  passTimeOn(other: StateMachine): void {
    this.keepWarrantedTime();
    other.learnTime(this.#toldMs);
  }

  /** When the next key, session or token expires; undefined for never. */
  get nextDeadline(): number | undefined {
    const parts = [this.#keys, this.#sessions, this.#users];
    const next = Math.min(...parts.map(({ nextDeadline = Infinity }) => nextDeadline));
    return next === Infinity ? undefined : next;
  }

  /** The record of `key`, or undefined. */
  get(key: string): KeyRecord | undefined {
    this.#keys.judgeBy(this.readTimeMs);
    return this.#keys.get(key);
  }

  /** The same, also of a key whose deadline has come and that no entry has removed yet. */
  peek(key: string): KeyRecord | undefined {
    return this.#keys.peek(key);
  }

  /** Keys in byte order from `start` on, with what is known of each. Nothing may change meanwhile. */
  *records(start: string): Iterable<readonly [key: string, record: KeyRecord]> {
    this.#keys.judgeBy(this.readTimeMs);
    yield* this.#keys.entries(start);
  }

  /** Answers a call that changes nothing. Refused calls give an error reply. */
  read(call: Call, { random, shown }: ReadSurroundings): Reply {
    if (changes(call)) return { error: "ERR a write cannot be answered as a read" };
    const nowMs = this.readTimeMs;
    this.#keys.judgeBy(nowMs);
    return runCall(call, { keys: this.#keys, revision: 0, nowMs, random, cursors: this.#cursors, shown });
  }

  /** Tells what each key leads to, where it lies: to be used at once. */
  lookUp(keys: Iterable<Span>, tell: (value: Span | undefined) => void): void {
    this.#keys.judgeBy(this.readTimeMs);
    for (const key of keys) tell(this.#keys.valueAt(key));
  }

  /** Whether every comparison holds now, for a read. */
  compare(compares: readonly Compare[]): boolean {
    this.#keys.judgeBy(this.readTimeMs);
    return compares.every((compare) => holds(compare, this.#keys));
  }

  /** Who is told of every entry applied. */
  get sink(): ChangeSink | undefined {
    return this.#sink;
  }

  /** Tells `sink` of every entry applied from now on. */
  tell(sink: ChangeSink): void {
    this.#sink = sink;
    this.#keys.recorder = new ChangeRecorder((key) => this.#keys.look(key));
  }

  /** A command that is applied soon: `fetchExpected` reads what it needs together with what the others do. Changes nothing. */
  expect(command: Span): void {
    const { expected } = this.#keys;
    if (this.#plainPut.read(command)) expected.add(this.#plainPut.key);
    else if (this.#plainCounter.read(command)) expected.add(this.#plainCounter.key);
  }

  /** Reads the keys of the commands that are expected, `EXPECTED_KEYS_MAX` at most. Returns how many of them are there. */
  fetchExpected(): number {
    return this.#keys.expected.fetch();
  }

  /** Applies the command of entry `index`, the next one. A command that cannot be read changes nothing, on every node alike. */
  apply(index: number, command: Span): CommandResult {
    this.#goTo(index);
    // By far the most frequent commands take the short way.
    if (this.#plainPut.read(command) && this.#plainPut.isFor(this.#users.rightsOf(this.#plainPut.login))) {
      return { type: "Put", revision: index, created: this.#putPlainly(command) };
    }
    const isCounter = this.#plainCounter.read(command) &&
      this.#users.rightsOf(this.#plainCounter.login)?.isAdmin === true;
    const sum = isCounter ? this.#countPlainly() : undefined;
    if (sum !== undefined) return { type: "Reply", revision: index, reply: sum };
    const result = this.#applyAny(index, textOf(command));
    this.#tell();
    return result;
  }

  /** Entry `index`, the next one, holds nothing for the state machine (a no-op or a configuration). */
  skip(index: number): void {
    this.#goTo(index);
    this.#sink?.changed(NO_CHANGES);
  }

  /** Opens a cut of the present state, to be read in slices while commands go on. One at a time; `close` it. */
  cut(): SnapshotCut {
    assert(this.#cut === undefined, "Cannot cut the state: another cut is open");
    const cut = new SnapshotCut({
      keys: this.#keys,
      sessions: this.#sessions,
      users: this.#users.list(),
      tokens: this.#users.list().flatMap((user) => this.#users.tokensOf(user)),
      lastApplied: this.#lastApplied,
      onClose: () => {
        this.#cut = undefined;
      },
    });
    this.#cut = cut;
    return cut;
  }

  /** For loading a snapshot into an empty state; false when the key is there already. */
  load(record: BlockRecord): boolean {
    return this.#keys.load(record.key, record);
  }

  /** See `Keyspace`. */
  get memorySweep(): Sweep {
    return this.#keys.memorySweep;
  }

  /** What the sessions, users and tokens of a snapshot are loaded into, and what hears of its keys ahead. */
  get loading(): { readonly sessions: Sessions; readonly users: Users; readonly expected: Keyspace["expected"] } {
    return { sessions: this.#sessions, users: this.#users, expected: this.#keys.expected };
  }

  /** Ends the loading of a snapshot. */
  finishLoading({ index, timeMs }: { readonly index: number; readonly timeMs: number }): void {
    this.#lastApplied = index;
    this.#keys.advance(timeMs);
  }

  #goTo(index: number): void {
    if (index !== this.#lastApplied + 1) fail(`Cannot apply entry ${index}: last applied is ${this.#lastApplied}`);
    this.#lastApplied = index;
    this.#keys.begin(index);
  }

  #applyAny(index: number, command: string): CommandResult {
    const logged = decodeCommand(command);
    if (logged === undefined) return { type: "Invalid", revision: index };
    if (logged.timeMs !== undefined) this.#advance(logged.timeMs);
    // The time is the leader's own.
    const rights = logged.command.type === "Advance" ? ADMIN : this.#users.rightsOf(logged.login);
    if (rights === undefined) return { type: "Refused", revision: index, reason: "NotLoggedIn" };
    const missing = rights.isAdmin ? undefined : missingForCommand(logged.command, rights);
    if (missing !== undefined) return { type: "Forbidden", revision: index, missing };
    const turn = { revision: index, login: logged.login, shown: rights.isAdmin ? undefined : shownBy(rights) };
    return logged.session === undefined
      ? this.#do(logged.command, turn)
      : this.#doOnce(logged, { turn, encoded: command });
  }

  /** Whether the key is new. */
  #putPlainly(command: Span): boolean {
    const revision = this.#lastApplied;
    const { key, value } = this.#plainPut;
    const before = this.#keys.look(key);
    if (before !== undefined && before.deadline !== 0) {
      const created = this.#keys.put(textOf(key), textOf(value), { revision });
      this.#tell();
      return created;
    }
    if (this.#sink !== undefined) this.#sink.puts(command, before);
    this.#keys.putPlainly(key, { value, revision, before });
    return before === undefined;
  }

  /** What the counter comes to; undefined, and nothing is done, where that takes the long way. */
  #countPlainly(): number | undefined {
    const counter = this.#plainCounter;
    const { key, put, value } = counter;
    const before = this.#keys.look(key);
    if (before !== undefined && before.deadline !== 0) return undefined;
    const sum = counter.add(before?.value);
    if (sum === undefined) return undefined;
    if (this.#sink !== undefined) this.#sink.puts(put, before);
    this.#keys.putPlainly(key, { value, revision: this.#lastApplied, before });
    return sum;
  }

  /** Tells the sink what the entry has changed, all of which has gone through the recorder. */
  #tell(): void {
    if (this.#sink === undefined) return;
    const changes = this.#keys.recorder?.take();
    if (changes === undefined) this.#sink.jumped(this.#lastApplied);
    else this.#sink.changed(changes);
  }

  #advance(timeMs: number): void {
    this.#keys.advance(timeMs);
    this.#keys.sweep(SWEPT_PER_ENTRY_MAX);
    this.#sessions.sweep(this.#keys.timeMs, SWEPT_PER_ENTRY_MAX);
    this.#users.expireTokens({ nowMs: this.#keys.timeMs, revision: this.#lastApplied });
  }

  #doOnce(
    { command, session: use }: LoggedCommand,
    { turn, encoded }: { readonly turn: Turn; readonly encoded: string },
  ): CommandResult {
    const { revision, shown } = turn;
    if (use === undefined) return this.#do(command, turn);
    const session = { ...use, hash: hashInSession(command, { encoded, shown }) };
    const verdict = judgeInSession(this.#sessions, session, { turn, users: this.#users, nowMs: this.#keys.timeMs });
    if (verdict.type === "Answer") return verdict.result;
    if (verdict.type === "Refuse") return { type: "Refused", revision, reason: verdict.reason };
    const result = this.#do(command, turn);
    this.#sessions.keep(session, result);
    return result;
  }

  #do(command: Command, turn: Turn): CommandResult {
    const { type } = command;
    const { revision } = turn;
    switch (type) {
      case "Put":
        return { type, revision, created: this.#keys.put(command.key, command.value, { revision }) };
      case "Delete":
        return { type, revision, existed: this.#keys.remove(command.key) };
      case "Call":
        return { type: "Reply", revision, reply: runCall(command.call, this.#writeContext(turn)) };
      case "Transaction":
        return this.#transact(command, turn);
      case "Advance":
        return { type: "Reply", revision, reply: null };
      case "OpenSession":
      case "KeepAlive":
      case "CloseSession":
        return useSession(this.#sessions, command, { turn, users: this.#users, nowMs: this.#keys.timeMs });
      case "SetUser":
      case "RemoveUser":
      case "AddToken":
      case "RemoveToken":
        return this.#users.apply(command, { revision, nowMs: this.#keys.timeMs, login: turn.login });
      default:
        return unreachable(command);
    }
  }

  #transact({ compares, then, otherwise }: TransactionCommand, turn: Turn): CommandResult {
    const succeeded = compares.every((compare) => holds(compare, this.#keys));
    const context = this.#writeContext(turn);
    const replies = runCalls(succeeded ? then : otherwise, (call) => runCall(call, context));
    return { type: "Transaction", revision: turn.revision, succeeded, replies };
  }

  /** Chance and time come from the log, so that every node draws and tells the same. */
  #writeContext({ revision, shown }: Turn): CallContext {
    const keys = this.#keys;
    return { keys, revision, nowMs: keys.timeMs, random: drawnFrom(revision), cursors: undefined, shown };
  }
}

function textOf({ bytes, start, end }: Span): string {
  return bytesToString(bytes, start, end);
}
