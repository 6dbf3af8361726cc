/** Logins by token: who comes in, as whom, for how long, and what is told and recorded of it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Gate, type LoginOutcome, type Visitor } from "../../../lib/access/gate.ts";
import { HASHES_AT_ONCE, HASHES_WAITING_MAX } from "../../../lib/access/hash_queue.ts";
import type { Login } from "../../../lib/access/login.ts";
import { FIRST_DELAY_MS, FREE_FAILURES } from "../../../lib/access/login_delays.ts";
import { connectionTo } from "../../../lib/access/node_pass.ts";
import { hashPassword, passwordProblem } from "../../../lib/access/passwords.ts";
import { RequestRates } from "../../../lib/access/request_rates.ts";
import { addToken as askForToken, removeToken as revoke } from "../../../lib/access/token_changes.ts";
import { hashSecret, isSecret, makeSecret, readToken, TOKEN_USER, writeToken } from "../../../lib/access/tokens.ts";
import { UserNode } from "../../../lib/access/user_node.ts";
import type { Command } from "../../../lib/kv/commands.ts";
import { NEVER } from "../../../lib/kv/tokens.ts";
import { isUserName } from "../../../lib/kv/users.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import type { AuditEvent } from "../../../lib/observe/audit.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { StateNode } from "../../support/state_node.ts";
import { addToken, removeToken, secretOf, tokenOf } from "../../support/tokens.ts";
import { removeUser, setUser } from "../../support/users.ts";

const HERE = "10.0.0.1";
const PASSWORD = "correct horse";
const HASH = await hashPassword(PASSWORD);

/** A node with root, and alice, who has the token ci. */
class Stage {
  readonly node = new StateNode();
  readonly clock = new VirtualClock();
  readonly logged: string[] = [];
  readonly recorded: AuditEvent[] = [];
  readonly gate = new Gate({
    ...{ node: this.node, clock: this.clock, dateMs: () => this.node.timeMs(), secret: "", awaitsUsers: false },
    log: (level, message) => this.logged.push(`${level} ${message}`),
    audit: { record: (event) => this.recorded.push(event) },
  });
  token = "";

  static async open(ttlMs?: number): Promise<Stage> {
    const stage = new Stage();
    await stage.do(setUser("root", { hash: HASH }));
    await stage.do(setUser("alice", { hash: HASH }));
    await stage.do(addToken("alice", "ci", ttlMs === undefined ? {} : { ttlMs }));
    stage.token = tokenOf(stage.node.machine.lastApplied);
    return stage;
  }

  get id(): number {
    return readToken(this.token)?.id ?? -5;
  }

  /** As root. */
  do(command: Command): Promise<WriteOutcome> {
    const login = this.node.users.find("root")?.login ?? 0;
    return new Promise((resolve) => this.node.submit(command, resolve, { login }));
  }

  login(password: string, name = TOKEN_USER, address = HERE): Promise<LoginOutcome> {
    return this.gate.login({ name, password, address, protocol: "redis" });
  }
}

/** As its user, but the login is the token's. */
function loggedIn(stage: Stage): LoginOutcome {
  return { type: "LoggedIn", login: { name: "alice", id: stage.id } };
}

const WRONG: LoginOutcome = { type: "WrongPassword" };

Deno.test("a token is told apart by its form, has 160 random bits, and what is kept of it tells nothing", () => {
  const secrets = Array.from({ length: 100 }, makeSecret);
  assertEquals(new Set(secrets).size, secrets.length);
  for (const secret of secrets) assertMatch(secret, /^[0-9a-f]{40}$/);
  const [secret = ""] = secrets;
  const token = writeToken({ id: 42, secret });
  assertEquals([token, readToken(token)], [`kvs_42_${secret}`, { id: 42, secret }]);
  const hash = hashSecret(secret);
  assertMatch(hash, /^sha256:[0-9a-f]{64}$/);
  assertEquals(hashSecret("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assertEquals([isSecret(secret, hash), isSecret(secrets[1] ?? "", hash), isSecret("", undefined)], [
    true,
    false,
    false,
  ]);
  const none = [
    "",
    "kvs_",
    secret,
    `kvs_0_${secret}`,
    `kvs_042_${secret}`,
    `kvs_-1_${secret}`,
    `${token}0`,
    `${token}\n`,
  ];
  none.push(` ${token}`, token.toUpperCase(), token.slice(0, -1), `kvs_12345678901234567_${secret}`);
  for (const text of none) assertEquals(readToken(text), undefined, text);
  assertEquals(isUserName(TOKEN_USER), false, "nobody can have the name");
  assert(passwordProblem(token) !== undefined, "no password looks like a token");
});

