/** The layer rule refuses each arrow against the architecture and none that follows it. */

import { assertEquals } from "@std/assert";
import { complaints, inLayer } from "./support.ts";

type Case = readonly [layer: string, specifier: string];

const ALLOWED: readonly Case[] = [
  ["base", "./assert.ts"],
  ["base", "node:buffer"],
  ["raft", "../base/assert.ts"],
  ["raft", "./types.ts"],
  ["store", "../base/assert.ts"],
  ["kv", "../base/bytes.ts"],
  ["kv", "../store/store.ts"],
  ["storage", "../raft/types.ts"],
  ["storage", "../raft/run.ts"],
  ["storage", "@std/path"],
  ["transport", "../raft/messages.ts"],
  ["observe", "../base/clock.ts"],
  ["node", "../raft/raft_node.ts"],
  ["node", "../kv/state_machine.ts"],
  ["node", "../observe/metrics.ts"],
  ["protocol", "../node/api.ts"],
  ["protocol/text", "../../node/api.ts"],
  ["protocol/text", "../session_context.ts"],
  ["protocol/text", "../../net/limits.ts"],
  ["net", "../observe/log.ts"],
  ["http/server", "../../net/connection_port.ts"],
  ["dashboard", "../http/route.ts"],
  ["dashboard", "uplot"],
  ["cluster", "../protocol/client_listener.ts"],
  ["client", "../base/bytes.ts"],
  ["load", "../base/random.ts"],
  ["cli", "../cluster/launcher.ts"],
  ["cli", "../client/client.ts"],
  ["cli", "../load/run_load.ts"],
  ["observe", "../../deno.json"],
  ["cli/shell", "node:readline"],
];

const REFUSED: readonly Case[] = [
  ["base", "../raft/types.ts"],
  ["base", "@std/path"],
  ["raft", "../kv/commands.ts"],
  ["raft", "../storage/storage.ts"],
  ["raft", "node:buffer"],
  ["raft", "uplot"],
  ["store", "../kv/commands.ts"],
  ["store", "../raft/types.ts"],
  ["store", "node:buffer"],
  ["kv", "../raft/types.ts"],
  ["kv", "node:crypto"],
  ["storage", "../raft/core.ts"],
  ["storage", "../transport/transport.ts"],
  ["storage", "../node/driver.ts"],
  ["storage", "@std/assert"],
  ["transport", "../raft/raft_node.ts"],
  ["transport", "../kv/commands.ts"],
  ["observe", "../node/node.ts"],
  ["node", "../protocol/session_context.ts"],
  ["node", "../net/session.ts"],
  ["node", "../cluster/server.ts"],
  ["node", "../../tests/support/wait.ts"],
  ["node", "../../deno.json"],
  ["node", "node:events"],
  ["node", "npm:left-pad"],
  ["node", "https://example.com/mod.ts"],
  ["net", "../node/api.ts"],
  ["net", "../protocol/session_context.ts"],
  ["protocol/text", "../../cluster/server.ts"],
  ["protocol", "../http/http.ts"],
  ["http", "../protocol/session_context.ts"],
  ["http/routes", "../../dashboard/routes.ts"],
  ["dashboard", "../node/api.ts"],
  ["cluster", "../cli/run.ts"],
  ["client", "../node/api.ts"],
  ["load", "../client/client.ts"],
  ["load", "../net/limits.ts"],
  ["cli", "../../main.ts"],
  ["unheard_of", "../base/assert.ts"],
];

Deno.test("imports that follow the layers pass", () => {
  for (const [layer, specifier] of ALLOWED) {
    assertEquals(complaints("layers", inLayer(layer, `import "${specifier}";`)), [], `${layer} imports ${specifier}`);
  }
});

Deno.test("imports against the layers are refused", () => {
  for (const [layer, specifier] of REFUSED) {
    const found = complaints("layers", inLayer(layer, `import "${specifier}";`));
    assertEquals(found.length, 1, `${layer} imports ${specifier}: ${found}`);
  }
});

Deno.test("every way to reach another module is looked at", () => {
  const sources = [
    'import { A } from "../kv/a.ts";',
    'import type { A } from "../kv/a.ts";',
    'export { A } from "../kv/a.ts";',
    'export type { A } from "../kv/a.ts";',
    'export * from "../kv/a.ts";',
    'const a = await import("../kv/a.ts");',
    'type A = import("../kv/a.ts").A;',
  ];
  const refusal = "Cannot import lib/kv/a.ts in raft: raft may import base only";
  for (const source of sources) assertEquals(complaints("layers", inLayer("raft", source)), [refusal], source);
});

Deno.test("a module that is only known at run time is refused", () => {
  const found = complaints("layers", inLayer("node", "const a = await import(name);"));
  assertEquals(found, ["Cannot tell what is imported: name the module in a plain string"]);
});

Deno.test("the entry imports the command line only, and the library everything but that", () => {
  const refused = (path: string, specifier: string) => complaints("layers", { path, source: `import "${specifier}";` });
  assertEquals(refused("main.ts", "./lib/cli/run.ts"), []);
  assertEquals(refused("main.ts", "./lib/node/node.ts").length, 1);
  assertEquals(refused("mod.ts", "./lib/cluster/server.ts"), []);
  assertEquals(refused("mod.ts", "./lib/cli/run.ts").length, 1);
});

Deno.test("tests and tools may import anything", () => {
  for (const path of ["tests/unit/raft/log_test.ts", "bench/text_put.ts"]) {
    const source = 'import "../lib/raft/core.ts"; import "@std/assert";';
    assertEquals(complaints("layers", { path, source }), []);
  }
});
