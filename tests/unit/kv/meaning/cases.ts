/**
 * Logs of commands whose bytes and effects are written down in commands.jsonl. Each begins with an empty state. New cases may
 * be added at any time; one that is changed or removed takes a new version, as a changed meaning does.
 */

import { decodeCommand, encodeCommand, stampCommand } from "../../../../lib/kv/commands.ts";
import type { Call, Command, Compare } from "../../../../lib/kv/commands.ts";
import { ANSWER_BYTES_MAX, ANSWERS_KEPT_MAX, SESSIONS_MAX } from "../../../../lib/kv/sessions.ts";
import { SWEPT_PER_ENTRY_MAX } from "../../../../lib/kv/state_machine.ts";
import { ADMIN, NO_RIGHTS } from "../../../../lib/kv/rights.ts";
import { TOKENS_OF_USER_MAX } from "../../../../lib/kv/tokens.ts";
import { addToken, removeToken } from "../../../support/tokens.ts";
import { changeOf, hashOf, removeUser, rightsOf, setUser } from "../../../support/users.ts";

/** One entry of a log. */
export interface Step {
  /** As the log has it. */
  readonly encoded: string;
  /** One of very many: its effects show in the entries behind it. */
  readonly silent: boolean;
}

/** A log. */
export interface MeaningCase {
  readonly name: string;
  readonly steps: readonly Step[];
}

const EVERY_BYTE = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
const START_MS = 1_700_000_000_000;

function step(command: Command, session?: { readonly id: number; readonly sequence: number }): Step {
  return { encoded: encodeCommand(command, session), silent: false };
}

/** A step at `ms` after the start of the cluster's time. */
function at(ms: number, { encoded, silent }: Step): Step {
  return { encoded: stampCommand(encoded, START_MS + ms), silent };
}

/** A step of the user with that login. */
function as(login: number, { encoded, silent }: Step): Step {
  const logged = decodeCommand(encoded);
  if (logged === undefined) throw new Error(`No command: ${encoded}`);
  const own = encodeCommand(logged.command, logged.session, login);
  return { encoded: logged.timeMs === undefined ? own : stampCommand(own, logged.timeMs), silent };
}

function silently({ encoded }: Step): Step {
  return { encoded, silent: true };
}

/** A call of words without blanks. */
function call(line: string): Step {
  return step({ type: "Call", call: words(line) });
}

function calls(...lines: readonly string[]): readonly Step[] {
  return lines.map(call);
}

function words(line: string): Call {
  return line.split(" ");
}

function times(count: number, make: (at: number) => Step): readonly Step[] {
  return Array.from({ length: count }, (_, at) => silently(make(at)));
}

function put(key: string, value: string): Step {
  return step({ type: "Put", key, value });
}

function transaction(compares: readonly Compare[], then: readonly string[], otherwise: readonly string[]): Step {
  return step({ type: "Transaction", compares, then: then.map(words), otherwise: otherwise.map(words) });
}

function compare(line: string): Compare {
  const [key = "", field = "", operator = "", operand = ""] = line.split(" ");
  return { key, field, operator, operand } as Compare;
}

const ADVANCE = step({ type: "Advance" });
const OPEN = step({ type: "OpenSession", ttlMs: 60_000 });
const READS_AND_WRITES = { revoked: NO_RIGHTS, granted: rightsOf("both:") };

/** Opens a session that is the user's; what comes then in one that entry 4 opened. */
function openOwn(login: number): Step {
  const command = { type: "OpenSession", ttlMs: 60_000, isOwned: true } as const;
  return { encoded: encodeCommand(command, undefined, login), silent: false };
}

function useOwn(login: number, sequence: number): Step {
  return as(login, step({ type: "Call", call: words("INCR n") }, { id: 4, sequence }));
}

