/**
 * A thousand watchers on the leader, each write wanted by one of them: writes lose at most a fifth. Runs with and without
 * them take turns, and neighbours are compared, so that a machine whose speed changes does not decide. The watchers' own
 * process takes its part of the machine as well.
 *
 *     WATCHERS=1000 deno test -A tests/long/event_watchers_long.ts
 */

import { assert, assertGreater } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { runLoad } from "../../lib/load/run_load.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";

const WATCHERS = Number(Deno.env.get("WATCHERS") ?? 1_000);
const PAIRS = 7;
const SECONDS = 3;
const SHARE_LEFT_MIN = 0.8;

Deno.test(`${WATCHERS} watchers leave writes at least ${SHARE_LEFT_MIN} of their throughput`, () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    await writesPerSecond(cluster, leader);
    const shares: number[] = [];
    let bytes = 0;
    for (let pair = 0; pair < PAIRS; pair++) {
      const without = await writesPerSecond(cluster, leader);
      bytes += await withSwarm(cluster.node(leader).httpPort, async () => {
        shares.push(await writesPerSecond(cluster, leader) / without);
      });
    }
    const [median = 0] = shares.toSorted((a, b) => a - b).slice(PAIRS >> 1);
    const told = `${shares.map((share) => share.toFixed(2)).join(" ")}, ${(bytes / 1e6).toFixed(1)} MB of events`;
    await Deno.stderr.write(new TextEncoder().encode(`Shares left: ${told}\n`));
    assertGreater(bytes, 1_000_000, "the watchers were sent events");
    assertGreater(median, SHARE_LEFT_MIN, told);
  }));

async function writesPerSecond(cluster: ProcessCluster, id: number): Promise<number> {
  const result = await runLoad({
    addresses: [{ hostname: "127.0.0.1", port: cluster.node(id).clientPort }],
    connections: 50,
    pipeline: 1,
    command: "set",
    valueBytes: 64,
    keys: WATCHERS,
    keyOrder: "random",
    readShare: 0,
    rate: undefined,
    limit: { seconds: SECONDS },
    warmupSeconds: 0.5,
    seed: 1,
  });
  return result.perSecond;
}

/** Runs `body` while the watchers watch. Returns the bytes that they received. */
async function withSwarm(port: number, body: () => Promise<void>): Promise<number> {
  const script = fromFileUrl(new URL("../support/watcher_swarm.ts", import.meta.url));
  const swarm = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", script, String(port), String(WATCHERS)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = swarm.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const input = swarm.stdin.getWriter();
  try {
    assert((await lines.read()).value?.startsWith("ready"), "the watchers did not begin");
    await body();
    await input.write(new TextEncoder().encode("\n"));
    return Number((await lines.read()).value);
  } finally {
    await input.close().catch(() => {});
    await lines.cancel();
    await swarm.status;
  }
}
