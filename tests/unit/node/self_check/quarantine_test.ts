/** A node of a cluster in memory whose memory changes: it goes into quarantine, gets another state from the others, and serves again. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { METRIC } from "../../../../lib/observe/names.ts";
import type { Node } from "../../../../lib/node/node.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";
import { damageMemory } from "../../../../lib/store/damage.ts";
import type { MemoryCluster } from "../../../support/memory/memory_cluster.ts";
import { DIRECTORY } from "../../../support/memory/memory_server.ts";
import { damagedCluster } from "./support.ts";

const MINUTE_MS = 60_000;

function isQuarantined(cluster: MemoryCluster, id: NodeId): boolean {
  // Not `Node.isQuarantined`, which is true as soon as it answers nothing more.
  return cluster.nodes.get(id)?.metrics.gauges.get(METRIC.quarantined)?.read() === 1;
}

/** Waits until a node is well again; the cluster's digests are equal then. */
async function repaired(cluster: MemoryCluster, id: NodeId): Promise<void> {
  await cluster.clock.until(() => !isQuarantined(cluster, id), MINUTE_MS, `node ${id} is repaired`);
  await cluster.converged();
  assertEquals(new Set([...cluster.nodes.values()].map((node) => node.status().digest)).size, 1);
}

async function beginsQuarantine(cluster: MemoryCluster, id: NodeId): Promise<void> {
  await cluster.clock.until(() => isQuarantined(cluster, id), MINUTE_MS, `node ${id} goes into quarantine`);
}

Deno.test("a follower that differs serves nothing and votes for nobody until a snapshot of the others has replaced its state", async () => {
  const { cluster, wrong: [wrong = -1], leaderId } = await damagedCluster(11, (leader, ids) => {
    return ids.filter((id) => id !== leader).slice(0, 1);
  });
  await beginsQuarantine(cluster, wrong);
  const node = cluster.node(wrong);
  assertEquals(await cluster.get(wrong, "a"), { reason: "Quarantined" });
  const outcome = await cluster.put(wrong, "a", "x");
  assertEquals(outcome.type === "NotDone" && outcome.reason, "Quarantined");
  assertEquals(node.health().quarantined, true);
  assertEquals(node.metrics.gauges.get(METRIC.quarantined)?.read(), 1);
  assertEquals(await node.takeSnapshot(), { type: "NotSound" });
  assertEquals(await node.openBackup(), { type: "NotSound" });
  // The others go on, and what they write meanwhile is there afterwards.
  assertEquals((await cluster.put(leaderId, "c", "meanwhile")).type, "Done");
  await repaired(cluster, wrong);
  assertEquals(await cluster.get(wrong, "c"), { value: "meanwhile" });
  assertEquals(await cluster.get(wrong, "a"), { value: "w" });
  assertEquals(node.health().quarantined, false);
  const files = [...cluster.server(wrong).disk.files().keys()].filter((path) =>
    path.startsWith(`${DIRECTORY}/quarantine`)
  );
  assertEquals(files.length, 1);
  assertMatch(files[0] ?? "", /\/\d+\.json$/);
  const evidence = JSON.parse(new TextDecoder().decode(cluster.server(wrong).disk.contents(files[0] ?? "")));
  assertMatch(evidence.what, /^at entry \d+ a majority has the digest 1:[0-9a-f]{16}, and this node 1:[0-9a-f]{16}$/);
  await cluster.stop();
});

Deno.test("a leader that differs hands over first, and is repaired by the one that leads then", async () => {
  const { cluster, wrong: [wrong = -1] } = await damagedCluster(12, (leader) => [leader]);
  await beginsQuarantine(cluster, wrong);
  const next = await cluster.leader(cluster.ids.filter((id) => id !== wrong));
  assertEquals((await cluster.put(next.id, "c", "x")).type, "Done");
  await repaired(cluster, wrong);
  await cluster.stop();
});

