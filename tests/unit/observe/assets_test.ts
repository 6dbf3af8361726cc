/** The alert rules and the dashboard: valid, and about metrics that exist. */

import { assert, assertEquals } from "@std/assert";
import { ASSET_PATHS, readAsset } from "../../../lib/observe/asset_files.ts";
import { CATALOGUE } from "../../../lib/observe/catalogue.ts";
import { promtool } from "../../support/promtool.ts";
import { PROMTOOL, testWith } from "../../support/needs.ts";

const HISTOGRAM_SUFFIX = /_(?:bucket|sum|count)$/;

function metricsIn(text: string): readonly string[] {
  return [...new Set(text.match(/\b(?:kvstore|process)_[a-z_]+\b/g) ?? [])];
}

function isExposed(name: string): boolean {
  const base = name.replace(HISTOGRAM_SUFFIX, "");
  const description = Object.entries(CATALOGUE).find(([known]) => known === name || known === base);
  return description !== undefined && (description[0] === name || description[1].type === "histogram");
}

Deno.test("every metric that a rule or a panel names exists", async () => {
  for (const path of ASSET_PATHS.filter((name) => !name.startsWith("systemd/"))) {
    const names = metricsIn(await readAsset(path));
    assert(names.length > 10, path);
    for (const name of names) assert(isExposed(name), `${path} names ${name}`);
  }
  assert(!isExposed("kvstore_raft_term_bucket"));
});

testWith([PROMTOOL], "promtool takes the alert rules", async () => {
  const path = new URL("../../../lib/observe/assets/prometheus/alerts.yml", import.meta.url);
  const { code, text } = await promtool(["rules", path.pathname]);
  assertEquals(code, 0, text);
});

Deno.test("the dashboard's panels have queries, names and places of their own", async () => {
  const { panels } = JSON.parse(await readAsset("grafana/kvstore.json"));
  const charts = panels.filter(({ type }: { type: string }) => type !== "row");
  assert(charts.length > 15);
  const places = new Set<string>();
  for (const { title, targets, gridPos: { x, y, w } } of charts) {
    assert(title !== "" && targets.length > 0);
    assert(x + w <= 24, title);
    places.add(`${x} ${y}`);
  }
  assertEquals(places.size, charts.length);
});
