/** What is left of a cluster without a majority, on real nodes: stale reads with their age, refusals, and the way back. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytesToString } from "../../lib/base/bytes.ts";
import { connect } from "../../lib/client/client.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { Connection } from "../support/resp/connection.ts";
import { waitFor } from "../support/wait.ts";

/** What a stale read told: the value, undefined for no such key, and its age, undefined for an unknown one. */
interface Told {
  readonly value: string | undefined;
  readonly ageMs: number | undefined;
}

const KEY = "key1";
const FRESH_MS = 2_500;
/** Of a stale reply of the text protocol. */
const STALE_REPLY = /^(?:value of|Error:) key1 \((?:at most (\d+) ms old|age unknown)\)(?:: (.*)| does not exist\.)$/;

/** A stale read in each protocol. */
const READERS: Readonly<Record<string, (cluster: ProcessCluster, id: number) => Promise<Told>>> = {
  async text(cluster, id) {
    const reply = await cluster.ask(id, `GET ${KEY} STALE`);
    assertMatch(reply, STALE_REPLY);
    const [, age, value] = STALE_REPLY.exec(reply) ?? [];
    return { value, ageMs: age === undefined ? undefined : Number(age) };
  },
  async redis(cluster, id) {
    using connection = await Connection.open(`127.0.0.1:${cluster.node(id).clientPort}`);
    const reply = await connection.ask(["KV.GET", KEY, "STALE"]);
    assert(reply.type === "Array", reply.type);
    const [value, age] = reply.items;
    return {
      value: value?.type === "Bulk" ? value.text : undefined,
      ageMs: age?.type === "Integer" ? Number(age.value) : undefined,
    };
  },
  async http(cluster, id) {
    const reply = await fetch(`http://127.0.0.1:${cluster.node(id).httpPort}/v1/kv/${KEY}?level=stale`);
    const body = bytesToString(await reply.bytes());
    const age = reply.headers.get("x-kv-stale-age-ms");
    assert(age !== null, `${reply.status} without an age`);
    return { value: reply.status === 200 ? body : undefined, ageMs: age === "unknown" ? undefined : Number(age) };
  },
  async client(cluster, id) {
    await using client = await connect({ servers: [`127.0.0.1:${cluster.node(id).clientPort}`] });
    const { entry, ageMs } = await client.getStale(KEY);
    return { value: entry?.text(), ageMs };
  },
};

Deno.test("two of three nodes die: the third reads on in every protocol, says how old that is, and refuses the rest", () =>
  withCluster({ flags: ["--request-timeout-ms", "1000"] }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    assertEquals(await cluster.ask(leader, `PUT ${KEY} round 0`), `${KEY} added successfully.`);
    for (const [round, choose] of [(id: number) => id, (id: number) => cluster.others(id)[0] ?? id].entries()) {
      const left = choose(await cluster.waitForLeader());
      await readsFresh(cluster, { left, value: `round ${round}` });
      const dead = cluster.others(left);
      await Promise.all(dead.map((id) => cluster.kill(id)));
      await readsOn(cluster, { left, value: `round ${round}`, deadSince: performance.now() });
      await Promise.all(dead.map((id) => cluster.restart(id)));
      const next = await cluster.waitForLeader();
      assertEquals(await cluster.ask(next, `PUT ${KEY} round ${round + 1}`), `${KEY} added successfully.`);
      await readsFresh(cluster, { left, value: `round ${round + 1}` });
    }
  }));

Deno.test("a node that is restarted alone does not know how old its state is, until a majority is up", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    await cluster.ask(leader, `PUT ${KEY} value`);
    await cluster.waitUntilEqual();
    await cluster.ask(0, "SNAPSHOT");
    await Promise.all(cluster.others().map((id) => cluster.kill(id)));
    await cluster.restart(0);
    for (const [name, read] of Object.entries(READERS)) {
      assertEquals(await read(cluster, 0), { value: "value", ageMs: undefined }, name);
    }
    await cluster.restart(1);
    await readsFresh(cluster, { left: 0, value: "value" });
  }));

async function readsFresh(
  cluster: ProcessCluster,
  { left, value }: { readonly left: number; readonly value: string },
): Promise<void> {
  for (const [name, read] of Object.entries(READERS)) {
    await waitFor(async () => {
      const told = await read(cluster, left);
      return told.value === value && told.ageMs !== undefined && told.ageMs < FRESH_MS || undefined;
    }, { what: `a fresh answer of node ${left} by ${name}` });
  }
}

async function readsOn(
  cluster: ProcessCluster,
  { left, value, deadSince }: { readonly left: number; readonly value: string; readonly deadSince: number },
): Promise<void> {
  await waitFor(async () => (await cluster.ask(left, `GET ${KEY}`)).startsWith("Error: No leader.") || undefined, {
    what: "the last node to find that it is alone",
  });
  const seen: { readonly ageMs: number; readonly at: number }[] = [];
  for (let turn = 0; turn < 2; turn++) {
    for (const [name, read] of Object.entries(READERS)) {
      const before = performance.now();
      const told = await read(cluster, left);
      assertEquals(told.value, value, name);
      const { ageMs = -1 } = told;
      // Whole milliseconds, rounded up.
      assert(ageMs >= before - deadSince, `${name} says ${ageMs} ms, the others are dead for ${before - deadSince} ms`);
      for (const past of seen) assert(ageMs - past.ageMs >= before - past.at - 1, `${name}: ${ageMs} ms did not grow`);
      seen.push({ ageMs, at: performance.now() });
    }
  }
  await refuses(cluster, left);
}

/** The node that is left says in every protocol that it is alone, whom to start, and how to read what it has. */
async function refuses(cluster: ProcessCluster, left: number): Promise<void> {
  const away = cluster.others(left).map((id) => `${id} (127.0.0.1:${cluster.node(id).clientPort})`);
  const start = `node ${away.join(" or ")}, or mend the network`;
  const reach = "eachable 1 of 3 nodes, need 2";
  const text =
    `Error: No leader. R${reach}. No other node answers. Start ${start}. GET <key> STALE shows what this node has.`;
  for (const line of ["PUT more no", `GET ${KEY}`, "DELETE more"]) assertEquals(await cluster.ask(left, line), text);
  const clauses = `r${reach}; no other node answers; start ${start}`;
  using connection = await Connection.open(`127.0.0.1:${cluster.node(left).clientPort}`);
  for (const command of [["SET", "more", "no"], ["GET", KEY]]) {
    const told = `CLUSTERDOWN no leader; ${clauses}; KV.GET <key> STALE shows what this node has`;
    assertEquals(await connection.ask(command), { type: "Error", text: told });
  }
  const base = `http://127.0.0.1:${cluster.node(left).httpPort}`;
  for (const method of ["PUT", "GET"]) {
    const reply = await fetch(`${base}/v1/kv/${KEY}`, { method });
    const { code, detail } = await reply.json();
    const told = `No leader is known here; nothing was done; ${clauses}; ?level=stale shows what this node has`;
    assertEquals([reply.status, code, detail], [503, "no_leader", told]);
  }
  assertMatch(
    await (await fetch(`${base}/readyz`)).text(),
    new RegExp(`no leader; r${reach}; no other node answers; `),
  );
}
