import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { LatencyHistogram } from "../../../lib/load/histogram.ts";

Deno.test("every quantile is at most 0.8 % above the exact one and never below it", () => {
  const random = new Random(1);
  // From 0.013 ms to 400 s, with equal chances in each power of ten.
  const values = Array.from({ length: 20_000 }, () => 0.013 * 10 ** (random.fraction() * 7.4));
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  const sorted = [...values].sort((left, right) => left - right);
  for (const q of [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999]) {
    const exact = sorted[Math.ceil(q * sorted.length) - 1] ?? 0;
    const found = histogram.quantile(q);
    assert(found >= exact && found <= exact * 1.008, `quantile ${q}: ${found}, exactly ${exact}`);
  }
  assertEquals(histogram.max, sorted.at(-1));
  assertEquals(histogram.quantile(1), sorted.at(-1));
});

Deno.test("each value alone is found again within its error, from 0.1 us on", () => {
  for (let value = 0.0001; value < 400_000; value *= 1.003) {
    const histogram = new LatencyHistogram();
    histogram.record(value);
    histogram.record(1e9);
    const found = histogram.quantile(0.5);
    assert(found >= value && found <= Math.max(value * 1.008, value + 0.0001001), `${value} came back as ${found}`);
  }
});

Deno.test("repeats count, zero and nothing are 0, and what is too long is kept as the greatest", () => {
  const histogram = new LatencyHistogram();
  assertEquals(histogram.latencies(), { mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, p9999: 0, max: 0 });
  histogram.record(-1);
  assertEquals(histogram.max, 0);
  histogram.record(2, 98);
  histogram.record(500_000);
  assertEquals(histogram.count, 100);
  assert(Math.abs(histogram.quantile(0.99) - 2) < 0.016);
  assertEquals(histogram.quantile(0.01), 0.0001);
  assertEquals(histogram.max, 500_000);
  assert(Math.abs(histogram.latencies().mean - 5_001.96) < 0.001);
});
