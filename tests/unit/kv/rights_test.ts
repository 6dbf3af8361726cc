/** Rights in the state: what each command needs, on which keys, and from which entry on. */

import { assert, assertEquals } from "@std/assert";
import { CALLS } from "../../../lib/kv/calls.ts";
import { type Command, encodeCommand, type SessionUse, stampCommand } from "../../../lib/kv/commands.ts";
import { describeCommand, describeMissing } from "../../../lib/kv/describe.ts";
import { missingForCall } from "../../../lib/kv/judge.ts";
import { raisedBlocks } from "../../../lib/kv/raised_blocks.ts";
import { resultFromJson, resultToJson } from "../../../lib/kv/results.ts";
import {
  ADMIN,
  changeRights,
  GRANT_PREFIX_BYTES_MAX,
  GRANTS_MAX,
  makeRights,
  mayUse,
  NO_RIGHTS,
  readRights,
  type Rights,
  RIGHTS_BYTES_MAX,
  type Shown,
  shownBy,
  writeRights,
} from "../../../lib/kv/rights.ts";
import { cursorOf } from "../../../lib/kv/scan_cursor.ts";
import type { StateMachine } from "../../../lib/kv/state_machine.ts";
import { blocksOf, emptyState, spanOf, stateOf } from "../../support/state.ts";
import { NEEDS, ROLES, suffices } from "../../support/rights_table.ts";
import { changeOf, hashOf, removeUser, rightsOf, setUser } from "../../support/users.ts";

const ROOT = 1;

/** A log whose first entry makes root, and then users with rights. */
class Log {
  readonly state: StateMachine;

  constructor(state: StateMachine = emptyState()) {
    this.state = state;
    if (state.lastApplied === 0) this.do(setUser("root"), 0);
  }

  /** The login of a user with those rights. */
  add(name: string, ...words: readonly string[]): number {
    const change = { revoked: NO_RIGHTS, granted: rightsOf(...words) };
    assertEquals(this.do(setUser(name, { change })), "Reply");
    return this.state.lastApplied;
  }

  apply(command: Command, login: number | undefined = ROOT, ...[session]: readonly SessionUse[]) {
    return this.state.apply(this.state.lastApplied + 1, spanOf(encodeCommand(command, session, login)));
  }

  /** What came of it, in a word or, for a missing right, a sentence. */
  do(command: Command, login: number | undefined = ROOT, ...sessions: readonly SessionUse[]): string {
    const result = this.apply(command, login, ...sessions);
    if (result.type === "Forbidden") return describeMissing(result.missing);
    return result.type === "Refused" ? result.reason : result.type;
  }

  rights(name: string): string {
    return writeRights(this.state.users.find(name)?.rights ?? NO_RIGHTS);
  }
}

function callOf(...call: readonly string[]): Command {
  return { type: "Call", call };
}

Deno.test("every call needs what its row here says, inside of a prefix, and outside of it nothing is granted", () => {
  for (const name of CALLS.keys()) {
    assert(NEEDS[name] !== undefined, `${name} has no row here: say what rights it needs`);
  }
  for (const [line, needs] of Object.entries(NEEDS).filter(([name]) => CALLS.has(name)).flatMap(([, rows]) => rows)) {
    for (const [role, rights] of Object.entries(ROLES)) {
      const inside = missingForCall(line.split(" "), rights) === undefined;
      assertEquals(inside, suffices(role, needs), `${role}: ${line}`);
      for (const outside of [line.replaceAll("p:", "q:"), line.replaceAll("p:", "x-p:"), line.replace("p:", "p")]) {
        if (outside === line) continue;
        const isAllowed = missingForCall(outside.split(" "), rights) === undefined;
        const isEvery = role.startsWith("every") || role === "admin";
        assertEquals(isAllowed, isEvery && suffices(role, needs), `${role}: ${outside}`);
      }
    }
  }
});

Deno.test("copies and new names need each key's own right, and the key that lacks it is named", () => {
  const rights = rightsOf("read:from:", "write:to:");
  const missing = (line: string) => {
    const found = missingForCall(line.split(" "), rights);
    return found === undefined ? "" : describeMissing(found);
  };
  assertEquals(missing("COPY from:a to:a"), "");
  assertEquals(missing("COPY to:a to:b"), 'the right to read "to:a" is missing');
  assertEquals(missing("COPY from:a from:b"), 'the right to write "from:b" is missing');
  assertEquals(missing("RENAME from:a to:a"), 'the right to write "from:a" is missing');
  assertEquals(missing("MSET to:a 1 other 2"), 'the right to write "other" is missing');
  assertEquals(missing("MGET from:a \x00\r\n"), 'the right to read "\\x00\\x0d\\x0a" is missing');
  assertEquals(
    missing("OBJECT ENCODING"),
    "the right to read every key is missing",
    "what names no key is about every one",
  );
  assertEquals(missing("FLUSHALL"), "the right to write every key is missing");
});

