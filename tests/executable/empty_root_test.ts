/**
 * The executable alone, in a root directory that holds it, the libraries that it is linked with, and nothing else: whatever
 * the README shows works there. `KVSTORE_BINARY` names the executable; needs Linux and root, for a root directory of its own.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMAND_NAMES } from "../../lib/cli/arguments.ts";
import { LICENSED_PARTS } from "../../lib/cli/licenses.ts";
import { DASHBOARD_FILES } from "../../lib/dashboard/files.ts";
import { debianProgram, testWith } from "../support/needs.ts";
import { findFreeRun } from "../support/ports.ts";
import { ROOT } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { askOnce } from "../support/text_client.ts";
import { binary, EmptyRoot, outputOf } from "./empty_root.ts";

const READELF = debianProgram("readelf", "binutils");
const READY_MS_MAX = 60_000;
const [HTTP_OFFSET, PEER_OFFSET] = [3_000, 10_000];
const OFFSETS = [0, HTTP_OFFSET, PEER_OFFSET].flatMap((offset) => [offset, offset + 1, offset + 2]);
/** The loader, and six libraries of glibc. */
const LIBRARIES = 7;

Deno.test("in an empty root the executable needs six libraries and the loader, and tells all about itself", async () => {
  await using root = new EmptyRoot();
  assertEquals((await root.fill(binary())).length, LIBRARIES);
  const version = JSON.parse((await root.run("version", "--json")).text);
  assertMatch(version.commit, /^[0-9a-f]{40}(-modified)?$/);
  assertMatch(version.built, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assertEquals(Object.keys(version), [
    "version",
    "commit",
    "built",
    "formats",
    "protocol",
    "oldestProtocol",
    "runtime",
    "system",
  ]);
  const licenses = await root.run("licenses");
  for (const { name } of LICENSED_PARTS) assertMatch(licenses.text, new RegExp(`^${name} \\d`, "m"));
  const help = await root.run("help");
  assertEquals(help.code, 0);
  for (const name of COMMAND_NAMES) {
    const { code, text } = await root.run("help", name);
    assertEquals(code, 0, name);
    assertStringIncludes(text, `kvstore ${name === "cluster" ? "[cluster]" : name === "node" ? "[node]" : name}`);
    assertStringIncludes(help.text, name);
  }
});

testWith(
  [READELF],
  "the oldest glibc that the pages and install.sh name is the one that the executable asks for",
  async () => {
    const { code, text } = await outputOf(["/usr/bin/readelf", "--version-info", "--wide", binary()]);
    assertEquals(code, 0);
    const minors = [...text.matchAll(/\bGLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    const oldest = `glibc 2.${Math.max(...minors)} or later`;
    for (const page of ["README.md", "docs/operations.md", "install.sh"]) {
      assertStringIncludes(await Deno.readTextFile(`${ROOT}${page}`), oldest, page);
    }
  },
);

Deno.test("in an empty root a cluster starts, and answers nc, Redis clients, curl, the shell and a browser", async () => {
  await using root = new EmptyRoot();
  await root.fill(binary());
  const port = findFreeRun(OFFSETS);
  const cluster = new ServerProcess(root.line(["cluster", "--port", String(port), "--data-dir", "/home/data"]));
  try {
    await cluster.line("Ctrl-C", READY_MS_MAX);
    assertEquals(await askOnce(port, "PUT key1 value1"), "key1 added successfully.");
    assertEquals(await askOnce(port + 1, "GET key1"), "value of key1: value1");
    const base = `http://127.0.0.1:${port + HTTP_OFFSET}`;
    const put = await fetch(`${base}/v1/kv/greeting`, { method: "PUT", body: "hello" });
    await put.body?.cancel();
    assertEquals([put.status, await (await fetch(`${base}/v1/kv/greeting`)).text()], [201, "hello"]);
    const page = await fetch(`${base}/`);
    assertStringIncludes(await page.text(), "<title>");
    for (const name of DASHBOARD_FILES.filter((file) => file !== "index.html")) {
      const file = await fetch(`${base}/assets/${name}`);
      assert(file.ok && (await file.arrayBuffer()).byteLength > 0, name);
    }
    const connect = ["cli", "--connect", `127.0.0.1:${port},127.0.0.1:${port + 1},127.0.0.1:${port + 2}`];
    assertEquals(await root.run(...connect, "PUT", "greeting", "hello there"), {
      code: 0,
      text: "greeting added successfully.\n",
    });
    assertEquals((await root.run(...connect, "GET", "greeting")).text, "value of greeting: hello there\n");
    assertEquals((await root.run(...connect, "GET", "nothing")).code, 3);
    const bench = await root.run("bench", "--connect", `127.0.0.1:${port}`, "--requests", "500", "--json");
    assertEquals([bench.code, JSON.parse(bench.text).errors ?? {}], [0, {}], bench.text);
  } finally {
    if (cluster.alive) await cluster.end("SIGKILL");
  }
  const inspected = await root.run("inspect", "/home/data/node-0");
  assertEquals([inspected.code, JSON.parse(inspected.text).damages], [0, []]);
});
