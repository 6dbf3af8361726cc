/** Counters, gauges and the error of the histogram's quantiles. */

import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { Histogram, Registry } from "../../../lib/observe/metrics.ts";
import { METRIC } from "../../../lib/observe/names.ts";

/** A bucket is a quarter octave wide; a little more for the rounding of the logarithm. */
const ERROR_MAX = 2 ** 0.25 * 1.000_001;

function histogramOf(seconds: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const each of seconds) histogram.record(each);
  return histogram;
}

Deno.test("A name means one object for each kind of metric", () => {
  const registry = new Registry();
  registry.counter("a").add();
  registry.counter("a").add(2);
  registry.histogram("a").record(1);
  registry.gauge("a", () => 5);
  registry.gauge("a", () => 6);
  assertEquals(registry.counter("a").value, 3);
  assertEquals(registry.histogram("a").count, 1);
  assertEquals(registry.gauges.get("a")?.read(), 6);
  assertEquals([registry.counters.size, registry.histograms.size, registry.gauges.size], [1, 1, 1]);
});

Deno.test("An empty histogram shows zeros", () => {
  const empty = new Histogram();
  assertEquals([empty.count, empty.sum, empty.max, empty.quantile(0), empty.quantile(1)], [0, 0, 0, 0, 0]);
});

Deno.test("One duration is every quantile, exactly", () => {
  for (const seconds of [1e-9, 1e-6, 0.000_123, 1, 59, 3_600, 1e6]) {
    for (const q of [0, 0.5, 0.99, 1]) assertEquals(histogramOf([seconds]).quantile(q), seconds);
  }
});

Deno.test("A quantile is never too low, and at most a quarter octave too high", () => {
  const random = new Random(7);
  const values = Array.from({ length: 5_000 }, () => 1e-6 * 2 ** (random.fraction() * 30)).sort((a, b) => a - b);
  const histogram = histogramOf(values);
  for (const q of [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
    const exact = values[Math.ceil(q * values.length) - 1] ?? 0;
    assertGreaterOrEqual(histogram.quantile(q) * 1.000_001, exact, `q ${q}`);
    assertLessOrEqual(histogram.quantile(q), exact * ERROR_MAX, `q ${q}`);
  }
  assertEquals(histogram.count, values.length);
  assertEquals(histogram.max, values.at(-1));
  assert(Math.abs(histogram.sum - values.reduce((sum, value) => sum + value, 0)) < 1e-6 * histogram.sum);
});

Deno.test("Durations outside of the buckets are counted at their ends", () => {
  const histogram = histogramOf([0, -1, 10_000, 20_000]);
  assertEquals(histogram.count, 4);
  assertEquals(histogram.quantile(0.5), 1e-6);
  assertEquals(histogram.quantile(0.75), 20_000, "the longest stands for all that are longer than the buckets");
});

Deno.test("Metric names are unique, carry the prefix, and only counters end with _total", () => {
  const names: readonly string[] = Object.values(METRIC);
  assertEquals(new Set(names).size, names.length);
  for (const name of names) assert(/^kvstore_[a-z]+(_[a-z]+)+$/.test(name), name);
});
