/** A running cluster gets users under clients that repeat their requests, and none fails; nor does one when a password changes. */

import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { ServerError } from "../../lib/client/errors.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";
import type { Access } from "../support/repeating_clients.ts";
import { Load } from "./support/load.ts";
import { basesOf, rollOver, serversOf } from "./support/rolling.ts";

const [ROOT_PASSWORD, PASSWORD, NEXT_PASSWORD] = ["correct-horse", "battery-staple", "another-staple"];
const AS_ROOT = { KVSTORE_USER: "root", KVSTORE_PASSWORD: ROOT_PASSWORD };
const AS_APP = { KVSTORE_USER: "app", KVSTORE_PASSWORD: PASSWORD };

/** Runs `kvstore user`, which is to succeed. */
async function user(
  cluster: ProcessCluster,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(
    ["user", "--connect", serversOf(cluster).join(","), ...words],
    { environment },
  );
  assertEquals(code, 0, stderr);
  return stdout;
}

function credentials(
  username: string,
  password: string,
): { access: Access; headers: Readonly<Record<string, string>> } {
  return { access: { username, password }, headers: { authorization: `Basic ${btoa(`${username}:${password}`)}` } };
}

Deno.test("clients are given a user before there is one, then everybody has to be one, and the password changes by a second user", () =>
  withCluster({}, async (cluster) => {
    const [servers, bases] = [serversOf(cluster), basesOf(cluster)];
    const flagsOf = () => ["--insecure-clients"];
    const [app, next, root] = [
      credentials("app", PASSWORD),
      credentials("app-2", NEXT_PASSWORD),
      credentials("root", ROOT_PASSWORD),
    ];
    const nobody = new Load("nobody", servers, { bases, follows: true });
    await rollOver(cluster, { flagsOf });
    const first = new Load("first", servers, { bases, follows: true, ...app });
    await Promise.all([nobody.clients.goOn(), first.clients.goOn()]);
    await nobody.stop();

    // All clients are app by now, so that its being the first user shuts nobody out.
    await user(cluster, ["add", "app"], { KVSTORE_NEW_PASSWORD: PASSWORD });
    await user(cluster, ["add", "root", "admin"], { ...AS_APP, KVSTORE_NEW_PASSWORD: ROOT_PASSWORD });
    await user(cluster, ["grant", "app", "read,write:"], AS_ROOT);
    await user(cluster, ["revoke", "app", "admin"], AS_ROOT);
    await first.clients.goOn();
    await rollOver(cluster, { flagsOf: () => [], asking: root });

    await user(cluster, ["add", "app-2", "read,write:"], { ...AS_ROOT, KVSTORE_NEW_PASSWORD: NEXT_PASSWORD });
    const second = new Load("second", servers, { bases, follows: true, ...next });
    await Promise.all([first.clients.goOn(), second.clients.goOn()]);
    await first.stop();
    await user(cluster, ["remove", "app"], AS_ROOT);
    await second.clients.goOn();
    await second.stop();
    for (const load of [nobody, first, second]) await load.assertKept(servers, { bases, ...root });

    assertEquals(await user(cluster, ["list"], AS_ROOT), "app-2 read,write:\nroot admin\n");
    for (const { id, httpPort } of cluster.nodes) {
      assertEquals(
        await cluster.ask(id, "PUT k v"),
        "Error: Authentication required. AUTH <user> <password> logs you in.",
      );
      for (const headers of [{}, app.headers]) {
        const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/k`, { headers });
        await reply.body?.cancel();
        assertEquals(reply.status, 401);
      }
    }
    for (const [access, code] of [[{}, "NOAUTH"], [app.access, "WRONGPASS"]] as const) {
      const refusal = await assertRejects(() => connect({ servers, timeoutMs: 30_000, ...access }), ServerError);
      assertEquals(refusal.code, code);
    }
  }));
