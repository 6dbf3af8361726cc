/** Users in the state: who may do what, from which entry on, and through snapshots. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { type Command, encodeCommand, type SessionUse, stampCommand } from "../../../lib/kv/commands.ts";
import { describeCommand } from "../../../lib/kv/describe.ts";
import { raisedBlocks } from "../../../lib/kv/raised_blocks.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import type { StateMachine } from "../../../lib/kv/state_machine.ts";
import { ADMIN } from "../../../lib/kv/rights.ts";
import { USER_NAME_BYTES_MAX, USERS_MAX } from "../../../lib/kv/users.ts";
import { blocksOf, emptyState, spanOf, stateOf } from "../../support/state.ts";
import { hashOf, removeUser, setUser } from "../../support/users.ts";

const NOW_MS = 1_700_000_000_000;
const PUT: Command = { type: "Put", key: "k", value: "v" };

/** A log that is applied entry by entry. */
class Log {
  readonly state: StateMachine;

  constructor(state: StateMachine = emptyState()) {
    this.state = state;
  }

  do(command: Command, { login, session, timeMs }: {
    readonly login?: number;
    readonly session?: SessionUse;
    readonly timeMs?: number;
  } = {}): CommandResult {
    const encoded = encodeCommand(command, session, login);
    const stamped = timeMs === undefined ? encoded : stampCommand(encoded, timeMs);
    return this.state.apply(this.state.lastApplied + 1, spanOf(stamped));
  }

  /** The reason of a refusal, or the type of the result. */
  try(command: Command, login?: number): string {
    const result = this.do(command, login === undefined ? {} : { login });
    return result.type === "Refused" ? result.reason : result.type;
  }
}

Deno.test("without users everybody may do everything, and from the first one on nobody else, whatever the command", () => {
  const log = new Log();
  assertEquals(log.try(PUT), "Put");
  assertEquals(log.try(setUser("root")), "Reply");
  const login = log.state.lastApplied;
  const commands: readonly Command[] = [
    PUT,
    { type: "Delete", key: "k" },
    { type: "Call", call: ["INCR", "n"] },
    { type: "Call", call: ["DECRBY", "n", "3"] },
    { type: "Call", call: ["SET", "k", "v", "EX", "5"] },
    { type: "Transaction", compares: [], then: [["GET", "k"]], otherwise: [] },
    { type: "OpenSession", ttlMs: 5_000 },
    { type: "KeepAlive", session: 1 },
    { type: "CloseSession", session: 1 },
    setUser("more"),
    removeUser("root"),
  ];
  for (const command of commands) {
    const before = [log.state.get("k")?.revision, log.state.get("n"), log.state.sessions, log.state.users.size];
    for (const wrong of [undefined, login + 1, 1]) assertEquals(log.try(command, wrong), "NotLoggedIn", command.type);
    assertEquals(
      [log.state.get("k")?.revision, log.state.get("n"), log.state.sessions, log.state.users.size],
      before,
      command.type,
    );
  }
  for (const command of commands.slice(0, 7)) assertNotEquals(log.try(command, login), "NotLoggedIn", command.type);
  assertEquals(log.state.get("n")?.value, "-2");
});

Deno.test("the leader's time moves on whoever is logged in, and a refused command carries it too", () => {
  const log = new Log();
  log.do(setUser("root"));
  assertEquals(log.do({ type: "Advance" }, { timeMs: NOW_MS }).type, "Reply");
  assertEquals(log.do(PUT, { timeMs: NOW_MS + 5 }).type, "Refused");
  assertEquals(log.state.timeMs, NOW_MS + 5);
});

Deno.test("a new password and a removal end the login of before with their entry; a user of the same name has another", () => {
  const log = new Log();
  log.do(setUser("root"));
  const root = log.state.lastApplied;
  log.do(setUser("alice"), { login: root });
  const first = log.state.lastApplied;
  assertEquals(log.try(PUT, first), "Put");
  log.do(setUser("alice", { hash: hashOf(2) }), { login: first });
  const second = log.state.lastApplied;
  assertEquals([log.try(PUT, first), log.try(PUT, second)], ["NotLoggedIn", "Put"]);
  const alice = { name: "alice", login: second, created: first, hash: hashOf(2), rights: ADMIN };
  assertEquals(log.state.users.find("alice"), alice);
  log.do(removeUser("alice"), { login: second });
  assertEquals(log.try(PUT, second), "NotLoggedIn");
  log.do(setUser("alice"), { login: root });
  assertEquals([log.try(PUT, second), log.try(PUT, log.state.users.find("alice")?.login)], ["NotLoggedIn", "Put"]);
});

Deno.test("rules decide whether a user may be given a password, and nothing wrong is ever kept", () => {
  const log = new Log();
  assertEquals(log.try(setUser("root", { rule: "Change" })), "NoSuchUser");
  assertEquals(log.try(setUser("root", { rule: "First" })), "Reply");
  const login = log.state.lastApplied;
  const tries: readonly (readonly [Command, string])[] = [
    [setUser("other", { rule: "First" }), "UserExists"],
    [setUser("root", { rule: "Create" }), "UserExists"],
    [setUser("other", { rule: "Change" }), "NoSuchUser"],
    [removeUser("other"), "NoSuchUser"],
    [removeUser("root"), "LastUser"],
    ...["", "a b", "a:b", ".a", "-a", "a\n", "\xe4", ":node", "a".repeat(USER_NAME_BYTES_MAX + 1)].map((name) =>
      [setUser(name), "BadUser"] as const
    ),
    ...["", "plain", hashOf(1).slice(1), `${hashOf(1)}0`, hashOf(1).replace("14", "30")].map((hash) =>
      [setUser("other", { hash }), "BadUser"] as const
    ),
    [setUser("a".repeat(USER_NAME_BYTES_MAX), { rule: "Create" }), "Reply"],
  ];
  for (const [command, reason] of tries) assertEquals(log.try(command, login), reason, JSON.stringify(command));
  assertEquals(log.state.users.list().map(({ name }) => name), ["a".repeat(USER_NAME_BYTES_MAX), "root"]);
});

