/** Sessions of users: who may use which, through passwords, removals, snapshots and recoveries. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { type Command, decodeCommand, encodeCommand, type SessionUse, stampCommand } from "../../../lib/kv/commands.ts";
import { raisedBlocks } from "../../../lib/kv/raised_blocks.ts";
import { type CommandResult, resultFromJson, resultToJson } from "../../../lib/kv/results.ts";
import { NO_RIGHTS } from "../../../lib/kv/rights.ts";
import type { StateMachine } from "../../../lib/kv/state_machine.ts";
import { blocksOf, emptyState, spanOf, stateOf } from "../../support/state.ts";
import { addToken } from "../../support/tokens.ts";
import { hashOf, removeUser, rightsOf, setUser } from "../../support/users.ts";

const NOW_MS = 1_700_000_000_000;
const TTL_MS = 60_000;
const ROOT = 1;
const OPEN: Command = { type: "OpenSession", ttlMs: TTL_MS, isOwned: true };
const INCR: Command = { type: "Call", call: ["INCR", "n"] };

/** A log whose first entries make root, an administrator, and then alice and bob, who may read and write everything. */
class Log {
  readonly state: StateMachine;
  nowMs = NOW_MS;

  constructor(state: StateMachine = emptyState()) {
    this.state = state;
    if (state.lastApplied > 0) return;
    this.do(setUser("root"));
    for (const name of ["alice", "bob"]) this.make(name);
  }

  make(name: string): void {
    this.do(setUser(name, { change: { revoked: NO_RIGHTS, granted: rightsOf("both:") } }), ROOT);
  }

  login(name: string): number {
    return this.state.users.find(name)?.login ?? 0;
  }

  apply(command: Command, login = 0, ...[session]: readonly SessionUse[]): CommandResult {
    const encoded = stampCommand(encodeCommand(command, session, login), this.nowMs);
    return this.state.apply(this.state.lastApplied + 1, spanOf(encoded));
  }

  /** The reply, the reason of a refusal, or the kind of another result. */
  do(command: Command, login = 0, ...sessions: readonly SessionUse[]): unknown {
    const result = this.apply(command, login, ...sessions);
    if (result.type === "Reply") return typeof result.reply === "object" ? "OK" : result.reply;
    return result.type === "Refused" ? result.reason : result.type;
  }

  open(login: number): number {
    return Number(this.do(OPEN, login));
  }
}

const keepAlive = (session: number): Command => ({ type: "KeepAlive", session });
const close = (session: number): Command => ({ type: "CloseSession", session });

Deno.test("another user neither uses nor keeps nor ends a session, and gets no answer of it; its owner goes on", () => {
  const log = new Log();
  const [alice, bob] = [log.login("alice"), log.login("bob")];
  const id = log.open(alice);
  assertEquals(log.do(INCR, alice, { id, sequence: 1 }), 1);
  for (const other of [bob, ROOT]) {
    assertEquals(log.do(INCR, other, { id, sequence: 1 }), "ForeignSession", "the same command as the owner's");
    assertEquals(log.do(INCR, other, { id, sequence: 2 }), "ForeignSession");
    assertEquals(log.do(keepAlive(id), other), "ForeignSession");
  }
  assertEquals(log.do(close(id), bob), "ForeignSession");
  assertEquals(log.do(INCR, alice, { id, sequence: 1 }), 1, "its first answer");
  assertEquals(log.do(INCR, alice, { id, sequence: 2 }), 2, "the number is free still");
  assertEquals([log.do(keepAlive(id), alice), log.do(close(id), alice)], ["OK", "OK"]);
  assertEquals(log.do(keepAlive(id), bob), "NoSession", "one that is not open is nobody's");
});

Deno.test("nothing that another user sends lets a session live longer", () => {
  const log = new Log();
  const [alice, bob] = [log.login("alice"), log.login("bob")];
  const id = log.open(alice);
  log.nowMs += TTL_MS - 1;
  assertEquals(log.do(INCR, bob, { id, sequence: 1 }), "ForeignSession");
  assertEquals(log.do(keepAlive(id), ROOT), "ForeignSession");
  log.nowMs += 1;
  assertEquals(log.do(INCR, alice, { id, sequence: 1 }), "NoSession");
});

Deno.test("an administrator ends the session of anybody", () => {
  const log = new Log();
  const id = log.open(log.login("alice"));
  assertEquals([log.do(close(id), ROOT), log.state.sessions], ["OK", 0]);
});

Deno.test("a new password keeps the sessions of a user; one of the same name who was made later has none of them", () => {
  const log = new Log();
  const id = log.open(log.login("alice"));
  assertEquals(log.do(INCR, log.login("alice"), { id, sequence: 1 }), 1);
  assertEquals(log.do(setUser("alice", { hash: hashOf(2) }), ROOT), "OK");
  assertEquals(log.do(INCR, log.login("alice"), { id, sequence: 1 }), 1);
  const later = log.open(log.login("alice"));
  assertEquals([log.do(keepAlive(later), log.login("alice")), log.do(close(later), log.login("alice"))], ["OK", "OK"]);
  assertEquals(log.do(removeUser("alice"), ROOT), "OK");
  log.make("alice");
  const other = log.login("alice");
  assertEquals(log.do(INCR, other, { id, sequence: 1 }), "ForeignSession");
  assertEquals([log.do(keepAlive(id), other), log.do(close(id), other)], ["ForeignSession", "ForeignSession"]);
  assertEquals(log.state.sessions, 1);
  log.nowMs += TTL_MS;
  assertEquals([log.do({ type: "Advance" }), log.state.sessions], ["OK", 0], "it ends in its time");
});

