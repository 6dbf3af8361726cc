/** The alert rules and the dashboard: valid, and about metrics that exist. */

import { assert, assertEquals } from "@std/assert";
import { ASSET_PATHS, readAsset } from "../../../lib/observe/asset_files.ts";
import { BACKUP_METRICS } from "../../../lib/cli/backup/backup_metrics.ts";
import { CATALOGUE } from "../../../lib/observe/catalogue.ts";
import { promtool, testRules } from "../../support/promtool.ts";
import { PROMTOOL, testWith } from "../../support/needs.ts";

const HISTOGRAM_SUFFIX = /_(?:bucket|sum|count)$/;

function metricsIn(text: string): readonly string[] {
  return [...new Set(text.match(/\b(?:kvstore|process)_[a-z_]+\b/g) ?? [])];
}

function isExposed(name: string): boolean {
  if (BACKUP_METRICS.includes(name)) return true;
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

/** What promtool is to see: samples of a minute each, and when which alert is there. */
function backupSamples(rules: string): string {
  const series = (name: string, values: string) =>
    `      - series: ${name}{instance="backup:9100"}\n        values: '${values}'\n`;
  const silent = (alert: string, minute: number) =>
    `      - {eval_time: ${minute}m, alertname: ${alert}, exp_alerts: []}\n`;
  const fires = (alert: string, minute: number, severity: string) =>
    `      - eval_time: ${minute}m\n        alertname: ${alert}\n        exp_alerts:\n` +
    `          - exp_labels: {severity: ${severity}, instance: "backup:9100"}\n`;
  return `rule_files: ["${rules}"]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n` +
    // A backup at once, and none after it.
    series("kvstore_backup_last_success_timestamp_seconds", "0x200") +
    series("kvstore_backup_interval_seconds", "3600x200") +
    series("kvstore_backup_last_attempt_succeeded", "1x59 0x140") +
    "    alert_rule_test:\n" +
    silent("KVStoreBackupTooOld", 124) + fires("KVStoreBackupTooOld", 126, "critical") +
    silent("KVStoreBackupFails", 73) + fires("KVStoreBackupFails", 76, "warning");
}

/** Two disks of 100 bytes, 30 of them to stay free: one fills to a quarter, the other to less; a third says nothing of itself. */
function diskSamples(rules: string): string {
  const series = (name: string, instance: string, values: string) =>
    `      - series: ${name}{instance="${instance}"}\n        values: '${values}'\n`;
  const fires = (alert: string, minute: number, of: string) =>
    `      - eval_time: ${minute}m\n        alertname: ${alert}\n        exp_alerts: [${of}]\n`;
  const one = (severity: string) => `{exp_labels: {severity: ${severity}, instance: "small"}}`;
  return `rule_files: ["${rules}"]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n` +
    series("kvstore_disk_size_bytes", "small", "100x30") + series("kvstore_disk_free_bytes", "small", "40x9 19x9 9x9") +
    series("kvstore_disk_reserve_bytes", "small", "10x30") +
    series("kvstore_disk_size_bytes", "roomy", "100x30") + series("kvstore_disk_free_bytes", "roomy", "20x30") +
    series("kvstore_disk_reserve_bytes", "roomy", "20x30") +
    series("kvstore_disk_size_bytes", "silent", "0x30") + series("kvstore_disk_free_bytes", "silent", "0x30") +
    series("kvstore_disk_reserve_bytes", "silent", "0x30") +
    "    alert_rule_test:\n" +
    fires("KVStoreDiskFills", 14, "") + fires("KVStoreDiskFills", 16, one("warning")) +
    fires("KVStoreDiskShort", 19, "") + fires("KVStoreDiskShort", 23, one("critical"));
}

/** What promtool says of samples that are made for a copy of the rules. */
async function judgeSamples(samplesFor: (rules: string) => string): ReturnType<typeof testRules> {
  const rules = new URL("../../../lib/observe/assets/prometheus/alerts.yml", import.meta.url).pathname;
  const directory = await Deno.makeTempDir({ prefix: "kvstore-rules-" });
  // Without the texts, which are for people.
  const bare = (await Deno.readTextFile(rules)).replace(/^ {8}annotations:\n( {10}.*\n)+/gm, "");
  await Deno.writeTextFile(`${directory}/rules.yml`, bare);
  await Deno.writeTextFile(`${directory}/samples.yml`, samplesFor(`${directory}/rules.yml`));
  const said = await testRules(`${directory}/samples.yml`);
  await Deno.remove(directory, { recursive: true });
  return said;
}

testWith([PROMTOOL], "a backup that is older than two intervals, and attempts that fail, are alerts", async () => {
  const { code, text } = await judgeSamples(backupSamples);
  assertEquals(code, 0, text);
});

testWith(
  [PROMTOOL],
  "a disk that is over 80 % full, and one with less free than snapshots need, are alerts",
  async () => {
    const { code, text } = await judgeSamples(diskSamples);
    assertEquals(code, 0, text);
  },
);

testWith([PROMTOOL], "a node with another state is an alert at once, and none once all have the same", async () => {
  const series = (node: number, values: string) =>
    `      - series: kvstore_store_replicas_differing{instance="node${node}:8000"}\n        values: '${values}'\n`;
  const fires = `          - exp_labels: {severity: critical, instance: "node0:8000"}\n`;
  const { code, text } = await judgeSamples((rules) =>
    `rule_files: ["${rules}"]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n` +
    series(0, "0 0 1 1 0 0") + series(1, "0 0 0 0 0 0") + "    alert_rule_test:\n" +
    "      - {eval_time: 1m, alertname: KVStoreReplicasDiffer, exp_alerts: []}\n" +
    `      - eval_time: 2m\n        alertname: KVStoreReplicasDiffer\n        exp_alerts:\n${fires}` +
    "      - {eval_time: 4m, alertname: KVStoreReplicasDiffer, exp_alerts: []}\n"
  );
  assertEquals(code, 0, text);
});

testWith(
  [PROMTOOL],
  "a node that stays in quarantine is an alert, and one that is repaired at once is none",
  async () => {
    const series = (node: number, values: string) =>
      `      - series: kvstore_server_quarantined{instance="node${node}:8000"}\n        values: '${values}'\n`;
    const fires = `          - exp_labels: {severity: critical, instance: "node0:8000"}\n`;
    const { code, text } = await judgeSamples((rules) =>
      `rule_files: ["${rules}"]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n` +
      series(0, "0 1 1 1 0 0") + series(1, "0 1 0 0 0 0") + "    alert_rule_test:\n" +
      "      - {eval_time: 1m, alertname: KVStoreNodeQuarantined, exp_alerts: []}\n" +
      `      - eval_time: 2m\n        alertname: KVStoreNodeQuarantined\n        exp_alerts:\n${fires}` +
      "      - {eval_time: 4m, alertname: KVStoreNodeQuarantined, exp_alerts: []}\n"
    );
    assertEquals(code, 0, text);
  },
);

testWith([PROMTOOL], "damaged memory is an alert at once", async () => {
  const fires = `          - exp_labels: {severity: critical, instance: "node0:8000"}\n`;
  const { code, text } = await judgeSamples((rules) =>
    `rule_files: ["${rules}"]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n` +
    `      - series: kvstore_store_memory_damaged{instance="node0:8000"}\n        values: '0 1 1 0'\n` +
    "    alert_rule_test:\n      - {eval_time: 0m, alertname: KVStoreMemoryDamaged, exp_alerts: []}\n" +
    `      - eval_time: 1m\n        alertname: KVStoreMemoryDamaged\n        exp_alerts:\n${fires}` +
    "      - {eval_time: 3m, alertname: KVStoreMemoryDamaged, exp_alerts: []}\n"
  );
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
