/** Every line of the HTTP interface against real nodes, on a leader and on a follower. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { askOnce } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { exchange } from "./support/raw.ts";
import { EventClient } from "../support/event_client.ts";
import { Random } from "../../lib/base/random.ts";

/** A reply read to its end. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

type Ask = (line: string, extras?: RequestInit) => Promise<Answer>;

/** Sends `METHOD /target` to a node. */
function askerOf(cluster: ProcessCluster, id: number): Ask {
  return async (line, extras = {}) => {
    const [method = "", target = ""] = line.split(" ");
    const url = `http://127.0.0.1:${cluster.node(id).httpPort}${target}`;
    const response = await fetch(url, { redirect: "manual", ...extras, method });
    const text = await response.text();
    for (const name of ["x-kv-node", "x-kv-leader", "x-kv-term", "x-kv-revision"]) {
      assert(response.headers.has(name), `${line}: no ${name}`);
    }
    assertEquals(response.headers.get("x-kv-node"), String(id), line);
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  return text.startsWith("{") ? JSON.parse(text) : {};
}

/** What one node must do; the names of keys differ, so that two nodes do not meet. */
async function walkKeys(ask: Ask, name: string): Promise<void> {
  const path = `/v1/kv/${name}%2Fkey`;
  const created = await ask(`PUT ${path}`, { body: "one" });
  assertEquals(created.status, 201);
  const tag = created.headers.get("etag") ?? "";
  assertEquals(tag, `"${created.headers.get("x-kv-revision")}"`);
  const read = await ask(`GET ${path}`);
  assertEquals([read.status, read.text, read.headers.get("etag")], [200, "one", tag]);
  assertEquals(read.headers.get("content-type"), "application/octet-stream");
  const head = await ask(`HEAD ${path}`);
  assertEquals([head.status, head.text, head.headers.get("content-length")], [200, "", "3"]);
  const json = await ask(`GET ${path}`, { headers: { accept: "application/json" } });
  assertEquals([json.json["key"], json.json["value"], json.json["version"]], [`${name}/key`, "one", 1]);
  assertEquals((await ask(`PUT ${path}`, { body: "two" })).status, 200);
  const stale = await ask(`PUT ${path}`, { body: "three", headers: { "if-match": tag } });
  assertEquals([stale.status, stale.json["code"]], [412, "compare_failed"]);
  const current = stale.headers.get("etag") ?? "";
  assertEquals((await ask(`PUT ${path}`, { body: "three", headers: { "if-match": current } })).status, 200);
  assertEquals((await ask(`PUT ${path}`, { body: "x", headers: { "if-none-match": "*" } })).status, 412);
  assertEquals((await ask(`PUT ${path}new`, { body: "x", headers: { "if-none-match": "*" } })).status, 201);
  assertEquals((await ask(`GET ${path}?level=stale`)).status, 200);
  const level = await ask(`GET ${path}?level=linearizable&min_revision=${current.slice(1, -1)}`);
  assertEquals(level.text, "three");
  const missing = await ask(`GET /v1/kv/${name}-nothing`);
  assertEquals([missing.status, missing.json["code"], missing.headers.get("content-type")], [
    404,
    "key_not_found",
    "application/problem+json",
  ]);
  assertEquals((await ask(`DELETE ${path}`)).status, 200);
  assertEquals((await ask(`DELETE ${path}`)).status, 404);
  const brief = await ask(`PUT /v1/kv/${name}-brief?ttl=10s`, { body: "soon gone" });
  assertEquals(brief.status, 201);
  const left = Number((await ask(`GET /v1/kv/${name}-brief`)).headers.get("x-kv-ttl-ms"));
  assert(left > 0 && left <= 10_000);
  assertEquals((await ask(`PUT ${path}?ttl=50ms`, { body: "gone" })).status, 201);
  await waitFor(async () => (await ask(`GET ${path}`)).status === 404 || undefined, {
    what: "the key to expire",
  });
}

async function walkScan(ask: Ask, name: string): Promise<void> {
  for (const key of ["b", "a", "c"]) await ask(`PUT /v1/kv/scan-${name}/${key}`, { body: key });
  const first = await ask(`GET /v1/kv?prefix=scan-${name}/&limit=2`);
  const keys = ({ json }: Answer) => (json["items"] as readonly { key: string }[]).map(({ key }) => key.at(-1));
  assertEquals(keys(first), ["a", "b"]);
  const rest = await ask(`GET /v1/kv?prefix=scan-${name}/&limit=2&cursor=${first.json["cursor"]}`);
  assertEquals([keys(rest), rest.json["cursor"]], [["c"], null]);
  const range = await ask(`GET /v1/kv?start=scan-${name}/b&end=scan-${name}/c&keys_only=true`);
  assertEquals([keys(range), range.text.includes('"value"')], [["b"], false]);
}

async function walkTransactions(ask: Ask, name: string): Promise<void> {
  const key = `txn-${name}`;
  const body = JSON.stringify({
    compare: [{ key, field: "exists", value: false }],
    then: [{ put: { key, value: "1" } }, { command: ["INCR", key] }],
    else: [{ get: { key } }],
  });
  const first = await ask("POST /v1/txn", { body });
  assertEquals([first.status, first.json["succeeded"], first.json["results"]], [200, true, [{ put: true }, {
    reply: 2,
  }]]);
  const second = await ask("POST /v1/txn", { body });
  assertEquals([second.json["succeeded"], second.json["results"]], [false, [{ found: true, value: "2" }]]);
  const session = await ask("POST /v1/sessions?ttl=30s");
  assertEquals(session.status, 201);
  const headers = { "idempotency-key": `${session.json["id"]}:1` };
  const once = JSON.stringify({ then: [{ command: ["INCR", key] }] });
  assertEquals((await ask("POST /v1/txn", { body: once, headers })).json["results"], [{ reply: 3 }]);
  assertEquals((await ask("POST /v1/txn", { body: once, headers })).json["results"], [{ reply: 3 }]);
  assertEquals((await ask(`POST /v1/sessions/${session.json["id"]}/keepalive`)).status, 200);
  assertEquals((await ask(`DELETE /v1/sessions/${session.json["id"]}`)).status, 200);
  const gone = await ask("POST /v1/txn", { body: once, headers });
  assertEquals([gone.status, gone.json["code"]], [410, "no_session"]);
}

/** Longer than a URL may be for `fetch`. */
async function askForLongKey(port: number): Promise<void> {
  const head = `GET /v1/kv/${"k".repeat(65_537)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
  const reply = await exchange({ port, bytes: head });
  assert(reply.startsWith("HTTP/1.1 413 ") && reply.includes('"code":"too_large"'), reply.slice(0, 200));
}

async function walkRefusals(ask: Ask): Promise<void> {
  const unknown = await ask("GET /v1/kv/a?lvl=stale");
  assertEquals([unknown.status, unknown.json["code"]], [400, "unknown_parameter"]);
  const method = await ask("PATCH /v1/kv/a");
  assertEquals([method.status, method.headers.get("allow")], [405, "GET, HEAD, PUT, DELETE, OPTIONS"]);
  assertEquals((await ask("GET /v2/kv/a")).status, 404);
  const foreign = await ask("GET /v1/kv/a", { headers: { origin: "https://evil.test" } });
  assertEquals([foreign.status, foreign.json["code"]], [403, "bad_origin"]);
  const broken = await ask("POST /v1/txn", { body: "{" });
  assertEquals([broken.status, broken.json["code"]], [400, "invalid_body"]);
}

async function walkCluster(ask: Ask): Promise<void> {
  const cluster = await ask("GET /v1/cluster");
  assertEquals([cluster.status, cluster.headers.get("x-kv-leader")], [200, String(cluster.json["leader"])]);
  const members = await ask("GET /v1/cluster/members");
  assertEquals((members.json["members"] as readonly unknown[]).length, 3);
  const snapshot = await ask("POST /v1/snapshot");
  assert(snapshot.status === 201 || snapshot.status === 200, String(snapshot.status));
  const log = await ask("GET /v1/cluster/log?count=3");
  assertEquals((log.json["entries"] as readonly unknown[]).length, 3);
  const backup = await ask("GET /v1/backup");
  assertEquals(backup.status, 200);
  assert(backup.text.length > 0);
  assertEquals((await ask("GET /livez")).text, "ok\n");
  const ready = await ask("GET /readyz?verbose");
  assert(ready.text.includes("[+]leader ok"));
  assertEquals((await ask("GET /health")).json, { health: "true", reason: "" });
  assert((await ask("GET /metrics")).text.includes("kvstore_raft_term"));
  const document = await ask("GET /openapi.json");
  assertEquals(document.json["openapi"], "3.1.0");
  const page = await ask("GET /");
  assert(page.headers.get("content-type")?.startsWith("text/html"));
}

Deno.test("every line of the HTTP interface, on the leader and on a follower", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    for (const id of [leader, ...cluster.others(leader).slice(0, 1)]) {
      const ask = askerOf(cluster, id);
      const name = `n${id}`;
      await walkKeys(ask, name);
      await walkScan(ask, name);
      await walkTransactions(ask, name);
      await walkRefusals(ask);
      await askForLongKey(cluster.node(id).httpPort);
      await walkCluster(ask);
      using events = await EventClient.open({ port: cluster.node(id).httpPort, query: `prefix=events-${name}` });
      await ask(`PUT /v1/kv/events-${name}`, { body: "seen" });
      await waitFor(() => events.changes.length > 0 || undefined, { what: "the event" });
      assertEquals(events.changes[0]?.data["value"], "seen");
    }
  }));

Deno.test("a follower leads to the leader only on request, and leadership moves on request", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [follower = 0] = cluster.others(leader);
    const ask = askerOf(cluster, follower);
    assertEquals((await ask("PUT /v1/kv/a", { body: "1" })).status, 201);
    const moved = await ask("PUT /v1/kv/a?redirect", { body: "2" });
    assertEquals(moved.status, 307);
    const location = `http://127.0.0.1:${cluster.node(leader).httpPort}/v1/kv/a?redirect`;
    assertEquals(moved.headers.get("location"), location);
    const followed = await fetch(`http://127.0.0.1:${cluster.node(follower).httpPort}/v1/kv/a?redirect`, {
      method: "PUT",
      body: "2",
    });
    assertEquals([followed.status, await followed.text()], [200, ""]);
    const asked = await askerOf(cluster, leader)("POST /v1/cluster/leader", {
      body: JSON.stringify({ node: follower }),
    });
    assertEquals([asked.status, asked.json["leader"]], [200, follower]);
    assertEquals(await askOnce(cluster.node(follower).clientPort, "GET a"), "value of a: 2");
  }));

