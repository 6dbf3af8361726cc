/**
 * Redis's own tests against a cluster of three: each gives what the lists in expected/ say, and what does not pass has its
 * reason there. `UPDATE=1 deno task redis-suite` writes the lists anew; the reasons of new failures are left to the reader.
 */

import { assertEquals } from "@std/assert";
import { type Need, TCLSH, testWith } from "../support/needs.ts";
import { type ProcessClusterOptions, withCluster } from "../support/process_cluster.ts";
import { differences, formatExpected, parseExpected, type SuiteResult, unexplained } from "./expected.ts";
import { runFile, type SuiteFile } from "./run_file.ts";
import { fetchRedisSource } from "./source.ts";

const FILES: readonly SuiteFile[] = [
  { name: "unit/type/string" },
  { name: "unit/type/incr" },
  { name: "unit/keyspace" },
  { name: "unit/expire" },
  { name: "unit/scan" },
  { name: "unit/multi" },
  { name: "unit/protocol" },
  {
    name: "unit/other",
    without: {
      "PIPELINING stresser (also a regression for the old epoll bug)":
        "sends inline SETs first, which are lines of the text protocol, and leaves 100 000 of them to run on",
    },
  },
  { name: "unit/querybuf" },
  { name: "unit/introspection" },
  { name: "unit/introspection-2" },
  { name: "unit/info", likeOwnServer: true },
  { name: "unit/info-command" },
  { name: "unit/quit" },
];

/** Needs a server with a limit of ten connections. */
const LIMITS: SuiteFile = { name: "unit/limits", likeOwnServer: true };
const TEN_CONNECTIONS: readonly string[] = ["--max-connections", "10"];

const FILE_MS_MAX = 90_000;
/** Tests of times fail by chance where the machine is busy; a defect fails each time. */
const ATTEMPTS_MAX = 3;

const work = Deno.makeTempDirSync({ prefix: "kvstore-redis-suite-" });
const source = TCLSH.isThere() ? await fetchRedisSource(work) : { type: "Missing", reason: "not fetched" } as const;

const REDIS_SOURCE: Need = {
  what: "the source of Redis 7.0",
  install: source.type === "Missing" ? `apt-get source redis (${source.reason})` : "",
  isThere: () => source.type === "Fetched",
};
if (source.type === "Missing") Deno.removeSync(work, { recursive: true });

testWith([TCLSH, REDIS_SOURCE], "Redis's own tests give what the lists say", async (t) => {
  try {
    // What is judged are replies. None of the 30 000 writes, one after the other, needs to wait for a disk for that.
    await runAll(t, FILES, { flags: ["--unsafe-no-fsync"] });
    await runAll(t, [LIMITS], { nodes: 1, flags: TEN_CONNECTIONS });
  } finally {
    await Deno.remove(work, { recursive: true });
  }
});

async function runAll(t: Deno.TestContext, files: readonly SuiteFile[], options: ProcessClusterOptions): Promise<void> {
  await withCluster(options, async (cluster) => {
    for (const file of files) {
      await t.step(file.name, async () => {
        const { clientPort } = cluster.node(await cluster.waitForLeader());
        await checkFile(file, clientPort);
      });
    }
  });
}

async function checkFile(file: SuiteFile, port: number): Promise<void> {
  const list = new URL(`./expected/${file.name.replaceAll("/", "-")}.txt`, import.meta.url);
  const run = () => runFile(file, { directory: `${work}/redis`, port, timeoutMs: FILE_MS_MAX });
  if (Deno.env.get("UPDATE") === "1") {
    const before = parseIfThere(list);
    const text = formatExpected(file.name, { actual: await run(), before });
    return Deno.writeTextFileSync(list, text);
  }
  const expected = parseExpected(Deno.readTextFileSync(list));
  assertEquals(unexplained(expected), [], `no reason in ${list.pathname}`);
  let found: readonly string[] = [];
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    found = differences(await run(), expected);
    if (found.length === 0) return;
  }
  assertEquals(found, []);
}

function parseIfThere(list: URL): readonly SuiteResult[] {
  try {
    return parseExpected(Deno.readTextFileSync(list));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
