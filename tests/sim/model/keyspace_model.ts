/**
 * The state machine once more, in the plainest way: a map, a time and sessions, changed by the commands of the workload. Only
 * the rules for the value of one key are shared, with the checks of histories.
 */

import { unreachable } from "../../../lib/base/assert.ts";
import type { Call, Command, LoggedCommand } from "../../../lib/kv/commands.ts";
import { NO_LOGIN } from "../../../lib/kv/users.ts";
import { type Answer, CALLS_ON_ONE_KEY, judgeCall, OK } from "../../linearizability/calls.ts";
import { answerQuery, holds } from "./queries.ts";
import type { ModelRecord, ModelState } from "./record.ts";
import { EVERYTHING, lists, missingFor, readableBy, shownTo } from "./rights.ts";
import { ModelSessions } from "./sessions.ts";
import { ModelUsers } from "./users.ts";

type SessionCommand = Extract<Command, { readonly type: "OpenSession" | "KeepAlive" | "CloseSession" }>;

/** What applying an entry gave, in the form of `resultToJson`. */
export type ModelResult = Readonly<Record<string, unknown>>;

const NO_SUCH_KEY: Answer = { e: "ERR no such key" };
const UNITS: Readonly<Record<string, number>> = { EX: 1_000, PX: 1, EXAT: 1_000, PXAT: 1 };

/** The keys after the entries applied so far. */
export class KeyspaceModel implements ModelState {
  readonly #records = new Map<string, ModelRecord>();
  readonly #sessions = new ModelSessions();
  readonly users = new ModelUsers();
  readonly #changed: (key: string, record: ModelRecord | undefined) => void;
  timeMs = 0;
  #revision = 0;
  /** What whoever submitted the entry may read; see `readableBy`. */
  #readable: readonly string[] | undefined;
  /** Whoever submitted it. */
  #login = NO_LOGIN;

  /** `changed` is told of every change of a key. */
  constructor(changed: (key: string, record: ModelRecord | undefined) => void) {
    this.#changed = changed;
  }

  /** See `ModelState`. */
  get(key: string): ModelRecord | undefined {
    return this.#records.get(key);
  }

