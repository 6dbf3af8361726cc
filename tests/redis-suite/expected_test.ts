import { assertEquals, assertThrows } from "@std/assert";
import { differences, formatExpected, parseExpected, type SuiteResult, unexplained } from "./expected.ts";

const LIST = `# unit/some
pass         one
fail         two
    there is one encoding
unsupported  three
    LPUSH
`;

Deno.test("a run that is as expected has no differences", () => {
  assertEquals(differences(parseExpected(LIST), parseExpected(LIST)), []);
});

Deno.test("a failure, a success that was not expected, a new test and one that is gone are differences", () => {
  const expected = parseExpected(LIST);
  const actual: readonly SuiteResult[] = [
    { outcome: "fail", name: "one", detail: "Expected 1" },
    { outcome: "pass", name: "two", detail: "" },
    { outcome: "pass", name: "four", detail: "" },
  ];
  assertEquals(differences(actual, expected), [
    "one: fail (Expected 1), should be pass",
    "two: pass (), should be fail",
    "four: pass (), is not in the list",
    "three: did not run",
  ]);
});

Deno.test("a test that runs twice is expected twice", () => {
  const once = parseExpected("pass         again\n");
  assertEquals(differences([...once, ...once], once), ["again: pass (), is not in the list"]);
});

Deno.test("what does not pass needs a reason, and a line an outcome", () => {
  assertEquals(unexplained(parseExpected(LIST)), []);
  assertEquals(unexplained(parseExpected("fail         two\nfail         three\n    (explain) Expected 1\n")), [
    "two",
    "three",
  ]);
  assertThrows(() => parseExpected("odd          two\n"), Error, "no outcome");
});

Deno.test("a list is made from a run, and keeps its reasons", () => {
  const before = parseExpected(LIST);
  const actual: readonly SuiteResult[] = before.map((result) => ({ ...result, detail: "LPUSH" }));
  assertEquals(formatExpected("unit/some", { actual, before }), LIST);
});
