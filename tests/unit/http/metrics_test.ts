/** `GET /metrics` of a node in memory: valid, complete, and as cheap with a million keys as with none. */

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { encodeCommand } from "../../../lib/kv/commands.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { METRICS_ROUTES } from "../../../lib/http/routes/metrics.ts";
import { promtool } from "../../support/promtool.ts";
import { StateNode } from "../../support/state_node.ts";
import { RespBench } from "../protocol/resp/session_support.ts";
import { get } from "./monitoring_support.ts";
import { PROMTOOL, testWith } from "../../support/needs.ts";
import { spanOf } from "../../support/state.ts";

testWith([PROMTOOL], "the page has the media type of Prometheus and passes promtool", async () => {
  const { node } = new RespBench();
  node.metrics.histogram(METRIC.commandSeconds).record(0.001);
  const { status, headers, body } = await get(METRICS_ROUTES, { node, path: "/metrics" });
  assertEquals(status, 200);
  assertEquals(new Map(headers).get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  assertEquals(await promtool(["metrics"], body), { code: 0, text: "" });
});

Deno.test("the page tells what the node knows of itself and its peers", async () => {
  const node = new StateNode();
  node.age = 350;
  node.isChangingMembership = true;
  node.learnerLags = [{ id: 2, entries: 12, ms: 4_500 }];
  const { body } = await get(METRICS_ROUTES, { node, path: "/metrics" });
  const expected = [
    "kvstore_server_state_age_seconds 0.35",
    "kvstore_server_is_learner 0",
    "kvstore_server_is_drained 0",
    "kvstore_raft_voters 0",
    "kvstore_raft_learners 0",
    'kvstore_raft_learner_lag_entries{of="2"} 12',
    'kvstore_raft_learner_lag_seconds{of="2"} 4.5',
    "kvstore_raft_membership_changing 1",
    "kvstore_raft_membership_changed_timestamp_seconds 0",
    "kvstore_server_has_leader 1",
    "kvstore_server_is_leader 1",
    "kvstore_server_quorum_reachable 3",
    "kvstore_server_quorum_needed 2",
    "kvstore_raft_term 3",
    "kvstore_raft_commit_index 42",
    "kvstore_raft_applied_index 42",
    "kvstore_raft_last_log_index 43",
    "kvstore_raft_snapshot_index 10",
    'kvstore_network_peer_sent_bytes_total{to="1"} 100',
    'kvstore_network_peer_received_bytes_total{from="1"} 200',
    'kvstore_network_peer_round_trip_time_seconds{to="1"} 0.00025',
    'kvstore_network_peer_reachable{to="2"} 0',
    'kvstore_clock_offset_seconds{of="2"} 600',
    'kvstore_network_messages_sent_total{type="AppendEntries"} 7',
    "kvstore_store_keys 0",
    "kvstore_server_uptime_seconds 3723",
  ];
  for (const line of expected) assertStringIncludes(body, `\n${line}\n`);
  assert(!body.includes('round_trip_time_seconds{to="2"}'), "nothing is known of that one");
  for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"]) {
    assert(new RegExp(`^${name} [0-9.e+]+$`, "m").test(body), name);
  }
});

Deno.test("a node that does not know how old its state is shows no age", async () => {
  const node = new StateNode();
  node.age = undefined;
  const { body } = await get(METRICS_ROUTES, { node, path: "/metrics" });
  assert(!body.includes("kvstore_server_state_age_seconds"));
});

Deno.test("without a leader the page says so", async () => {
  const node = new StateNode();
  node.leaderId = undefined;
  const { body } = await get(METRICS_ROUTES, { node, path: "/metrics" });
  assertStringIncludes(body, "kvstore_server_has_leader 0\n");
  assertStringIncludes(body, "kvstore_server_is_leader 0\n");
});

Deno.test("a scrape with a hundred thousand keys costs what one with a hundred does", async () => {
  const few = await fastestScrape(100);
  const many = await fastestScrape(100_000);
  // Whatever looks at each key takes a thousand times as long.
  assertLess(many, 10 * few, `${few} ms and ${many} ms`);
});

/** In milliseconds, of a node with so many keys. The fastest of many: what other programs take is no cost of a scrape. */
async function fastestScrape(keys: number): Promise<number> {
  const { node } = new RespBench();
  for (let at = 0; at < keys; at++) {
    node.machine.apply(at + 1, spanOf(encodeCommand({ type: "Put", key: `key:${at}`, value: "v" })));
  }
  let fastest = Infinity;
  for (let round = 0; round < 200; round++) {
    const begin = performance.now();
    const { body } = await get(METRICS_ROUTES, { node, path: "/metrics" });
    fastest = Math.min(fastest, performance.now() - begin);
    assertStringIncludes(body, `kvstore_store_keys ${keys}\n`);
  }
  return fastest;
}
