/** Tokens of real nodes: made by one, taken by every protocol of all, and worth nothing on any once they are revoked or expire. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { ServerError } from "../../lib/client/errors.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { ROOT_PASSWORD, runAsRoot } from "./support/as_root.ts";

async function addRoot(cluster: ProcessCluster): Promise<void> {
  const added = await runAsRoot(cluster.ports, "user add root", { KVSTORE_NEW_PASSWORD: ROOT_PASSWORD });
  assertEquals(added.code, 0, added.err);
}

/** Makes a token of root, which alone is printed. */
async function makeToken(cluster: ProcessCluster, words = "ci"): Promise<string> {
  const { code, out, err } = await runAsRoot(cluster.ports, `user token add root ${words}`);
  assertEquals(code, 0, err);
  assertMatch(out, /^kvs_[0-9]+_[0-9a-f]{40}\n$/);
  assertMatch(err, /^Token \w+, until \S+Z; it is shown now and never again:\n$/);
  return out.trim();
}

/** The status of a question to a node by token. */
async function statusOf(httpPort: number, token: string, method = "GET"): Promise<number> {
  const init = { method, headers: { authorization: `Bearer ${token}` }, ...method === "PUT" ? { body: "v" } : {} };
  const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/greeting`, init);
  await reply.body?.cancel();
  return reply.status;
}

Deno.test("a token comes in to every node in every way, and once it is revoked nothing is done with it on any, and no log has it", () =>
  withCluster({}, async (cluster) => {
    await cluster.waitForLeader();
    await addRoot(cluster);
    const token = await makeToken(cluster);
    const servers = cluster.ports.map((port) => `127.0.0.1:${port}`);
    for (const { httpPort } of cluster.nodes) assert([200, 201].includes(await statusOf(httpPort, token, "PUT")));
    await using client = await connect({ servers, token, timeoutMs: 60_000 });
    assertEquals((await client.get("greeting"))?.text(), "v");
    await assertRejects(() => connect({ servers, token, username: "root" }), TypeError, "by itself whose it is");
    const byToken = { KVSTORE_TOKEN: token };
    const listed = await runAsRoot(cluster.ports, "user token list root", byToken);
    assertMatch(listed.out, /^ci until \S+Z\n$/, listed.err);
    assertEquals((await runAsRoot(cluster.ports, "cli GET greeting", byToken)).out, "value of greeting: v\n");
    const more = await runAsRoot(cluster.ports, "user token add root more", byToken);
    assertEquals([more.code, more.out], [1, ""]);
    assertStringIncludes(more.err, "a token makes no tokens");
    const inside = await Promise.all(cluster.ports.map((port) => TextClient.connect(port)));
    for (const [at, connection] of inside.entries()) {
      assertEquals(await connection.ask(`AUTH ${at === 0 ? "root" : "__token__"} ${token}`), "Logged in.");
    }
    const streams = await Promise.all(cluster.nodes.map(async ({ httpPort }) => {
      const headers = { authorization: `Bearer ${token}` };
      const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/events`, { headers });
      assertEquals(reply.status, 200);
      return { end: reply.text().then(() => "ended", () => "ended") };
    }));
    const revoked = await runAsRoot(cluster.ports, "user token revoke root ci");
    assertEquals([revoked.code, revoked.out], [0, "Token ci of root is revoked; what came in with it has ended.\n"]);
    for (const { httpPort } of cluster.nodes) {
      assertEquals([await statusOf(httpPort, token), await statusOf(httpPort, token, "PUT")], [401, 401]);
    }
    await waitFor(() => inside.every(({ closed }) => closed) || undefined, { what: "the connections end" });
    for (const connection of inside) connection.close();
    assertEquals(await Promise.all(streams.map(({ end }) => end)), ["ended", "ended", "ended"]);
    assertEquals((await assertRejects(() => client.get("greeting"), ServerError)).code, "WRONGPASS");
    const late = await runAsRoot(cluster.ports, "cli GET greeting", byToken);
    assertEquals([late.code, late.err.includes("was revoked, has expired or never was one")], [1, true], late.err);
    assertEquals((await runAsRoot(cluster.ports, "user token list root")).out, "root has no tokens.\n");
    const logs = cluster.nodes.flatMap(({ process }) => process?.lines ?? []).join("\n");
    assertEquals([logs.includes(token.slice(-40)), logs.includes("sha256:")], [false, false]);
  }));

Deno.test("a token survives a restart of all nodes; one that expires ends what came in with it on every node, without anybody's doing", () =>
  withCluster({}, async (cluster) => {
    await cluster.waitForLeader();
    await addRoot(cluster);
    const token = await makeToken(cluster);
    for (const id of cluster.nodes.keys()) await cluster.kill(id);
    for (const id of cluster.nodes.keys()) cluster.launch(id);
    for (const { httpPort } of cluster.nodes) {
      const comesIn = async () => await statusOf(httpPort, token).catch(() => 0) === 404 || undefined;
      await waitFor(comesIn, { what: "the token comes in again" });
    }
    const short = await makeToken(cluster, "short --expires 6s");
    const inside = await Promise.all(cluster.ports.map((port) => TextClient.connect(port)));
    for (const connection of inside) assertEquals(await connection.ask(`AUTH root ${short}`), "Logged in.");
    await waitFor(() => inside.every(({ closed }) => closed) || undefined, { what: "the connections end" });
    for (const connection of inside) connection.close();
    for (const { httpPort } of cluster.nodes) {
      assertEquals([await statusOf(httpPort, short), await statusOf(httpPort, token)], [401, 404]);
    }
    assertMatch((await runAsRoot(cluster.ports, "user token list root")).out, /^ci until \S+Z\n$/);
  }));
