/**
 * The text format of Prometheus, version 0.0.4. A scrape costs a line for each series and nothing for each key or request:
 * what is counted stands in the registry, everything else comes as samples that were read for this scrape.
 */

import { CATALOGUE, type MetricDescription } from "./catalogue.ts";
import { showLabels } from "./labels.ts";
import type { Histogram, Registry } from "./metrics.ts";
import type { MetricName } from "./names.ts";

/** Media type of what `expose` makes. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The value of one series at the time of a scrape; `labels` are values, in the order of the catalogue. */
export interface Sample {
  readonly name: MetricName;
  readonly labels?: readonly string[];
  readonly value: number;
}

/**
 * Upper bounds of the exposed buckets in seconds: 16 us to 17 s, each twice the one before. They are bounds of the finer
 * buckets of `Histogram`, so that counts are exact.
 */
export const BUCKET_BOUNDS: readonly number[] = Array.from({ length: 21 }, (_, at) => 2 ** (at + 4) / 1e6);

/** The page of /metrics. A metric without a series is left out. */
export function expose(registry: Registry, samples: readonly Sample[]): string {
  const sampled = groupByName(samples);
  let page = "";
  for (const [name, description] of Object.entries(CATALOGUE)) {
    const lines = linesOf(name, { registry, description, samples: sampled.get(name) ?? [] });
    if (lines === "") continue;
    page += `# HELP ${name} ${description.help}\n# TYPE ${name} ${description.type}\n${lines}`;
  }
  return page;
}

interface Sources {
  readonly registry: Registry;
  readonly description: MetricDescription;
  readonly samples: readonly Sample[];
}

function linesOf(name: string, { registry, description, samples }: Sources): string {
  const histogram = registry.histograms.get(name);
  if (histogram !== undefined) return histogramLines(name, histogram);
  let lines = "";
  for (const { labels = [], value } of samples) {
    lines += `${name}${showLabels(description.labels, labels)} ${showNumber(value)}\n`;
  }
  for (const [labels, counter] of registry.families.get(name)?.series ?? []) {
    lines += `${name}${labels} ${showNumber(counter.value)}\n`;
  }
  const single = registry.counters.get(name)?.value ?? registry.gauges.get(name)?.read();
  return single === undefined ? lines : `${lines}${name} ${showNumber(single)}\n`;
}

function histogramLines(name: string, histogram: Histogram): string {
  const counts = histogram.countsUpTo(BUCKET_BOUNDS);
  let lines = "";
  for (const [at, bound] of BUCKET_BOUNDS.entries()) lines += `${name}_bucket{le="${bound}"} ${counts[at] ?? 0}\n`;
  const { count, sum } = histogram;
  return `${lines}${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${showNumber(sum)}\n${name}_count ${count}\n`;
}

function groupByName(samples: readonly Sample[]): ReadonlyMap<string, readonly Sample[]> {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const group = groups.get(sample.name);
    if (group === undefined) groups.set(sample.name, [sample]);
    else group.push(sample);
  }
  return groups;
}

function showNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
