import { assertEquals } from "@std/assert";

import { DurableLedger, type LedgerWrite, possibleFinals, readLedger } from "./durable_ledger.ts";

function write(value: string | null, call: number, returned: number | null): LedgerWrite {
  return { key: "k", value, call, return: returned };
}

Deno.test("the ledger is on disk after each line, and goes on where an earlier one ended", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/ledger.jsonl`;
    const writes = [write("a", 1, 2), write(null, 3, null)];
    for (const [at, one] of writes.entries()) {
      using ledger = new DurableLedger(path);
      ledger.add(one);
      assertEquals(readLedger(path), writes.slice(0, at + 1));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a key holds in the end what no acknowledged write has certainly replaced", () => {
  const cases: readonly (readonly [string, readonly LedgerWrite[], readonly (string | null)[]])[] = [
    ["the last of two", [write("a", 1, 2), write("b", 3, 4)], ["b"]],
    ["either of two at the same time", [write("a", 1, 4), write("b", 3, 5)], ["a", "b"]],
    ["nothing after a deletion", [write("a", 1, 2), write(null, 3, 4)], [null]],
    ["a write of unknown outcome may come last", [write("a", 1, null), write("b", 3, 4)], ["a", "b"]],
    ["or never", [write("a", 1, null)], [null, "a"]],
    ["a deletion of unknown outcome too", [write("a", 1, 2), write(null, 3, null)], ["a", null]],
  ];
  for (const [name, writes, finals] of cases) {
    assertEquals(possibleFinals(writes).get("k"), new Set(finals), name);
  }
});
