/** Tokens in the state: whose they are, what ends them, and through snapshots. */

import { assert, assertEquals } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { hashSecret } from "../../../lib/access/tokens.ts";
import { type Command, decodeCommand, encodeCommand, isAboutUsers, stampCommand } from "../../../lib/kv/commands.ts";
import { CommandGrowth } from "../../../lib/kv/command_growth.ts";
import { describeCommand } from "../../../lib/kv/describe.ts";
import { raisedBlocks } from "../../../lib/kv/raised_blocks.ts";
import { resultFromJson, resultToJson } from "../../../lib/kv/results.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import { NO_RIGHTS } from "../../../lib/kv/rights.ts";
import { NEVER, TOKEN_NAME_BYTES_MAX, TOKEN_TTL_MS, TOKENS_MAX, TOKENS_OF_USER_MAX } from "../../../lib/kv/tokens.ts";
import { blocksOf, emptyState, spanOf, stateOf } from "../../support/state.ts";
import { addToken, removeToken, secretOf } from "../../support/tokens.ts";
import { changeOf, hashOf, removeUser, rightsOf, setUser } from "../../support/users.ts";

const NOW_MS = 1_700_000_000_000;
const PUT: Command = { type: "Put", key: "p:k", value: "v" };
const READER = { revoked: NO_RIGHTS, granted: rightsOf("both:p:") };

/** A log with the administrators root, login 1, and admin, and alice, who may use `p:`. */
class Log {
  state = emptyState();
  readonly root = 1;
  readonly admin = 2;
  readonly alice = 3;

  constructor() {
    this.do(setUser("root"));
    this.do(setUser("admin"), 1);
    this.do(setUser("alice", { change: READER }), 1);
  }

  get last(): number {
    return this.state.lastApplied;
  }

  do(command: Command, login?: number, timeMs?: number): CommandResult {
    const encoded = encodeCommand(command, undefined, login);
    return this.state.apply(this.last + 1, spanOf(timeMs === undefined ? encoded : stampCommand(encoded, timeMs)));
  }

  /** The reason of a refusal, or the type of the result. */
  try(command: Command, login?: number, timeMs?: number): string {
    const result = this.do(command, login, timeMs);
    return result.type === "Refused" ? result.reason : result.type;
  }

  /** Makes a token of alice; its login. */
  token(name: string, ttlMs?: number, timeMs?: number): number {
    assertEquals(this.try(addToken("alice", name, ttlMs === undefined ? {} : { ttlMs }), this.alice, timeMs), "Reply");
    return this.last;
  }

  names(user: string): readonly string[] {
    const { users } = this.state;
    const found = users.find(user);
    return found === undefined ? [] : users.tokensOf(found).map(({ name }) => name);
  }
}

Deno.test("a token has the rights of its user, as they are at each moment, and no others", () => {
  const log = new Log();
  const token = log.token("ci");
  assertEquals(log.state.users.findByLogin(token)?.name, "alice");
  assertEquals(log.state.users.findToken(token), {
    ...{ id: token, owner: log.alice, name: "ci", hash: hashSecret(secretOf(1)), expiresAt: NEVER },
  });
  assertEquals([log.state.users.allows(token), log.state.users.allows(token + 1)], [true, false]);
  const other: Command = { type: "Put", key: "q:k", value: "v" };
  assertEquals([log.try(PUT, token), log.try(other, token), log.try(setUser("more"), token)], [
    "Put",
    "Forbidden",
    "Forbidden",
  ]);
  log.do(changeOf("alice", { revoked: rightsOf("write:p:") }), log.root);
  assertEquals(log.try(PUT, token), "Forbidden");
  log.do(changeOf("alice", { granted: rightsOf("admin") }), log.root);
  assertEquals([log.try(other, token), log.names("alice")], ["Put", ["ci"]]);
});

Deno.test("what is revoked, and what is left of a user who goes or has another password, is nobody's from that entry on", () => {
  const log = new Log();
  const [first, second] = [log.token("first"), log.token("second")];
  assertEquals(log.try(removeToken("alice", "first"), log.alice), "Reply");
  assertEquals([log.try(PUT, first), log.try(PUT, second)], ["NotLoggedIn", "Put"]);
  assertEquals(log.try(removeToken("alice", "first"), log.alice), "NoSuchToken");
  const again = log.token("first");
  assertEquals([log.try(PUT, first), log.try(PUT, again)], ["NotLoggedIn", "Put"], "one of the same name is another");
  log.do(setUser("alice", { hash: hashOf(2), change: { revoked: NO_RIGHTS, granted: NO_RIGHTS } }), log.root);
  assertEquals([log.try(PUT, second), log.try(PUT, again), log.names("alice")], ["NotLoggedIn", "NotLoggedIn", []]);
  assertEquals([second, again].map((id) => log.state.users.findToken(id)), [undefined, undefined], "nothing is left");
  const password = log.state.users.find("alice")?.login ?? 0;
  assertEquals(log.try(addToken("alice", "last"), password), "Reply");
  const last = log.last;
  log.do(removeUser("alice"), log.root);
  assertEquals(log.try(PUT, last), "NotLoggedIn");
  log.do(setUser("alice", { change: READER }), log.root);
  assertEquals([log.try(PUT, last), log.names("alice"), log.state.users.findToken(last)], [
    "NotLoggedIn",
    [],
    undefined,
  ]);
});

