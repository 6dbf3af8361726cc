/** Who comes in: logins, what is remembered of them, what ends with them, and the first user. */

import { assert, assertEquals } from "@std/assert";
import { FirstUserProposer } from "../../../lib/access/first_user.ts";
import { Gate, type LoginOutcome, LOGINS_PER_ADDRESS_MAX, type Visitor } from "../../../lib/access/gate.ts";
import { HASHES_AT_ONCE } from "../../../lib/access/hash_queue.ts";
import { LAUNCHER, type Login, loginId, NotLoggedInError } from "../../../lib/access/login.ts";
import { FREE_FAILURES } from "../../../lib/access/login_delays.ts";
import { connectionTo, makePass } from "../../../lib/access/node_pass.ts";
import { hashPassword } from "../../../lib/access/passwords.ts";
import { changeUser } from "../../../lib/access/user_changes.ts";
import { UserNode } from "../../../lib/access/user_node.ts";
import { type Command, encodeCommand } from "../../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import type { AuditEvent } from "../../../lib/observe/audit.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { spanOf } from "../../support/state.ts";
import type { Span } from "../../../lib/store/span.ts";
import { StateNode } from "../../support/state_node.ts";
import { removeUser, setUser } from "../../support/users.ts";

const SECRET = "a secret of the launcher";
const PASSWORD = "correct horse";
const HERE = "10.0.0.1";
/** Worked out once: it takes a while. */
const HASH = await hashPassword(PASSWORD);
const STAPLE = await hashPassword("battery staple");

/** Lets microtasks run until something holds, which it must soon. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !condition(); turn++) await Promise.resolve();
  assert(condition(), "What was waited for does not come");
}

/** A node with a gate before it. */
class Stage {
  readonly node = new StateNode();
  readonly clock = new VirtualClock();
  readonly logged: string[] = [];
  /** That of the machine; undefined for the time of the cluster. */
  dateMs: number | undefined;
  readonly gate: Gate;

  constructor({ awaitsUsers = false } = {}) {
    this.gate = new Gate({
      node: this.node,
      clock: this.clock,
      dateMs: () => this.dateMs ?? this.node.timeMs(),
      log: (level, message) => this.logged.push(`${level} ${message}`),
      secret: "a secret of the cluster",
      launcherSecret: SECRET,
      awaitsUsers,
    });
  }

  do(command: Command, login = 0): Promise<WriteOutcome> {
    return new Promise((resolve) => this.node.submit(command, resolve, { login }));
  }

  /** Makes the user root, with `PASSWORD`. */
  async withRoot(): Promise<Login> {
    await this.do(setUser("root", { hash: HASH }));
    return { name: "root", id: this.node.users.find("root")?.login ?? -5 };
  }

  login(name: string, password = PASSWORD, address = HERE): Promise<LoginOutcome> {
    return this.gate.login({ name, password, address, protocol: "text" });
  }
}

Deno.test("everybody comes in as long as there are no users, and then who is one, with the right password", async () => {
  const stage = new Stage();
  const { gate } = stage;
  assertEquals([gate.admits(undefined), gate.admitsToKeys(undefined)], [true, true]);
  const root = await stage.withRoot();
  assertEquals([gate.admits(undefined), gate.admitsToKeys(undefined)], [false, false]);
  assertEquals([gate.admits(root), gate.admitsToKeys(root)], [true, true]);
  const other = { name: "root", id: root.id + 1 };
  assertEquals([gate.admits(other), gate.admitsToKeys(other)], [false, false]);
  assertEquals(gate.known({ name: "root", password: PASSWORD }), undefined);
  assertEquals(await stage.login("root"), { type: "LoggedIn", login: root });
  assertEquals(gate.known({ name: "root", password: PASSWORD }), root);
  assertEquals(await stage.login("root", "wrong horse"), { type: "WrongPassword" });
  assertEquals(await stage.login("nobody"), { type: "WrongPassword" });
  assertEquals(gate.known({ name: "root", password: "wrong horse" }), undefined);
  assert(stage.logged.every((line) => !line.includes("horse") && !line.includes("root")), stage.logged.join("\n"));
});

Deno.test("where users are awaited nobody comes in before, and a login says that none is known yet", async () => {
  const stage = new Stage({ awaitsUsers: true });
  assertEquals([stage.gate.admits(undefined), stage.gate.admitsToKeys(undefined)], [false, false]);
  assertEquals(await stage.login("root"), { type: "NotReady" });
  await stage.withRoot();
  assertEquals((await stage.login("root")).type, "LoggedIn");
});

