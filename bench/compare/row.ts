/** A row of the table: what is measured, its bar, and how the measurement is judged. */

import { median } from "../support/table.ts";
import type { CompareOptions } from "./options.ts";

/** How a row ended. INFO has no bar. */
export type Verdict = "PASS" | "FAIL" | "SKIPPED" | "ERROR" | "INFO";

/** A row before it is measured. */
export interface RowHead {
  readonly id: string;
  readonly title: string;
}

/** A row when it is measured. */
export interface RowResult extends RowHead {
  readonly bar: string;
  readonly measured: string;
  readonly verdict: Verdict;
  /** By how much the bar is met or missed. */
  readonly margin: string;
  readonly samples: readonly number[];
  /** What else is worth knowing, one sentence each. */
  readonly notes: readonly string[];
}

/** Rows that are measured together. */
export interface RowGroup {
  readonly rows: readonly RowHead[];
  /** Measures the rows whose ids are in `chosen`, all of this group. */
  run(options: CompareOptions, chosen: ReadonlySet<string>): Promise<readonly RowResult[]>;
}

/** What is expected of the samples of a row. */
export interface Bar {
  readonly kind: "atLeast" | "atMost";
  readonly value: number;
  /** Which of the samples is held against the bar. */
  readonly of: "median" | "worst";
  /** Behind the numbers: " s", " MiB", or "" for ratios. */
  readonly unit: string;
  readonly digits: number;
}

/** Holds samples against their bar. */
export function judge(
  head: RowHead,
  { bar, samples, notes = [] }: { bar: Bar; samples: readonly number[]; notes?: readonly string[] },
): RowResult {
  const { kind, value, of, unit, digits } = bar;
  const least = kind === "atLeast";
  const worst = least ? Math.min(...samples) : Math.max(...samples);
  const found = of === "median" ? median(samples) : worst;
  const passed = samples.length > 0 && (least ? found >= value : found <= value);
  return {
    ...head,
    bar: `${least ? "at least" : "at most"} ${value.toFixed(digits)}${unit}${of === "worst" ? " (worst)" : ""}`,
    measured: showSpread(samples, { unit, digits }),
    verdict: passed ? "PASS" : "FAIL",
    margin: `${(found / value * 100).toFixed(0)} % of the bar`,
    samples,
    notes,
  };
}

/** The median with the least and the greatest: `0.61 (0.58 to 0.66)`. */
export function showSpread(samples: readonly number[], { unit = "", digits = 0 } = {}): string {
  const show = (value: number) => value.toFixed(digits).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, " ");
  if (samples.length === 0) return "nothing";
  if (samples.length === 1) return `${show(samples[0] ?? 0)}${unit}`;
  return `${show(median(samples))}${unit} (${show(Math.min(...samples))} to ${show(Math.max(...samples))})`;
}

/** A row that could not be measured here. */
export function skipRow(head: RowHead, why: string): RowResult {
  return { ...head, bar: "", measured: "", verdict: "SKIPPED", margin: "", samples: [], notes: [why] };
}

/** A row whose measurement failed. */
export function failRow(head: RowHead, error: unknown): RowResult {
  const why = error instanceof Error ? error.message : String(error);
  return { ...head, bar: "", measured: "", verdict: "ERROR", margin: "", samples: [], notes: [why] };
}