Deno.test("a token ends with the first entry whose time is its end, and asks for one", () => {
  const log = new Log();
  const token = log.token("ci", 5_000, NOW_MS);
  const later = log.token("later", 60_000);
  log.token("never");
  const { users } = log.state;
  assertEquals([users.findToken(token)?.expiresAt, log.state.nextDeadline], [NOW_MS + 5_000, NOW_MS + 5_000]);
  const before = users.revision;
  assertEquals([log.try(PUT, token, NOW_MS + 4_999), users.revision], ["Put", before]);
  assertEquals(log.try(PUT, token, NOW_MS + 5_000), "NotLoggedIn");
  assertEquals([users.revision, log.state.nextDeadline], [log.last, NOW_MS + 60_000], "who listens hears of it");
  assertEquals([log.names("alice"), log.try(PUT, later)], [["later", "never"], "Put"]);
  log.do({ type: "Advance" }, 0, NOW_MS + TOKEN_TTL_MS.most);
  assertEquals([log.names("alice"), log.try(PUT, later), log.state.nextDeadline], [
    ["never"],
    "NotLoggedIn",
    undefined,
  ]);
});

Deno.test("a user looks after his own tokens, an administrator after everybody's, and a token makes none", () => {
  const log = new Log();
  const token = log.token("ci");
  const tries: readonly (readonly [Command, number, string])[] = [
    [addToken("alice", "own"), log.alice, "Reply"],
    [addToken("alice", "given"), log.admin, "Reply"],
    [addToken("root", "stolen"), log.alice, "Forbidden"],
    [addToken("nobody", "x"), log.alice, "Forbidden"],
    [removeToken("root", "x"), log.alice, "Forbidden"],
    [addToken("alice", "more"), token, "PasswordNeeded"],
    [addToken("root", "more"), token, "Forbidden"],
    [removeToken("alice", "own"), token, "Reply"],
    [removeToken("alice", "given"), log.admin, "Reply"],
    [addToken("alice", "x"), 0, "NotLoggedIn"],
    [addToken("nobody", "x"), log.root, "NoSuchUser"],
    [removeToken("nobody", "x"), log.root, "NoSuchUser"],
  ];
  for (const [command, login, outcome] of tries) {
    assertEquals(log.try(command, login), outcome, JSON.stringify(command));
  }
  assertEquals(log.names("alice"), ["ci"]);
  log.do(changeOf("alice", { granted: rightsOf("admin") }), log.root);
  assertEquals(log.try(addToken("root", "more"), token), "PasswordNeeded", "whose token it would be");
  assertEquals(new Log().state.users.size, 3);
  const empty = emptyState();
  const result = empty.apply(1, spanOf(encodeCommand(addToken("root", "x"))));
  assertEquals(result, { type: "Refused", revision: 1, reason: "NoSuchUser" });
});

Deno.test("names are unique for a user, lives are bounded, and nothing wrong is ever kept", () => {
  const log = new Log();
  const { least, most } = TOKEN_TTL_MS;
  const long = "a".repeat(TOKEN_NAME_BYTES_MAX);
  const tries: readonly (readonly [Command, string])[] = [
    [addToken("alice", "ci"), "Reply"],
    [addToken("alice", "ci"), "TokenExists"],
    [addToken("root", "ci"), "Reply"],
    [addToken("alice", long), "Reply"],
    ...["", "a b", "a/b", ".a", "a\n", "\xe4", `${long}a`].map((name) =>
      [addToken("alice", name), "BadToken"] as const
    ),
    ...["", "sha256:", hashSecret("x").slice(1), `${hashSecret("x")}0`, hashOf(1)].map((hash) =>
      [addToken("alice", "x", { hash }), "BadToken"] as const
    ),
    [addToken("alice", "x", { ttlMs: least - 1 }), "BadToken"],
    [addToken("alice", "x", { ttlMs: most + 1 }), "BadToken"],
    [addToken("alice", "x", { ttlMs: least }), "Reply"],
    [addToken("alice", "y", { ttlMs: most }), "Reply"],
  ];
  for (const [command, outcome] of tries) assertEquals(log.try(command, log.root), outcome, JSON.stringify(command));
  assertEquals(log.names("alice"), [long, "ci", "x", "y"]);
});

