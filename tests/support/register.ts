/** A register for finding stale reads in a cluster under faults. */

import { LeaderFollower } from "./leader_follower.ts";
import type { ReadReply } from "./protocols/protocol.ts";
import { TEXT_PROTOCOL } from "./protocols/text_protocol.ts";
import { delay } from "./wait.ts";
import { Writer, type WritersOptions } from "./writers.ts";

const KEY = "register";
/** Longer than any pause of a node: the answer to a read from before the pause is the interesting one. */
const READ_TIMEOUT_MS = 10_000;

/** One key with one writer that counts up: a read older than what was known before it began is stale. */
export class Register {
  /** The last value whose write was acknowledged. */
  acknowledged = 0;
  /** One line for each stale read, and for each reply that fits nothing that is documented. */
  readonly stale: string[] = [];
  /** Answered reads by node. */
  readonly reads = new Map<number, number>();
  readonly #writing: Promise<void>;
  #seen = 0;
  #stopping = false;

  /** Starts to write. */
  constructor(options: WritersOptions) {
    this.#writing = this.#write(new Writer(options));
  }

  /** Ends the writer, and the readers after their present read. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#writing;
  }

  /** Reads from one node until the end, over new connections as old ones fail. */
  async read(id: number, port: number): Promise<void> {
    const ports = { clients: [port], http: [] };
    const node = new LeaderFollower({ protocol: TEXT_PROTOCOL, ports, first: 0, replyTimeoutMs: READ_TIMEOUT_MS });
    while (!this.#stopping) {
      const connection = await node.connect(0);
      const known = Math.max(this.acknowledged, this.#seen);
      const reply = await connection?.read(KEY);
      if (reply !== undefined) this.#judge(reply, { id, known });
      await delay(2);
    }
    node.close();
  }

  #judge(reply: ReadReply, { id, known }: { readonly id: number; readonly known: number }): void {
    if (reply.type === "Surprise") this.stale.push(`node ${id} gave a reply that nobody knows: ${reply.reply}`);
    if (reply.type !== "Value") return;
    const value = Number(reply.value ?? 0);
    if (!(value >= known)) this.stale.push(`node ${id} gave ${reply.value} although ${known} was known before`);
    this.#seen = Math.max(this.#seen, value);
    this.reads.set(id, (this.reads.get(id) ?? 0) + 1);
  }

  async #write(writer: Writer): Promise<void> {
    for (let value = 1; !this.#stopping; value++) {
      const reply = await writer.write({ key: KEY, value: String(value) }, () => this.#stopping);
      if (reply?.type === "Done") this.acknowledged = value;
      await delay(5);
    }
    writer.close();
  }
}
