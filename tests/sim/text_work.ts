/** Clients that speak the text protocol: every command of its table, over the shipped session. */

import { TurnTime } from "../../lib/protocol/turn_time.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../lib/kv/commands.ts";
import { ClientRegistry } from "../../lib/protocol/resp/client_record.ts";
import type { Random } from "../../lib/base/random.ts";
import type { Node } from "../../lib/node/node.ts";
import { ClientMetrics } from "../../lib/protocol/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../lib/protocol/limits.ts";
import { MemoryBudget } from "../../lib/protocol/memory_budget.ts";
import type { ClientLink } from "../../lib/protocol/protocol.ts";
import { TEXT_COMMANDS } from "../../lib/protocol/text/commands.ts";
import { OUTCOME_UNKNOWN } from "../../lib/protocol/text/outcomes.ts";
import { TextSession } from "../../lib/protocol/text/session.ts";
import { ServerStatistics } from "../../lib/protocol/resp/statistics/server_statistics.ts";
import { TurnBudget } from "../../lib/protocol/turn_budget.ts";
import type { Pending, Workload } from "./clients.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

const KEYS = 3;
const OPERATIONS_PER_KEY = 200;

/** A connection that ends with its one answer. */
class AnswerLink implements ClientLink {
  readonly remote = "simulated";
  readonly openedAt: number;
  readonly bytesReceived = 0;
  readonly bytesSent = 0;
  readonly readBufferBytes = 0;
  readonly unsentBytes = 0;
  readonly #answer: (reply: string) => void;

  constructor(openedAt: number, answer: (reply: string) => void) {
    this.openedAt = openedAt;
    this.#answer = answer;
  }

  /** See `ClientLink`. */
  send(reply: string): void {
    this.#answer(reply);
  }

  /** See `ClientLink`. */
  wake(): void {}

  /** See `ClientLink`. */
  finish(): void {}

  /** See `ClientLink`. */
  abort(): void {
    this.#answer("");
  }
}

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

/** Makes lines, sends them and judges the replies. */
export class TextWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #random: Random;
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
      LOGS: "LOGS 5",
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
  probe(client: number, { server, node, done }: Pick<Line, "server" | "node"> & { readonly done: () => void }): void {
    const [key, argument] = [`textprobe${server.id}`, this.#workload.newValue().replaceAll("\u00e9", "-")];
    this.#send({ client, server, node, name: "PUT", line: `PUT ${key} ${argument}`, key, argument, done });
  }

  #send({ client, server, node, name, line, key, argument, done }: Line): void {
    const isData = name === "PUT" || name === "GET" || name === "DELETE";
    const operation = isData ? name.toLowerCase() : `text ${name}`;
    const isPatrol = done !== undefined;
    const pending = this.#workload.begin(client, { operation, key: isData ? key : "", argument, server, isPatrol });
    this.#ask({ server, node, line }, (reply) => {
      if (pending.finished || pending.life !== server.life) return;
      // A command counts when it is answered, not when it is sent.
      if (reply !== "") this.#count(name);
      if (!isData) return this.#judgeReport(pending, reply);
      this.#judge(pending, reply);
      if (reply.trimEnd() === `${key} added successfully.`) done?.();
    });
  }

  #count(name: string): void {
    this.#workload.done.set(`text ${name}`, (this.#workload.done.get(`text ${name}`) ?? 0) + 1);
  }

  #ask(
    { server, node, line }: { readonly server: SimServer; readonly node: Node; readonly line: string },
    answer: (reply: string) => void,
  ): void {
    const clock = server.clock ?? this.#world.clock;
    const metrics = new ClientMetrics(node.metrics);
    const session = new TextSession(new AnswerLink(clock.now(), answer), {
      node,
      clock,
      log: () => {},
      warn: () => {},
      metrics,
      statistics: new ServerStatistics({ clock, metrics, slowCommandMs: 100, timeMs: () => node.timeMs() }),
      budget: new MemoryBudget(CLIENT_MEMORY_BYTES_MAX),
      turns: new TurnBudget(clock, REQUESTS_PER_TURN_MAX),
      clients: new ClientRegistry(),
      clusterMode: false,
      turnTime: new TurnTime(clock),
      keyBytesMax: KEY_BYTES_MAX,
      valueBytesMax: VALUE_BYTES_MAX,
      httpPort: undefined,
      connectionsMax: () => 1,
      connections: () => 1,
    });
    session.receive(`${line}\n`);
  }

  #judge(pending: Pending, reply: string): void {
    const { key, operation } = pending;
    const text = reply.trimEnd();
    const value = /^value of \S+: (.*)$/.exec(text)?.[1];
    if (text === `${key} added successfully.`) this.#workload.complete(pending, { result: null, index: null });
    else if (text === `${key} deleted successfully.`) this.#workload.complete(pending, { result: true, index: null });
    else if (value !== undefined) this.#workload.complete(pending, { result: value, index: null });
    else if (text === `Error: ${key} does not exist.`) {
      this.#workload.complete(pending, { result: operation === "get" ? null : false, index: null });
    } else if (text === OUTCOME_UNKNOWN) this.#workload.lose(pending);
    else if (/^Error: (Not leader|No leader|Timeout|Stopping|Overloaded|No space)/.test(text)) {
      this.#workload.refuse(pending, text);
    } else this.#world.violate("text", `unexpected reply to ${operation}: ${JSON.stringify(reply)}`);
  }

  #judgeReport(pending: Pending, reply: string): void {
    if (reply === "" || /undefined|NaN/.test(reply)) {
      this.#world.violate("text", `unexpected reply to ${pending.operation}: ${JSON.stringify(reply)}`);
    }
    // No operation of the history: it neither reads nor writes a key.
    this.#workload.refuse(pending, "a report");
  }
}
