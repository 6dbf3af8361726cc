import { assertEquals, assertThrows } from "@std/assert";
import type { FlagName } from "../../../lib/cli/flags.ts";
import { settle } from "../../../lib/cli/settings.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { fakeSurroundings } from "./support.ts";

interface Sources {
  readonly flags?: Partial<Record<FlagName, string>>;
  readonly environment?: Record<string, string>;
  readonly file?: string;
}

function settleFrom({ flags = {}, environment = {}, file }: Sources) {
  const given = new Map(Object.entries(flags) as [FlagName, string][]);
  if (file !== undefined) given.set("config", "kv.json");
  return settle(given, fakeSurroundings(environment, file === undefined ? {} : { "kv.json": file }));
}

Deno.test("a flag goes before the environment, the environment before the file, the file before the default", () => {
  const flags = { port: "1" } as const;
  const environment = { KVSTORE_PORT: "2" };
  const file = '{"port": 3}';
  const cases: [sources: Sources, port: number, origin: string | undefined][] = [
    [{ flags, environment, file }, 1, "--port"],
    [{ environment, file }, 2, "KVSTORE_PORT"],
    [{ file }, 3, '"port" in kv.json'],
    [{ file: '{"port": "4"}' }, 4, '"port" in kv.json'],
    [{}, 5_000, undefined],
    [{ environment: { KVSTORE_PORT: "" } }, 5_000, undefined],
  ];
  for (const [sources, port, origin] of cases) {
    const settings = settleFrom(sources);
    assertEquals(settings.integer("port"), port);
    assertEquals(settings.given("port")?.origin, origin);
  }
});

Deno.test("the file can be named by the environment, and a switch be turned off above it", () => {
  const surroundings = fakeSurroundings(
    { KVSTORE_CONFIG: "kv.json", KVSTORE_INSECURE: "false" },
    { "kv.json": '{"insecure": true, "peers": [5001, "10.0.0.2:5000"], "unsafe-no-fsync": true}' },
  );
  const settings = settle(new Map(), surroundings);
  assertEquals(settings.enabled("insecure"), false);
  assertEquals(settings.enabled("unsafe-no-fsync"), true);
  assertEquals(settings.text("peers"), "5001,10.0.0.2:5000");
});

Deno.test("a secret in a configuration file that everybody can read is refused, anything else in it is not", () => {
  const taken = (file: string, exposed: readonly string[]) =>
    settle(new Map([["config", "kv.json"]]), fakeSurroundings({}, { "kv.json": file }, exposed));
  for (const name of ["cluster-secret", "bootstrap-user", "password", "token", "new-password"]) {
    const file = `{"port": 5001, "${name}": "a secret that is long enough"}`;
    const { message } = assertThrows(() => taken(file, ["kv.json"]), UsageError);
    assertEquals(
      message,
      `Everybody on this machine can read "${name}" in kv.json: chmod 600 it, or 640 for a group`,
    );
    assertEquals(taken(file, []).integer("port"), 5_001);
  }
  assertEquals(taken('{"port": 5001, "cluster-secret-file": "secret"}', ["kv.json"]).integer("port"), 5_001);
});

Deno.test("a bad configuration file or environment is refused with its name", () => {
  const cases: [sources: Sources, message: string][] = [
    [{ file: '{"prot": 1}' }, 'Unknown key "prot" in configuration file kv.json; did you mean "port"?'],
    [{ file: '{"help": true}' }, 'Unknown key "help" in configuration file kv.json'],
    [{ file: '{"config": "x"}' }, 'Unknown key "config" in configuration file kv.json'],
    [{ file: '{"__proto__": 1}' }, 'Unknown key "__proto__" in configuration file kv.json'],
    [{ file: '{"port": 70000}' }, '"port" in kv.json must be a whole number from 1 to 65535, not "70000"'],
    [{ file: '{"port": 1.5}' }, '"port" in kv.json must be a whole number'],
    [{ file: '{"port": null}' }, '"port" in kv.json must be a text, a number, true or false, not "null"'],
    [{ file: '{"port": [1]}' }, '"port" in kv.json must be a text, a number'],
    [{ file: `{"port": ${"[".repeat(100_000)}${"]".repeat(100_000)}}` }, '"port" in kv.json must be a text, a number'],
    [{ file: "[]" }, "Configuration file kv.json must hold one JSON object"],
    [{ file: "{" }, "Cannot read configuration file kv.json: "],
    [{ flags: { config: "none.json" } }, "Cannot read configuration file none.json: No such file"],
    [{ environment: { KVSTORE_PORT: "x" } }, 'KVSTORE_PORT must be a whole number from 1 to 65535, not "x"'],
    [{ environment: { KVSTORE_UNSAFE_NO_FSYNC: "x" } }, "KVSTORE_UNSAFE_NO_FSYNC is either true or false"],
  ];
  for (const [sources, message] of cases) {
    const error = assertThrows(() => settleFrom(sources), UsageError, message);
    assertEquals(error.message.includes("\n"), false, error.message);
  }
});
