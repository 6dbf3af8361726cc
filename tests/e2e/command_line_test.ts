import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Flag, FLAGS } from "../../lib/cli/flags.ts";
import { runProgram } from "../support/program.ts";

/** Programs started at the same time; each takes a tenth of a second. */
const AT_ONCE = 4;

/** Something that no flag but a free text takes, and something that is out of each range. */
function badValues(flag: Flag): readonly string[] {
  switch (flag.kind) {
    case "integer":
    case "decimal":
    case "size":
      return ["x", String((flag.max ?? 0) + 1)];
    case "choice":
      return ["x"];
    case "switch":
      return ["=x"];
    case "text":
      return [""];
  }
}

async function inBatches<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) await Promise.all(items.slice(at, at + AT_ONCE).map(run));
}

/** One line that names what is wrong, exit code 2, nothing on standard output, nothing made in the directory. */
async function refusesUsage(args: readonly string[], line: RegExp): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  try {
    const { code, stdout, stderr } = await runProgram(args, { directory });
    assertEquals([code, stdout], [2, ""], `${args.join(" ")}: ${stderr}`);
    assertEquals(stderr.split("\n").length, 2, stderr);
    assertMatch(stderr, line);
    assertEquals([...Deno.readDirSync(directory)], [], "nothing is made");
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("bad usage of each flag: one line that names it and the nearest valid one, exit 2", async () => {
  const cases = FLAGS.flatMap((flag: Flag) => badValues(flag).map((value) => ({ flag, value })));
  await inBatches(cases, async ({ flag, value }) => {
    const command = flag.commands[0] ?? "cluster";
    const shown = value.startsWith("=") ? `--${flag.name}${value}` : `--${flag.name}=${value}`;
    const remedy = flag.kind === "text"
      ? "for example"
      : flag.kind === "switch"
      ? "did you mean"
      : "nearest valid one is";
    await refusesUsage([command, shown], new RegExp(`^kvstore: --${flag.name} .*${remedy}`));
  });
});

Deno.test("settings that do not fit together: one line, exit 2, nothing made", async () => {
  const cases: [args: string[], line: RegExp][] = [
    [["--prot", "1"], /Unknown flag "--prot"; did you mean --port\?/],
    [["nodes"], /Unknown command "nodes"; did you mean kvstore node\?/],
    [["node", "--host", "0.0.0.0"], /--host 0\.0\.0\.0 .*give --peer-tls-cert/],
    [["cluster", "--host", "0.0.0.0"], /--host 0\.0\.0\.0 .*give --tls, or --insecure-peers/],
    [["--node-id", "1", "--peers", "5001,5002"], /--node-id 1 does not fit: .*give --node-id 0/],
    [["--node-id", "0", "--peers", "5001,5001"], /--peers names the address 127\.0\.0\.1:5001 twice/],
    [["--heartbeat-ms", "900"], /--heartbeat-ms 900 .*nearest valid one is 500/],
    [["inspect"], /inspect takes one directory/],
    [["recover"], /recover takes inspect and 1 to 32 directories/],
    [["recover", "inspect"], /recover takes inspect and 1 to 32 directories/],
    [["recover", "inspect", ...new Array<string>(33).fill("d")], /recover takes inspect and 1 to 32 directories/],
    [["cli", "--connect", "nowhere", "GET", "a"], /--connect has the entry "nowhere"/],
  ];
  await inBatches(cases, ([args, line]) => refusesUsage(args, line));
});

Deno.test("the environment and the file set flags, and are refused as strictly", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  try {
    Deno.writeTextFileSync(`${directory}/kv.json`, '{"prot": 5000}');
    const file = await runProgram(["--config", `${directory}/kv.json`], { directory });
    assertEquals([file.code, file.stderr.split("\n").length], [2, 2], file.stderr);
    assertStringIncludes(
      file.stderr,
      `Unknown key "prot" in configuration file ${directory}/kv.json; did you mean "port"?`,
    );
    const environment = await runProgram(["cluster"], { directory, environment: { KVSTORE_NODES: "4" } });
    assertEquals(environment.code, 2);
    assertStringIncludes(environment.stderr, 'KVSTORE_NODES must be 1, 3, 5 or 7, not "4"; the nearest valid one is 3');
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("inspect of something else: exit 1 and one line", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  try {
    for (const path of [directory, `${directory}/none`]) {
      const { code, stdout, stderr } = await runProgram(["inspect", path]);
      assertEquals([code, stdout, stderr.split("\n").length], [1, "", 2], stderr);
      assertStringIncludes(stderr, path);
    }
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("the shell at a port of something else: one line that says so, exit 1, for one command and for a script", async () => {
  await using web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("hello"));
  const connect = ["cli", "--connect", `127.0.0.1:${web.addr.port}`];
  for (const given of [{ args: ["GET", "a"] }, { args: [], input: "GET a\nPUT a b\nGET a\n" }]) {
    const { args, ...options } = given;
    const { code, stdout, stderr } = await runProgram([...connect, ...args], options);
    assertEquals([code, stdout], [1, ""], stderr);
    assertMatch(
      stderr,
      /^kvstore: 127\.0\.0\.1:\d+ is not the client port of a KVStore node: it answered "HTTP\/1\.1 400 [^\n]*\n$/,
    );
  }
});
