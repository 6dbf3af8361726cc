import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  AccessError,
  CorruptionError,
  DirectoryLockedError,
  DiskFailureError,
  FormatVersionError,
  IncompatibleError,
} from "../../../lib/base/errors.ts";
import type { CommandContext, RunCommand } from "../../../lib/cli/command_context.ts";
import { RUNNERS } from "../../../lib/cli/commands.ts";
import type { CommandName } from "../../../lib/cli/flags.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { onOneLine } from "../../../lib/cli/log.ts";
import { makeLog } from "../../../lib/cli/log.ts";
import { runProgram } from "../../../lib/cli/run.ts";
import { editDistance } from "../../../lib/cli/usage_error.ts";
import { fakeSurroundings } from "./support.ts";

/** Runs the program with commands that only note that they were run. */
async function run(
  args: string[],
  { environment = {}, error }: { environment?: Record<string, string>; error?: Error } = {},
) {
  const surroundings = fakeSurroundings(environment);
  const ran: [CommandName, CommandContext][] = [];
  const note = (name: CommandName): RunCommand => (context) => {
    ran.push([name, context]);
    return error === undefined ? Promise.resolve(9) : Promise.reject(error);
  };
  const runners = {
    ...RUNNERS,
    cluster: note("cluster"),
    node: note("node"),
    cli: note("cli"),
    bench: note("bench"),
    inspect: note("inspect"),
  };
  const exitCode = await runProgram(args, { surroundings, runners });
  return { exitCode, ran: ran.map(([name]) => name), out: surroundings.output(), err: surroundings.errors() };
}

Deno.test("the command is the one that is named, or the one that is meant", async () => {
  const cases: [args: string[], environment: Record<string, string>, command: CommandName][] = [
    [[], {}, "cluster"],
    [["--nodes", "5"], {}, "cluster"],
    [["--port", "6000"], {}, "cluster"],
    [["cluster"], { KVSTORE_NODE_ID: "1" }, "cluster"],
    [["--node-id", "0"], {}, "node"],
    [["--peers", "5001"], {}, "node"],
    [["--join", "5001"], {}, "node"],
    [[], { KVSTORE_NODE_ID: "1" }, "node"],
    [["node"], {}, "node"],
    [["cli", "GET", "a"], {}, "cli"],
    [["inspect", "d"], {}, "inspect"],
  ];
  for (const [args, environment, command] of cases) {
    assertEquals((await run(args, { environment })).ran, [command], args.join(" "));
  }
  assertEquals((await run([])).exitCode, 9);
});

Deno.test("help and version go to standard output and exit with 0", async () => {
  const cases: [args: string[], text: string][] = [
    [["help"], "kvstore inspect DIR"],
    [["--help"], "kvstore inspect DIR"],
    [["-h"], "kvstore inspect DIR"],
    [["help", "node"], "--peer-bind-port PORT"],
    [["node", "--help"], "--peer-bind-port PORT"],
    [["cli", "-h"], "--connect LIST"],
    [["version"], "kvstore 0.1.0 (deno "],
    [["--version"], "kvstore 0.1.0 (deno "],
  ];
  for (const [args, text] of cases) {
    const { exitCode, out, err, ran } = await run(args);
    assertEquals([exitCode, err, ran], [0, "", []], args.join(" "));
    assertStringIncludes(out, text);
  }
});

Deno.test("wrong usage is one line on standard error and exit code 2", async () => {
  const cases: [args: string[], environment: Record<string, string>, line: string][] = [
    [["--prot", "1"], {}, 'kvstore: Unknown flag "--prot"; did you mean --port?\n'],
    [["nod"], {}, 'kvstore: Unknown command "nod"; did you mean kvstore node?\n'],
    [
      ["--node-id", "0", "--nodes", "3"],
      {},
      "kvstore: --nodes is a flag of kvstore cluster and kvstore tls, not of kvstore node; the nearest one is --node-id\n",
    ],
    [
      [],
      { KVSTORE_PORT: "x" },
      'kvstore: KVSTORE_PORT must be a whole number from 1 to 65535, not "x"; the nearest valid one is 5000\n',
    ],
    [["version", "x"], {}, 'kvstore: Unexpected argument "x"; flags begin with --, see --help\n'],
    [["help", "nod"], {}, 'kvstore: Unknown command "nod"; did you mean node?\n'],
  ];
  for (const [args, environment, line] of cases) {
    const { exitCode, out, err } = await run(args, { environment });
    assertEquals([exitCode, out, err], [2, "", line], args.join(" "));
  }
});

Deno.test("every expected error is one line with its exit code, and a bug keeps its trace", async () => {
  const cases: [error: Error, exitCode: number][] = [
    [new Failure("Port 5000 is taken"), 1],
    [new Failure("own code", 5), 5],
    [new DirectoryLockedError("d"), 1],
    [new AccessError("d", { operation: "create", cause: new Error("two\nlines") }), 1],
    [new IncompatibleError("of another node"), 1],
    [new FormatVersionError("d/wal/1.wal", { version: 2, known: 1 }), 77],
    [new CorruptionError("d/RaftNode0.json", { offset: 0, what: "checksum" }), 74],
    [new DiskFailureError("d/wal", { operation: "sync", cause: "EIO" }), 75],
    [new Deno.errors.AddrInUse("in use"), 1],
    [new Deno.errors.PermissionDenied("denied"), 1],
  ];
  for (const [error, expected] of cases) {
    const { exitCode, out, err } = await run(["cluster"], { error });
    assertEquals([exitCode, out], [expected, ""]);
    assertEquals(err, `kvstore: ${onOneLine(error.message)}\n`);
  }
  await assertRejects(() => run(["cluster"], { error: new RangeError("bug") }), RangeError, "bug");
});

Deno.test("a log line has its time and level and stays one line", () => {
  let written = "";
  const now = () => new Date(Date.UTC(2026, 0, 1));
  const log = makeLog({ level: "warn", format: "text", node: 0, write: (text) => written += text, now });
  log("error", "bad");
  log("warn", "odd\nvalue \x1b[31m é");
  log("info", "unseen");
  log("debug", "unseen");
  assertEquals(
    written,
    "2026-01-01T00:00:00.000Z ERROR bad\n2026-01-01T00:00:00.000Z WARN odd\\x0avalue \\x1b[31m é\n",
  );
});

Deno.test("edit distance", () => {
  const cases: [from: string, to: string, distance: number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["prot", "port", 1],
    ["kitten", "sitting", 3],
    ["port", "ports", 1],
  ];
  for (const [from, to, distance] of cases) {
    assertEquals([editDistance(from, to), editDistance(to, from)], [distance, distance], `${from} ${to}`);
  }
});
