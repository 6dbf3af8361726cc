/** Clocks of machines that are wrong or jump: the cluster's time follows those of a majority, and is never set by one. */

import { assert, assertEquals } from "@std/assert";
import type { Node } from "../../../../lib/node/node.ts";
import { ClusterClock } from "../../../../lib/node/clock/cluster_clock.ts";
import { MachineDates } from "../../../../lib/node/clock/machine_dates.ts";
import { configurationOf } from "../../../../lib/node/options.ts";
import type { Configuration } from "../../../../lib/raft/types.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";

const TEN_MINUTES_MS = 600_000;
const HOUR_MS = 3_600_000;

async function started(count: number, seed: number): Promise<{ cluster: MemoryCluster; leader: Node }> {
  const cluster = new MemoryCluster(count, seed);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.clock.advance(1_000);
  return { cluster, leader };
}

/** Stores a key that lives for a minute. */
async function putForAMinute(cluster: MemoryCluster, node: Node): Promise<void> {
  let isDone = false;
  node.submit({ type: "Call", call: ["SET", "k", "v", "PX", "60000"] }, ({ type }) => isDone = type === "Done");
  await cluster.clock.until(() => isDone, 10_000, "the key is stored");
}

/** Lets time pass, and says at which moments the key could be read on every node, and at which on none. */
async function watch(cluster: MemoryCluster, moments: readonly number[]): Promise<readonly string[]> {
  const begun = cluster.clock.now();
  const seen: string[] = [];
  for (const moment of moments) {
    await cluster.clock.advance(begun + moment - cluster.clock.now());
    const values = await Promise.all([...cluster.nodes.keys()].map((id) => cluster.get(id, "k")));
    seen.push(values.map((value) => "value" in value ? value.value ?? "-" : value.reason).join(""));
  }
  return seen;
}

Deno.test("a jump of the leader's clock by ten minutes expires no key early, nor late", async () => {
  for (const ahead of [TEN_MINUTES_MS, -TEN_MINUTES_MS]) {
    const { cluster, leader } = await started(3, 61);
    await putForAMinute(cluster, leader);
    cluster.server(leader.id).dateOffMs = ahead;
    assertEquals(await watch(cluster, [100, 1_000, 30_000, 59_000, 60_500]), ["vvv", "vvv", "vvv", "vvv", "---"]);
    await cluster.stop();
  }
});

Deno.test("a single node's clock that jumps moves its time by a tenth at most", async () => {
  const { cluster, leader } = await started(1, 62);
  await putForAMinute(cluster, leader);
  cluster.server(leader.id).dateOffMs = TEN_MINUTES_MS;
  assertEquals(await watch(cluster, [1_000, 30_000, 54_000, 60_000]), ["v", "v", "v", "-"]);
  await cluster.stop();
});

Deno.test("every clock stepped back under running nodes: time goes on, nothing lives a tenth longer, and no start brings it back", async () => {
  for (const [count, backMs] of [[1, TEN_MINUTES_MS], [1, 24 * HOUR_MS], [3, HOUR_MS]] as const) {
    const { cluster, leader } = await started(count, 67);
    await putForAMinute(cluster, leader);
    const before = leader.timeMs();
    for (const id of cluster.ids) cluster.server(id).dateOffMs = -backMs;
    let last = before;
    for (let step = 0; step < 50; step++) {
      await cluster.clock.advance(20);
      assert(leader.timeMs() >= last, `fell from ${last} to ${leader.timeMs()}`);
      last = leader.timeMs();
    }
    assert(last - before >= 890 && last - before <= 1_110, `${last - before} ms in a second`);
    const [some, none] = ["v".repeat(count), "-".repeat(count)];
    assertEquals(await watch(cluster, [30_000, 58_000, 66_500]), [some, some, none]);
    const ended = leader.timeMs();
    for (const id of cluster.ids) cluster.crash(id);
    await cluster.start();
    const next = await cluster.leader();
    assertEquals(await watch(cluster, [0]), [none]);
    assert(next.timeMs() >= before + 60_000, `${ended} before the crash, ${next.timeMs()} after it`);
    await putForAMinute(cluster, next);
    assertEquals(await watch(cluster, [50_000, 67_500]), [some, none]);
    await cluster.stop();
  }
});

Deno.test("a leader whose clock is off begins where a majority is, after an election and after a start of all", async () => {
  for (const ahead of [TEN_MINUTES_MS, -TEN_MINUTES_MS]) {
    const { cluster, leader } = await started(3, 63);
    const next = (leader.id + 1) % 3;
    cluster.server(next).dateOffMs = ahead;
    await putForAMinute(cluster, leader);
    leader.driver.enqueue({ type: "TransferLeadership", target: next });
    await cluster.clock.until(() => cluster.node(next).status().raft.role === "Leader", 10_000, "the other one leads");
    assertEquals(await watch(cluster, [100, 20_000, 29_000]), ["vvv", "vvv", "vvv"]);
    for (const id of cluster.ids) cluster.crash(id);
    await cluster.start([next, (next + 1) % 3]);
    await cluster.leader();
    // Of two dates the earlier one counts: then the time goes on from the last stamp, and the key goes late.
    assertEquals(await watch(cluster, [20_000, 34_000]), ["vv", ahead > 0 ? "--" : "vv"]);
    await cluster.stop();
  }
});

