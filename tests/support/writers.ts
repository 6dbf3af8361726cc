/** Clients that write without end, follow the leader, and note in a ledger what they were told. */

import type { Ledger } from "./ledger.ts";
import { TextClient } from "./text_client.ts";
import { delay } from "./wait.ts";

/** What writers write to. */
export interface WritersOptions {
  /** Client ports by node id. */
  readonly ports: readonly number[];
  readonly ledger: Ledger;
  /** Number of clients. */
  readonly clients: number;
  /** Pause of each client between two writes in ms; bounds the load. Default 2. */
  readonly pauseMs?: number;
  /** How long a client waits for a reply before it calls the outcome unknown. Default 3 000 ms. */
  readonly replyTimeoutMs?: number;
  /** First part of every key; default "w". */
  readonly prefix?: string;
}

const RETRY_PAUSE_MS = 5;
const NOT_LEADER = /^Error: Not leader\. Current leader is Node (\d+)/;
/** Certainly not done, and likely to go better soon: an election, a stopping node, a full queue. */
const NOT_DONE = /^Error: (No leader|Stopping|Overloaded|Too many connections)/;
const UNKNOWN = "Error: Outcome unknown.";

/** Writers at work. */
export class Writers {
  readonly #options: WritersOptions;
  readonly #done: Promise<unknown>;
  #stopping = false;

  /** Starts all clients. */
  constructor(options: WritersOptions) {
    this.#options = options;
    this.#done = Promise.all(Array.from({ length: options.clients }, (_, at) => this.#run(at)));
  }

  /** Lets each client finish its write and ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async #run(number: number): Promise<void> {
    const { ports, ledger, prefix = "w", pauseMs = 2 } = this.#options;
    const writer = new Writer(this.#options, number % ports.length);
    for (let n = 0; !this.#stopping; n++) {
      const key = `${prefix}-${number}-${n}`;
      const value = `value-of-${key}`;
      const sentAt = performance.now();
      const outcome = await writer.write(`PUT ${key} ${value}`, () => this.#stopping);
      if (outcome === "Done") ledger.acknowledge({ key, value, sentAt });
      else if (outcome === "Unknown") ledger.leaveOpen({ key, value, sentAt }, writer.lastReason);
      if (pauseMs > 0) await delay(pauseMs);
    }
    writer.close();
  }
}

/** One client that follows the leader. */
export class Writer {
  readonly #options: WritersOptions;
  #target: number;
  #client: TextClient | undefined;

  /** Why the last outcome was unknown. */
  lastReason = "";

  /** Begins at node `target`. */
  constructor(options: WritersOptions, target = 0) {
    this.#options = options;
    this.#target = target;
  }

  /** Sends a line until it is done, or its fate is unknown, or `givenUp` says to stop trying. */
  async write(line: string, givenUp: () => boolean): Promise<"Done" | "Unknown" | "NotDone"> {
    do {
      const client = await this.#connect();
      if (client === undefined) continue;
      let reply: string;
      try {
        reply = await client.ask(line);
      } catch (error) {
        this.lastReason = error instanceof Error ? error.message : String(error);
        this.#moveOn();
        return "Unknown";
      }
      if (reply.endsWith(" successfully.")) return "Done";
      this.lastReason = reply;
      if (reply.startsWith(UNKNOWN)) return "Unknown";
      await this.#follow(reply);
    } while (!givenUp());
    return "NotDone";
  }

  /** Closes the connection. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #connect(): Promise<TextClient | undefined> {
    if (this.#client !== undefined && !this.#client.closed) return this.#client;
    const port = this.#options.ports[this.#target];
    try {
      this.#client = await TextClient.connect(port ?? 0, { timeoutMs: this.#options.replyTimeoutMs ?? 3_000 });
      return this.#client;
    } catch {
      this.#moveOn();
      await delay(RETRY_PAUSE_MS);
      return undefined;
    }
  }

  async #follow(reply: string): Promise<void> {
    const leader = NOT_LEADER.exec(reply);
    if (leader !== null && Number(leader[1]) !== this.#target) {
      this.close();
      this.#target = Number(leader[1]);
      return;
    }
    if (leader === null && !NOT_DONE.test(reply)) this.#options.ledger.surprises.push(`unexpected reply: ${reply}`);
    this.#moveOn();
    await delay(RETRY_PAUSE_MS);
  }

  #moveOn(): void {
    this.close();
    this.#target = (this.#target + 1) % this.#options.ports.length;
  }
}
