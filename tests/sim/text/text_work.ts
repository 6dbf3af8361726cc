/** Clients that speak the text protocol: every command of its table, over the shipped session. */

import { assert } from "../../../lib/base/assert.ts";
import { TurnTime } from "../../../lib/net/turn_time.ts";
import { type Command, encodeCommand } from "../../../lib/kv/commands.ts";
import type { Random } from "../../../lib/base/random.ts";
import type { KeyValueNode } from "../../../lib/node/api.ts";
import type { Node } from "../../../lib/node/node.ts";
import { ClientMetrics } from "../../../lib/net/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../../lib/net/limits.ts";
import { MemoryBudget } from "../../../lib/net/memory_budget.ts";
import { TEXT_COMMANDS } from "../../../lib/protocol/text/commands.ts";
import { startTextConversation } from "../../../lib/protocol/text/interpreter.ts";
import { TurnBudget } from "../../../lib/net/turn_budget.ts";
import type { Workload } from "../clients.ts";
import type { Pending } from "../pending.ts";
import type { ProbedNode } from "../probes.ts";
import type { SimServer } from "../server.ts";
import type { World } from "../world.ts";
import { AnswerLink } from "./answer_link.ts";
import { RequestTally } from "./request_tally.ts";
import { factsOf } from "./facts.ts";
import { ObservedNode } from "../protocols/observed_node.ts";
import { replyToRead, replyToRefusal, replyToWrite } from "./replies.ts";
import { gateOf } from "../../support/gate.ts";
import { flawOf, flawOfSnapshot, LOGS_COUNT } from "./reports.ts";

const KEYS = 3;
const OPERATIONS_PER_KEY = 200;

/** A line that is sent, and what it means. */
interface Line {
  readonly client: number;
  readonly server: SimServer;
  readonly node: Node;
  readonly name: string;
  readonly line: string;
  readonly key: string;
  readonly argument: string | null;
  /** For a PUT that no client waits for. */
  readonly done?: () => void;
}

/** A reply, and what the node had told the session. */
interface Answered {
  readonly reply: string;
  readonly observed: ObservedNode;
  readonly node: Node;
}