Deno.test("a token comes in as its user, by that name or by none, and nothing else does", async () => {
  const stage = await Stage.open();
  assertEquals(await stage.login(stage.token), loggedIn(stage));
  assertEquals(await stage.login(stage.token, "alice"), loggedIn(stage));
  assertEquals(stage.gate.known({ name: TOKEN_USER, password: stage.token }), { name: "alice", id: stage.id });
  assertEquals(stage.gate.nameOf({ name: "", id: stage.id }), "alice");
  const wrong = [
    [stage.token, "root"],
    [tokenOf(stage.id, 2), TOKEN_USER],
    [tokenOf(stage.id + 1), TOKEN_USER],
    [tokenOf(stage.node.users.find("alice")?.login ?? 0), TOKEN_USER],
    [secretOf(1), TOKEN_USER],
    [PASSWORD, TOKEN_USER],
    [hashSecret(secretOf(1)), TOKEN_USER],
    ["", TOKEN_USER],
  ] as const;
  for (const [at, [password, name]] of wrong.entries()) {
    assertEquals(await stage.login(password, name, `10.0.1.${at}`), WRONG, `${name} ${password}`);
  }
  assertEquals((await stage.login(PASSWORD, "alice")).type, "LoggedIn", "the password goes on");
  assert(stage.logged.every((line) => !/kvs_|horse|alice|[0-9a-f]{40}/.test(line)), stage.logged.join("\n"));
});

Deno.test("a token takes no work of passwords, and comes in while their queue is full of it", async () => {
  const stage = await Stage.open();
  const jobs: (() => void)[] = [];
  for (let at = 0; at < 2; at++) {
    void stage.gate.hashes.run("x", () => new Promise<void>((resolve) => jobs.push(resolve)));
  }
  assertEquals(await stage.login(stage.token), loggedIn(stage));
  assertEquals(await stage.login(tokenOf(stage.id, 2)), WRONG);
  for (const end of jobs) end();
});

Deno.test("wrong tokens are slowed down as wrong passwords are, whether there is one of that id or not", async () => {
  const stage = await Stage.open();
  const address = "10.0.0.9";
  for (let at = 0; at < FREE_FAILURES; at++) {
    assertEquals(await stage.login(tokenOf(at === 0 ? stage.id : 1_000 + at, 2), TOKEN_USER, address), WRONG);
  }
  let outcome: LoginOutcome | undefined;
  void stage.login(stage.token, TOKEN_USER, address).then((found) => outcome = found);
  await stage.clock.advance(FIRST_DELAY_MS - 1);
  assertEquals(outcome, undefined);
  assertEquals(await stage.login(stage.token), loggedIn(stage), "not from elsewhere");
  await stage.clock.advance(1);
  for (let wait = 0; outcome === undefined && wait < 1_000; wait++) await Promise.resolve();
  assertEquals(outcome, loggedIn(stage));
});

Deno.test("what ends a token ends those who have come in with it, and it is not known any more", async () => {
  const ends: readonly (readonly [Command, boolean])[] = [
    [removeToken("alice", "ci"), true],
    [removeUser("alice"), true],
    [setUser("alice", { hash: await hashPassword("battery staple") }), true],
    [removeToken("alice", "other"), false],
    [setUser("root", { hash: HASH }), false],
  ];
  for (const [command, isEnd] of ends) {
    const stage = await Stage.open();
    const { gate } = stage;
    await stage.do(addToken("alice", "other", { digit: 3 }));
    await stage.login(stage.token);
    const login: Login = { name: "alice", id: stage.id };
    let ended = 0;
    const visitor: Visitor = { login, loginEnded: () => ended += 1 };
    gate.enter(visitor);
    await stage.do(command);
    assertEquals([ended, gate.admits(login), gate.admitsToKeys(login)], [isEnd ? 1 : 0, !isEnd, !isEnd], command.type);
    assertEquals(gate.known({ name: TOKEN_USER, password: stage.token }) === undefined, isEnd);
    assertEquals(await stage.login(stage.token), isEnd ? WRONG : loggedIn(stage));
  }
});

