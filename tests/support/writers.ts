/** Clients that write without end, follow the leader, and note in a ledger what they were told. */

import { LeaderFollower } from "./leader_follower.ts";
import type { Ledger } from "./ledger.ts";
import type { WriteReply } from "./protocols/protocol.ts";
import { TEXT_PROTOCOL } from "./protocols/text_protocol.ts";
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

const REPLY_TIMEOUT_MS = 3_000;

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
    const { ledger, prefix = "w", pauseMs = 2 } = this.#options;
    const writer = new Writer(this.#options, number);
    for (let n = 0; !this.#stopping; n++) {
      const key = `${prefix}-${number}-${n}`;
      const value = `value-of-${key}`;
      const sentAt = performance.now();
      const reply = await writer.write({ key, value }, () => this.#stopping);
      if (reply?.type === "Done") ledger.acknowledge({ key, value, sentAt });
      else if (reply?.type === "Unknown") ledger.leaveOpen({ key, value, sentAt }, reply.reason);
      if (pauseMs > 0) await delay(pauseMs);
    }
    writer.close();
  }
}

/** One client that writes until it is told what became of it. */
export class Writer {
  readonly #ledger: Ledger;
  readonly #follower: LeaderFollower;

  /** Begins at node `first`. */
  constructor({ ports, ledger, replyTimeoutMs = REPLY_TIMEOUT_MS }: WritersOptions, first = 0) {
    const nodes = { clients: ports, http: [] };
    this.#ledger = ledger;
    this.#follower = new LeaderFollower({ protocol: TEXT_PROTOCOL, ports: nodes, first, replyTimeoutMs });
  }

  /** Sends a write until it is done, or its fate is unknown; undefined when `givenUp` says to stop trying before. */
  async write(
    { key, value }: { readonly key: string; readonly value: string },
    givenUp: () => boolean,
  ): Promise<WriteReply | undefined> {
    do {
      const node = this.#follower.leader;
      const reply = await (await this.#follower.connect(node))?.write(key, value);
      if (reply === undefined) continue;
      if (reply.type === "Surprise") this.#ledger.surprises.push(`unexpected reply: ${reply.reply}`);
      await this.#follower.heed(node, reply);
      if (reply.type === "Done" || reply.type === "Unknown") return reply;
    } while (!givenUp());
    return undefined;
  }

  /** Closes the connections. */
  close(): void {
    this.#follower.close();
  }
}
