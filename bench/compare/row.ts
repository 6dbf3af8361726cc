/** A row of the table: what is measured, its bar, and how the measurement is judged. */

import { median } from "../support/table.ts";
import { type Cost, showMemory, showProcessorTime } from "./meter.ts";
import type { CompareOptions } from "./options.ts";

/** How a row ended. INFO has no bar. */
export type Verdict = "PASS" | "FAIL" | "SKIPPED" | "ERROR" | "INFO";

/** A row before it is measured. */
export interface RowHead {
  readonly id: string;
  readonly title: string;
  /** Takes many minutes or many GiB: measured with `--long`, or when it is named. */
  readonly isLong?: boolean;
}

/** A row when it is measured. */
export interface RowResult extends RowHead {
  readonly bar: string;
  readonly measured: string;
  readonly verdict: Verdict;
  /** By how much the bar is met or missed. */
  readonly margin: string;
  /** Resident memory of the largest process of each server, and processor time of all processes of each. */
  readonly memory: string;
  readonly processorTime: string;
  readonly samples: readonly number[];
  /** What else is worth knowing, one sentence each. */
  readonly notes: readonly string[];
}

/** Rows that are measured together. */
export interface RowGroup {
  readonly rows: readonly RowHead[];
  /** After so long its servers are ended and what is missing has failed. */
  readonly minutesMax: number;
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

/** What was measured for a row. */
export interface Measurement {
  readonly samples: readonly number[];
  readonly notes?: readonly string[];
  readonly costs?: readonly Cost[];
}

/** Holds samples against their bar. */
export function judge(head: RowHead, measured: Measurement & { readonly bar: Bar }): RowResult {
  const { bar, samples, notes = [], costs = [] } = measured;
  const { kind, value, of, unit, digits } = bar;
  const least = kind === "atLeast";
  const worst = least ? Math.min(...samples) : Math.max(...samples);
  const found = of === "median" ? median(samples) : worst;
  const passed = samples.length > 0 && (least ? found >= value : found <= value);
  return {
    ...idAndTitle(head),
    bar: `${least ? "at least" : "at most"} ${value.toFixed(digits)}${unit}${of === "worst" ? " (worst)" : ""}`,
    measured: showSpread(samples, { unit, digits }),
    verdict: passed ? "PASS" : "FAIL",
    margin: `${(found / value * 100).toFixed(0)} % of the bar`,
    memory: showMemory(costs),
    processorTime: showProcessorTime(costs),
    samples,
    notes,
  };
}

/** What a ratio to Redis must reach. */
export interface RatioBar {
  readonly ratio: number;
  /** So much of the ceiling's own ratio suffices too, where a machine lets nothing in Deno come near Redis. */
  readonly ofCeiling?: number;
}

/** Rates of the same load in the same run, one after the other. */
export interface Rates {
  readonly subject: number;
  readonly redis: number;
  readonly ceiling?: number;
}

/** The bar as a ratio to Redis: the first figure, or the share of what the ceiling reached where that is less. */
export function barOf({ ratio, ofCeiling }: RatioBar, runs: readonly Rates[]): number {
  const ceilings = ceilingRatios(runs);
  if (ofCeiling === undefined || ceilings.length === 0) return ratio;
  return Math.min(ratio, ofCeiling * median(ceilings));
}

/** Holds the median ratio to Redis against its bar. */
export function judgeRatio(
  head: RowHead,
  { bar, runs, notes = [], costs = [] }: {
    readonly bar: RatioBar;
    readonly runs: readonly Rates[];
    readonly notes?: readonly string[];
    readonly costs?: readonly Cost[];
  },
): RowResult {
  const samples = runs.map(({ subject, redis }) => subject / redis);
  const ceilings = ceilingRatios(runs);
  const ofCeiling = runs.flatMap(({ subject, ceiling }) => ceiling === undefined ? [] : [subject / ceiling]);
  const digits = 2;
  const judged = judge(head, {
    bar: { kind: "atLeast", value: barOf(bar, runs), of: "median", unit: "", digits },
    samples,
    costs,
    notes: [
      ...(ceilings.length === 0 ? [] : [
        `The ceiling reached ${showSpread(ceilings, { digits })} of Redis, and KVStore ` +
        `${showSpread(ofCeiling, { digits })} of the ceiling.`,
      ]),
      ...notes,
    ],
  });
  if (bar.ofCeiling === undefined) return judged;
  return {
    ...judged,
    bar: `${judged.bar} (${bar.ratio.toFixed(digits)}, or ${bar.ofCeiling.toFixed(digits)} ceilings)`,
  };
}

function ceilingRatios(runs: readonly Rates[]): readonly number[] {
  return runs.flatMap(({ redis, ceiling }) => ceiling === undefined ? [] : [ceiling / redis]);
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
  return unmeasured(head, { verdict: "SKIPPED", why });
}

/** A row whose measurement failed. */
export function failRow(head: RowHead, error: unknown): RowResult {
  return unmeasured(head, { verdict: "ERROR", why: error instanceof Error ? error.message : String(error) });
}

function unmeasured(head: RowHead, { verdict, why }: { verdict: Verdict; why: string }): RowResult {
  const empty = { bar: "", measured: "", margin: "", memory: "", processorTime: "" };
  return { ...idAndTitle(head), ...empty, verdict, samples: [], notes: [why] };
}

/** A head may be a part of something larger. */
function idAndTitle({ id, title }: RowHead): RowHead {
  return { id, title };
}
