/** What Prometheus and Kubernetes see of real nodes: pages under load, and health when the majority is gone. */

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { CATALOGUE } from "../../lib/observe/catalogue.ts";
import { promtool } from "../support/promtool.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { PROMTOOL, testWith } from "../support/needs.ts";
import { encodeRequest } from "../support/resp/encode.ts";

/** What a system without /proc, or a runtime without all permissions, does not tell, and what comes with the first answer. */
const NOT_EVERYWHERE: ReadonlySet<string> = new Set([
  "process_open_fds",
  "process_max_fds",
  "kvstore_network_peer_round_trip_time_seconds",
  "kvstore_raft_learner_lag_entries",
  "kvstore_raft_learner_lag_seconds",
  "kvstore_audit_lines_total",
  "kvstore_audit_lines_lost_total",
]);

interface Page {
  readonly status: number;
  readonly text: string;
}

async function get(port: number, path: string): Promise<Page> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
}

function valueOf({ text }: Page, series: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  assert(line !== undefined, `${series} is missing`);
  return Number(line.slice(series.length + 1));
}

/** Sends `count` SETs at once and reads until all are answered. */
async function set(port: number, count: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const commands = Array.from({ length: count }, (_, at) => encodeRequest("SET", `load:${at}`, "value")).join("");
  const writer = connection.writable.getWriter();
  const written = writer.write(new TextEncoder().encode(commands));
  const chunk = new Uint8Array(65_536);
  const reply = "+OK\r\n".length;
  let received = 0;
  while (received < count * reply) {
    const read = await connection.read(chunk);
    assert(read !== null, "the connection was closed");
    received += read;
  }
  await written;
  writer.releaseLock();
}

testWith(
  [PROMTOOL],
  "a scrape under load is valid and complete, and health follows the majority",
  () =>
    withCluster({}, async (cluster) => {
      const leader = await cluster.waitForLeader();
      const { httpPort, clientPort } = cluster.node(leader);
      const before = await get(httpPort, "/metrics");
      const WRITES = 2_000;
      const [page] = await Promise.all([get(httpPort, "/metrics"), set(clientPort, WRITES)]);
      assertEquals(await promtool(["metrics"], page.text), { code: 0, text: "" });

      const after = await get(httpPort, "/metrics");
      assertEquals(await promtool(["metrics"], after.text), { code: 0, text: "" });
      const grew = (series: string) => valueOf(after, series) - valueOf(before, series);
      assertEquals(grew('kvstore_resp_commands_total{cmd="set",status="ok"}'), WRITES);
      assertGreater(grew("kvstore_server_proposals_committed_total"), WRITES - 1);
      assertGreater(grew("kvstore_disk_wal_fsync_duration_seconds_count"), 0);
      assertEquals(valueOf(after, "kvstore_store_keys"), WRITES);
      assertEquals(valueOf(after, "kvstore_server_is_leader"), 1);
      assertGreater(valueOf(after, 'kvstore_http_requests_total{route="getMetrics",code="200"}'), 1);
      for (const name of Object.keys(CATALOGUE)) {
        if (!NOT_EVERYWHERE.has(name)) assertStringIncludes(after.text, `# TYPE ${name} `);
      }

      for (const { httpPort: port } of cluster.nodes) {
        const told = await get(port, "/metrics");
        const names = ["raft_voters", "raft_learners", "raft_membership_changing", "server_is_learner"];
        assertEquals(names.map((name) => valueOf(told, `kvstore_${name}`)), [3, 0, 0, 0]);
        for (const path of ["/livez", "/readyz", "/health"]) assertEquals((await get(port, path)).status, 200, path);
      }
      const verbose = await get(httpPort, "/readyz?verbose");
      assertStringIncludes(verbose.text, "[+]leader ok\n");

      const [gone = 0, alone = 0] = cluster.others(leader);
      const ages = "kvstore_server_state_age_seconds";
      await waitFor(
        async () => (await get(cluster.node(alone).httpPort, "/metrics")).text.includes(`\n${ages} `) || undefined,
        {
          what: "the node that will be left to know how old its state is",
        },
      );
      await cluster.kill(gone);
      await cluster.kill(leader);
      const { httpPort: port } = cluster.node(alone);
      await waitFor(async () => (await get(port, "/readyz")).status === 503 ? true : undefined, {
        what: "the node that is left is not ready",
      });
      assertStringIncludes((await get(port, "/readyz")).text, "[-]leader failed: no leader");
      assertEquals((await get(port, "/livez")).text, "ok\n", "alive all the same");
      const left = await get(port, "/metrics");
      assertEquals(valueOf(left, "kvstore_server_has_leader"), 0);
      await waitFor(
        async () => valueOf(await get(port, "/metrics"), ages) > valueOf(left, ages) || undefined,
        { what: "the state grows older" },
      );
    }),
);

Deno.test("with --log-format json every line of a node's log is an object that names the node", () =>
  withCluster({ nodes: 1, flags: ["--log-format", "json"] }, (cluster) => {
    const lines = cluster.node(0).process?.lines ?? [];
    const objects = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    assertGreater(objects.length, 0);
    for (const { time, level, msg, node } of objects) {
      assert(!Number.isNaN(Date.parse(time)), time);
      assertEquals([typeof level, typeof msg, node], ["string", "string", 0]);
    }
    return Promise.resolve();
  }));
