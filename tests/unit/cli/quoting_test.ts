import { assertEquals, assertThrows } from "@std/assert";
import { lineOfArguments } from "../../../lib/cli/shell/quoting.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";

Deno.test("arguments become one line that keeps every byte of them", () => {
  const cases: [args: string[], line: string][] = [
    [["GET", "key1"], "GET key1"],
    [["get", "a b"], 'get "a b"'],
    [["PUT", "k", "v"], "PUT k v"],
    [["PUT", "k", "two words"], 'PUT k "two words"'],
    [["PUT", "k", "two", "words"], 'PUT k "two words"'],
    [["PUT", "k", ""], 'PUT k ""'],
    [["PUT", "k"], "PUT k"],
    [["PUT"], "PUT"],
    [["PUT", "k", 'say "hi"'], 'PUT k "say \\"hi\\""'],
    [["PUT", "k", "it's"], `PUT k "it's"`],
    [["PUT", "k", "a\\b"], 'PUT k "a\\\\b"'],
    [["PUT", "k", "a\nb\tc\r"], 'PUT k "a\\nb\\tc\\x0d"'],
    [["PUT", "k", "\x00\x1b\x7f"], 'PUT k "\\x00\\x1b\\x7f"'],
    [["PUT", "k", " padded "], 'PUT k " padded "'],
    [["PUT", "k", "é"], 'PUT k "\xc3\xa9"'],
    [["PUT", "k", "-5"], 'PUT k "-5"'],
    [["PUT", "-k", "a b", "-v", "c d"], 'PUT -k "a b" -v "c d"'],
    [["PUT", "--key", "-v", "--value", "--key"], 'PUT --key "-v" --value "--key"'],
    [["PUT", "--key=a b", "--value=c"], 'PUT --key "a b" --value c'],
    [["SET", "k", "two", "words"], 'SET k "two words"'],
    [["SET", "k", "hello EX 60"], 'SET k "hello EX 60"'],
    [["SET", "k", "EX", "60"], 'SET k "EX 60"'],
    [["PUT", "k", "hello", "EX", "60"], 'PUT k "hello EX 60"'],
    [["DELETE", "--key", "a b"], 'DELETE --key "a b"'],
    [["LOGS", "5"], "LOGS 5"],
    [["GET key1"], "GET key1"],
    [['PUT k "a b"'], 'PUT k "a b"'],
    [["HELP"], "HELP"],
  ];
  for (const [args, line] of cases) assertEquals(lineOfArguments(args), line, JSON.stringify(args));
});

Deno.test("SET with Redis's options behind the value is refused instead of storing them", () => {
  for (
    const args of [["SET", "k", "hello", "EX", "60"], ["set", "lock", "b", "nx"], ["SET", "k", "a\nb c", "KEEPTTL"]]
  ) {
    assertThrows(() => lineOfArguments(args), UsageError, "quote it as one argument");
  }
});

Deno.test("a first argument that is several lines is refused", () => {
  for (const args of [["GET a\nDELETE b"], ["GET\nDELETE", "b"], ["STATUS\r", "x"], ["X\nDELETE b", ""]]) {
    assertThrows(() => lineOfArguments(args), UsageError, "A command is one line");
  }
});