Deno.test("a write is judged when it is applied, each key of a transaction and each comparison, and nothing is done in part", () => {
  const log = new Log();
  const alice = log.add("alice", "both:p:", "write:w:");
  const put = (key: string): Command => ({ type: "Put", key, value: "1" });
  const transaction = (parts: Partial<Extract<Command, { type: "Transaction" }>>): Command => {
    return { type: "Transaction", compares: [], then: [], otherwise: [], ...parts };
  };
  const compare = (key: string) => ({ key, field: "EXISTS", operator: "=", operand: "0" }) as const;
  const rows: readonly (readonly [Command, string])[] = [
    [put("p:a"), "Put"],
    [put("w:a"), "Put"],
    [put("q"), 'the right to write "q" is missing'],
    [put("xp:"), 'the right to write "xp:" is missing'],
    [put("p"), 'the right to write "p" is missing'],
    [{ type: "Delete", key: "p:a" }, "Delete"],
    [{ type: "Delete", key: "q" }, 'the right to write "q" is missing'],
    [callOf("INCR", "p:n"), "Reply"],
    [callOf("INCR", "w:n"), 'the right to read "w:n" is missing'],
    [callOf("INCR", "q"), 'the right to read "q" is missing'],
    [transaction({ then: [["SET", "p:t", "1"], ["SET", "q", "1"]] }), 'the right to write "q" is missing'],
    [transaction({ then: [["SET", "p:t", "1"]], otherwise: [["GET", "q"]] }), 'the right to read "q" is missing'],
    [transaction({ compares: [compare("w:a")], then: [["SET", "p:t", "1"]] }), 'the right to read "w:a" is missing'],
    [transaction({ compares: [compare("p:z")], then: [["SET", "w:t", "1"]] }), "Transaction"],
    [callOf("FLUSHALL"), "the right to write every key is missing"],
    [{ type: "OpenSession", ttlMs: 5_000 }, "Reply"],
    [setUser("alice", { rule: "Change", hash: hashOf(2) }), "the right admin is missing"],
    [changeOf("alice", { granted: ADMIN }), "the right admin is missing"],
    [removeUser("root"), "the right admin is missing"],
  ];
  for (const [command, what] of rows) assertEquals(log.do(command, alice), what, JSON.stringify(command));
  assertEquals([log.state.get("p:t"), log.state.get("q"), log.state.size], [undefined, undefined, 3]);
  const reader = log.add("reader", "read:p:");
  assertEquals(log.do({ type: "OpenSession", ttlMs: 5_000 }, reader), "the right to write some keys is missing");
  assertEquals(log.do({ type: "KeepAlive", session: 1 }, reader), "the right to write some keys is missing");
});

Deno.test("a change of rights holds from its entry on, for the login that there is", () => {
  const log = new Log();
  const alice = log.add("alice", "both:p:");
  const put: Command = { type: "Put", key: "p:a", value: "v" };
  assertEquals(log.do(put, alice), "Put");
  assertEquals(log.do(changeOf("alice", { revoked: rightsOf("write:p:") })), "Reply");
  assertEquals([log.do(put, alice), log.rights("alice")], ['the right to write "p:a" is missing', "r2:p:"]);
  assertEquals(log.do(changeOf("alice", { granted: rightsOf("write:") })), "Reply");
  assertEquals([log.do(put, alice), log.rights("alice")], ["Put", "w0:r2:p:"]);
  assertEquals(log.do(setUser("alice", { rule: "Change", hash: hashOf(3) })), "Reply");
  assertEquals(
    [log.do(put, alice), log.rights("alice")],
    ["NotLoggedIn", "w0:r2:p:"],
    "a new password leaves the rights",
  );
});

