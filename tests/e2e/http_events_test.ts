/** The change stream of real nodes: the same on all of them, through the deaths of leaders, and honest about its end. */

import { assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { EventClient } from "../support/event_client.ts";
import { EventFollower } from "../support/event_follower.ts";
import type { ServerEvent } from "../support/event_parser.ts";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor, withDeadline } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";
import { exchange } from "./support/raw.ts";
import { encodeRequest } from "../support/resp/encode.ts";

const EVENTS = 10_000;
const KILLS = 3;

/** Sends commands to the Redis protocol of a node, on one connection. */
async function redis(cluster: ProcessCluster, id: number, ...commands: readonly (readonly string[])[]): Promise<void> {
  const bytes = [...commands, ["QUIT"]].map((command) => encodeRequest(...command)).join("");
  await exchange({ port: cluster.node(id).clientPort, bytes });
}

function brief({ type, data, lastEventId, hasId }: ServerEvent): string {
  return [type, data["key"], data["value"] ?? "-", data["previous_revision"], hasId ? lastEventId : "-"].join(" ");
}

/** Every change behind a revision that a node tells, up to the change of a key. */
async function allChanges(port: number, lastKey: string): Promise<readonly ServerEvent[]> {
  using client = await EventClient.open({ port, lastEventId: "0" });
  await waitFor(() => client.changes.some(({ data }) => data["key"] === lastKey) || undefined, {
    what: `the change of ${lastKey}`,
  });
  return client.changes;
}

Deno.test("every node tells of every change, with transactions whole and the revision before", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const clients = await Promise.all(cluster.nodes.map(({ httpPort }) => EventClient.open({ port: httpPort })));
    using filtered = await EventClient.open({ port: cluster.node(leader).httpPort, query: "prefix=t%3A&types=delete" });
    const [other = 0] = cluster.others(leader);
    await redis(
      cluster,
      other,
      ["SET", "a", "1"],
      ["MULTI"],
      ["SET", "t:1", "x"],
      ["DEL", "a"],
      ["SET", "t:2", "y"],
      ["EXEC"],
      ["SET", "e", "1", "PX", "50"],
      ["DEL", "t:1", "t:2"],
    );
    const wanted = ["put a", "put t:1", "delete a", "put t:2", "put e", "delete t:1", "delete t:2", "expire e"];
    for (const client of clients) {
      await client.waitFor("expire");
      const names = client.changes.map(({ type, data }) => `${type} ${data["key"]}`);
      // When the deadline comes the leader says.
      assertEquals(names.toSorted(), wanted.toSorted());
      assertEquals(names.slice(0, 4), wanted.slice(0, 4));
    }
    const [first = [], ...rest] = clients.map(({ changes }) => changes.map(brief));
    for (const changes of rest) assertEquals(changes, first);
    const [a = "", t1 = "", , t2 = ""] = first;
    const revision = Number(a.split(" ").at(-1));
    assertEquals(a, `put a 1  ${revision}`);
    assertEquals(t1, "put t:1 x  -");
    assertEquals(first[2], `delete a - ${revision} -`);
    // No number is expected: a change of leader between the two writes takes one as well.
    const next = Number(t2.split(" ").at(-1));
    assertEquals(t2, `put t:2 y  ${next}`);
    assertGreater(next, revision);
    await filtered.waitFor("delete");
    const deleted = filtered.changes.map(brief);
    assertEquals(deleted[0], `delete t:1 - ${next} -`);
    assertEquals(deleted[1]?.startsWith(`delete t:2 - ${next} `), true);
    for (const client of clients) client[Symbol.dispose]();

    await redis(cluster, leader, ["MSET", "s:1", "1", "s:2", "2"]);
    using state = await EventClient.open({ port: cluster.node(other).httpPort, query: "snapshot=1&prefix=s%3A" });
    const { data: { revision: end } } = await state.waitFor("snapshot-end");
    await redis(cluster, leader, ["SET", "s:1", "3"]);
    const { data } = await state.waitFor("put");
    const keys = state.events.filter(({ type }) => type === "snapshot").map(({ data }) => data);
    assertEquals(keys.map(({ key, value }) => [key, value]), [["s:1", "1"], ["s:2", "2"]]);
    // The state may be newer than its last change: a change of leader takes a revision as well.
    const written = Number(keys[0]?.["mod_revision"]);
    assertGreaterOrEqual(Number(end), written);
    assertEquals(data["previous_revision"], written);
    assertGreater(Number(data["mod_revision"]), Number(end));
  }));

