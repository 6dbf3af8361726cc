/** The page of /metrics: its form, its frozen list of names, and buckets that count what they say. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CATALOGUE } from "../../../lib/observe/catalogue.ts";
import { BUCKET_BOUNDS, expose } from "../../../lib/observe/exposition.ts";
import { showLabels } from "../../../lib/observe/labels.ts";
import { CounterFamily, Histogram, LABELLED_SERIES_MAX, Registry } from "../../../lib/observe/metrics.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { promtool } from "../../support/promtool.ts";
import { PROMTOOL, testWith } from "../../support/needs.ts";

const GOLDEN = new URL("./metric_names.txt", import.meta.url);

Deno.test("the names, types and labels of metrics are frozen; UPDATE=1 rewrites the list", async () => {
  const list = Object.entries(CATALOGUE)
    .map(([name, { type, labels }]) => `${[type, name, ...labels].join(" ")}\n`)
    .sort()
    .join("");
  if (Deno.env.get("UPDATE") === "1") await Deno.writeTextFile(GOLDEN, list);
  assertEquals(list, await Deno.readTextFile(GOLDEN), "dashboards and alerts of users break when a name changes");
});

Deno.test("counters end with _total, nothing else does, and no label could hold a key", () => {
  for (const [name, { type, labels, help }] of Object.entries(CATALOGUE)) {
    assertEquals(name.endsWith("_total"), type === "counter", name);
    assert(help.endsWith(".") && !help.includes("\n"), name);
    for (const label of labels) assert(label !== "key" && label !== "path", name);
  }
});

Deno.test("a page shows each kind of metric, in the order of the catalogue, and leaves out what has no series", () => {
  const registry = new Registry();
  registry.counter(METRIC.elections).add(3);
  registry.gauge(METRIC.clientConnections, () => 7);
  const commands = registry.counterFamily(METRIC.respCommands, ["cmd", "status"]);
  commands.counter(["get", "ok"]).add(2);
  commands.counter(["get", "error"]);
  const page = expose(registry, [
    { name: METRIC.hasLeader, value: 1 },
    { name: METRIC.peerSentBytes, labels: ["1"], value: 10 },
    { name: METRIC.peerSentBytes, labels: ["2"], value: 20.5 },
  ]);
  const lines = page.split("\n").filter((line) => !line.startsWith("# HELP"));
  assertEquals(lines, [
    "# TYPE kvstore_server_has_leader gauge",
    "kvstore_server_has_leader 1",
    "# TYPE kvstore_server_client_connections gauge",
    "kvstore_server_client_connections 7",
    "# TYPE kvstore_resp_commands_total counter",
    'kvstore_resp_commands_total{cmd="get",status="ok"} 2',
    'kvstore_resp_commands_total{cmd="get",status="error"} 0',
    "# TYPE kvstore_raft_elections_total counter",
    "kvstore_raft_elections_total 3",
    "# TYPE kvstore_network_peer_sent_bytes_total counter",
    'kvstore_network_peer_sent_bytes_total{to="1"} 10',
    'kvstore_network_peer_sent_bytes_total{to="2"} 20.5',
    "",
  ]);
});

Deno.test("buckets count every duration at or below their bound, and the bounds themselves", () => {
  const histogram = new Histogram();
  const durations = [0, 1e-6, ...BUCKET_BOUNDS, ...BUCKET_BOUNDS.map((bound) => bound * 1.3), 1_000];
  for (const seconds of durations) histogram.record(seconds);
  const expected = BUCKET_BOUNDS.map((bound) => durations.filter((seconds) => seconds <= bound).length);
  assertEquals(histogram.countsUpTo(BUCKET_BOUNDS), expected);
});

Deno.test("a histogram's page is cumulative and ends with all of them", () => {
  const registry = new Registry();
  const histogram = registry.histogram(METRIC.walSyncSeconds);
  for (const seconds of [0.000_01, 0.001, 0.001, 0.5, 100]) histogram.record(seconds);
  const page = expose(registry, []);
  const of = (le: string) => `kvstore_disk_wal_fsync_duration_seconds_bucket{le="${le}"}`;
  assertStringIncludes(page, `${of("0.000016")} 1\n`);
  assertStringIncludes(page, `${of("0.001024")} 3\n`);
  assertStringIncludes(page, `${of("16.777216")} 4\n`);
  assertStringIncludes(page, `${of("+Inf")} 5\n`);
  assertStringIncludes(page, "kvstore_disk_wal_fsync_duration_seconds_count 5\n");
});

testWith([PROMTOOL], "promtool takes a page with a histogram", async () => {
  const registry = new Registry();
  registry.histogram(METRIC.walSyncSeconds).record(0.001);
  assertEquals(await promtool(["metrics"], expose(registry, [])), { code: 0, text: "" });
});

testWith([PROMTOOL], "promtool finds what is wrong with a page", async () => {
  const { code } = await promtool(["metrics"], "# TYPE a_total gauge\na_total 1\n");
  assert(code !== 0);
});

Deno.test("label values are escaped", () => {
  assertEquals(showLabels(["a", "b"], ['x"y\\z', "two\nlines"]), '{a="x\\"y\\\\z",b="two\\nlines"}');
  assertEquals(showLabels([], []), "");
});

Deno.test("a family stops to grow and counts the rest together", () => {
  const family = new CounterFamily(["name"]);
  for (let at = 0; at < LABELLED_SERIES_MAX + 50; at++) family.counter([`n${at}`]).add();
  assertEquals(family.series.size, LABELLED_SERIES_MAX + 1);
  assertEquals(family.series.get('{name="other"}')?.value, 50);
  assertEquals(family.counter(["n0"]).value, 1, "what is known stays");
});