Deno.test("what is revoked is gone, or nothing is changed", () => {
  const rows: readonly (readonly [before: Rights, revoked: Rights, after: string])[] = [
    [rightsOf("both:p:"), rightsOf("read:p:"), "w2:p:"],
    [rightsOf("both:p:"), rightsOf("both:p:"), ""],
    [rightsOf("both:p:a", "read:p:b", "read:q"), rightsOf("read:p:"), "w3:p:ar1:q"],
    [rightsOf("both:p:"), rightsOf("read:p:a"), "WiderRight"],
    [rightsOf("read:", "read:p:"), rightsOf("read:p:"), "WiderRight"],
    [rightsOf("read:p:"), rightsOf("write:p:"), "NoSuchRight"],
    [rightsOf("read:p:"), rightsOf("read:q:"), "NoSuchRight"],
    [rightsOf("read:p:"), rightsOf("both:p:"), "NoSuchRight"],
    [rightsOf("read:p:"), ADMIN, "NoSuchRight"],
    [ADMIN, rightsOf("read:p:"), "WiderRight"],
    [rightsOf("admin", "read:p:"), ADMIN, "r2:p:"],
    [rightsOf("admin", "read:p:"), rightsOf("admin", "read:p:"), ""],
  ];
  for (const [before, revoked, after] of rows) {
    const rights = changeRights(before, { revoked, granted: NO_RIGHTS });
    assertEquals(
      typeof rights === "string" ? rights : writeRights(rights),
      after,
      `${writeRights(before)} - ${writeRights(revoked)}`,
    );
  }
  assertEquals(changeRights(rightsOf("admin"), { revoked: "All", granted: rightsOf("read:") }), rightsOf("read:"));
});

Deno.test("the first user is an administrator, and somebody always is", () => {
  const log = new Log(emptyState());
  const none = { revoked: NO_RIGHTS, granted: NO_RIGHTS };
  assertEquals(log.do(changeOf("root", { revoked: ADMIN })), "LastAdmin");
  assertEquals(log.do(changeOf("root", { revoked: "All" })), "LastAdmin");
  assertEquals(log.do(setUser("alice", { change: none })), "Reply");
  assertEquals([log.rights("alice"), log.do(removeUser("root"))], ["", "LastAdmin"]);
  assertEquals(log.do(changeOf("alice", { granted: ADMIN })), "Reply");
  assertEquals([log.do(changeOf("root", { revoked: ADMIN })), log.rights("root")], ["Reply", ""]);
  assertEquals(log.do(changeOf("nobody", {})), "the right admin is missing");
  const empty = emptyState();
  const first = (change: Parameters<typeof changeOf>[1]) => {
    const full = { revoked: NO_RIGHTS, granted: NO_RIGHTS, ...change };
    return empty.apply(empty.lastApplied + 1, spanOf(encodeCommand(setUser("first", { change: full }))));
  };
  const refused = first({ granted: rightsOf("read:") });
  assertEquals(refused.type === "Refused" && refused.reason, "LastAdmin");
  assertEquals([first({}).type, empty.users.find("first")?.rights.isAdmin], ["Reply", true]);
});

Deno.test("rights have bounds, count for memory, and are read back as they were written and in no other form", () => {
  const grant = (at: number) => ({
    prefix: String.fromCharCode(at).padEnd(GRANT_PREFIX_BYTES_MAX, "x"),
    read: true,
    write: true,
  });
  const most = Array.from({ length: GRANTS_MAX }, (_, at) => grant(at));
  const rights = makeRights(false, most);
  assert(rights !== undefined);
  assertEquals(readRights(writeRights(rights)), rights);
  assertEquals(makeRights(false, [...most, grant(200)]), undefined);
  assertEquals(makeRights(false, [{ ...grant(1), prefix: "x".repeat(GRANT_PREFIX_BYTES_MAX + 1) }]), undefined);
  assertEquals(makeRights(false, [{ prefix: "", read: false, write: false }]), undefined);
  for (const text of ["", "a", "ar0:", "r0:", "w1:\x00b3:a:b"]) {
    assertEquals(writeRights(readRights(text) ?? ADMIN), text);
  }
  for (const text of ["x", "aa", "r", "r1:", "x1:a", "r1:br1:a", "r1:aw1:a", "r0:z", " "]) {
    assertEquals(readRights(text), undefined, text);
  }
  const log = new Log();
  log.add("alice");
  const before = log.state.heldBytes;
  assertEquals(log.do(changeOf("alice", { granted: rights })), "Reply");
  assertEquals(log.state.heldBytes - before, RIGHTS_BYTES_MAX);
  assertEquals(log.do(changeOf("alice", { granted: rightsOf("read:more") })), "TooManyGrants");
  log.do(removeUser("alice"));
  log.add("bob");
  assertEquals(log.state.heldBytes, before);
});

