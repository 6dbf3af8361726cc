/** Plans of a prefix and what is written of them, against a cluster in memory. */

import { assertEquals, assertRejects } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../../lib/base/bytes.ts";
import type { Transaction, TransactionResult } from "../../../../lib/client/transaction.ts";
import type { Reply } from "../../../../lib/client/replies.ts";
import type { Word } from "../../../../lib/client/words.ts";
import { BATCH_KEYS_MAX } from "../../../../lib/cli/transfer/importer.ts";
import { type BackupKey, LOOKS_MAX, planPrefix } from "../../../../lib/cli/transfer/prefix_plan.ts";
import { writePlan } from "../../../../lib/cli/transfer/prefix_writer.ts";
import { Failure } from "../../../../lib/cli/failures.ts";

interface Kept {
  readonly value: string;
  readonly modified: number;
  readonly deadline: number;
}

/** Keys with revisions and deadlines, and the few calls that a restore of a prefix makes. */
class Store {
  readonly keys = new Map<string, Kept>();
  transactions = 0;
  #revision = 0;

  put(key: string, value: string, deadline = -1): void {
    this.keys.set(key, { value, deadline, modified: ++this.#revision });
  }

  /** In byte order, as a scan gives them. */
  async *found(prefix: string): AsyncGenerator<Uint8Array> {
    for (const key of [...this.keys.keys()].filter((each) => each.startsWith(prefix)).sort()) yield stringToBytes(key);
  }

  txn({ if: comparisons = [], then = [] }: Transaction): Promise<TransactionResult> {
    const succeeded = comparisons.every(({ key, operand }) => (this.keys.get(text(key))?.modified ?? 0) === operand);
    if (comparisons.length > 0) this.transactions += 1;
    return Promise.resolve({ succeeded, replies: succeeded ? then.map((call) => this.#call(call)) : [] });
  }

  #call([name, key, value, , deadline]: readonly Word[]): Reply {
    const kept = this.keys.get(text(key));
    if (name === "REVISION") return kept === undefined ? null : [1, kept.modified, 1];
    if (name === "GET") return kept === undefined ? null : stringToBytes(kept.value);
    if (name === "PEXPIRETIME") return kept?.deadline ?? -2;
    if (name === "DEL") return Number(this.keys.delete(text(key)));
    this.put(text(key), text(value), deadline === undefined ? undefined : Number(deadline));
    return "OK";
  }
}

function text(word: Word | undefined): string {
  return word instanceof Uint8Array ? bytesToString(word) : String(word);
}

function backupOf(...keys: readonly (readonly [key: string, value: string, deadline?: number])[]) {
  const wanted = keys.map(([key, value, deadline]): BackupKey => ({ key, value, deadline }));
  return { wanted, lookup: (key: string) => wanted.find((each) => each.key === key) };
}

Deno.test("what differs in value or deadline is changed, what is missing added, what is too much removed", async () => {
  const store = new Store();
  for (const key of ["a:extra", "a:same", "a:value", "a:z", "b:other"]) store.put(key, "v");
  store.put("a:deadline", "v", 500);
  store.put("a:kept", "v", 700);
  const { wanted, lookup } = backupOf(
    ...[["a:0", "v"], ["a:deadline", "v", 600], ["a:kept", "v", 700], ["a:same", "v"], ["a:value", "w"]] as const,
  );
  const plan = await planPrefix(store, { wanted, found: store.found("a:") });
  assertEquals(plan.changes.map(({ type, key }) => `${type} ${key}`), [
    ...["Add a:0", "Change a:deadline", "Remove a:extra", "Change a:value", "Remove a:z"],
  ]);
  assertEquals(plan.same, 2);
  await writePlan(store, { changes: plan.changes, lookup });
  const { changes, same } = await planPrefix(store, { wanted, found: store.found("a:") });
  assertEquals([changes, same, store.keys.get("b:other")?.value], [[], 5, "v"]);
});

Deno.test("more keys than are looked at or written at once come out right", async () => {
  const store = new Store();
  const count = 2 * LOOKS_MAX + BATCH_KEYS_MAX;
  const keys = Array.from({ length: count }, (_, at) => `k${String(at).padStart(6, "0")}`);
  for (const key of keys.filter((_, at) => at % 3 === 0)) store.put(key, "old");
  const { wanted, lookup } = backupOf(...keys.map((key) => [key, "new"] as const));
  const { changes } = await planPrefix(store, { wanted, found: store.found("k") });
  assertEquals(changes.length, count);
  await writePlan(store, { changes, lookup });
  assertEquals([...store.keys.values()].filter(({ value }) => value === "new").length, count);
  assertEquals(store.transactions, Math.ceil(count / BATCH_KEYS_MAX));
});

Deno.test("a key that was written since the changes were shown is not written over", async () => {
  for (const meanwhile of ["add", "change", "remove"]) {
    const store = new Store();
    store.put("change", "old");
    store.put("remove", "old");
    const { wanted, lookup } = backupOf(["add", "new"], ["change", "new"]);
    const { changes } = await planPrefix(store, { wanted, found: store.found("") });
    assertEquals(changes.map(({ key }) => key), ["add", "change", "remove"]);
    store.put(meanwhile, "theirs");
    const error = await assertRejects(() => writePlan(store, { changes, lookup }), Failure);
    assertEquals(
      error.message,
      "Keys were written since the changes were shown; 0 of 3 changes made; give the command again",
    );
    assertEquals(store.keys.get(meanwhile)?.value, "theirs");
    assertEquals(store.keys.get("add")?.value, meanwhile === "add" ? "theirs" : undefined);
  }
});
