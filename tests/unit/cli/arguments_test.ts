import { assertEquals, assertThrows } from "@std/assert";
import { splitArguments } from "../../../lib/cli/arguments.ts";
import { FLAGS } from "../../../lib/cli/flags.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";

function split(...args: string[]): unknown {
  const { command, flags, operands } = splitArguments(args);
  return { command, flags: Object.fromEntries(flags), operands };
}

Deno.test("each flag stands in the table once: one that stood there twice could not be given", () => {
  const names = FLAGS.map(({ name }) => name);
  assertEquals(names, [...new Set(names)]);
});

Deno.test("the command line is split into command, flags and operands", () => {
  const cases: [args: string[], expected: unknown][] = [
    [[], { command: undefined, flags: {}, operands: [] }],
    [["--port", "5000"], { command: undefined, flags: { port: "5000" }, operands: [] }],
    [["--port=5000"], { command: undefined, flags: { port: "5000" }, operands: [] }],
    [["--port", "007"], { command: undefined, flags: { port: "007" }, operands: [] }],
    [["cluster", "--nodes", "5"], { command: "cluster", flags: { nodes: "5" }, operands: [] }],
    [["--port", "6000", "node", "--node-id=1"], {
      command: "node",
      flags: { port: "6000", "node-id": "1" },
      operands: [],
    }],
    [["inspect", "DIR", "--entries", "5"], { command: "inspect", flags: { entries: "5" }, operands: ["DIR"] }],
    [["inspect", "--", "--entries"], { command: "inspect", flags: {}, operands: ["--entries"] }],
    [["--", "version"], { command: "version", flags: {}, operands: [] }],
    [["cluster", "--insecure"], { command: "cluster", flags: { insecure: "true" }, operands: [] }],
    [["cluster", "--insecure=false"], { command: "cluster", flags: { insecure: "false" }, operands: [] }],
    [["-h"], { command: undefined, flags: { help: "true" }, operands: [] }],
    [["cli", "--help"], { command: "cli", flags: { help: "true" }, operands: [] }],
    [["cluster", "--data-dir", "a b=c"], { command: "cluster", flags: { "data-dir": "a b=c" }, operands: [] }],
    [["cluster", "--data-dir=-x"], { command: "cluster", flags: { "data-dir": "-x" }, operands: [] }],
    [["cluster", "--port="], { command: "cluster", flags: { port: "" }, operands: [] }],
  ];
  for (const [args, expected] of cases) assertEquals(split(...args), expected, args.join(" "));
});

Deno.test("the words of cli are left alone from the first one on", () => {
  const cases: [args: string[], operands: string[]][] = [
    [["cli", "PUT", "k", "v"], ["PUT", "k", "v"]],
    [["cli", "PUT", "k", "007"], ["PUT", "k", "007"]],
    [["cli", "PUT", "k", "--", "--port"], ["PUT", "k", "--", "--port"]],
    [["cli", "PUT", "-k", "a", "--value", "-v"], ["PUT", "-k", "a", "--value", "-v"]],
    [["cli", "--", "PUT", "k", "--help", "--"], ["PUT", "k", "--help", "--"]],
    [["cli", "--connect", "5001", "GET", "--connect"], ["GET", "--connect"]],
    [["cli", "PUT", "k", ""], ["PUT", "k", ""]],
  ];
  for (const [args, operands] of cases) assertEquals(splitArguments(args).operands, operands, args.join(" "));
});

Deno.test("what cannot be meant is refused with the nearest thing that can", () => {
  const cases: [args: string[], message: string][] = [
    [["--prot", "5000"], 'Unknown flag "--prot"; did you mean --port?'],
    [["--prot=5000"], 'Unknown flag "--prot"; did you mean --port?'],
    [["--no-insecure"], 'Unknown flag "--no-insecure"; did you mean --insecure?'],
    [["--port.x", "1"], 'Unknown flag "--port.x"; did you mean --port?'],
    [["--__proto__", "1"], 'Unknown flag "--__proto__"; did you mean'],
    [["-p", "1"], 'Unknown flag "-p"; did you mean'],
    [["-5"], 'Unknown flag "-5"; did you mean'],
    [["--_", "1"], 'Unknown flag "--_"; did you mean'],
    [["node", "-_"], 'Unknown flag "-_"; did you mean'],
    [["node", "--port", "1", "-=a_b"], 'Unknown flag "-"; did you mean'],
    [["clutser"], 'Unknown command "clutser"; did you mean kvstore cluster?'],
    [["5000"], 'Unknown command "5000"; did you mean kvstore'],
    [["--port", "1", "--port", "2"], "--port is given more than once"],
    [["--port", "1", "cluster", "--port=1"], "--port is given more than once"],
    [["cluster", "--insecure", "--insecure"], "--insecure is given more than once"],
    [["cluster", "--insecure=maybe"], '--insecure takes no value but true or false, not "maybe"'],
    [
      ["node", "--nodes", "3"],
      "--nodes is a flag of kvstore cluster and kvstore tls, not of kvstore node; the nearest one is --node-id",
    ],
    [["cluster", "--node-id", "3"], "--node-id is a flag of kvstore node and kvstore restore, not of kvstore cluster"],
    [["cli", "--port", "3"], "--port is a flag of kvstore cluster and kvstore node, not of kvstore cli"],
  ];
  for (const [args, message] of cases) assertThrows(() => splitArguments(args), UsageError, message, args.join(" "));
});

Deno.test("each flag stands once in the table: of two with one name the parser would know the last alone", () => {
  const names = FLAGS.map(({ name }) => name);
  assertEquals(names.filter((name, at) => names.indexOf(name) !== at), []);
});