Deno.test("a node in quarantine that is killed is in quarantine after its start, and is repaired then", async () => {
  const { cluster, wrong: [wrong = -1], leaderId } = await damagedCluster(13, (leader, ids) => {
    return ids.filter((id) => id !== leader).slice(0, 1);
  });
  await beginsQuarantine(cluster, wrong);
  for (const id of cluster.ids) if (id !== wrong) cluster.network.cut(id, wrong);
  await cluster.clock.advance(100);
  cluster.crash(wrong);
  await cluster.start([wrong]);
  assert(isQuarantined(cluster, wrong));
  assertEquals(await cluster.get(wrong, "a"), { reason: "Quarantined" });
  for (const id of cluster.ids) if (id !== wrong) cluster.network.heal(id, wrong);
  await repaired(cluster, wrong);
  assertEquals((await cluster.put(leaderId, "c", "x")).type, "Done");
  await cluster.stop();
});

Deno.test("where no majority has the same, and where the majority is not there, nobody goes into quarantine", async () => {
  const { cluster } = await damagedCluster(14, (leader, ids) => ids.filter((id) => id !== leader));
  await cluster.clock.advance(2 * MINUTE_MS);
  assertEquals(cluster.ids.filter((id) => isQuarantined(cluster, id)), []);
  await cluster.stop();

  const { cluster: parted, wrong: [wrong = -1], leaderId } = await damagedCluster(15, (leader, ids) => {
    return ids.filter((id) => id !== leader).slice(0, 1);
  });
  // One that is right is away: were the other one to go, nobody could serve.
  const [away = -1] = parted.ids.filter((id) => id !== wrong && id !== leaderId);
  parted.crash(away);
  await parted.clock.advance(2 * MINUTE_MS);
  assertEquals(isQuarantined(parted, wrong), false);
  assertEquals((await parted.put((await parted.leader()).id, "c", "x")).type, "Done");
  await parted.start([away]);
  await beginsQuarantine(parted, wrong);
  await repaired(parted, wrong);
  await parted.stop();
});

Deno.test("nobody goes into quarantine whose memory has not changed, whatever is written, killed and started again", async () => {
  const { cluster } = await damagedCluster(16, () => []);
  for (const id of cluster.ids) {
    for (let at = 0; at < 20; at++) await cluster.put((await cluster.leader()).id, `key${at % 7}`, `${id} ${at}`);
    cluster.crash(id);
    await cluster.clock.advance(MINUTE_MS / 2);
    await cluster.start([id]);
    await cluster.clock.advance(MINUTE_MS);
  }
  assertEquals(cluster.log.filter((line) => /quarantine|At entry/i.test(line)), []);
  damageMemory("Value", () => {}); // Nothing is looked up: nothing changes.
  await cluster.stop();
});

for (const site of ["Key", "Value", "Revision", "Hash", "Order"] as const) {
  Deno.test(`a bit that changes in a record that nobody touches is found within minutes, and the node is repaired: ${site}`, async () => {
    const { cluster, leaderId } = await damagedCluster(17, () => []);
    const [wrong = -1] = cluster.ids.filter((id) => id !== leaderId);
    damageMemory(site, () => cluster.node(wrong).state.peek("a"));
    await cluster.clock.until(() => isQuarantined(cluster, wrong), 3 * MINUTE_MS, `node ${wrong} finds it`);
    await repaired(cluster, wrong);
    assertEquals(await cluster.get(wrong, "a"), { value: "w" });
    await cluster.clock.advance(2 * MINUTE_MS);
    assertEquals(isQuarantined(cluster, wrong), false);
    await cluster.stop();
  });
}

Deno.test("where the memory of two of three is damaged, they go into quarantine one after the other, never both", async () => {
  const { cluster } = await damagedCluster(18, () => []);
  for (const id of [0, 1]) damageMemory("Value", () => cluster.node(id).state.peek("a"));
  const seen = new Set<NodeId>();
  const isOver = () => {
    const those = cluster.ids.filter((id) => isQuarantined(cluster, id));
    assert(those.length <= 1, `${those} are in quarantine`);
    for (const id of those) seen.add(id);
    return seen.size === 2 && those.length === 0;
  };
  await cluster.clock.until(isOver, 5 * MINUTE_MS, "both are repaired");
  assertEquals((await cluster.put((await cluster.leader()).id, "c", "x")).type, "Done");
  await cluster.converged();
  for (const id of cluster.ids) assertEquals(await cluster.get(id, "a"), { value: "w" });
  await cluster.stop();
});

