import { assertEquals, assertMatch } from "@std/assert";
import { readCompareOptions } from "./options.ts";
import { showReport } from "./report.ts";
import { type Bar, failRow, judge, showSpread, skipRow } from "./row.ts";

const HEAD = { id: "a", title: "A thing" };

Deno.test("a bar is held against the median or the worst sample, from its side", () => {
  const least: Bar = { kind: "atLeast", value: 0.5, of: "median", unit: "", digits: 2 };
  const most: Bar = { kind: "atMost", value: 20, of: "median", unit: " ms", digits: 1 };
  const cases: readonly (readonly [bar: Bar, samples: readonly number[], verdict: string, margin: string])[] = [
    [least, [0.4, 0.6, 0.7], "PASS", "120 % of the bar"],
    [{ ...least, of: "worst" }, [0.4, 0.6, 0.7], "FAIL", "80 % of the bar"],
    [least, [0.5], "PASS", "100 % of the bar"],
    [most, [10, 15, 40], "PASS", "75 % of the bar"],
    [{ ...most, of: "worst" }, [10, 15, 40], "FAIL", "200 % of the bar"],
    [most, [20.01], "FAIL", "100 % of the bar"],
    [most, [NaN], "FAIL", "NaN % of the bar"],
  ];
  for (const [bar, samples, verdict, margin] of cases) {
    const row = judge(HEAD, { bar, samples });
    assertEquals([row.verdict, row.margin], [verdict, margin], JSON.stringify({ bar, samples }));
  }
  assertEquals(judge(HEAD, { bar: least, samples: [] }).verdict, "FAIL");
  assertEquals(judge(HEAD, { bar: { ...most, of: "worst" }, samples: [1] }).bar, "at most 20.0 ms (worst)");
});

Deno.test("a spread is the median with the least and the greatest", () => {
  assertEquals(showSpread([]), "nothing");
  assertEquals(showSpread([1_234.5678], { digits: 4 }), "1 234.5678");
  assertEquals(showSpread([3, 1, 1_000_000], { unit: " s" }), "3 s (1 to 1 000 000)");
});

Deno.test("the report has a line for each row, its notes, and says when it was a quick run", () => {
  const options = readCompareOptions(["--quick"], ["a"]);
  if (options === undefined) throw new Error("no options");
  const bar: Bar = { kind: "atLeast", value: 2, of: "median", unit: "", digits: 1 };
  const results = [
    judge(HEAD, { bar, samples: [3], notes: ["It went well."] }),
    skipRow({ id: "b", title: "B" }, "There is none."),
    failRow({ id: "c", title: "C" }, new Error("It broke.")),
  ];
  const text = showReport(options, { machine: ["2 cores"], results });
  assertMatch(text, /\n\| A thing \| at least 2\.0 \| 3\.0 \| PASS \| 150 % of the bar \|\n/);
  for (const line of ["- 2 cores", "- It went well.", "- There is none.", "- It broke.", "**B**"]) {
    assertEquals(text.split("\n").includes(line), true, line);
  }
  assertMatch(text, /quick run/);
  assertMatch(text, /\n1 passed, 0 failed, 1 could not be measured, 1 skipped\.$/);
});
