/** Users in the text protocol. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LAUNCHER } from "../../../../lib/access/login.ts";
import { connectionTo, makePass, PASS_USER } from "../../../../lib/access/node_pass.ts";
import { type RateLimits, RequestRates } from "../../../../lib/access/request_rates.ts";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { ClientMetrics } from "../../../../lib/net/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../../../lib/net/limits.ts";
import { MemoryBudget } from "../../../../lib/net/memory_budget.ts";
import { TurnBudget } from "../../../../lib/net/turn_budget.ts";
import { TurnTime } from "../../../../lib/net/turn_time.ts";
import { readOpening } from "../../../../lib/protocol/first_bytes.ts";
import { TEXT_COMMANDS } from "../../../../lib/protocol/text/commands.ts";
import { startTextConversation } from "../../../../lib/protocol/text/interpreter.ts";
import { gateOf, TEST_SECRET } from "../../../support/gate.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { StateNode } from "../../../support/state_node.ts";
import { removeUser, setUser } from "../../../support/users.ts";
import { RecordingLink } from "./session_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);
const REFUSED = "Error: Authentication required. AUTH <user> <password> logs you in.\n";
/** Commands that anybody may give. */
const OPEN: readonly string[] = ["AUTH", "PING", "HELP", "EXIT"];

/** Writes as clients of this protocol do them. */
class LeadingNode extends StateNode {
  override write(...[command, done, login = 0]: Parameters<StateNode["write"]>): void {
    this.submit(command, done, { login });
  }
}

/** Several clients of one node whose state is real. */
class Stage {
  readonly node = new LeadingNode();
  readonly clock = new VirtualClock();
  readonly rates: RequestRates;

  constructor(limits: Partial<RateLimits> = {}) {
    const none = { userRequestsPerSecond: undefined, connectionRequestsPerSecond: undefined };
    this.rates = new RequestRates({ ...none, ...limits }, this.node);
  }

  /** Makes a user with `PASSWORD`. */
  async add(name: string): Promise<void> {
    await this.do(setUser(name, { hash: HASH }));
  }

  async do(command: Parameters<StateNode["submit"]>[0]): Promise<void> {
    const login = this.node.users.list().at(-1)?.login ?? 0;
    await new Promise((resolve) => this.node.submit(command, resolve, { login }));
  }

  connect(): Client {
    return new Client(this);
  }
}

class Client {
  readonly link = new RecordingLink();
  readonly session;
  readonly #clock: VirtualClock;

  constructor({ node, clock, rates }: Stage) {
    this.#clock = clock;
    const metrics = new ClientMetrics(node.metrics);
    this.session = startTextConversation(this.link, {
      node,
      changeMember: (change) => node.changeMember(change),
      gate: gateOf(node, clock),
      rates,
      clock,
      log: () => {},
      warn: () => {},
      metrics,
      budget: new MemoryBudget(CLIENT_MEMORY_BYTES_MAX),
      turnTime: new TurnTime(clock),
      turns: new TurnBudget(clock, REQUESTS_PER_TURN_MAX),
      httpPort: undefined,
      connectionsMax: () => 100,
      connections: () => 3,
    });
  }

  /** What comes for some lines. */
  async ask(...lines: readonly string[]): Promise<string> {
    this.session.receive(lines.map((line) => `${line}\n`).join(""));
    return await this.take();
  }

  /** What has come since, once everything that goes on by itself has run. */
  async take(): Promise<string> {
    await this.#clock.advance(0);
    const { output } = this.link;
    this.link.output = "";
    return output;
  }

  /** What comes for a line that works on a password. */
  async slowly(line: string): Promise<string> {
    let reply = await this.ask(line);
    for (let wait = 0; reply === "" && wait < 1_000; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      reply = await this.take();
    }
    return reply;
  }
}

Deno.test("every command is refused before a login but for a named few", async () => {
  const stage = new Stage();
  await stage.add("root");
  const before = stage.node.asked.length;
  const lines: Readonly<Record<string, string>> = {
    PUT: "PUT k v",
    GET: "GET k",
    DELETE: "DELETE k",
    MEMBER: "MEMBER REMOVE 1",
  };
  for (const { name } of TEXT_COMMANDS.filter((command) => !OPEN.includes(command.name))) {
    assertEquals(await stage.connect().ask(lines[name] ?? name), REFUSED, name);
  }
  assertEquals(await stage.connect().ask("GET k STALE"), REFUSED);
  assertEquals([stage.node.asked.length, stage.node.memberChanges.length], [before, 0]);
  const client = stage.connect();
  assertEquals(await client.ask("PING"), "+PONG\r\n");
  assertStringIncludes(await client.ask("HELP AUTH"), "AUTH [user] <password>");
  assertEquals(await client.ask("EXIT"), "Goodbye.\n");
});

Deno.test("AUTH and LOGIN log in, with a password alone as default; what is wrong says nothing of what", async () => {
  const stage = new Stage();
  assertMatch(await stage.connect().ask("AUTH root x"), /^Error: There are no users\./);
  await stage.add("root");
  await stage.add("default");
  const client = stage.connect();
  for (const line of [`AUTH root wrong-${PASSWORD}`, `AUTH nobody ${PASSWORD}`]) {
    assertEquals(await client.slowly(line), "Error: Wrong user or password.\n");
  }
  assertEquals(await client.slowly(`AUTH root ${PASSWORD}`), "Logged in.\n");
  assertEquals(await client.ask("PUT k v", "GET k"), "k added successfully.\nvalue of k: v\n");
  assertEquals(await stage.connect().slowly(`login ${PASSWORD}`), "Logged in.\n");
  assertEquals(await client.ask("AUTH a b c"), "Error: Usage: AUTH [user] <password>\n");
});

