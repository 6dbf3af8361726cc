/** How long writes wait when the leader is killed, and when it is asked to stop. */

import { delay, waitFor } from "../../../tests/support/wait.ts";
import { median } from "../../support/table.ts";
import { note } from "../../support/print.ts";
import { GapWriters } from "../loads/gap_writers.ts";
import { type Cost, Meter } from "../meter.ts";
import type { CompareOptions } from "../options.ts";
import { judge, type RowGroup, type RowHead, type RowResult, showSpread, skipRow } from "../row.ts";
import { startSubject, type Subject } from "../servers/subject.ts";

const KILL_MEDIAN: RowHead = { id: "kill", title: "Leader killed -9: next acknowledged write, median" };
const KILL_WORST: RowHead = { id: "kill-worst", title: "Leader killed -9: next acknowledged write, worst" };
const HANDOVER: RowHead = { id: "handover", title: "Leader stopped (SIGTERM): longest gap in writes" };
const WRITERS = 12;
const SETTLE_MS = 1_000;
const TIMEOUT_MS = 20_000;

/** Writers are shared out over all nodes; those of the lost one go on at the next. */
export const leaderLoss: RowGroup = {
  rows: [KILL_MEDIAN, KILL_WORST, HANDOVER],
  minutesMax: 15,
  async run(options, chosen) {
    const rows = this.rows.filter(({ id }) => chosen.has(id));
    await using subject = await startSubject(options);
    if (subject.ids.length < 3) return rows.map((row) => skipRow(row, "There are no followers"));
    const writers = new GapWriters(subject.ids.map((id) => subject.address(id)), WRITERS);
    try {
      const costs: Cost[] = [];
      const kills = chosen.has("kill") || chosen.has("kill-worst")
        ? await killLeaders(options, { subject, writers, costs })
        : [];
      const results = kills.length === 0 ? [] : killRows(kills, costs).filter(({ id }) => chosen.has(id));
      if (!chosen.has("handover")) return results;
      return [...results, await handOver(options, { subject, writers })];
    } finally {
      await writers.stop();
    }
  },
};

interface Parts {
  readonly subject: Subject;
  readonly writers: GapWriters;
}

/** Milliseconds of each writer, shortest first, for each kill. */
async function killLeaders(
  { kills }: CompareOptions,
  { subject, writers, costs }: Parts & { readonly costs: Cost[] },
): Promise<(readonly number[])[]> {
  const found: (readonly number[])[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const leader = await settled({ subject, writers });
    const meter = new Meter(subject);
    const since = performance.now();
    await subject.kill(leader, "SIGKILL");
    const waits = await waitFor(() => {
      const all = writers.waits(since);
      return all.length === WRITERS ? all : undefined;
    }, { what: "every writer writes again", timeoutMs: TIMEOUT_MS });
    found.push(waits);
    costs.push(meter.read());
    note(
      `Kill ${kill} of ${kills}: first write after ${waits[0]?.toFixed(0)} ms, last writer ${
        waits.at(-1)?.toFixed(0)
      } ms`,
    );
    subject.start(leader);
  }
  return found;
}

function killRows(kills: readonly (readonly number[])[], costs: readonly Cost[]): RowResult[] {
  const seconds = (pick: (waits: readonly number[]) => number) => kills.map((waits) => pick(waits) / 1_000);
  const samples = seconds((waits) => waits[0] ?? Infinity);
  const notes = [
    `The first of ${WRITERS} writers, from the signal to the reply of a write sent after it.`,
    `The median writer waited ${showSpread(seconds(median), { unit: " s", digits: 2 })}, ` +
    `the last one ${showSpread(seconds((waits) => waits.at(-1) ?? Infinity), { unit: " s", digits: 2 })}.`,
  ];
  const bar = { kind: "atMost", unit: " s", digits: 2 } as const;
  return [
    judge(KILL_MEDIAN, { bar: { ...bar, value: 0.2, of: "median" }, samples, notes, costs }),
    judge(KILL_WORST, { bar: { ...bar, value: 0.6, of: "worst" }, samples, costs }),
  ];
}

async function handOver({ kills }: CompareOptions, { subject, writers }: Parts): Promise<RowResult> {
  const gaps: number[] = [];
  const stops: number[] = [];
  const costs: Cost[] = [];
  for (let round = 0; round < Math.max(1, Math.ceil(kills / 2)); round++) {
    const leader = await settled({ subject, writers });
    const meter = new Meter(subject);
    const since = performance.now();
    await subject.kill(leader, "SIGTERM");
    stops.push((performance.now() - since) / 1_000);
    await delay(SETTLE_MS);
    costs.push(meter.read());
    gaps.push(writers.longestGap(since, performance.now()) / 1_000);
    note(`Hand-over: longest gap ${gaps.at(-1)?.toFixed(3)} s`);
    subject.start(leader);
  }
  return judge(HANDOVER, {
    bar: { kind: "atMost", value: 0.1, of: "worst", unit: " s", digits: 3 },
    samples: gaps,
    costs,
    notes: [`The process ended after ${showSpread(stops, { unit: " s", digits: 2 })}.`],
  });
}

/** Waits until all nodes are there and equal and writes flow. Returns the leader. */
async function settled({ subject, writers }: Parts): Promise<number> {
  await waitFor(async () => {
    await subject.settle();
    return true;
  }, { what: "all nodes are equal", timeoutMs: TIMEOUT_MS });
  const before = writers.count;
  await waitFor(() => writers.count > before + 100 ? true : undefined, { what: "writes flow", timeoutMs: TIMEOUT_MS });
  await delay(SETTLE_MS);
  return await subject.leader();
}