Deno.test("a server leaves the cluster on request, and not where the others could not go on", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [stays = 0, leaves = 0] = cluster.others(leader);
    const ask = askerOf(cluster, stays);
    const unknown = await ask("DELETE /v1/cluster/members/77");
    assertEquals([unknown.status, unknown.json["code"]], [404, "not_a_member"]);
    const removed = await waitFor(async () => {
      const { status, json } = await ask(`DELETE /v1/cluster/members/${leaves}`);
      // What the servers say of themselves when they start may be on its way into the log.
      return json["code"] === "unsafe_membership_change" ? undefined : status;
    }, { what: "no other change is under way" });
    assertEquals(removed, 200);
    const memberIds = async (): Promise<readonly unknown[]> => {
      const { members } = (await ask("GET /v1/cluster/members")).json;
      return (members as readonly { readonly id: number }[]).map(({ id }) => id);
    };
    // The leader has it with its answer; the node that is asked may hear of it a moment later.
    await waitFor(async () => (await memberIds()).length === 2 || undefined, { what: "two members" });
    assertEquals(await memberIds(), [leader, stays].sort((left, right) => left - right));
    assertEquals((await ask("PUT /v1/kv/a", { body: "1" })).status, 201);
    await cluster.kill(leaves);
    assertEquals((await ask("PUT /v1/kv/a", { body: "2" })).status, 200);
    await cluster.kill(stays);
    const alone = askerOf(cluster, leader);
    await waitFor(async () => {
      const { status, json } = await alone(`DELETE /v1/cluster/members/${leader}`);
      // While it still leads it says why; then there is no leader to ask.
      return [409, 503].includes(status) && json["code"] !== undefined || undefined;
    }, { what: "the removal to be refused" });
  }));