Deno.test("what a connection or a user sends beyond its rate is refused, but for what needs no login", async () => {
  const stage = new Stage({ userRequestsPerSecond: 5, connectionRequestsPerSecond: 3 });
  const overConnection =
    "Error: Rate limit. A connection may send 3 requests a second; nothing was done, try again in a moment.\n";
  const overUser =
    "Error: Rate limit. A user may send a node 5 requests a second; nothing was done, try again in a moment.\n";
  const open = stage.connect();
  const done = "k added successfully.\n";
  assertEquals(await open.ask(...Array(5).fill("PUT k v")), done.repeat(3) + overConnection.repeat(2));
  assertEquals(await open.ask(...Array(9).fill("PING")), "+PONG\r\n".repeat(9));
  await stage.clock.advance(334);
  assertEquals(await open.ask("PUT k v", "GET k"), done + overConnection);
  await stage.add("root");
  const [one, other] = [stage.connect(), stage.connect()];
  for (const client of [one, other]) assertEquals(await client.slowly(`AUTH root ${PASSWORD}`), "Logged in.\n");
  assertEquals(await one.ask(...Array(3).fill("PUT k v")), done.repeat(3));
  assertEquals(await other.ask(...Array(3).fill("PUT k v")), done.repeat(2) + overUser);
  assertEquals(await other.ask("EXIT"), "Goodbye.\n");
  const launcher = stage.connect();
  const pass = makePass(TEST_SECRET, {
    subject: connectionTo(stage.node.id),
    login: LAUNCHER.id,
    nowMs: stage.node.timeMs(),
  });
  assertEquals(await launcher.slowly(`AUTH ${PASS_USER} ${pass}`), "Logged in.\n");
  const shown = await launcher.ask(...Array(9).fill("MEMBER LIST"));
  assertEquals(shown.includes("Rate limit"), false, shown);
});

Deno.test("no password is kept in the history", async () => {
  const stage = new Stage();
  await stage.add("root");
  const client = stage.connect();
  await client.slowly(`AUTH root ${PASSWORD}`);
  await client.ask(`login root ${PASSWORD}`);
  assertEquals(await client.ask("HISTORY"), "History\n1: HISTORY\n\n");
});

Deno.test("a removal ends the connection once what has begun is answered, and what is read by then is not shown", async () => {
  const stage = new Stage();
  await stage.add("alice");
  const alice = stage.connect();
  await alice.slowly(`AUTH alice ${PASSWORD}`);
  await stage.add("root");
  assertEquals(await alice.ask("PUT k v"), "k added successfully.\n");
  stage.node.holding = true;
  assertEquals(await alice.ask("GET k"), "");
  const removed = stage.do(removeUser("alice"));
  stage.node.waiting.splice(1, 1)[0]?.();
  await removed;
  assertEquals(alice.link.finished, false);
  stage.node.release();
  assertEquals(await alice.take(), REFUSED);
  assertEquals(alice.link.finished, true);
});

Deno.test("a running WATCH of nobody ends when there are users", async () => {
  const stage = new Stage();
  const client = stage.connect();
  assertMatch(await client.ask("WATCH 1"), /^Metrics\n/);
  await stage.clock.advance(1_000);
  assertMatch(await client.take(), /^Metrics\n/);
  await stage.add("root");
  await stage.clock.advance(1_000);
  assertEquals(await client.take(), "Watch ended.\n");
  await stage.clock.advance(5_000);
  assertEquals(await client.take(), "");
});

Deno.test("who is gone before the password is judged does not come in", async () => {
  const stage = new Stage();
  await stage.add("alice");
  const gone = stage.connect();
  assertEquals(await gone.ask(`AUTH alice ${PASSWORD}`), "");
  gone.session.closed();
  const alice = stage.connect();
  await alice.slowly(`AUTH alice ${PASSWORD}`);
  gone.link.finished = false;
  await stage.add("root");
  await stage.do(removeUser("alice"));
  assertEquals([alice.link.finished, gone.link.finished], [true, false]);
});

Deno.test("the launcher looks at a node by a pass, which opens no key", async () => {
  const stage = new Stage();
  await stage.add("root");
  const client = stage.connect();
  const { node } = stage;
  const pass = makePass(TEST_SECRET, { subject: connectionTo(node.id), login: LAUNCHER.id, nowMs: node.timeMs() });
  assertEquals(await client.ask(`AUTH ${PASS_USER} ${pass}`), "Logged in.\n");
  assertMatch(await client.ask("STATUS"), /^Status\n/);
  assertEquals(await client.ask("PUT k v", "GET k", "GET k STALE"), REFUSED.repeat(3));
  const asked = node.asked.length;
  assertEquals(await stage.connect().ask(`AUTH ${PASS_USER} ${pass}`), "Error: Wrong user or password.\n", "at once");
  assertEquals(node.asked.length, asked);
});

Deno.test("AUTH in a line of Redis opens a session of Redis, and LOGIN one of this protocol", () => {
  const languageOf = (line: string) => readOpening(line, false).language;
  assertEquals(languageOf("AUTH root secret\r\n"), "resp");
  assertEquals(languageOf("auth root secret\r\n"), "resp");
  assertEquals(languageOf("AUTH root secret\n"), "text");
  assertEquals(languageOf("LOGIN root secret\r\n"), "text");
});
