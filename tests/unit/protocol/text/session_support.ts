/** A text session on a link that only records, so that tests need no socket. */

import { TurnTime } from "../../../../lib/net/turn_time.ts";
import { MemoryBudget } from "../../../../lib/net/memory_budget.ts";
import { ClientMetrics } from "../../../../lib/net/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../../../lib/net/limits.ts";
import type { ClientLink, ProtocolSession } from "../../../../lib/net/session.ts";
import { TurnBudget } from "../../../../lib/net/turn_budget.ts";
import { startTextConversation, type TextContext } from "../../../../lib/protocol/text/interpreter.ts";
import { FakeNode } from "../../../support/fake_node.ts";
import { gateOf } from "../../../support/gate.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";

/** What a session did to its link. */
export class RecordingLink implements ClientLink {
  readonly remote = "127.0.0.1:9";
  readonly openedAt = 0;
  bytesReceived = 0;
  bytesSent = 0;
  readonly readBufferBytes = 4_096;
  output = "";
  finished = false;
  aborted = false;
  wakes = 0;
  /** While false, what is sent stays unsent: the client does not read. */
  reading = true;
  unsentBytes = 0;

  /** See `ClientLink`. */
  send(reply: string): void {
    if (this.finished || this.aborted) return;
    this.output += reply;
    if (!this.reading) this.unsentBytes += reply.length;
  }

  /** See `ClientLink`. */
  wake(): void {
    this.wakes += 1;
  }

  /** See `ClientLink`. */
  finish(): void {
    this.finished = !this.aborted;
  }

  /** See `ClientLink`. */
  abort(): void {
    this.aborted = true;
  }
}

/** A session with all it needs. */
export class SessionBench {
  readonly node = new FakeNode();
  readonly clock = new VirtualClock();
  readonly link = new RecordingLink();
  readonly metrics = new ClientMetrics(this.node.metrics);
  readonly warnings: string[] = [];
  readonly budget: MemoryBudget;
  readonly session: ProtocolSession;

  /** Begins the session. */
  constructor(
    options: { readonly httpPort?: number; readonly memoryBytesMax?: number; readonly requestsPerTurnMax?: number } =
      {},
  ) {
    this.budget = new MemoryBudget(options.memoryBytesMax ?? CLIENT_MEMORY_BYTES_MAX);
    const context: TextContext = {
      node: this.node,
      changeMember: (change) => this.node.changeMember(change),
      gate: gateOf(this.node, this.clock),
      clock: this.clock,
      log: () => {},
      warn: (message) => this.warnings.push(message),
      metrics: this.metrics,
      budget: this.budget,
      turnTime: new TurnTime(this.clock),
      turns: new TurnBudget(this.clock, options.requestsPerTurnMax ?? REQUESTS_PER_TURN_MAX),
      httpPort: options.httpPort,
      connectionsMax: () => 100,
      connections: () => 3,
    };
    this.session = startTextConversation(this.link, context);
  }

  /** What came since the last call. */
  takeOutput(): string {
    const { output } = this.link;
    this.link.output = "";
    return output;
  }

  /** Sends a chunk as the connection would: only while the session takes input. Then lets everything settle. */
  async send(...chunks: readonly string[]): Promise<void> {
    for (const chunk of chunks) {
      while (this.session.full && !this.link.finished && !this.link.aborted) await this.settle();
      if (this.link.finished || this.link.aborted) return;
      this.session.receive(chunk);
    }
    await this.settle();
  }

  /** Sends a line and returns what came back for it. */
  async ask(line: string): Promise<string> {
    await this.send(`${line}\n`);
    return this.takeOutput();
  }

  /** Lets every microtask run. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
  }
}
