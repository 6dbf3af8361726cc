/** HISTORY, `!!` and `!n`, and how little of it is kept. */

import { assert, assertEquals } from "@std/assert";
import { MemoryBudget } from "../../../../lib/net/memory_budget.ts";
import {
  History,
  HISTORY_BYTES_MAX,
  HISTORY_COMMAND_BYTES_MAX,
  HISTORY_COMMANDS_MAX,
} from "../../../../lib/protocol/text/history.ts";
import { SessionBench } from "./session_support.ts";

Deno.test("HISTORY numbers the commands of this connection, repeated ones included, blank lines not", async () => {
  const bench = new SessionBench();
  await bench.send('PUT a 1\n\n  \nFOO\n!1\nPUT b "x\n');
  bench.takeOutput();
  assertEquals(await bench.ask("HISTORY"), 'History\n1: PUT a 1\n2: FOO\n3: PUT a 1\n4: PUT b "x\n5: HISTORY\n\n');
  assertEquals((await bench.ask("!!")).split("\n").slice(0, 3), ["Repeating: HISTORY", "History", "1: PUT a 1"]);
});

Deno.test("A repeated line that is not printable is shown with escapes and done as it was", async () => {
  const bench = new SessionBench();
  await bench.ask("PUT k a\x00b");
  bench.node.values.clear();
  assertEquals(await bench.ask("!!"), 'Repeating: "PUT k a\\x00b"\nk added successfully.\n');
  assertEquals(bench.node.values.get("k")?.value, "a\x00b");
});

Deno.test("The last thousand commands are kept under their numbers", () => {
  const history = new History(new MemoryBudget(1_000_000));
  for (let number = 1; number <= HISTORY_COMMANDS_MAX + 5; number++) history.add(`GET ${number}`, 10);
  assertEquals(history.get(5), undefined);
  assertEquals(history.get(6), "GET 6");
  assertEquals(history.get(HISTORY_COMMANDS_MAX + 5), `GET ${HISTORY_COMMANDS_MAX + 5}`);
  assertEquals(history.get(HISTORY_COMMANDS_MAX + 6), undefined);
  assertEquals(history.entries().length, HISTORY_COMMANDS_MAX);
  assertEquals(history.entries()[0], { number: 6, line: "GET 6" });
});

Deno.test("Long commands push out older ones, and a very long one is not kept", () => {
  const budget = new MemoryBudget(1_000_000);
  const history = new History(budget);
  history.add("GET a", 5);
  history.add("x".repeat(HISTORY_COMMAND_BYTES_MAX + 1), HISTORY_COMMAND_BYTES_MAX + 1);
  assertEquals(history.get(2), undefined);
  assertEquals(history.get(1), "GET a");
  for (let count = 0; count < 20; count++) history.add("y".repeat(HISTORY_COMMAND_BYTES_MAX), 0);
  assertEquals(history.get(1), undefined);
  assert(budget.bytes <= HISTORY_BYTES_MAX, `${budget.bytes}`);
  assertEquals(history.entries().length, HISTORY_BYTES_MAX / HISTORY_COMMAND_BYTES_MAX);
  history.clear();
  assertEquals([budget.bytes, history.entries().length, history.last], [0, 0, 22]);
});

Deno.test("A history gives its memory back when all connections hold too much", () => {
  const budget = new MemoryBudget(100);
  const history = new History(budget);
  history.add("x".repeat(101), 101);
  history.add("GET a", 5);
  assertEquals(history.entries(), [{ number: 2, line: "GET a" }]);
  assertEquals(budget.bytes, 5);
});
