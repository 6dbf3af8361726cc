/** Settings that people are shown to use: a node takes them, once its addresses and files are put in. */

import { assertEquals } from "@std/assert";
import { makeCommandLinePage } from "../../../lib/cli/flags_doc.ts";
import { serverOptions } from "../../../lib/cli/server_settings.ts";
import { settle } from "../../../lib/cli/settings.ts";
import { joinCommand } from "../../../lib/dashboard/assets/join_command.js";
import { readAsset } from "../../../lib/observe/asset_files.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

const SECRET = "a secret that is long enough";

/** The host of the node that a configuration file in that text makes. */
function hostIn(text: string): string {
  const [shown = ""] = /\{ "node-id": .*\}/.exec(text) ?? [];
  const firstUser = Deno.makeTempFileSync();
  Deno.writeTextFileSync(firstUser, "root:correct-horse\n");
  const file = shown.replace(/("bootstrap-user-file": )"[^"]*"/, (_, key) => `${key}${JSON.stringify(firstUser)}`);
  const settings = settle(new Map([["config", "kv.json"]]), fakeSurroundings({}, { "kv.json": file }));
  const { host, withoutUsers } = serverOptions(settings, () => {});
  Deno.removeSync(firstUser);
  assertEquals(withoutUsers, "ServeNobody", "it starts, and is closed to strangers");
  return host;
}

Deno.test("a node takes the configuration files that are shown", async () => {
  assertEquals(hostIn(await readAsset("systemd/kvstore.service")), "10.0.0.1");
  assertEquals(hostIn(makeCommandLinePage()), "10.0.0.1");
});

Deno.test("a node takes what the dashboard shows for a new machine, also as its note says", async () => {
  const member = { "peer_address": "10.0.0.1:15000", "client_address": "10.0.0.1:5000", "http_address": "" };
  const { command, note } = joinCommand([member]);
  const secret = await Deno.makeTempFile();
  await Deno.writeTextFile(secret, SECRET);
  const [instead = ""] = /--insecure-peers --cluster-secret-file FILE/.exec(note) ?? [];
  const plain = command.replace(/--peer-tls-cert.*/, instead);
  for (const line of [command, plain]) {
    const [, , ...args] = line.replace("ADDRESS", "10.0.0.4").replaceAll("FILE", secret).split(" ");
    const { host, withoutUsers } = serverOptions(settingsOf(...args), () => {});
    assertEquals([host, withoutUsers], ["10.0.0.4", "ServeNobody"], line);
  }
  await Deno.remove(secret);
});