Deno.test("there are no more users than may be, and each takes memory", () => {
  const log = new Log();
  const before = log.state.heldBytes;
  log.do(setUser("user0"));
  const login = log.state.lastApplied;
  for (let at = 1; at < USERS_MAX; at++) assertEquals(log.try(setUser(`user${at}`), login), "Reply");
  assertEquals(log.try(setUser("more"), login), "TooManyUsers");
  assertEquals(log.try(setUser("user7", { rule: "Change" }), login), "Reply");
  assert(log.state.heldBytes - before >= USERS_MAX * 100);
});

Deno.test("what is sent again in a session after a change of the password gets its first answer", () => {
  const log = new Log();
  log.do(setUser("root"));
  const first = log.state.lastApplied;
  const opened = log.do({ type: "OpenSession", ttlMs: 60_000 }, { login: first, timeMs: NOW_MS });
  assert(opened.type === "Reply" && typeof opened.reply === "number");
  const incr: Command = { type: "Call", call: ["INCR", "n"] };
  const session = { id: opened.reply, sequence: 1 };
  assertEquals(log.do(incr, { login: first, session }), { type: "Reply", revision: 3, reply: 1 });
  log.do(setUser("root", { hash: hashOf(2) }), { login: first });
  const second = log.state.lastApplied;
  assertEquals(log.do(incr, { login: first, session }), { type: "Refused", revision: 5, reason: "NotLoggedIn" });
  assertEquals(log.do(incr, { login: second, session }), { type: "Reply", revision: 3, reply: 1 });
});

Deno.test("users go through snapshots and forced recoveries, and the digest tells every difference in them", () => {
  const log = new Log();
  log.do(PUT);
  const without = log.state.digest;
  const plain = blocksOf(log.state);
  assertEquals(plain.length, 2, "Without users the blocks are those of programs of before");
  log.do(setUser("root"));
  const digests = [without, log.state.digest];
  log.do(setUser("alice", { hash: hashOf(2) }), { login: 2 });
  digests.push(log.state.digest);
  log.do(setUser("alice", { hash: hashOf(3) }), { login: 2 });
  digests.push(log.state.digest);
  assertEquals(new Set(digests).size, digests.length);
  const loaded = stateOf(blocksOf(log.state));
  assert(loaded !== undefined);
  assertEquals([loaded.digest, loaded.users.list()], [log.state.digest, log.state.users.list()]);
  assertEquals(new Log(loaded).try(PUT, 3), "NotLoggedIn");
  assertEquals(new Log(loaded).try(PUT, 4), "Put");
  const cut = log.state.cut();
  const raised = stateOf(
    Array.from(raisedBlocks(cut, { by: 1_000, keepsSessions: false, keepsDeadlines: true }), (block) => block.slice()),
  );
  cut.close();
  assertEquals(raised?.users.list(), log.state.users.list());
});

Deno.test("a cut has the users of its moment, whatever happens to them while it is read", () => {
  const log = new Log();
  log.do(setUser("root"));
  const cut = log.state.cut();
  log.do(setUser("later"), { login: 1 });
  const blocks: Uint8Array[] = [];
  for (let block = cut.next(); block !== undefined; block = cut.next()) blocks.push(block.slice());
  cut.close();
  assertEquals(stateOf(blocks)?.users.list().map(({ name }) => name), ["root"]);
});

Deno.test("a block of users that cannot be is refused", () => {
  const head = '{"format":5,"lastApplied":9,"timeMs":5}';
  const loads = (users: unknown) => stateOf([head, JSON.stringify({ users })].map(stringToBytes)) !== undefined;
  const user = ["root", 3, 2, hashOf(1)];
  assertEquals(loads([user]), true);
  const refused: readonly unknown[] = [
    "root",
    [["root", 3, 2]],
    [[...user, 1]],
    [["ro ot", 3, 2, hashOf(1)]],
    [["root", 3, 2, "hash"]],
    [["root", 10, 2, hashOf(1)]],
    [["root", 2, 3, hashOf(1)]],
    [["root", 0, 0, hashOf(1)]],
    [["root", 3.5, 2, hashOf(1)]],
    [[7, 3, 2, hashOf(1)]],
    [user, user],
    [user, ["other", 3, 3, hashOf(1)]],
  ];
  for (const users of refused) assertEquals(loads(users), false, JSON.stringify(users));
});

Deno.test("what people see of the log has names, and nothing of passwords", () => {
  assertEquals(describeCommand(encodeCommand(setUser("root"), undefined, 7)), 'SET USER "root"');
  assertEquals(describeCommand(encodeCommand(removeUser("root"))), 'REMOVE USER "root"');
  assertEquals(bytesToString(blocksOf(emptyState())[0] ?? new Uint8Array()).includes("users"), false);
});