Deno.test("a token of a user uses his sessions, and he those that it opened", () => {
  const log = new Log();
  const alice = log.login("alice");
  assertEquals(log.do(addToken("alice", "ci"), alice), 0);
  const token = log.state.lastApplied;
  const own = log.open(alice);
  const ofToken = log.open(token);
  assertEquals(log.do(INCR, alice, { id: own, sequence: 1 }), 1);
  assertEquals(log.do(INCR, token, { id: own, sequence: 1 }), 1);
  assertEquals(log.do(INCR, alice, { id: ofToken, sequence: 1 }), 2);
  assertEquals(log.do(INCR, log.login("bob"), { id: ofToken, sequence: 1 }), "ForeignSession");
});

Deno.test("a session of nobody is used by whoever may write, as before sessions had owners", () => {
  const log = new Log(emptyState());
  const earlier = Number(log.do({ type: "OpenSession", ttlMs: TTL_MS }, log.login("alice")));
  assertEquals(log.do(INCR, log.login("alice"), { id: earlier, sequence: 1 }), 1);
  assertEquals(log.do(INCR, log.login("bob"), { id: earlier, sequence: 1 }), 1);
  assertEquals([log.do(keepAlive(earlier), log.login("bob")), log.do(close(earlier), log.login("bob"))], ["OK", "OK"]);
  const open = emptyState();
  const first = open.apply(1, spanOf(encodeCommand(OPEN)));
  assertEquals(first, { type: "Reply", revision: 1, reply: 1 });
  open.apply(2, spanOf(encodeCommand(setUser("root"))));
  assertEquals(open.apply(3, spanOf(encodeCommand(keepAlive(1), undefined, 2))).type, "Reply");
});

Deno.test("whose a session is counts in the digest, and goes through snapshots and raised states", () => {
  const log = new Log();
  const [alice, bob] = [log.login("alice"), log.login("bob")];
  const id = log.open(alice);
  log.do(INCR, alice, { id, sequence: 1 });
  const twin = new Log();
  assertEquals(twin.open(bob), id);
  twin.do(INCR, bob, { id, sequence: 1 });
  assertNotEquals(twin.state.digest, log.state.digest);
  const raised = () => {
    const cut = log.state.cut();
    const raising = { by: 1_000, keepsSessions: true, keepsDeadlines: true };
    const blocks = Array.from(raisedBlocks(cut, raising), (block) => block.slice());
    cut.close();
    return stateOf(blocks);
  };
  const loaded = stateOf(blocksOf(log.state));
  assertEquals(loaded?.digest, log.state.digest);
  for (const state of [loaded, raised()]) {
    assert(state !== undefined);
    const later = new Log(state);
    assertEquals(later.do(INCR, bob, { id, sequence: 1 }), "ForeignSession");
    assertEquals(later.do(INCR, alice, { id, sequence: 1 }), 1);
  }
});

Deno.test("a snapshot without owners has the blocks of before, and an owner who cannot have opened a session is refused", () => {
  const log = new Log();
  log.do({ type: "OpenSession", ttlMs: TTL_MS }, log.login("alice"));
  const own = log.open(log.login("alice"));
  const blocks = blocksOf(log.state);
  const text = bytesToString(blocks.at(-1) ?? new Uint8Array());
  const expiresAt = NOW_MS + TTL_MS;
  const owned = `[5,${TTL_MS},${expiresAt},0,[],2]`;
  assertEquals(text, `{"sessions":[[4,${TTL_MS},${expiresAt},0,[]],${owned}]}`);
  const loads = (session: string) =>
    stateOf([...blocks.slice(0, -1), stringToBytes(text.replace(owned, session))]) !== undefined;
  assertEquals([own, loads(owned)], [5, true]);
  for (const owner of ["5", "6", "-1", "1.5", '"2"', "null", "2,2"]) {
    assertEquals(loads(`[5,${TTL_MS},${expiresAt},0,[],${owner}]`), false, owner);
  }
});

Deno.test("an owned session has a letter of its own, which nobody's command has", () => {
  const encoded = encodeCommand(OPEN, undefined, 7);
  assertEquals([encoded, decodeCommand(encoded)?.command], [`1u7;S${TTL_MS}:`, OPEN]);
  assertEquals([encodeCommand(OPEN), decodeCommand(`1;S${TTL_MS}:`)], [`1;O${TTL_MS}:`, undefined]);
  assertEquals(decodeCommand(`1u0;S${TTL_MS}:`), undefined);
  const refused: CommandResult = { type: "Refused", revision: 3, reason: "ForeignSession" };
  assertEquals(resultFromJson(resultToJson(refused)), refused, "as it is kept, and passed on between nodes");
});
