import { assertEquals } from "@std/assert";

import { Ledger, type LedgerWrite, possibleFinals } from "./ledger.ts";

function write(value: string | null, call: number, returned: number | null): LedgerWrite {
  return { key: "k", value, call, return: returned };
}

Deno.test("a ledger with a path is on disk after each line, and goes on where an earlier one ended", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/ledger.jsonl`;
    const writes = [write("a", 1, 2), write(null, 3, null)];
    for (const [at, one] of writes.entries()) {
      using ledger = new Ledger(path);
      ledger.add(one);
      assertEquals(ledger.writes, writes.slice(0, at + 1));
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

/** Answers every GET from `values`, as a node would. */
async function serve(listener: Deno.TcpListener, values: ReadonlyMap<string, string>): Promise<void> {
  using connection = await listener.accept();
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    for (const line of new TextDecoder().decode(buffer.subarray(0, count)).trimEnd().split("\n")) {
      const key = line.replace("GET ", "");
      const value = values.get(key);
      const reply = value === undefined ? `Error: ${key} does not exist.` : `value of ${key}: ${value}`;
      await connection.write(new TextEncoder().encode(`${reply}\n`));
    }
  }
}

Deno.test("the ledger finds acknowledged writes that are lost or changed, and unknown ones with a foreign value", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ledger = new Ledger();
  for (const key of ["kept", "lost", "changed"]) ledger.acknowledge({ key, value: "1", sentAt: 0 });
  for (const key of ["happened", "did-not", "foreign"]) ledger.leaveOpen({ key, value: "2", sentAt: 0 }, "test");
  const values = new Map([["kept", "1"], ["changed", "3"], ["happened", "2"], ["foreign", "4"]]);
  const served = serve(listener, values);
  assertEquals(await ledger.check(listener.addr.port), [
    "lost may be 1, read: Error: lost does not exist.",
    "changed may be 1, read: value of changed: 3",
    "foreign may be nothing or 2, read: value of foreign: 4",
  ]);
  await served;
});

Deno.test("the ledger times the first acknowledgement of a write sent after a moment", () => {
  const ledger = new Ledger();
  for (const [call, returned] of [[0, 10], [5, 120], [106, null], [105, 160]] as const) {
    ledger.add(write("a", call, returned));
  }
  assertEquals(ledger.firstAfter(100), 60);
  assertEquals(ledger.firstAfter(106), undefined);
});
