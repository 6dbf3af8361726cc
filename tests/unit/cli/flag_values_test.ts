import { assertEquals, assertThrows } from "@std/assert";
import { type FlagValue, readFlagValue } from "../../../lib/cli/flag_values.ts";
import { environmentName, findFlag, FLAGS } from "../../../lib/cli/flags.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";

function read(name: string, text: string): FlagValue {
  const flag = findFlag(name);
  if (flag === undefined) throw new Error(`No flag ${name}`);
  return readFlagValue(flag, { text, origin: `--${name}` });
}

Deno.test("valid values are read strictly", () => {
  const cases: [name: string, text: string, value: FlagValue][] = [
    ["port", "1", 1],
    ["port", "65535", 65_535],
    ["port", "05000", 5_000],
    ["node-id", "0", 0],
    ["node-id", "2147483647", 2_147_483_647],
    ["nodes", "1", "1"],
    ["nodes", "7", "7"],
    ["snapshot-bytes", "65536", 65_536],
    ["snapshot-bytes", "64KiB", 65_536],
    ["snapshot-bytes", "256MiB", 268_435_456],
    ["snapshot-bytes", "1gib", 1_073_741_824],
    ["log-level", "debug", "debug"],
    ["insecure", "true", true],
    ["insecure", "TRUE", true],
    ["insecure", "1", true],
    ["insecure", "0", false],
    ["data-dir", " a b ", " a b "],
  ];
  for (const [name, text, value] of cases) assertEquals(read(name, text), value, `${name}=${text}`);
});

Deno.test("a bad value is named with its flag and the nearest valid one", () => {
  const cases: [name: string, text: string, nearest: string][] = [
    ["port", "0", "the nearest valid one is 1"],
    ["port", "-1", "the nearest valid one is 1"],
    ["port", "65536", "the nearest valid one is 65535"],
    ["port", "99999999999999999999", "the nearest valid one is 65535"],
    ["port", "5000x", "the nearest valid one is 5000"],
    ["port", "50.5", "the nearest valid one is 50"],
    ["port", "1e3", "the nearest valid one is 1"],
    ["port", "0x10", "the nearest valid one is 1"],
    ["port", " 5000", "the nearest valid one is 5000"],
    ["port", "abc", "the nearest valid one is 5000"],
    ["port", "5KiB", "the nearest valid one is 5"],
    ["port", "", "needs a value, for example 5000"],
    ["nodes", "2", "must be 1, 3, 5 or 7"],
    ["nodes", "4", "the nearest valid one is 3"],
    ["nodes", "9", "the nearest valid one is 7"],
    ["nodes", "three", "the nearest valid one is"],
    ["snapshot-bytes", "1KiB", "the nearest valid one is 65536"],
    ["snapshot-bytes", "1MB", "the nearest valid one is 65536"],
    ["snapshot-bytes", "100GiB", "the nearest valid one is 68719476736"],
    ["log-level", "warning", "the nearest valid one is warn"],
    ["insecure", "yes", "did you mean true?"],
    ["insecure", "fals", "did you mean false?"],
    ["peers", "", "needs a value, for example --peers LIST"],
  ];
  for (const [name, text, nearest] of cases) {
    const error = assertThrows(() => read(name, text), UsageError, nearest, `${name}=${text}`);
    assertEquals(error.message.startsWith(`--${name} `), true, error.message);
    assertEquals(error.message.includes("\n"), false);
  }
});

Deno.test("the table of flags is sound", () => {
  const names = FLAGS.map((flag) => flag.name);
  assertEquals(new Set(names).size, names.length);
  for (const name of names) {
    const flag = findFlag(name);
    if (flag?.default !== undefined) readFlagValue(flag, { text: flag.default, origin: name });
    assertEquals(/^[a-z]+(-[a-z]+)*$/.test(name), true, name);
    assertEquals(flag?.help.endsWith("."), true, name);
    if (flag?.kind === "integer" || flag?.kind === "size") {
      assertEquals(flag.min !== undefined && flag.max !== undefined, true, `${name} has no bounds`);
    }
  }
  assertEquals(environmentName("data-dir"), "KVSTORE_DATA_DIR");
});