Deno.test("without a majority nothing is done, and the reply says so", () =>
  withCluster({ flags: ["--request-timeout-ms", "1000"] }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [first = 0, second = 0] = cluster.others(leader);
    await cluster.kill(first);
    await cluster.kill(leader);
    const ask = askerOf(cluster, second);
    await waitFor(async () => (await ask("GET /v1/kv/a")).json["code"] === "no_leader" || undefined, {
      what: "the node to find that it is alone",
    });
    const refused = await ask("PUT /v1/kv/a", { body: "x" });
    assertEquals([refused.status, refused.json["code"], refused.headers.has("retry-after")], [503, "no_leader", true]);
    const members = refused.json["members"] as readonly { readonly id: number; readonly reachable: boolean }[];
    assertEquals(members.filter(({ reachable }) => reachable).map(({ id }) => id), [second]);
    assertEquals((await ask("GET /v1/kv/a?level=stale")).status, 404);
    assertEquals((await ask("GET /livez")).status, 200);
    assertEquals((await ask("GET /readyz")).status, 503);
  }));

Deno.test("256 keys of random bytes go through HTTP unchanged", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    const random = new Random(1);
    const base = `http://127.0.0.1:${cluster.node(0).httpPort}/v1/kv/`;
    const bytes = (count: number) => Uint8Array.from({ length: count }, () => random.below(256));
    const encode = (key: Uint8Array) => Array.from(key, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    const stored = new Map<string, Uint8Array<ArrayBuffer>>();
    for (let count = 0; count < 256; count++) {
      // Two bytes at least: a URL parser takes the escaped names of directories for themselves.
      const [key, value] = [encode(bytes(3 + count % 30)), bytes(count * 7)];
      stored.set(key, value);
      const response = await fetch(base + key, { method: "PUT", body: value });
      assertNotEquals(response.status >= 400, true, await response.text());
    }
    for (const [key, value] of stored) {
      const response = await fetch(base + key);
      assertEquals(new Uint8Array(await response.arrayBuffer()), value);
    }
  }));