Deno.test("lists show what may be read, also inside of transactions, and name no other key", () => {
  const log = new Log();
  for (const key of ["a", "p:1", "p:2", "q", "r:1", "r:sub:1", "z"]) log.do({ type: "Put", key, value: `v${key}` });
  const shown = shownBy(rightsOf("read:p:", "read:r:", "read:r:sub:", "write:q"));
  assertEquals(shown, ["p:", "r:"]);
  const read = (...call: readonly string[]) =>
    log.state.read(call, { random: () => 0.99, ...shown === undefined ? {} : { shown } });
  const all = ["p:1", "p:2", "r:1", "r:sub:1"];
  assertEquals(read("KEYS", "*"), all);
  assertEquals(read("KEYS", "p*"), ["p:1", "p:2"]);
  assertEquals(read("KEYS", "q"), []);
  assertEquals(read("RANGE", "p:2", "s", "KEYS"), ["p:2", "r:1", "r:sub:1"]);
  assertEquals(read("RANGE", "", "", "LIMIT", "1"), ["p:1", "vp:1"]);
  assertEquals(read("PREFIX", "", "KEYS"), all);
  assertEquals(read("PREFIX", "r:s"), ["r:sub:1", "vr:sub:1"]);
  assertEquals(read("PREFIX", "z"), []);
  const scanned: unknown[] = [];
  let cursor = "0";
  for (let calls = 0; calls === 0 || cursor !== "0"; calls++) {
    assert(calls < 10);
    const page: unknown = read("SCAN", cursor, "COUNT", "1");
    assert(Array.isArray(page) && Array.isArray(page[1]));
    cursor = String(page[0]);
    scanned.push(...page[1]);
  }
  assertEquals(scanned, all);
  for (let at = 0; at < 20; at++) {
    const drawn = log.state.read(["RANDOMKEY"], { random: () => at / 20, shown: ["q", "z"] });
    assert(drawn === "q" || drawn === "z", String(drawn));
  }
  assertEquals(log.state.read(["RANDOMKEY"], { random: () => 0.5, shown: [] }), null);
  assertEquals(log.state.read(["KEYS", "*"], { random: () => 0.5, shown: [] }), []);
  assertEquals(log.state.read(["KEYS", "*"], { random: () => 0.5, shown: shownBy(rightsOf("read:")) }), [
    ...["a", "p:1", "p:2", "q", "r:1", "r:sub:1", "z"],
  ]);
  const alice = log.add("alice", "both:p:");
  const then = [["KEYS", "*"], ["SET", "p:1", "new"], ["RANDOMKEY"]];
  const result = log.apply({ type: "Transaction", compares: [], then, otherwise: [] }, alice);
  assert(result.type === "Transaction");
  assertEquals(result.replies[0], ["p:1", "p:2"]);
  assert(["p:1", "p:2"].includes(String(result.replies[2])));
});

Deno.test("what a session answered is not shown to one who may read less", () => {
  const log = new Log();
  const alice = log.add("alice", "both:p:", "read:q:");
  log.do({ type: "Put", key: "q:secret", value: "v" });
  const opened = log.apply({ type: "OpenSession", ttlMs: 60_000 }, alice);
  assert(opened.type === "Reply" && typeof opened.reply === "number");
  const session = (sequence: number) => ({ id: Number(opened.type === "Reply" && opened.reply), sequence });
  const listing: Command = {
    type: "Transaction",
    compares: [],
    then: [["KEYS", "*"], ["SET", "p:a", "v"]],
    otherwise: [],
  };
  const first = log.apply(listing, alice, session(1));
  assert(first.type === "Transaction");
  assertEquals(first.replies[0], ["q:secret"]);
  assertEquals(log.apply(listing, alice, session(1)), first);
  const incr = callOf("INCR", "p:n");
  const counted = log.apply(incr, alice, session(2));
  log.do(changeOf("alice", { revoked: rightsOf("read:q:") }));
  assertEquals(log.do(listing, alice, session(1)), "SequenceReused");
  assertEquals(log.apply(incr, alice, session(2)), counted, "what names its keys is what it was");
  log.do(changeOf("alice", { revoked: rightsOf("read:p:") }));
  assertEquals(log.do(incr, alice, session(2)), 'the right to read "p:n" is missing');
});

