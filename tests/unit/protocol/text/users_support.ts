/** Clients of the text protocol on a node with users. */

import { type RateLimits, RequestRates } from "../../../../lib/access/request_rates.ts";
import type { Command } from "../../../../lib/kv/commands.ts";
import { ClientMetrics } from "../../../../lib/net/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../../../lib/net/limits.ts";
import { MemoryBudget } from "../../../../lib/net/memory_budget.ts";
import { TurnBudget } from "../../../../lib/net/turn_budget.ts";
import { TurnTime } from "../../../../lib/net/turn_time.ts";
import { startTextConversation } from "../../../../lib/protocol/text/interpreter.ts";
import { gateOf } from "../../../support/gate.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { StateNode } from "../../../support/state_node.ts";
import { RecordingLink } from "./session_support.ts";

/** Writes as clients of this protocol do them. */
class LeadingNode extends StateNode {
  override write(...[command, done, login = 0]: Parameters<StateNode["write"]>): void {
    this.submit(command, done, { login });
  }
}

/** Several clients of one node whose state is real. */
export class Stage {
  readonly node = new LeadingNode();
  readonly clock = new VirtualClock();
  readonly rates: RequestRates;

  /** Without rates unless they are told. */
  constructor(limits: Partial<RateLimits> = {}) {
    const none = { userRequestsPerSecond: undefined, connectionRequestsPerSecond: undefined };
    this.rates = new RequestRates({ ...none, ...limits }, this.node);
  }

  /** As the user whose name comes last. */
  async do(command: Command): Promise<void> {
    const login = this.node.users.list().at(-1)?.login ?? 0;
    await new Promise((resolve) => this.node.submit(command, resolve, { login }));
  }

  /** As root. */
  async doAsRoot(command: Command): Promise<void> {
    const login = this.node.users.find("root")?.login ?? 0;
    await new Promise((resolve) => this.node.submit(command, resolve, { login }));
  }

  connect(): Client {
    return new Client(this);
  }
}

/** One of them. */
export class Client {
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