Deno.test("a node whose memory is damaged keeps no snapshot of it, and goes into quarantine when that is how it finds out", async () => {
  const { cluster, leaderId } = await damagedCluster(19, () => []);
  const [wrong = -1] = cluster.ids.filter((id) => id !== leaderId);
  damageMemory("Value", () => cluster.node(wrong).state.peek("a"));
  const outcome = await cluster.node(wrong).takeSnapshot();
  assertEquals(outcome, { type: "NotSound" });
  assertEquals(cluster.node(wrong).status().storage.snapshots, 0);
  await cluster.clock.until(() => isQuarantined(cluster, wrong), 10_000, "it goes into quarantine");
  await repaired(cluster, wrong);
  await cluster.stop();
});

Deno.test("a node whose memory is damaged stays while one of the others lags: nothing could be committed without it", async () => {
  const { cluster, leaderId } = await damagedCluster(20, () => []);
  const [wrong = -1, lagging = -1] = cluster.ids.filter((id) => id !== leaderId);
  cluster.network.cut(leaderId, lagging);
  assertEquals((await cluster.put(leaderId, "c", "x")).type, "Done");
  damageMemory("Value", () => cluster.node(wrong).state.peek("a"));
  const isFound = () => cluster.node(wrong).metrics.gauges.get(METRIC.memoryDamaged)?.read() === 1;
  await cluster.clock.until(isFound, 3 * MINUTE_MS, `node ${wrong} finds it`);
  await cluster.clock.advance(MINUTE_MS / 2);
  assertEquals(isQuarantined(cluster, wrong), false);
  const leader = await cluster.leader([leaderId, wrong]);
  assertEquals((await cluster.put(leader.id, "c", "y")).type, "Done");
  cluster.network.heal(leaderId, lagging);
  await beginsQuarantine(cluster, wrong);
  await repaired(cluster, wrong);
  await cluster.stop();
});

function isFound(node: Node): boolean {
  return node.metrics.gauges.get(METRIC.memoryDamaged)?.read() === 1;
}

/** What one node was asked while its damage was found, and how each ended: what was asked before, and answered after it. */
class Asked {
  readonly endedAfter: string[] = [];
  readonly inFlight: string[] = [];
  readonly #node: Node;
  #count = 0;

  constructor(node: Node) {
    this.#node = node;
  }

  ask(): void {
    const wasFound = isFound(this.#node);
    const note = (how: string): void => {
      if (!isFound(this.#node)) return;
      this.endedAfter.push(how);
      if (!wasFound) this.inFlight.push(how);
    };
    const key = `k${this.#count++}`;
    this.#node.read((outcome) => note(`read ${outcome.type === "Ready" ? "Ready" : outcome.reason}`));
    this.#node.write({ type: "Put", key, value: "v" }, (outcome) => {
      note(`write ${outcome.type === "NotDone" ? outcome.reason : outcome.type}`);
    });
    this.#node.submit({ type: "Put", key: `s${key}`, value: "v" }, (outcome) => {
      note(`submit ${outcome.type === "NotDone" ? outcome.reason : outcome.type}`);
    });
  }
}

Deno.test("a leader that finds its memory damaged answers nothing from it: what is open ends as unknown or not done, or is done by the next leader", async () => {
  const { cluster, leaderId } = await damagedCluster(21, () => []);
  const leader = cluster.node(leaderId);
  const asked = new Asked(leader);
  damageMemory("Value", () => leader.state.peek("a"));
  // So that some writes wait for the sync of others.
  cluster.server(leaderId).disk.hooks.delaySync = () => new Promise((resolve) => void cluster.clock.after(3, resolve));
  for (let at = 0; at < 10; at++) {
    asked.ask();
    await cluster.clock.advance(1);
  }
  const taken = leader.takeSnapshot();
  for (let at = 0; !isFound(leader); at++) {
    assert(at < MINUTE_MS, "the damage is found");
    asked.ask();
    await cluster.clock.advance(1);
  }
  assertEquals((await taken).type, "NotSound");
  const { currentTerm } = leader.status().raft;
  for (let at = 0; !isQuarantined(cluster, leaderId) || leader.status().raft.role === "Leader"; at++) {
    assert(at < MINUTE_MS, "another one leads");
    asked.ask();
    await cluster.clock.advance(1);
    // By then the next leader may have done what waited.
    if (leader.status().raft.currentTerm === currentTerm) {
      assertEquals(asked.endedAfter.filter((how) => / (Ready|Done)$/.test(how)), []);
    }
  }
  assert(asked.inFlight.includes("read Quarantined"), asked.inFlight.join());
  assert(asked.inFlight.includes("write Unknown"), asked.inFlight.join());
  assertEquals(asked.endedAfter.filter((how) => /^(read Ready|write Done)$/.test(how)), []);
  await repaired(cluster, leaderId);
  for (const how of ["write Quarantined", "submit Done"]) assert(asked.inFlight.includes(how), asked.inFlight.join());
  await cluster.stop();
});