Deno.test("the launcher comes in where it has to look, not to keys, and with its pass once; without one nobody does", async () => {
  const stage = new Stage();
  await stage.withRoot();
  const { gate, node } = stage;
  const pass = makePass(SECRET, { subject: connectionTo(node.id), login: LAUNCHER.id, nowMs: node.timeMs() });
  assertEquals(gate.pass(pass, connectionTo(node.id)), LAUNCHER);
  assertEquals(gate.pass(pass, connectionTo(node.id)), undefined);
  const alone = new Gate({
    node,
    clock: stage.clock,
    dateMs: () => node.timeMs(),
    log: () => {},
    secret: "",
    awaitsUsers: false,
  });
  for (const key of ["", "undefined", SECRET]) {
    const made = makePass(key, { subject: connectionTo(node.id), login: LAUNCHER.id, nowMs: node.timeMs() });
    assertEquals(alone.pass(made, connectionTo(node.id)), undefined);
  }
  assertEquals([gate.admits(LAUNCHER), gate.admitsToKeys(LAUNCHER), loginId(LAUNCHER)], [
    true,
    false,
    0,
  ]);
});

Deno.test("nodes with the same users and the same secret take each other's passes for a user, as long as he has that password", async () => {
  const stage = new Stage();
  const root = await stage.withRoot();
  const { node, clock } = stage;
  const gateWith = (secret: string) =>
    new Gate({ node, clock, dateMs: () => 0, log: () => {}, secret, awaitsUsers: false });
  const subject = { to: node.id, method: "DELETE", path: "/v1/cluster/members/1", body: "" };
  const pass = stage.gate.makePass(subject, root) ?? "";
  assertEquals(gateWith("another secret").pass(pass, subject), undefined);
  assertEquals(gateWith("a secret of the cluster").pass(pass, subject)?.id, root.id);
  const late = stage.gate.makePass(subject, root) ?? "";
  await stage.do(setUser("root", { hash: STAPLE }), root.id);
  assertEquals(gateWith("a secret of the cluster").pass(late, subject), undefined);
  assertEquals(stage.gate.makePass(subject, root), undefined);
});

Deno.test("the pass of the launcher holds by the date of the machine, wherever the time of the cluster is", async () => {
  const stage = new Stage();
  await stage.withRoot();
  const { gate, node } = stage;
  const passOf = (nowMs: number) =>
    gate.pass(
      makePass(SECRET, { subject: connectionTo(node.id), login: LAUNCHER.id, nowMs }),
      connectionTo(node.id),
    );
  stage.dateMs = node.timeMs() - 3_600_000;
  assertEquals([passOf(stage.dateMs), passOf(node.timeMs())], [LAUNCHER, LAUNCHER]);
  assertEquals([passOf(stage.dateMs - 61_000), passOf(node.timeMs() - 61_000)], [undefined, undefined]);
  const pass = makePass(SECRET, { subject: connectionTo(node.id), login: LAUNCHER.id, nowMs: stage.dateMs });
  assertEquals(gate.pass(pass, connectionTo(node.id)), LAUNCHER);
  passOf(node.timeMs());
  assertEquals(gate.pass(pass, connectionTo(node.id)), undefined, "a second time");
});

Deno.test("a login asks the leader before it judges, and does without one where there is none", async () => {
  const stage = new Stage();
  await stage.withRoot();
  stage.node.holding = true;
  const outcome = stage.login("root");
  await until(() => stage.node.waiting.length > 0);
  // Another node was told of this meanwhile, and the confirmation brings it.
  stage.node.machine.apply(stage.node.machine.lastApplied + 1, spanOfChange());
  stage.node.release();
  assertEquals(await outcome, { type: "WrongPassword" });
  stage.node.holding = false;
  stage.node.refusal = "NoLeader";
  assertEquals(await stage.login("root"), { type: "WrongPassword" });
  assertEquals((await stage.login("root", "battery staple")).type, "LoggedIn");
});

function spanOfChange(): Span {
  return spanOf(encodeCommand(setUser("root", { hash: STAPLE }), undefined, 1));
}

Deno.test("a change of the users ends what was remembered and who is inside, and nobody else", async () => {
  const stage = new Stage();
  const root = await stage.withRoot();
  await stage.do(setUser("alice", { hash: HASH }), root.id);
  const outcome = await stage.login("alice");
  assert(outcome.type === "LoggedIn");
  const ended: string[] = [];
  const visitor = (name: string, login: Login | undefined): Visitor => ({
    login,
    loginEnded: () => void ended.push(name),
  });
  const left = visitor("left", outcome.login);
  for (const one of [visitor("alice", outcome.login), visitor("root", root), visitor("nobody", undefined), left]) {
    stage.gate.enter(one);
  }
  stage.gate.leave(left);
  await stage.do(setUser("bob", { hash: HASH }), root.id);
  assertEquals(ended, ["nobody"]);
  ended.length = 0;
  await stage.do(setUser("alice", { hash: STAPLE }), root.id);
  assertEquals(ended, ["alice", "nobody"]);
  assertEquals(stage.gate.known({ name: "alice", password: PASSWORD }), undefined);
  assertEquals(await stage.login("alice"), { type: "WrongPassword" });
});

