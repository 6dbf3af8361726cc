/** A register for finding stale reads in a cluster under faults. */

import { TextClient } from "./text_client.ts";
import { delay } from "./wait.ts";
import { Writer, type WritersOptions } from "./writers.ts";

/** Longer than any pause of a node: the answer to a read from before the pause is the interesting one. */
const READ_TIMEOUT_MS = 10_000;

/** One key with one writer that counts up: a read older than what was known before it began is stale. */
export class Register {
  /** The last value whose write was acknowledged. */
  acknowledged = 0;
  /** One line for each stale read. */
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
    while (!this.#stopping) {
      try {
        using client = await TextClient.connect(port, { timeoutMs: READ_TIMEOUT_MS });
        while (!this.#stopping) {
          const known = Math.max(this.acknowledged, this.#seen);
          this.#judge(await client.ask("GET register"), { id, known });
          await delay(2);
        }
      } catch {
        await delay(10);
      }
    }
  }

  #judge(reply: string, { id, known }: { readonly id: number; readonly known: number }): void {
    const match = /^value of register: (\d+)$/.exec(reply);
    const isMissing = reply === "Error: register does not exist.";
    if (isMissing && known > 0) this.stale.push(`node ${id} gave no value although ${known} was known before`);
    if (match === null) return;
    const value = Number(match[1]);
    if (value < known) this.stale.push(`node ${id} gave ${value} although ${known} was known before`);
    this.#seen = Math.max(this.#seen, value);
    this.reads.set(id, (this.reads.get(id) ?? 0) + 1);
  }

  async #write(writer: Writer): Promise<void> {
    for (let value = 1; !this.#stopping; value++) {
      const outcome = await writer.write(`PUT register ${value}`, () => this.#stopping);
      if (outcome === "Done") this.acknowledged = value;
      await delay(5);
    }
    writer.close();
  }
}