Deno.test("what a session showed of every key is no answer for one who may read none", () => {
  const log = new Log();
  const writer = log.add("writer", "write:w:");
  log.do({ type: "Put", key: "secret", value: "v" });
  const opened = log.apply({ type: "OpenSession", ttlMs: 60_000 });
  const session = { id: Number(opened.type === "Reply" && opened.reply), sequence: 1 };
  const listing: Command = {
    type: "Transaction",
    compares: [],
    then: [["SET", "w:a", "v"], ["KEYS", "*"]],
    otherwise: [],
  };
  assertEquals(log.do(listing, ROOT, session), "Transaction");
  assertEquals(log.do(listing, writer, session), "SequenceReused");
});

Deno.test("a cursor of SCAN does not tell whether a key is there that may not be read", () => {
  const log = new Log();
  for (const key of ["a:1", "a:2", "secret:1"]) log.do({ type: "Put", key, value: "v" });
  const scan = (cursor: number, shown: Shown) =>
    log.state.read(["SCAN", String(cursor), "COUNT", "1"], { random: () => 0.5, shown });
  const [there, absent] = [cursorOf("secret:1"), cursorOf("secret:2")];
  assertEquals(scan(there, ["a:"]), scan(absent, ["a:"]));
  // What a node remembers of the scans of others is not told either.
  assertEquals(scan(0, undefined), [String(cursorOf("a:1")), ["a:1"]]);
  assertEquals(scan(cursorOf("a:1"), undefined), [String(cursorOf("a:2")), ["a:2"]]);
  assertEquals(scan(cursorOf("a:2"), ["a:1"]), ["0", ["a:1"]]);
});

Deno.test("rights go through snapshots and forced recoveries; who has none written is an administrator", () => {
  const log = new Log();
  const alice = log.add("alice", "both:p:", "read:\x00\xff");
  const before = log.state.digest;
  {
    const state = stateOf(blocksOf(log.state));
    assert(state !== undefined);
    assertEquals([state.digest, state.users.find("alice")?.rights], [before, log.state.users.find("alice")?.rights]);
    assertEquals(state.users.find("root")?.rights, ADMIN);
    const copy = new Log(state);
    assertEquals(copy.do({ type: "Put", key: "q", value: "v" }, alice), 'the right to write "q" is missing');
    assertEquals(copy.do({ type: "Put", key: "p:a", value: "v" }, alice), "Put");
  }
  const cut = log.state.cut();
  const raised = stateOf(
    [...raisedBlocks(cut, { by: 100, keepsSessions: false, keepsDeadlines: true })].map((block) => block.slice()),
  );
  cut.close();
  assertEquals(raised?.users.find("alice")?.rights, rightsOf("both:p:", "read:\x00\xff"));
  log.do(changeOf("alice", { granted: rightsOf("write:r:") }));
  assert(log.state.digest !== before, "the digest tells of rights");
  const many = new Log();
  for (let at = 0; at < 999; at++) {
    many.add(
      `user${at}`,
      ...Array.from({ length: 4 }, (_, prefix) => `read:${prefix}`.padEnd(200, "x")),
    );
  }
  assertEquals(stateOf(blocksOf(many.state))?.digest, many.state.digest);
});

Deno.test("commands about users are read back whole, those from before there were rights as they were", () => {
  const command = changeOf("alice", { revoked: "All", granted: rightsOf("read:p:") });
  assertEquals(encodeCommand(command), "1;U6:Change5:alice0:1:*5:r2:p:");
  assertEquals(describeCommand(encodeCommand(command)), 'SET USER "alice" without the rights of before with read "p:"');
  assertEquals(describeCommand(stampCommand(encodeCommand(setUser("root")), 5)), 'SET USER "root"');
  for (
    const bad of [
      "1;U6:Change5:alice0:1:*",
      "1;U6:Change5:alice0:1:*1:x",
      "1;U6:Change5:alice0:1:?0:",
      "1;U6:Change5:alice0:0:0:0:",
    ]
  ) {
    assertEquals(describeCommand(bad).startsWith("(unreadable"), true, bad);
  }
  const result = { type: "Forbidden", revision: 3, missing: { right: "read", prefix: "p" } } as const;
  assertEquals(resultFromJson(resultToJson(result)), result);
  const admin = { type: "Forbidden", revision: 3, missing: { right: "admin", prefix: undefined } } as const;
  assertEquals(resultFromJson(JSON.parse(JSON.stringify(resultToJson(admin)))), admin);
  assertEquals(resultFromJson({ ...result, missing: { right: "all" } }), undefined);
  assert(mayUse(ADMIN, { right: "read", prefix: "" }) && !mayUse(NO_RIGHTS, { right: "read", prefix: "" }));
});
