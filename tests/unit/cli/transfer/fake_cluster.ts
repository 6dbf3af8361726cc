/** A cluster in memory for imports: transactions of SET, EXISTS and REVISION, which wait for the test where it wants. */

import type { Client } from "../../../../lib/client/client.ts";
import { bytesToString } from "../../../../lib/base/bytes.ts";
import type { Reply } from "../../../../lib/client/replies.ts";
import type { Comparison, Transaction, TransactionResult } from "../../../../lib/client/transaction.ts";
import type { Word } from "../../../../lib/client/words.ts";

/** Knows what an importer says, and nothing else. */
export class FakeCluster implements Pick<Client, "command" | "txn"> {
  readonly values = new Map<string, string>();
  readonly deadlines = new Map<string, number>();
  /** Of the last change of each key, where that was a transaction; each of these has the next number. */
  readonly revisions = new Map<string, number>();
  #revision = 0;
  /** Transactions in the order in which they were done, as the keys that they were to write. */
  readonly done: string[][] = [];
  underWay = 0;
  underWayMost = 0;
  /** What a transaction waits for. */
  before: (keys: readonly string[]) => Promise<void> = () => Promise.resolve();

  async txn({ if: comparisons = [], then = [], else: others = [] }: Transaction): Promise<TransactionResult> {
    const keys = then.filter(([name]) => name === "SET").map((call) => word(call[1]));
    this.underWayMost = Math.max(this.underWayMost, ++this.underWay);
    await this.before(keys).finally(() => this.underWay -= 1);
    const succeeded = comparisons.every((comparison) => this.#holds(comparison));
    this.done.push(keys);
    this.#revision += 1;
    return { succeeded, replies: (succeeded ? then : others).map((call) => this.#call(call)) };
  }

  /** Somebody else writes a key. */
  write(key: string, value: string): void {
    this.#revision += 1;
    this.#call(["SET", key, value]);
  }

  command(words: readonly Word[]): Promise<Reply> {
    return Promise.resolve(this.#call(words));
  }

  #holds({ key, field, operand }: Comparison): boolean {
    const value = this.values.get(word(key));
    if (field === "modified") return this.revisions.get(word(key)) === operand;
    return field === "exists" ? value === undefined : value === word(operand as Word);
  }

  #call([name, ...words]: readonly Word[]): Reply {
    const [key = "", value = "", ...options] = words.map(word);
    if (name === "EXISTS") return words.filter((each) => this.values.has(word(each))).length;
    if (name === "REVISION") return this.values.has(key) ? [1, this.revisions.get(key) ?? 0, 1] : null;
    if (name !== "SET") throw new Error(`Cannot do ${String(name)}`);
    if (options.includes("NX") && this.values.has(key)) return null;
    this.values.set(key, value);
    this.revisions.set(key, this.#revision);
    this.deadlines.delete(key);
    if (options[0] === "PXAT") this.deadlines.set(key, Number(options[1]));
    return "OK";
  }
}

function word(word: Word | undefined): string {
  return word instanceof Uint8Array ? bytesToString(word) : String(word);
}