/** Every kind of command, every call, and every way in which a session refuses. */
export const CASES: readonly MeaningCase[] = [
  {
    name: "put and delete",
    steps: [
      put("a", "1"),
      put("a", "2"),
      put(EVERY_BYTE, EVERY_BYTE),
      put("", ""),
      step({ type: "Delete", key: "a" }),
      step({ type: "Delete", key: "a" }),
      call("SET t 1 EX 100"),
      put("t", "a put takes the deadline away"),
    ],
  },
  {
    name: "bytes that are no command",
    steps: ["", "1;", "1;P1:k", "1;Z", "0;A", "junk"].map((encoded) => ({ encoded, silent: false })),
  },
  {
    name: "strings",
    steps: calls(
      "GET k",
      "APPEND k abc",
      "APPEND k def",
      "STRLEN k",
      "GETRANGE k 1 -2",
      "SETRANGE k 8 xyz",
      "SETRANGE k -1 x",
      "SETRANGE k 99999999 x",
      "SETRANGE none 0 x",
      "GET k",
      "GETSET k new",
      "GETDEL k",
      "GETDEL k",
      "TYPE k",
    ),
  },
  {
    name: "set with its options",
    steps: [
      at(0, call("SET k 1")),
      ...calls("SET k 2 NX", "SET k 3 XX GET", "SET k 4 IFEQ 3", "SET k 5 IFEQ 3", "SET n 1 XX", "SET n 1 NX GET"),
      ...calls("SET k 6 EX 10", "SET k 7 KEEPTTL", "SET k 8 PX 1500", "SET k 9 EXAT 1700000100", "PTTL k"),
      ...calls("SET k 10 PXAT 1700000000001", "SET k 11 EX 0", "SET k 11 NX XX", "SET k 11 BAD", "SET k 12", "TTL k"),
      ...calls("SETNX k 1", "SETNX m 1", "SETEX k 5 v", "PSETEX k 700 v", "SETEX k x v", "GETEX k PERSIST"),
      ...calls("GETEX k EX 9", "GETEX k", "GETEX none EX 9", "DELEX k IFEQ x", "DELEX k IFNE x", "DELEX k", "DELEX m"),
    ],
  },
  {
    name: "counters",
    steps: calls(
      "INCR c",
      "INCRBY c 41",
      "DECR c",
      "DECRBY c 50",
      "INCRBYFLOAT c 0.25",
      "INCR c",
      "SET c 9223372036854775807",
      "INCR c",
      "DECRBY c -9223372036854775808",
      "INCRBYFLOAT f 1e-3",
      "INCRBYFLOAT f x",
      "SET f 1.50",
      "INCRBYFLOAT f 1.5",
    ),
  },
  {
    name: "several keys",
    steps: [
      ...calls("MSET a 1 b 2", "MSETNX c 3 a 4", "MSETNX c 3 d 4", "MGET a b c d e", "EXISTS a a e", "TOUCH a e"),
      ...calls("DEL a e", "UNLINK b", "MSET a", "DBSIZE", "FLUSHDB", "DBSIZE", "SET a 1", "FLUSHALL", "DBSIZE"),
    ],
  },
  {
    name: "keys",
    steps: [
      at(0, call("SET a 1 EX 100")),
      ...calls("RENAME a b", "RENAME a b", "TTL b", "SET c 3", "RENAMENX b c", "RENAMENX b d", "RENAME d d"),
      ...calls("COPY d e", "COPY d c", "COPY d c REPLACE", "COPY none x", "COPY d c BAD", "OBJECT ENCODING d"),
      ...calls("OBJECT ENCODING c", "MEMORY USAGE d", "REVISION d", "REVISION none", "PERSIST c", "TYPE c", "DBSIZE"),
    ],
  },
  {
    name: "deadlines",
    steps: [
      at(0, call("MSET a 1 b 2 c 3 d 4 e 5")),
      ...calls("EXPIRE a 10", "PEXPIRE b 1500", "EXPIREAT c 1700000020", "PEXPIREAT d 1700000030000", "EXPIRE none 1"),
      ...calls("EXPIRE a 5 NX", "EXPIRE a 5 GT", "EXPIRE a 5 LT", "EXPIRE e 5 XX", "EXPIRE e 5 GT", "EXPIRE e 50 LT"),
      ...calls("TTL a", "PTTL b", "EXPIRETIME c", "PEXPIRETIME d", "TTL none", "PERSIST d", "TTL d", "PERSIST d"),
      ...calls("EXPIRE a x", "EXPIRE a 5 NX XX", "EXPIRE a 5 BAD", "EXPIRE d 0", "DBSIZE"),
      at(1_499, call("GET b")),
      at(1_500, call("GET b")),
      at(1_000, ADVANCE),
      at(5_000, ADVANCE),
      at(4_000_000, ADVANCE),
      call("DBSIZE"),
    ],
  },
  {
    name: "order and chance",
    steps: [
      call("MSET a 1 ab 2 b 3 ba 4 c 5"),
      ...calls("KEYS *", "KEYS a?", "KEYS [b-c]*", "SCAN 0 MATCH b* COUNT 2", "SCAN 0 COUNT 2", "SCAN x", "RANGE a b"),
      ...calls("RANGE ab c LIMIT 2", "RANGE ab", "PREFIX b", "PREFIX a LIMIT 1", "PREFIX a AFTER a", "RANDOMKEY"),
      ...calls("RANDOMKEY", "RANDOMKEY", "FLUSHDB", "RANDOMKEY"),
    ],
  },
  {
    name: "calls that are none",
    steps: calls("NOPE a", "GET", "GET a b", "get a", "OBJECT", "OBJECT NOPE a", "MEMORY NOPE a"),
  },
  {
    name: "transactions",
    steps: [
      put("a", "5"),
      transaction([compare("a VALUE = 5"), compare("a VERSION = 1"), compare("a CREATE = 1")], ["INCR a", "GET a"], []),
      transaction(
        [compare("a MOD > 1"), compare("a EXISTS != 0"), compare("none EXISTS = 0")],
        ["SET b 1", "DEL a"],
        [],
      ),
      transaction([compare("none VALUE = x")], ["SET no 1"], ["SET yes 1", "NOPE", "INCR yes"]),
      transaction([compare("b VALUE < 2"), compare("b VALUE > 0"), compare("b VERSION < x")], ["GET b"], ["STRLEN b"]),
      transaction([], ["SET c 1 EX 5", "INCR c", "TTL c", "RANDOMKEY"], []),
      transaction([], [], []),
    ],
  },
  {
    name: "sessions",
    steps: [
      at(0, OPEN),
      step({ type: "Call", call: ["INCR", "n"] }, { id: 1, sequence: 1 }),
      step({ type: "Call", call: ["INCR", "n"] }, { id: 1, sequence: 1 }),
      step({ type: "Call", call: ["INCR", "m"] }, { id: 1, sequence: 1 }),
      at(50_000, step({ type: "Put", key: "p", value: "v" }, { id: 1, sequence: 5 })),
      at(50_001, step({ type: "Put", key: "p", value: "v" }, { id: 1, sequence: 5 })),
      step({ type: "Delete", key: "p" }, { id: 1, sequence: 3 }),
      step({ type: "Delete", key: "p" }, { id: 9, sequence: 1 }),
      step({ type: "OpenSession", ttlMs: 1 }),
      step({ type: "OpenSession", ttlMs: 1e12 }),
      step({ type: "KeepAlive", session: 1 }),
      step({ type: "KeepAlive", session: 2 }),
      step({ type: "CloseSession", session: 10 }),
      step({ type: "CloseSession", session: 10 }),
      at(51_000, ADVANCE),
      at(110_000, step({ type: "KeepAlive", session: 1 })),
      at(170_001, ADVANCE),
      step({ type: "Call", call: ["GET", "n"] }, { id: 1, sequence: 6 }),
    ],
  },
  {
    name: "answers that are forgotten or not kept",
    steps: [
      at(0, OPEN),
      ...times(ANSWERS_KEPT_MAX + 1, (sequence) => {
        return step({ type: "Call", call: ["INCR", "n"] }, { id: 1, sequence: sequence + 1 });
      }),
      step({ type: "Call", call: ["INCR", "n"] }, { id: 1, sequence: 1 }),
      step({ type: "Call", call: ["INCR", "n"] }, { id: 1, sequence: 2 }),
      silently(put("long", "x".repeat(ANSWER_BYTES_MAX))),
      silently(step({ type: "Call", call: ["GET", "long"] }, { id: 1, sequence: 500 })),
      step({ type: "Call", call: ["GET", "long"] }, { id: 1, sequence: 500 }),
      ...times(
        6,
        (at) => step({ type: "Call", call: ["GETRANGE", "long", "0", "16000"] }, { id: 1, sequence: 600 + at }),
      ),
      step({ type: "Call", call: ["STRLEN", "long"] }, { id: 1, sequence: 499 }),
    ],
  },
  {
    name: "users",
    steps: [
      put("k", "v"),
      step(setUser("root", { rule: "Change" })),
      step(setUser("root", { rule: "First" })),
      put("k", "w"),
      as(3, put("k", "w")),
      as(3, call("INCR n")),
      as(3, step(setUser("alice", { rule: "Create" }))),
      as(3, step(setUser("alice", { rule: "Create" }))),
      as(7, at(0, OPEN)),
      as(7, step({ type: "Call", call: ["INCR", "n"] }, { id: 9, sequence: 1 })),
      as(3, step(setUser("alice", { hash: hashOf(2) }))),
      as(7, step({ type: "Call", call: ["INCR", "n"] }, { id: 9, sequence: 1 })),
      as(11, step({ type: "Call", call: ["INCR", "n"] }, { id: 9, sequence: 1 })),
      at(5, ADVANCE),
      as(3, step(setUser("root", { rule: "First" }))),
      as(3, step(setUser("a b"))),
      as(3, step(removeUser("nobody"))),
      as(3, step(removeUser("alice"))),
      as(11, put("k", "x")),
      as(3, step(removeUser("root"))),
    ],
  },
  {
    name: "rights",
    steps: [
      step(setUser("root")),
      as(
        1,
        step(
          setUser("alice", {
            change: { revoked: NO_RIGHTS, granted: rightsOf("both:p:", "read:q:", "write:\x00\xff") },
          }),
        ),
      ),
      as(2, step({ type: "Put", key: "p:a", value: "v" })),
      as(2, step({ type: "Put", key: "q:a", value: "v" })),
      as(1, step({ type: "Put", key: "r", value: "v" })),
      ...[
        "INCR p:n",
        "INCR q:n",
        "GET q:a",
        "DEL p:a q:a",
        "KEYS *",
        "SCAN 0",
        "RANGE a z KEYS",
        "RANDOMKEY",
        "DBSIZE",
        "FLUSHALL",
      ].map(
        (line) => as(2, call(line)),
      ),
      as(
        2,
        step({
          type: "Transaction",
          compares: [],
          then: [words("KEYS *"), words("SET p:b v")],
          otherwise: [words("GET r")],
        }),
      ),
      as(2, step({ type: "Transaction", compares: [], then: [words("KEYS *"), words("SET p:b v")], otherwise: [] })),
      as(2, step({ type: "OpenSession", ttlMs: 60_000 })),
      as(2, step(removeUser("root"))),
      as(1, step(changeOf("alice", { revoked: rightsOf("read:p:x") }))),
      as(1, step(changeOf("alice", { revoked: rightsOf("write:q:") }))),
      as(1, step(changeOf("root", { revoked: ADMIN }))),
      as(1, step(changeOf("alice", { revoked: rightsOf("read:p:"), granted: rightsOf("write:r") }))),
      as(2, call("GET p:n")),
      as(2, step({ type: "Put", key: "r", value: "w" })),
      as(1, step(changeOf("alice", { revoked: "All", granted: ADMIN }))),
      as(2, call("FLUSHALL")),
      as(2, step(removeUser("root"))),
    ],
  },
  {
    name: "tokens",
    steps: [
      step(addToken("root", "early")),
      step(setUser("root")),
      as(2, step(setUser("alice", { change: { revoked: NO_RIGHTS, granted: rightsOf("both:p:") } }))),
      as(3, at(0, step(addToken("alice", "ci", { ttlMs: 5_000 })))),
      as(3, step(addToken("alice", "ci"))),
      as(2, step(addToken("alice", "more"))),
      as(3, step(addToken("root", "more"))),
      as(4, step(addToken("alice", "other"))),
      as(3, step(addToken("alice", "b\xff", { ttlMs: 1 }))),
      as(4, step({ type: "Put", key: "p:a", value: "v" })),
      as(4, step({ type: "Put", key: "q:a", value: "v" })),
      as(6, call("INCR p:n")),
      as(6, at(4_999, step(removeToken("alice", "nothing")))),
      as(4, call("INCR p:n")),
      as(4, at(5_000, call("INCR p:n"))),
      as(6, call("INCR p:n")),
      as(6, step(removeToken("root", "more"))),
      as(6, step(removeToken("alice", "more"))),
      as(6, call("INCR p:n")),
      ...Array.from({ length: TOKENS_OF_USER_MAX + 1 }, (_, number) => as(3, step(addToken("alice", `t${number}`)))),
      as(20, call("INCR p:n")),
      as(2, step(setUser("alice", { hash: hashOf(2), change: { revoked: NO_RIGHTS, granted: NO_RIGHTS } }))),
      as(20, call("INCR p:n")),
      as(2, step(removeToken("nobody", "t1"))),
      as(2, step(addToken("nobody", "t1"))),
    ],
  },
  {
    name: "sessions of users",
    steps: [
      at(0, step(setUser("root"))),
      ...["alice", "bob"].map((name) => as(1, step(setUser(name, { change: READS_AND_WRITES })))),
      ...[openOwn(2), useOwn(2, 1), useOwn(3, 1), useOwn(3, 2)],
      ...[as(3, step({ type: "KeepAlive", session: 4 })), as(3, step({ type: "CloseSession", session: 4 }))],
      ...[useOwn(1, 3), as(1, step(setUser("alice", { hash: hashOf(2) }))), useOwn(11, 1)],
      ...[as(1, step(removeUser("alice"))), as(1, step(setUser("alice"))), useOwn(14, 1)],
      ...[openOwn(3), as(14, step({ type: "CloseSession", session: 4 }))],
      { encoded: "1;S60000:", silent: false },
    ],
  },
  {
    name: "limits",
    steps: [
      at(0, ADVANCE),
      ...times(SWEPT_PER_ENTRY_MAX + 5, (key) => call(`SET k${key} v PX ${1_000 + key % 7}`)),
      at(2_000, ADVANCE),
      call("DBSIZE"),
      at(2_001, ADVANCE),
      ...times(SESSIONS_MAX, () => OPEN),
      OPEN,
    ],
  },
];