Deno.test(`${EVENTS} changes through a watcher across ${KILLS} kills of the leader: each once, in order`, () =>
  withCluster({}, async (cluster) => {
    let leader = await cluster.waitForLeader();
    let at = leader;
    const nextPort = () => {
      // First the leader itself, so that the watcher loses its node with each kill; then whoever comes next.
      const { httpPort } = cluster.node(at);
      at = (at + 1) % cluster.nodes.length;
      return httpPort;
    };
    const follower = new EventFollower(nextPort, { since: "0" });
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 16, pauseMs: 0 });
    for (let kill = 1; kill <= KILLS + 1; kill++) {
      const goal = EVENTS * kill / (KILLS + 1);
      await waitFor(() => ledger.acknowledged.size >= goal || undefined, { what: `${goal} writes` });
      if (kill > KILLS) break;
      leader = await cluster.waitForLeader();
      await cluster.kill(leader);
      await cluster.waitForLeader({ among: cluster.others(leader) });
      await cluster.restart(leader);
    }
    await writers.stop();
    await cluster.waitForLeader();
    await redis(cluster, await cluster.waitForLeader(), ["SET", "last", "1"]);
    const wanted = await allChanges(cluster.node(await cluster.waitForLeader()).httpPort, "last");
    await waitFor(() => follower.received >= wanted.length || undefined, { what: "the follower" });
    await follower.stop();
    assertEquals(follower.others.filter((type) => type !== "error"), []);
    assertGreater(follower.connections, 1);

    const revisions = follower.changes.map(({ data }) => Number(data["mod_revision"]));
    for (const [index, revision] of revisions.entries()) assertGreater(revision, revisions[index - 1] ?? 0);
    assertEquals(follower.changes.map(brief), wanted.map(brief));
    const told = new Map(follower.changes.map(({ data }) => [String(data["key"]), String(data["value"])]));
    assertEquals(told.size, follower.changes.length, "every key is written once, and told once");
    for (const [key, { value }] of ledger.acknowledged) assertEquals(told.get(key), value);
    for (const key of told.keys()) {
      assertEquals(key === "last" || ledger.acknowledged.has(key) || ledger.unknown.has(key), true, key);
    }
    assertGreater(told.size, EVENTS);
    for (const { httpPort } of cluster.nodes) {
      assertEquals((await allChanges(httpPort, "last")).map(brief), wanted.map(brief), "all nodes tell the same");
    }
  }));

Deno.test("a stream ends with an error when its node loses the majority, and cleanly when the node stops", () =>
  withCluster({}, async (cluster) => {
    const [first = 0, second = 1, third = 2] = cluster.nodes.map(({ id }) => id);
    using left = await EventClient.open({ port: cluster.node(first).httpPort });
    using stopped = await EventClient.open({ port: cluster.node(second).httpPort });
    await cluster.kill(second, "SIGTERM");
    const end = await withDeadline(stopped.ended, { what: "the stream of a node that stops" });
    assertEquals(end, "Complete");
    assertEquals(stopped.events.at(-1)?.data, { code: "stopping" });
    await cluster.kill(third);
    assertEquals(await withDeadline(left.ended, { what: "the stream" }), "Complete");
    assertEquals(left.events.at(-1)?.type, "error");
    assertEquals(left.events.at(-1)?.data, { code: "no_quorum" });
  }));