Deno.test("a node that finds its memory damaged answers on where too few others can do without it, and again when they are gone", async () => {
  const { cluster, leaderId } = await damagedCluster(22, () => []);
  const [wrong = -1, away = -1] = cluster.ids.filter((id) => id !== leaderId);
  const node = cluster.node(wrong);
  damageMemory("Value", () => node.state.peek("a"));
  await node.takeSnapshot();
  assertEquals([isFound(node), node.health().quarantined, isQuarantined(cluster, wrong)], [true, true, false]);
  assertEquals(await cluster.get(wrong, "b"), { reason: "Quarantined" });
  cluster.crash(away);
  await cluster.clock.until(() => !node.isQuarantined, 1_500, "it answers again");
  assertEquals(await cluster.get(wrong, "b"), { value: "w" });
  const leader = await cluster.leader([leaderId, wrong]);
  assertEquals((await cluster.put(leader.id, "c", "x")).type, "Done");
  await cluster.clock.advance(MINUTE_MS / 2);
  assertEquals([node.isQuarantined, isQuarantined(cluster, wrong)], [false, false]);
  await cluster.start([away]);
  await beginsQuarantine(cluster, wrong);
  await repaired(cluster, wrong);
  assertEquals(await cluster.get(wrong, "c"), { value: "x" });
  await cluster.stop();
});

Deno.test("a leader whose memory is damaged hands over to who has the whole log, not to one whose disk hangs", async () => {
  const { cluster, leaderId } = await damagedCluster(23, () => []);
  const [hanging = -1, sound = -1] = cluster.ids.filter((id) => id !== leaderId);
  cluster.server(hanging).disk.hooks.delaySync = () => new Promise(() => {});
  assertEquals((await cluster.put(leaderId, "c", "x")).type, "Done");
  const leader = cluster.node(leaderId);
  damageMemory("Value", () => leader.state.peek("a"));
  assertEquals((await leader.takeSnapshot()).type, "NotSound");
  await cluster.clock.until(
    () => cluster.node(sound).status().raft.role === "Leader",
    MINUTE_MS / 2,
    "the sound one leads",
  );
  assertEquals((await cluster.put(sound, "c", "y")).type, "Done");
  cluster.crash(hanging);
  await cluster.stop();
});

Deno.test("a leader whose memory is damaged takes writes on where nobody can take over", async () => {
  const { cluster, leaderId } = await damagedCluster(24, () => []);
  const [hanging = -1, other = -1] = cluster.ids.filter((id) => id !== leaderId);
  cluster.server(hanging).disk.hooks.delaySync = () => new Promise(() => {});
  for (const id of [leaderId, other]) {
    damageMemory("Value", () => cluster.node(id).state.peek("a"));
    await cluster.node(id).takeSnapshot();
    assert(isFound(cluster.node(id)));
  }
  await cluster.clock.advance(5_000);
  const ended = new Map<string, number>();
  for (let at = 0; at < 60; at++) {
    const { type } = await cluster.put(leaderId, "c", `${at}`);
    ended.set(type, (ended.get(type) ?? 0) + 1);
    await cluster.clock.advance(100);
  }
  assert((ended.get("Done") ?? 0) >= 30, JSON.stringify([...ended]));
  cluster.crash(hanging);
  await cluster.stop();
});
