/** Commands are counted by name and outcome, whatever a client sends as a name. */

import { assertEquals } from "@std/assert";
import { LABELLED_SERIES_MAX } from "../../../../lib/observe/metrics.ts";
import { METRIC } from "../../../../lib/observe/names.ts";
import { COMMANDS } from "../../../../lib/protocol/resp/commands.ts";
import { RespBench } from "./session_support.ts";

function counted(bench: RespBench): Record<string, number> {
  const series = [...bench.node.metrics.families.get(METRIC.respCommands)?.series ?? []];
  return Object.fromEntries(series.filter(([, { value }]) => value > 0).map(([labels, { value }]) => [labels, value]));
}

Deno.test("each answered command is counted once, under its own name in any case", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  await client.send(
    "SET k 1\r\nget k\r\nGET k\r\nINCR k\r\nGET\r\nFOO\r\nBAR 1\r\nPING\r\nMULTI\r\nGET k\r\nEXEC\r\n",
  );
  assertEquals(counted(bench), {
    '{cmd="set",status="ok"}': 1,
    '{cmd="get",status="ok"}': 3,
    '{cmd="get",status="error"}': 1,
    '{cmd="incr",status="ok"}': 1,
    '{cmd="unknown",status="error"}': 2,
    '{cmd="ping",status="ok"}': 1,
    '{cmd="multi",status="ok"}': 1,
    '{cmd="exec",status="ok"}': 1,
  });
});

Deno.test("replies that become known in another order are counted for their own command", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  bench.node.refusal = "NoSpace";
  await client.send("SET a 1\r\nPING\r\n");
  assertEquals(counted(bench), { '{cmd="set",status="error"}': 1, '{cmd="ping",status="ok"}': 1 });
});

Deno.test("no name of ours is lost in the limit on series", () => {
  const { node } = new RespBench();
  const family = node.metrics.families.get(METRIC.respCommands);
  assertEquals(family?.series.size, (COMMANDS.size + 1) * 2);
  assertEquals((family?.series.size ?? 0) < LABELLED_SERIES_MAX, true);
});