Deno.test("guessing is slowed down for that user from that address, and for nobody else", async () => {
  const stage = new Stage();
  await stage.withRoot();
  for (let failure = 0; failure < FREE_FAILURES; failure++) await stage.login("root", `guess number ${failure}`);
  let isJudged = false;
  const slowed = stage.login("root", "another guess").then((outcome) => {
    isJudged = true;
    return outcome;
  });
  assertEquals((await stage.login("root", PASSWORD, "10.0.0.2")).type, "LoggedIn");
  assertEquals(await stage.login("bob", "guess for bob"), { type: "WrongPassword" });
  assertEquals(isJudged, false);
  // What was right from elsewhere is known, and needs no guess.
  assertEquals((await stage.login("root")).type, "LoggedIn");
  await stage.clock.advance(1_000);
  assertEquals(await slowed, { type: "WrongPassword" });
});

Deno.test("names that can be none count as one, so that no long one is kept", async () => {
  const stage = new Stage();
  await stage.withRoot();
  for (let failure = 0; failure < FREE_FAILURES; failure++) await stage.login("x".repeat(65 + failure));
  let isJudged = false;
  const slowed = stage.login("x y").finally(() => isJudged = true);
  assertEquals((await stage.login("root")).type, "LoggedIn");
  assertEquals((await stage.login("bob")).type, "WrongPassword");
  assertEquals(isJudged, false);
  await stage.clock.advance(1_000);
  assertEquals(await slowed, { type: "WrongPassword" });
});

Deno.test("whoever guesses at one user takes no place of the others of that address", async () => {
  const stage = new Stage();
  const root = await stage.withRoot();
  await stage.do(setUser("alice", { hash: HASH }), root.id);
  stage.node.holding = true;
  const guesses = Array.from({ length: 1 + LOGINS_PER_ADDRESS_MAX }, (_, at) => stage.login("root", `guess ${at}`));
  assertEquals(await stage.login("root", "one guess more"), { type: "Busy" });
  const logins = Array.from(
    { length: LOGINS_PER_ADDRESS_MAX - 1 },
    (_, at) => stage.login(at === 0 ? "alice" : `user${at}`),
  );
  assertEquals(await stage.login("bob"), { type: "Busy" }, "nor is there any number of them");
  stage.node.holding = false;
  while (stage.node.waiting.length < logins.length + 1) await Promise.resolve();
  while (stage.node.waiting.length > 0) stage.node.release();
  assertEquals((await logins[0])?.type, "LoggedIn");
  await Promise.all(logins);
  // The others sleep.
  await Promise.all(guesses.slice(0, FREE_FAILURES));
});

Deno.test("a user that does not exist costs the same work as one that does", async () => {
  const stage = new Stage();
  await stage.withRoot();
  for (const name of ["nobody", "root"]) {
    const ends: (() => void)[] = [];
    const held = Array.from(
      { length: HASHES_AT_ONCE },
      () => stage.gate.hashes.run(HERE, () => new Promise<void>((resolve) => ends.push(resolve))),
    );
    let isJudged = false;
    const outcome = stage.login(name, `guess for ${name}`).finally(() => isJudged = true);
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    assertEquals(isJudged, false, `${name} waits for its turn`);
    for (const end of ends) end();
    await Promise.all(held);
    assertEquals(await outcome, { type: "WrongPassword" });
  }
});

Deno.test("one address has so many attempts at a time; the same claim of many connections is one", async () => {
  const stage = new Stage();
  await stage.withRoot();
  stage.node.holding = true;
  const same = Array.from({ length: 3 * LOGINS_PER_ADDRESS_MAX }, () => stage.login("root"));
  const more = Array.from({ length: LOGINS_PER_ADDRESS_MAX - 1 }, (_, at) => stage.login(`user${at}`));
  assertEquals(await stage.login("one more"), { type: "Busy" });
  const elsewhere = stage.login("root", PASSWORD, "10.0.0.2");
  await until(() => stage.node.waiting.length >= more.length + 2);
  stage.node.holding = false;
  while (stage.node.waiting.length > 0) stage.node.release();
  assertEquals(new Set((await Promise.all([...same, elsewhere])).map(({ type }) => type)), new Set(["LoggedIn"]));
  assertEquals(new Set((await Promise.all(more)).map(({ type }) => type)), new Set(["WrongPassword"]));
  assertEquals(await stage.login("one more"), { type: "WrongPassword" });
});