/** Makes lines, sends them and judges the replies. */
export class TextWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #random: Random;
  readonly #tally = new RequestTally();
  #uses = 0;

  constructor(world: World, workload: Workload) {
    this.#world = world;
    this.#workload = workload;
    this.#random = world.random.fork();
  }

  /** One operation of a client. */
  act(client: number, server: SimServer, node: Node): void {
    const command = this.#random.pick(TEXT_COMMANDS);
    this.#uses += 1;
    const key = `text${this.#random.below(KEYS)}.${Math.floor(this.#uses / OPERATIONS_PER_KEY)}`;
    const value = `${this.#workload.newValue().replaceAll("\u00e9", "-")}`;
    const lines: Readonly<Record<string, string>> = {
      PUT: `PUT ${key} ${value}`,
      GET: `GET ${key}`,
      DELETE: `DELETE ${key}`,
      LOGS: `LOGS ${LOGS_COUNT}`,
      MEMBER: "MEMBER LIST",
      AUTH: "AUTH somebody something",
      HELP: this.#random.pick(["HELP", "HELP PUT"]),
    };
    const line = lines[command.name] ?? command.name;
    this.#send({
      client,
      server,
      node,
      name: command.name,
      line,
      key,
      argument: command.name === "PUT" ? value : null,
    });
  }

  /** One PUT that no client waits for. A node that does not lead refuses it. */
  probe(client: number, { server, node, done }: ProbedNode): void {
    const [key, argument] = [`textprobe${server.id}`, this.#workload.newValue().replaceAll("\u00e9", "-")];
    this.#send({ client, server, node, name: "PUT", line: `PUT ${key} ${argument}`, key, argument, done });
  }

  #send({ client, server, node, name, line, key, argument, done }: Line): void {
    const isData = name === "PUT" || name === "GET" || name === "DELETE";
    const operation = isData ? name.toLowerCase() : `text ${name}`;
    const isPatrol = done !== undefined;
    const pending = this.#workload.begin(client, { operation, key: isData ? key : "", argument, server, isPatrol });
    const observed = new ObservedNode(node);
    const shadow = this.#world.shadows.of(server.id);
    const before = shadow.life === server.life ? shadow.raft?.status().snapshot.index ?? 0 : 0;
    this.#tally.of(server.life).received += 1;
    this.#ask({ server, node: observed, line }, (reply) => {
      if (pending.life !== server.life) return;
      if (!this.#workload.isExpected(pending)) return;
      // A command counts when it is answered, not when it is sent.
      if (reply !== "") this.#count(name);
      if (!isData) return this.#judgeReport(pending, { line, reply, node, before });
      if (name === "GET") this.#judgeRead(pending, { reply, observed, node });
      else this.#judgeWrite(pending, { reply, observed, node });
      if (reply.trimEnd() === `${key} added successfully.`) done?.();
    });
  }

  #count(name: string): void {
    this.#workload.count(`text ${name}`);
  }

  #ask(
    { server, node, line }: { readonly server: SimServer; readonly node: KeyValueNode; readonly line: string },
    answer: (reply: string) => void,
  ): void {
    const { clock } = server;
    assert(clock !== undefined, "A server that serves has a clock");
    const metrics = new ClientMetrics(node.metrics);
    const session = startTextConversation(new AnswerLink(clock.now(), answer), {
      node,
      changeMember: (change) => node.changeMember(change),
      gate: gateOf(node, clock),
      clock,
      log: () => {},
      warn: () => {},
      metrics,
      budget: new MemoryBudget(CLIENT_MEMORY_BYTES_MAX),
      turns: new TurnBudget(clock, REQUESTS_PER_TURN_MAX),
      turnTime: new TurnTime(clock),
      httpPort: undefined,
      connectionsMax: () => 1,
      connections: () => 1,
    });
    session.receive(`${line}\n`);
    // Its first report is judged; the next ones would come until the process ends.
    if (line === "WATCH") session.closed();
  }

  /** The command that the session wrote is the line's, the outcome is what the log says, and the reply is the outcome's. */
  #judgeWrite(pending: Pending, { reply, observed, node }: Answered): void {
    const { key, operation, argument } = pending;
    const wanted: Command = operation === "put" ? { type: "Put", key, value: argument ?? "" } : { type: "Delete", key };
    const encoded = encodeCommand(wanted);
    const { command, outcome } = observed.wrote ?? {};
    if (outcome === undefined || command === undefined || encodeCommand(command) !== encoded) {
      return this.#violate(pending, `${JSON.stringify(reply)} without that write`);
    }
    this.#expect(pending, reply, replyToWrite(outcome, { key, node }));
    const counts = this.#tally.of(pending.life);
    const { type } = outcome;
    const isFound = type === "Done" && (outcome.result.type !== "Delete" || outcome.result.existed);
    if (type === "NotDone" && outcome.reason === "NotLeader") counts.redirected += 1;
    else counts[isFound ? "succeeded" : "failed"] += 1;
    if (type === "Unknown") return this.#workload.lose(pending);
    if (type === "NotDone") {
      if (operation === "put") this.#workload.noteRefused(encoded);
      return this.#workload.refuse(pending, outcome.reason);
    }
    const { result } = outcome;
    this.#workload.judgeResult(pending, { result, encoded });
    const shown = result.type === "Delete" ? result.existed : null;
    this.#workload.complete(pending, { result: shown, index: result.revision });
  }

  /** A GET shows what the model has at the index at which it read. */
  #judgeRead(pending: Pending, { reply, observed: { readOutcome: outcome }, node }: Answered): void {
    const { key } = pending;
    const counts = this.#tally.of(pending.life);
    if (outcome === undefined) return this.#violate(pending, `${JSON.stringify(reply)} without a confirmed read`);
    if (outcome.type === "NotDone") {
      counts[outcome.reason === "NotLeader" ? "redirected" : "failed"] += 1;
      this.#expect(pending, reply, replyToRefusal(outcome, { key, node }));
      return this.#workload.refuse(pending, outcome.reason);
    }
    const { index } = node.driver.applied.id;
    if (index < outcome.index) this.#violate(pending, `confirmed at ${outcome.index}, and applied is ${index}`);
    this.#world.expiredKeys.read(pending, node);
    const value = this.#world.reference.seenAt(key, { index, nowMs: node.state.readTimeMs })?.value;
    counts[value === undefined ? "failed" : "succeeded"] += 1;
    this.#expect(pending, reply, replyToRead(value, { key, node }));
    this.#workload.complete(pending, { result: value ?? null, index });
  }

  #expect(pending: Pending, reply: string, wanted: string | RegExp): void {
    const isLine = reply.endsWith("\n");
    const text = reply.slice(0, -1);
    const fits = typeof wanted === "string" ? text === wanted : wanted.test(text);
    if (!isLine || !fits) this.#violate(pending, `${JSON.stringify(reply)}, not ${wanted}`);
  }

  #judgeReport(
    pending: Pending,
    { line, reply, node, before }: {
      readonly line: string;
      readonly reply: string;
      readonly node: Node;
      readonly before: number;
    },
  ): void {
    const counts = this.#tally.of(pending.life);
    const hasFailed = (line === "SNAPSHOT" || line.startsWith("AUTH")) && reply.startsWith("Error: ");
    counts[hasFailed ? "failed" : "succeeded"] += 1;
    const facts = factsOf(this.#world, pending.server, node);
    // Before its first step a process is what nobody else knows.
    if (facts !== undefined) {
      const parts = { facts, tally: this.#tally, before };
      const flaw = line === "SNAPSHOT" ? flawOfSnapshot(reply, parts) : flawOf(line, reply, parts);
      if (flaw !== undefined) this.#violate(pending, `${flaw}\n${reply}`);
    }
    // No operation of the history: it neither reads nor writes a key.
    this.#workload.refuse(pending, "a report");
  }

  #violate(pending: Pending, what: string): void {
    const { operation, key, server } = pending;
    this.#world.violate("text", `${operation} ${key} at node ${server.id}: ${what}`);
  }
}
