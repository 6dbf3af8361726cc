/** The file of the audit log: order, whole lines, replacement, and what becomes of lines that cannot be written. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Clock } from "../../../lib/base/clock.ts";
import { AUDIT_QUEUE_BYTES_MAX, AuditFile, AuditFileError } from "../../../lib/observe/audit_file.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { waitFor } from "../../support/wait.ts";

interface Stage {
  readonly path: string;
  readonly said: string[];
  readonly open: (options?: { bytesMax?: number; filesMax?: number; clock?: Clock }) => Promise<AuditFile>;
  readonly written: () => number;
  readonly lost: (reason: "queue" | "disk") => number;
  /** Waits until so many lines are written or lost. */
  readonly settled: (count: number) => Promise<unknown>;
}

async function withStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/audit.log`;
  const said: string[] = [];
  const metrics = new Registry();
  const written = () => metrics.counter(METRIC.auditLines).value;
  const lost = (reason: string) => metrics.counterFamily(METRIC.auditLinesLost, ["reason"]).counter([reason]).value;
  try {
    await body({
      path,
      said,
      open: ({ bytesMax = 65_536, filesMax = 3, clock = new VirtualClock() } = {}) =>
        AuditFile.open({
          path,
          bytesMax,
          filesMax,
          clock,
          metrics,
          log: (level, line) => said.push(`${level} ${line}`),
        }),
      written,
      lost,
      settled: (count) =>
        waitFor(() => written() + lost("queue") + lost("disk") >= count || undefined, {
          what: `${count} lines settle`,
        }),
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("lines stand in their order in a file of the owner alone, also behind those of before", () =>
  withStage(async ({ path, open, written }) => {
    const numbers = Array.from({ length: 5_000 }, (_, number) => `line ${number}\n`);
    const first = await open({ bytesMax: 10_000_000 });
    for (const line of numbers) first.write(line);
    await first.close();
    const second = await open({ bytesMax: 10_000_000 });
    second.write("the last\n");
    await second.close();
    assertEquals(await Deno.readTextFile(path), `${numbers.join("")}the last\n`);
    assertEquals(written(), 5_001);
    if (Deno.build.os !== "windows") assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test({
  name: "a file that is open to others is closed to them",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withStage(async ({ path, open }) => {
      await Deno.writeTextFile(path, "before\n");
      await Deno.chmod(path, 0o644);
      await (await open()).close();
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    }),
});

Deno.test("a line that a crash has cut is ended before the next one", () =>
  withStage(async ({ path, open }) => {
    await Deno.writeTextFile(path, "whole\ncut");
    const file = await open();
    file.write("next\n");
    await file.close();
    assertEquals(await Deno.readTextFile(path), "whole\ncut\nnext\n");
  }));

Deno.test("a full file is replaced by a new one, so many are kept, none is longer than it may be, and no line is torn", () =>
  withStage(async ({ path, open, settled }) => {
    const file = await open({ bytesMax: 100, filesMax: 3 });
    for (let number = 0; number < 60; number++) {
      file.write(`line ${String(number).padStart(4, "0")}\n`);
      await settled(number + 1);
    }
    await file.close();
    const texts = await Promise.all(["", ".1", ".2", ".3"].map((end) => Deno.readTextFile(`${path}${end}`)));
    const kept = texts.toReversed().join("").trimEnd().split("\n");
    assertEquals(kept, Array.from({ length: 40 }, (_, at) => `line ${String(20 + at).padStart(4, "0")}`));
    assertEquals(texts.map((text) => text.length), [100, 100, 100, 100]);
    assertEquals([...Deno.readDirSync(path.replace(/\/[^/]*$/, ""))].length, 4);
  }));

Deno.test("many lines at once are shared out among files as lines one by one are", () =>
  withStage(async ({ path, open }) => {
    const file = await open({ bytesMax: 100, filesMax: 1_000 });
    const lines = Array.from({ length: 100 }, (_, number) => `line ${String(number).padStart(4, "0")}\n`);
    const long = `${"x".repeat(250)}\n`;
    for (const line of [...lines, long, "end\n"]) file.write(line);
    await file.close();
    const sizes = [...Deno.readDirSync(path.replace(/\/[^/]*$/, ""))].map(({ name }) =>
      Deno.statSync(`${path.replace(/[^/]*$/, "")}${name}`).size
    );
    assertEquals(sizes.toSorted((a, b) => a - b), [4, ...new Array<number>(10).fill(100), 251]);
  }));

Deno.test("what does not fit into the queue is lost and counted, and what is in it is written", () =>
  withStage(async ({ path, open, lost, written }) => {
    const file = await open({ bytesMax: 10_000_000 });
    const line = `${"x".repeat(1_023)}\n`;
    for (let count = 0; count < AUDIT_QUEUE_BYTES_MAX / 1_024 + 5; count++) file.write(line);
    assertEquals(lost("queue"), 5);
    await file.close();
    assertEquals([written(), (await Deno.stat(path)).size], [AUDIT_QUEUE_BYTES_MAX / 1_024, AUDIT_QUEUE_BYTES_MAX]);
    file.write(line);
    assertEquals(lost("queue"), 6);
  }));

Deno.test("a disk that takes no lines is told of once, the lines are counted, and the next ones are tried again", () =>
  withStage(async ({ path, open, said, lost, written, settled }) => {
    const file = await open({ bytesMax: 10, filesMax: 1 });
    file.write("line 0001\n");
    await settled(1);
    // The full file cannot take the place of a directory that holds something.
    await Deno.mkdir(`${path}.1/inside`, { recursive: true });
    for (const number of [2, 3, 4]) {
      file.write(`line 000${number}\n`);
      await settled(number);
    }
    assertEquals([written(), lost("disk"), said.length], [1, 3, 1]);
    assertMatch(said[0] ?? "", /^error Cannot write the audit log .*audit\.log, lines are lost: /);
    await Deno.remove(`${path}.1`, { recursive: true });
    file.write("line 0005\n");
    await settled(5);
    assertEquals([written(), said.at(-1)], [2, `info The audit log ${path} is written again`]);
    await file.close();
    assertEquals([await Deno.readTextFile(path), await Deno.readTextFile(`${path}.1`)], ["line 0005\n", "line 0001\n"]);
  }));

Deno.test("a server that stops does not wait for a disk that hangs", () =>
  withStage(async ({ open, lost, written, settled }) => {
    const clock = new VirtualClock();
    // The deadline is over before the first write has ended.
    const hasty: Clock = {
      now: () => clock.now(),
      endOfTurn: (action) => clock.endOfTurn(action),
      after: (_delayMs, action) => {
        action();
        return { cancel: () => {} };
      },
    };
    const file = await open({ clock: hasty, bytesMax: 10, filesMax: 1_000 });
    for (let number = 0; number < 1_000; number++) file.write("line 0000\n");
    await file.close();
    await settled(1_000);
    assert(written() < 1_000 && lost("disk") > 0, `${written()} written`);
  }));

Deno.test("what is no file, or in no directory, is refused in one line", () =>
  withStage(async ({ path, open }) => {
    await Deno.mkdir(path);
    const { message } = await assertRejects(() => open(), AuditFileError);
    assertMatch(message, /^Cannot write the audit log .*audit\.log: .*; --audit-log names it$/);
  }));