Deno.test("a node for a user shows nothing and does nothing once the user is gone", async () => {
  const stage = new Stage();
  const root = await stage.withRoot();
  await stage.do(setUser("alice", { hash: HASH }), root.id);
  const alice = { name: "alice", id: stage.node.users.find("alice")?.login ?? -5 };
  const node = new UserNode(stage.node, { gate: stage.gate, login: alice });
  const submit = () =>
    new Promise<WriteOutcome>((resolve) => node.submit({ type: "Put", key: "k", value: "v" }, resolve));
  const looks: readonly (() => unknown)[] = [
    () => node.state.get("k")?.value,
    () => node.answer(["GET", "k"]),
    () => node.compare([]),
    () => node.users.size,
    () => node.logTail(1),
  ];
  const deeds = [
    () => node.takeSnapshot(),
    () => node.openBackup(),
    () => node.transferLeadership(undefined),
    () => node.changeMember({ type: "Remove", id: 1 }),
  ];
  const written = await submit();
  assertEquals(written.type === "Done" && written.result.type, "Put");
  assertEquals(looks.map((look) => look()), ["v", "v", true, 2, []]);
  for (const deed of deeds) await deed();
  assertEquals([stage.node.transfers.length, stage.node.memberChanges.length], [1, 1]);
  await stage.do(removeUser("alice"), root.id);
  for (const look of looks) assertEquals(thrownBy(look), NotLoggedInError);
  for (const deed of deeds) {
    assertEquals(await deed().then(() => undefined, (error) => error.constructor), NotLoggedInError);
  }
  assertEquals([stage.node.transfers.length, stage.node.memberChanges.length], [1, 1]);
  const refused = await submit();
  assertEquals(refused.type === "Done" && refused.result.type === "Refused" && refused.result.reason, "NotLoggedIn");
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.constructor : error;
  }
}

Deno.test("users are changed on behalf of somebody, with passwords that can be some, and every refusal says why", async () => {
  const stage = new Stage();
  const { node, gate } = stage;
  const root = await stage.withRoot();
  const by = (login: Login | undefined) => ({ node, gate, login });
  const set = (name: string, password = PASSWORD) => ({ type: "Set", rule: "Create", name, password }) as const;
  assertEquals((await changeUser(set("alice"), by(undefined))).type, "Refused");
  assertEquals(node.users.size, 1);
  assertEquals((await changeUser(set("alice"), by(root))).type, "Done");
  assertEquals((await stage.login("alice")).type, "LoggedIn");
  const reasons = [
    await changeUser(set("alice"), by(root)),
    await changeUser(set("a b"), by(root)),
    await changeUser(set("bob", "short"), by(root)),
    await changeUser({ type: "Remove", name: "bob" }, by(root)),
  ].map((outcome) => outcome.type === "Refused" ? outcome.reason : outcome.type);
  assertEquals(reasons, ["UserExists", "BadUser", "BadPassword", "NoSuchUser"]);
  assertEquals((await changeUser({ type: "Remove", name: "alice" }, by(root))).type, "Done");
  assertEquals((await changeUser({ type: "Remove", name: "root" }, by(root))).type, "Refused");
  node.refusal = "TooOld";
  assertEquals(await changeUser(set("bob"), by(root)), { type: "NotDone", reason: "TooOld", leaderId: 0 });
});

Deno.test("the first user is proposed by who leads until there is one, and by nobody once there is", async () => {
  const stage = new Stage({ awaitsUsers: true });
  const { node, clock } = stage;
  const writes: Command[] = [];
  const recorded: AuditEvent[] = [];
  const proposer = new FirstUserProposer({
    get users() {
      return node.users;
    },
    status: () => node.status(),
    write: (command, done) => {
      writes.push(command);
      node.submit(command, done);
    },
  }, {
    clock,
    log: (_level, message) => stage.logged.push(message),
    audit: { record: (event) => recorded.push(event) },
  });
  node.leaderId = 1;
  await proposer.start({ name: "root", password: PASSWORD });
  await clock.advance(1_000);
  assertEquals(writes.length, 0, "a follower proposes nothing");
  node.leaderId = 0;
  node.refusal = "TooOld";
  await clock.advance(1_000);
  assert(writes.length > 1, "what is not done is tried again");
  node.refusal = undefined;
  await clock.advance(1_000);
  assertEquals(node.users.list().map(({ name }) => name), ["root"]);
  const count = writes.length;
  await clock.advance(5_000);
  assertEquals(writes.length, count);
  const made = { type: "Admin", user: "", from: "", protocol: "none", isAllowed: true } as const;
  assertEquals(recorded, [{ ...made, command: "bootstrap-user", subject: "root" }]);
  assertEquals((await stage.login("root")).type, "LoggedIn");
  assert(stage.logged.every((line) => !line.includes(PASSWORD)));
  proposer.stop();
});