Deno.test("a token whose time is over does not come in, though no entry has said so, and the first that says so ends what came in", async () => {
  const stage = await Stage.open(60_000);
  const { gate, node } = stage;
  assertEquals(await stage.login(stage.token), loggedIn(stage));
  let ended = false;
  gate.enter({ login: { name: "alice", id: stage.id }, loginEnded: () => ended = true });
  node.wallClockMs += 59_999;
  assertEquals(gate.known({ name: TOKEN_USER, password: stage.token })?.id, stage.id);
  node.wallClockMs += 1;
  assertEquals(gate.known({ name: TOKEN_USER, password: stage.token }), undefined);
  assertEquals([await stage.login(stage.token), ended], [WRONG, false]);
  await stage.do({ type: "Put", key: "k", value: "v" });
  assertEquals([ended, node.users.findToken(stage.id)], [true, undefined]);
});

Deno.test("a token is asked for and revoked through the node of whoever asks, and told once", async () => {
  const stage = await Stage.open();
  const { gate, node } = stage;
  const login: Login = { name: "alice", id: node.users.find("alice")?.login ?? 0 };
  const own = new UserNode(node, { gate, login });
  const made = await askForToken({ user: "alice", name: "new", ttlMs: 5_000 }, own);
  assert(made.type === "Made");
  assertEquals(made.expiresAt, node.timeMs() + 5_000);
  assertEquals(await stage.login(made.token), { type: "LoggedIn", login: { name: "alice", id: made.revision } });
  const refused = [
    [await askForToken({ user: "alice", name: "new", ttlMs: NEVER }, own), "TokenExists"],
    [await askForToken({ user: "alice", name: "a b", ttlMs: NEVER }, own), "BadToken"],
    [await askForToken({ user: "alice", name: "b", ttlMs: 5 }, own), "BadToken"],
    [await revoke({ user: "alice", name: "none" }, own), "NoSuchToken"],
  ] as const;
  for (const [outcome, reason] of refused) assert(outcome.type === "Refused" && outcome.reason === reason, reason);
  assertEquals((await revoke({ user: "alice", name: "new" }, own)).type, "Done");
  assertEquals(await stage.login(made.token), WRONG);
  const byToken = new UserNode(node, { gate, login: { name: "alice", id: stage.id } });
  const more = await askForToken({ user: "alice", name: "more", ttlMs: NEVER }, byToken);
  assert(more.type === "Refused" && more.reason === "PasswordNeeded");
});

Deno.test("a login by token is recorded with the name of the token, and a wrong one without a word of it", async () => {
  const stage = await Stage.open();
  await stage.login(stage.token);
  await stage.login(tokenOf(stage.id, 2));
  await stage.login(tokenOf(stage.id, 2), "alice");
  await stage.login(PASSWORD, "alice");
  const told = stage.recorded.map((
    { type, user, subject, isAllowed, outcome },
  ) => [type, user, subject, isAllowed, outcome]);
  assertEquals(told, [
    ["Login", "alice", "ci", true, "LoggedIn"],
    ["Login", "", undefined, false, "WrongToken"],
    ["Login", "alice", undefined, false, "WrongToken"],
    ["Login", "alice", undefined, true, "LoggedIn"],
  ]);
  assert(!/kvs_|[0-9a-f]{40}/.test(JSON.stringify(stage.recorded)));
});

Deno.test("what a node passes on for a token holds as long as the token, and its requests count as those of its user", async () => {
  const stage = await Stage.open();
  const { gate, node } = stage;
  const [one, other] = [1, 2].map(() => gate.makePass(connectionTo(node.id), { name: "alice", id: stage.id }));
  assertEquals(gate.pass(one ?? "", connectionTo(node.id)), { name: "", id: stage.id });
  const rates = new RequestRates({ userRequestsPerSecond: 3, connectionRequestsPerSecond: undefined }, node);
  const password: Login = { name: "alice", id: node.users.find("alice")?.login ?? 0 };
  const token: Login = { name: "alice", id: stage.id };
  const refused = [token, password, token, password, token].map((login) => rates.refusalOfUser(login, 0)?.of);
  assertEquals([refused, rates.users], [[undefined, undefined, undefined, "user", "user"], 1]);
  await stage.do(removeToken("alice", "ci"));
  const late = gate.pass(other ?? "", connectionTo(node.id));
  assertEquals([late, gate.admits(token)], [undefined, false]);
  assertEquals(gate.makePass(connectionTo(node.id), token), undefined);
});

Deno.test("a token comes in while passwords fill the line of what is worked on", async () => {
  const stage = await Stage.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  const jobs = Array.from({ length: HASHES_AT_ONCE + HASHES_WAITING_MAX }, (_, at) => {
    return stage.gate.hashes.run(String(at), () => promise);
  });
  assertEquals((await stage.login(PASSWORD, "root")).type, "Busy");
  assertEquals(await stage.login(stage.token), loggedIn(stage));
  resolve();
  await Promise.all(jobs);
});