Deno.test("after a pause in which its clock stood still a leader goes on where the majority is", async () => {
  for (const count of [1, 3]) {
    const { cluster, leader } = await started(count, 64);
    await putForAMinute(cluster, leader);
    // The monotonic clock did not move while the machine slept.
    for (const id of cluster.ids) cluster.server(id).dateOffMs = HOUR_MS;
    leader.driver.enqueue({ type: "Stalled" });
    assertEquals(await watch(cluster, [500]), ["-".repeat(count)]);
    assert(leader.timeMs() >= 1_700_000_000_000 + HOUR_MS);
    await cluster.stop();
  }
});

Deno.test("a pause is no chance for one wrong clock", async () => {
  const { cluster, leader } = await started(3, 65);
  await putForAMinute(cluster, leader);
  cluster.server(leader.id).dateOffMs = HOUR_MS;
  leader.driver.enqueue({ type: "Stalled" });
  assertEquals(await watch(cluster, [500, 50_000]), ["vvv", "vvv"]);
  await cluster.stop();
});

Deno.test("a machine whose clock is off is named by the leader and by itself, until it agrees again", async () => {
  const { cluster, leader } = await started(3, 66);
  const off = (leader.id + 1) % 3;
  const offsets = (node: Node) => node.status().clocks.map(({ id, aheadMs }) => [id, Math.round(aheadMs / 1_000)]);
  assertEquals(offsets(leader).sort(), [[0, 0], [1, 0], [2, 0]]);
  cluster.server(off).dateOffMs = TEN_MINUTES_MS;
  await cluster.clock.advance(1_000);
  assertEquals(offsets(leader).filter(([, seconds]) => seconds !== 0), [[off, 600]]);
  assertEquals(offsets(cluster.node(off)), [[off, 600]]);
  cluster.server(off).dateOffMs = 0;
  await cluster.clock.advance(1_000);
  const said = cluster.log.filter((line) => line.includes("clock"));
  for (const id of [leader.id, off]) {
    const own = said.filter((line) => line.startsWith(`${id} `));
    assertEquals(own.length, 2, own.join("\n"));
    assert(/warn The clock of node \d is (600|599)\.\d+ s ahead of the majority's: set it right/.test(own[0] ?? ""));
    assert(own[1]?.includes(`The clock of node ${off} agrees with the majority's again`));
  }
  assertEquals(said.length, 4);
  await cluster.stop();
});

Deno.test("a leader's time never stops, falls or runs more than a tenth too fast or too slow", async () => {
  const clock = new VirtualClock();
  const time = new ClusterClock(clock, 1_000_000);
  assertEquals(time.now(), 1_000_000);
  time.hear(2_000_000);
  time.lead(1_500_000);
  assertEquals(time.now(), 2_000_000);
  for (const date of [9_000_000, 0, 2_100_000, 9_000_000]) {
    for (let step = 0; step < 50; step++) {
      const before = time.now();
      time.correct(date);
      await clock.advance(100);
      const passed = time.now() - before;
      assert(passed >= 89 && passed <= 111, `${passed} ms in 100`);
    }
  }
  const target = time.now() + 2_000;
  const begun = clock.now();
  for (let step = 0; step < 600; step++) {
    time.correct(target + clock.now() - begun);
    await clock.advance(100);
  }
  assert(Math.abs(time.now() - (target + clock.now() - begun)) < 50);
});

Deno.test("the date of a majority is the lower median of what its voters said of late", async () => {
  const clock = new VirtualClock();
  const configuration: Configuration = configurationOf(
    [0, 1, 2, 3, 4].map((id) => ({ id, address: `a${id}`, clientAddress: "", identity: "" })),
  );
  const dates = new MachineDates(0, { clock, wallClockMs: () => 1_000 + clock.now() });
  assertEquals(dates.majorityDate(configuration), undefined);
  dates.heard(1, 5_000_000);
  assertEquals(dates.majorityDate(configuration), undefined);
  dates.heard(2, 1_002);
  assertEquals(dates.majorityDate(configuration), 1_002);
  dates.heard(9, 0);
  dates.heard(3, 4_000_000);
  assertEquals(dates.majorityDate(configuration), 1_002);
  dates.heard(4, 3);
  assertEquals(dates.majorityDate(configuration), 1_002);
  await clock.advance(100);
  assertEquals(dates.majorityDate(configuration), 1_102);
  assertEquals(dates.offsets(configuration, 1_102).map(({ aheadMs }) => aheadMs), [-2, 4_998_998, 0, 3_998_998, -999]);
  await clock.advance(6_000);
  assertEquals(dates.majorityDate(configuration), undefined);
  dates.heard(1, 0);
  dates.heard(2, 0);
  dates.forget();
  assertEquals(dates.majorityDate(configuration), undefined);
});
