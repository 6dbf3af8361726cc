/**
 * What starting the program or making the executable downloads on a machine that has nothing yet: the packages the program
 * itself imports, and none that only tests or type checks use.
 */

import { assert, assertEquals } from "@std/assert";
import { type Need, testWith } from "../support/needs.ts";
import { ROOT, spawnLine } from "../support/program.ts";

/** What the program imports; `deno-std` is what the standard library's names stand for. */
const OF_THE_PROGRAM = ["deno-std", "uplot"];
/** What the tasks need of a clone. */
const PARTS = ["deno.json", "deno.compile.json", "deno.lock", "main.ts", "lib", "deps"];
const PROBE_MS_MAX = 20_000;

/** A directory of a test, removed at its end. */
class Directory implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "kvstore-downloads-" });

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Whether this Deno gets packages: it knows best by which way and with whose certificates. */
async function reachesRegistry(): Promise<boolean> {
  await using cache = new Directory();
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--no-config", "npm:uplot@1.6.32"],
    env: { DENO_DIR: cache.path },
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(PROBE_MS_MAX),
  }).output();
  return success;
}

const isReached = await reachesRegistry();
const REGISTRY: Need = {
  what: "the npm registry",
  install: "connect this machine, with DENO_TLS_CA_STORE=system behind an authority of one's own",
  isThere: () => isReached,
};

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

/** The names of the packages in a cache of Deno's, whatever registry they are from. */
async function packagesIn(cache: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const registry of Deno.readDir(`${cache}/npm`)) {
    if (!registry.isDirectory) continue;
    for await (const { name } of Deno.readDir(`${cache}/npm/${registry.name}`)) names.push(name);
  }
  return names.filter((name) => !name.startsWith(".")).sort();
}

/** Runs a task in a clone of its own with an empty cache; what is in the cache afterwards. */
async function downloadsOf(args: readonly string[]): Promise<readonly string[]> {
  await using clone = new Directory();
  await using cache = new Directory();
  for (const part of PARTS) await copy(`${ROOT}${part}`, `${clone.path}/${part}`);
  // The runtime of an executable comes from elsewhere; any executable takes its place where nobody runs the result.
  const environment = { DENO_DIR: cache.path, DENORT_BIN: "/usr/bin/true" };
  const child = spawnLine([Deno.execPath(), "task", ...args], { environment, directory: clone.path });
  const { success, stderr } = await child.output();
  assert(success, new TextDecoder().decode(stderr));
  return await packagesIn(cache.path);
}

for (const task of ["cluster", "node", "cli"]) {
  testWith([REGISTRY], `deno task ${task} downloads what the program imports, and nothing else`, async () => {
    assertEquals(await downloadsOf([task, "--help"]), OF_THE_PROGRAM);
  });
}

testWith([REGISTRY], "deno task compile downloads what the program imports, and nothing else", async () => {
  assertEquals(await downloadsOf(["compile"]), OF_THE_PROGRAM);
});
