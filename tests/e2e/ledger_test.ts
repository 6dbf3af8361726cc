import { assertEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";

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
  for (const key of ["happened", "did-not", "foreign"]) ledger.leaveOpen({ key, value: "2", reason: "test" });
  const values = new Map([["kept", "1"], ["changed", "3"], ["happened", "2"], ["foreign", "4"]]);
  const served = serve(listener, values);
  assertEquals(await ledger.check(listener.addr.port), [
    "acknowledged lost=1, read: Error: lost does not exist.",
    "acknowledged changed=1, read: value of changed: 3",
    "unknown foreign=2, read: value of foreign: 4",
  ]);
  await served;
});

Deno.test("the ledger times the first acknowledgement of a write sent after a moment", () => {
  const ledger = new Ledger();
  ledger.times.push({ sentAt: 0, repliedAt: 10 }, { sentAt: 5, repliedAt: 120 }, { sentAt: 105, repliedAt: 160 });
  assertEquals(ledger.firstAfter(100), 60);
  assertEquals(ledger.firstAfter(106), undefined);
});