Deno.test("there are no more tokens than may be, of one user and in all, and each takes memory that is asked for before", () => {
  const log = new Log();
  const before = log.state.heldBytes;
  for (let at = 0; at < TOKENS_OF_USER_MAX; at++) log.token(`t${at}`);
  assertEquals(log.try(addToken("alice", "more"), log.alice), "TooManyTokens");
  assertEquals(log.try(removeToken("alice", "t3"), log.alice), "Reply");
  const growth = new CommandGrowth();
  growth.read(encodeCommand(addToken("alice", "more"), undefined, log.alice));
  const held = log.state.heldBytes;
  log.token("more");
  assertEquals([growth.bytes >= log.state.heldBytes - held, log.state.heldBytes - before >= 16 * 100], [true, true]);
  for (let user = 1; user * TOKENS_OF_USER_MAX < TOKENS_MAX; user++) {
    log.do(setUser(`u${user}`), log.root);
    for (let at = 0; at < TOKENS_OF_USER_MAX; at++) log.do(addToken(`u${user}`, `t${at}`), log.root);
  }
  assertEquals(log.try(addToken("root", "more"), log.root), "TooManyTokens");
  log.do(removeUser("u1"), log.root);
  assertEquals(log.try(addToken("root", "more"), log.root), "Reply");
  const loaded = stateOf(blocksOf(log.state));
  assertEquals(loaded?.digest, log.state.digest, "all of them go through a snapshot");
});

Deno.test("tokens go through snapshots and forced recoveries, and the digest tells every difference in them", () => {
  const log = new Log();
  const blocks = blocksOf(log.state).length;
  const digests = [log.state.digest];
  const token = log.token("ci", 60_000, NOW_MS);
  digests.push(log.state.digest);
  log.token("more");
  digests.push(log.state.digest);
  const one = { name: "ci", digit: 1, ttlMs: 60_000 };
  for (const each of [one, { ...one, name: "other" }, { ...one, digit: 2 }, { ...one, ttlMs: 60_001 }]) {
    const other = new Log();
    other.do(addToken("alice", each.name, each), other.alice);
    digests.push(other.state.digest);
  }
  assertEquals([new Set(digests).size, blocksOf(log.state).length], [digests.length, blocks + 1]);
  const loaded = stateOf(blocksOf(log.state));
  assertEquals([loaded?.digest, loaded?.users.findToken(token)], [log.state.digest, log.state.users.findToken(token)]);
  assert(loaded !== undefined);
  const cut = log.state.cut();
  const raised = stateOf(
    Array.from(raisedBlocks(cut, { by: 1_000, keepsSessions: false, keepsDeadlines: true }), (block) => block.slice()),
  );
  cut.close();
  assertEquals(raised?.users.findToken(token), log.state.users.findToken(token));
  log.state = loaded;
  assertEquals([log.try(PUT, token), log.try(PUT, token, NOW_MS + 60_000)], ["Put", "NotLoggedIn"]);
  assertEquals(log.try(addToken("alice", "more"), log.alice), "TokenExists");
});

Deno.test("a block of tokens that cannot be is refused", () => {
  const head = '{"format":5,"lastApplied":9,"timeMs":5}';
  const users = { users: [["root", 3, 2, hashOf(1)], ["other", 5, 5, hashOf(1)]] };
  const loads = (...tokens: readonly unknown[]) =>
    stateOf(
      [head, JSON.stringify(users), ...tokens.map((each) => JSON.stringify({ tokens: each }))].map(stringToBytes),
    ) !==
      undefined;
  const hash = hashSecret("x");
  const token = [7, 3, "ci", hash, 0];
  assertEquals(loads([token, [8, 3, "more", hash, 9]], [[9, 5, "ci", hash, 0]]), true);
  const refused: readonly unknown[] = [
    "ci",
    [token.slice(0, 4)],
    [[...token, 1]],
    [[10, 3, "ci", hash, 0]],
    [[3, 3, "ci", hash, 0]],
    [[5, 3, "ci", hash, 0]],
    [[2, 3, "ci", hash, 0]],
    [[7, 4, "ci", hash, 0]],
    [[7, 3, "c i", hash, 0]],
    [[7, 3, "ci", "hash", 0]],
    [[7, 3, "ci", hash, -1]],
    [[7.5, 3, "ci", hash, 0]],
    [[7, 3, 1, hash, 0]],
    [token, token],
    [token, [8, 3, "ci", hash, 0]],
    [token, [7, 5, "ci", hash, 0]],
  ];
  for (const tokens of refused) assertEquals(loads(tokens), false, JSON.stringify(tokens));
});

Deno.test("commands of tokens are read as they were written, wait for the level of users, and tell people nothing of a secret", () => {
  const commands = [addToken("alice", "ci", { ttlMs: 5_000 }), removeToken("alice", "ci")];
  for (const command of commands) {
    const encoded = encodeCommand(command, undefined, 7);
    assertEquals(decodeCommand(encoded), { command, timeMs: undefined, session: undefined, login: 7 });
    assertEquals([isAboutUsers(encoded), decodeCommand(`${encoded}1:x`)], [true, undefined]);
  }
  assertEquals(commands.map((command) => describeCommand(encodeCommand(command))), [
    'ADD TOKEN "ci" OF USER "alice"',
    'REMOVE TOKEN "ci" OF USER "alice"',
  ]);
  const refusals = ["TokenExists", "NoSuchToken", "TooManyTokens", "BadToken", "PasswordNeeded"] as const;
  for (const reason of refusals) {
    const result: CommandResult = { type: "Refused", revision: 5, reason };
    assertEquals(resultFromJson(resultToJson(result)), result);
  }
});
