import { assert, assertEquals, assertMatch } from "@std/assert";
import { readCompareOptions } from "./options.ts";
import { showReport } from "./report.ts";
import { type Bar, barOf, failRow, judge, judgeRatio, showSpread, skipRow } from "./row.ts";
import { isChosen } from "./run_rows.ts";

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
  const options = readCompareOptions(["--quick"], [HEAD]);
  if (options === undefined) throw new Error("no options");
  const bar: Bar = { kind: "atLeast", value: 2, of: "median", unit: "", digits: 1 };
  const results = [
    judge(HEAD, {
      ...{ bar, samples: [3], notes: ["It went well."] },
      costs: [{ name: "Redis", rssMebibytes: 20.4, cpuSeconds: 0.5, requests: 100_000 }],
    }),
    skipRow({ id: "b", title: "B" }, "There is none."),
    failRow({ id: "c", title: "C" }, new Error("It broke.")),
  ];
  const text = showReport(options, { machine: ["2 cores"], results });
  assertMatch(
    text,
    /\n\| A thing \| at least 2\.0 \| 3\.0 \| PASS \| 150 % of the bar \| Redis 20 MiB \| Redis 5\.0 us \|\n/,
  );
  for (const line of ["- 2 cores", "- It went well.", "- There is none.", "- It broke.", "**B**"]) {
    assertEquals(text.split("\n").includes(line), true, line);
  }
  assertMatch(text, /quick run/);
  assertMatch(text, /\n1 passed, 0 failed, 1 could not be measured, 1 skipped\.$/);
});

Deno.test("a ratio must reach its figure, or its share of what the ceiling reached in the same runs where that is less", () => {
  const runs = [{ subject: 50, redis: 100, ceiling: 60 }, { subject: 30, redis: 100, ceiling: 70 }, {
    ...{ subject: 90, redis: 200, ceiling: 100 },
  }];
  // The ceiling reached 0.6, 0.7 and 0.5 of Redis; the subject 0.5, 0.3 and 0.45.
  const cases = [
    [{ ratio: 0.6 }, 0.6, "FAIL"],
    [{ ratio: 0.45 }, 0.45, "PASS"],
    [{ ratio: 0.6, ofCeiling: 0.5 }, 0.3, "PASS"],
    [{ ratio: 0.6, ofCeiling: 0.8 }, 0.48, "FAIL"],
    [{ ratio: 0.4, ofCeiling: 0.9 }, 0.4, "PASS"],
  ] as const;
  for (const [bar, value, verdict] of cases) {
    assert(Math.abs(barOf(bar, runs) - value) < 1e-9, JSON.stringify(bar));
    assertEquals(judgeRatio(HEAD, { bar, runs }).verdict, verdict, JSON.stringify(bar));
  }
  const row = judgeRatio(HEAD, { bar: { ratio: 0.6, ofCeiling: 0.5 }, runs });
  assertEquals(row.bar, "at least 0.30 (0.60, or 0.50 ceilings)");
  assertEquals(row.measured, "0.45 (0.30 to 0.50)");
  // Without a ceiling in the run nothing takes the first figure down.
  assertEquals(barOf({ ratio: 0.6, ofCeiling: 0.5 }, [{ subject: 1, redis: 2 }]), 0.6);
});

Deno.test("rows that take long are measured when they are named or asked for", () => {
  const choose = (args: readonly string[], isLong: boolean) => {
    const options = readCompareOptions(args, [HEAD, { id: "b", title: "B" }]);
    if (options === undefined) throw new Error("no options");
    return isChosen({ ...HEAD, isLong }, options);
  };
  assertEquals([choose([], false), choose([], true)], [true, false]);
  assertEquals([choose(["--long"], false), choose(["--long"], true)], [true, true]);
  assertEquals([choose(["--only", "a"], true), choose(["--only", "b"], false)], [true, false]);
});