  /** See `ModelState`. */
  names(): readonly string[] {
    return [...this.#records.keys()].sort((left, right) => left < right ? -1 : 1);
  }

  /** See `ModelState`. */
  get size(): number {
    return this.#records.size;
  }

  /** Applies entry `index`. */
  apply({ command, timeMs, session, login }: LoggedCommand, index: number): ModelResult {
    this.#revision = index;
    this.#login = login;
    if (timeMs !== undefined && timeMs > this.timeMs) this.timeMs = timeMs;
    if (timeMs !== undefined) this.#expire();
    // The time is the leader's own.
    const rights = command.type === "Advance" ? EVERYTHING : this.users.rightsAt(login, index);
    if (rights === undefined) return { type: "Refused", revision: index, reason: "NotLoggedIn" };
    const missing = missingFor(command, rights);
    if (missing !== undefined) return { type: "Forbidden", revision: index, missing };
    this.#readable = readableBy(rights);
    if (session === undefined) return this.#do(command);
    // A list is the same command only for those who may read the same.
    const sent = JSON.stringify(lists(command) ? [command, this.#readable ?? "everything"] : command);
    const act = () => this.#do(command);
    const user = this.users.createdOf(login);
    return this.#sessions.once(session, { now: this.timeMs, revision: index, user, command: sent, act });
  }

  #expire(): void {
    for (const [key, { expiresAt }] of [...this.#records]) {
      if (expiresAt !== undefined && expiresAt <= this.timeMs) this.#remove(key);
    }
    this.#sessions.expire(this.timeMs);
    this.users.expire({ nowMs: this.timeMs, revision: this.#revision });
  }

  #do(command: Command): ModelResult {
    const revision = this.#revision;
    const { type } = command;
    switch (type) {
      case "Put":
        return { type, revision, created: this.#put(command.key, { value: command.value, expiresAt: undefined }) };
      case "Delete":
        return { type, revision, existed: this.#remove(command.key) };
      case "Call":
        return { type: "Reply", revision, reply: this.#call(command.call) };
      case "Transaction": {
        const succeeded = command.compares.every((compare) => holds(compare, this));
        const calls = succeeded ? command.then : command.otherwise;
        return { type, revision, succeeded, replies: calls.map((call) => this.#call(call)) };
      }
      case "Advance":
        return { type: "Reply", revision, reply: null };
      case "OpenSession":
      case "KeepAlive":
      case "CloseSession":
        return this.#useSession(command);
      case "SetUser":
      case "RemoveUser":
      case "AddToken":
      case "RemoveToken":
        return this.users.apply(command, { revision, nowMs: this.timeMs, login: this.#login });
      default:
        return unreachable(command);
    }
  }

  #useSession(command: SessionCommand): ModelResult {
    const revision = this.#revision;
    const user = this.users.createdOf(this.#login);
    if (command.type === "OpenSession") {
      const owner = command.isOwned === true ? user : undefined;
      const id = this.#sessions.open(revision, { ttlMs: command.ttlMs, now: this.timeMs, owner });
      return { type: "Reply", revision, reply: id };
    }
    const isClosing = command.type === "CloseSession";
    const mayUse = this.#sessions.isOpenTo(command.session, user) ||
      (isClosing && this.users.rightsAt(this.#login, revision)?.isAdmin === true);
    if (!mayUse) return { type: "Refused", revision, reason: "ForeignSession" };
    const isOpen = isClosing
      ? this.#sessions.close(command.session)
      : this.#sessions.renew(command.session, this.timeMs);
    return isOpen ? { type: "Reply", revision, reply: OK } : { type: "Refused", revision, reason: "NoSession" };
  }

  #call(words: Call): Answer {
    const [name = "", key = "", second = "", ...options] = words;
    const record = this.get(key);
    switch (name) {
      case "MSET":
        this.#putPairs(words);
        return OK;
      case "MSETNX":
        if (words.some((word, at) => at % 2 === 1 && this.get(word) !== undefined)) return 0;
        this.#putPairs(words);
        return 1;
      case "DEL":
      case "UNLINK":
        return words.slice(1).filter((each) => this.#remove(each)).length;
      case "RENAME":
      case "RENAMENX":
        return this.#rename({ from: key, to: second, isCareful: name === "RENAMENX" });
      case "COPY":
        if (record === undefined || (this.get(second) !== undefined && !options.includes("REPLACE"))) return 0;
        this.#put(second, { value: record.value, expiresAt: record.expiresAt });
        return 1;
      case "FLUSHDB":
      case "FLUSHALL":
        for (const each of this.names()) this.#remove(each);
        return OK;
      default:
        return this.#callWithTime(words);
    }
  }

  #callWithTime(words: Call): Answer {
    const [name = "", key = "", second = "", third = ""] = words;
    const record = this.get(key);
    switch (name) {
      case "SETEX":
      case "PSETEX":
        this.#put(key, { value: third, expiresAt: this.timeMs + Number(second) * (name === "SETEX" ? 1_000 : 1) });
        return OK;
      case "EXPIRE":
      case "PEXPIRE":
      case "EXPIREAT":
      case "PEXPIREAT": {
        const from = name.endsWith("AT") ? 0 : this.timeMs;
        return this.#setDeadline(words, from + Number(second) * (name.startsWith("P") ? 1 : 1_000));
      }
      case "PERSIST":
        if (record?.expiresAt === undefined) return 0;
        this.#touch(key, { ...record, expiresAt: undefined });
        return 1;
      case "GETEX":
        return this.#getEx(words);
      default:
        return this.#callOnValue(words);
    }
  }

  #callOnValue(words: Call): Answer {
    const [name = "", key = "", ...options] = words;
    const record = this.get(key);
    if (!CALLS_ON_ONE_KEY.includes(name) || name === "EXISTS") {
      const answer = answerQuery(words, { state: shownTo(this.#readable, this), nowMs: this.timeMs });
      if (answer === undefined) throw new RangeError(`Cannot model the call ${JSON.stringify(words)}`);
      return answer;
    }
    const { answer, effect } = judgeCall(record?.value, words);
    if (effect === "Remove") this.#remove(key);
    else if (effect !== "None") {
      const keeps = options.includes("KEEPTTL") || !["SET", "SETNX", "GETSET"].includes(name);
      this.#put(key, { value: effect.value, expiresAt: keeps ? record?.expiresAt : this.#timeOf(options) });
    }
    return answer;
  }

  /** The deadline that EX, PX, EXAT or PXAT among the options gives. */
  #timeOf(options: readonly string[]): number | undefined {
    for (const [at, option] of options.entries()) {
      const unit = at === 0 ? undefined : UNITS[option];
      if (unit !== undefined) return (option.endsWith("AT") ? 0 : this.timeMs) + Number(options[at + 1]) * unit;
    }
    return undefined;
  }

  #getEx([, key = "", ...options]: Call): Answer {
    const record = this.get(key);
    if (record === undefined) return null;
    // Without a value in front the first option counts as well.
    const at = this.#timeOf(["", ...options]);
    if (options[0] === "PERSIST" && record.expiresAt !== undefined) {
      this.#touch(key, { ...record, expiresAt: undefined });
    } else if (at !== undefined && at <= this.timeMs) this.#remove(key);
    else if (at !== undefined) this.#touch(key, { ...record, expiresAt: at });
    return record.value;
  }

  #setDeadline([, key = "", , option]: Call, at: number): Answer {
    const record = this.get(key);
    if (record === undefined) return 0;
    const before = record.expiresAt ?? Infinity;
    if (option === "NX" && record.expiresAt !== undefined) return 0;
    if (option === "XX" && record.expiresAt === undefined) return 0;
    if (option === "GT" && at <= before) return 0;
    if (option === "LT" && at >= before) return 0;
    if (at <= this.timeMs) this.#remove(key);
    else this.#touch(key, { ...record, expiresAt: at });
    return 1;
  }

  #rename(
    { from, to, isCareful }: { readonly from: string; readonly to: string; readonly isCareful: boolean },
  ): Answer {
    const record = this.get(from);
    if (record === undefined) return NO_SUCH_KEY;
    if (isCareful && this.get(to) !== undefined) return 0;
    if (from !== to) {
      this.#remove(from);
      this.#put(to, record);
    }
    return isCareful ? 1 : OK;
  }

  #putPairs(words: Call): void {
    for (let at = 1; at < words.length; at += 2) {
      this.#put(words[at] ?? "", { value: words[at + 1] ?? "", expiresAt: undefined });
    }
  }

  #put(key: string, { value, expiresAt }: Pick<ModelRecord, "value" | "expiresAt">): boolean {
    const before = this.get(key);
    const revision = this.#revision;
    const createRevision = before?.createRevision ?? revision;
    this.#store(key, { value, expiresAt, revision, createRevision, version: (before?.version ?? 0) + 1 });
    return before === undefined;
  }

  #touch(key: string, record: ModelRecord): void {
    this.#store(key, { ...record, revision: this.#revision, version: record.version + 1 });
  }

  #store(key: string, record: ModelRecord): void {
    this.#records.set(key, record);
    this.#changed(key, record);
  }

  #remove(key: string): boolean {
    if (!this.#records.delete(key)) return false;
    this.#changed(key, undefined);
    return true;
  }
}
