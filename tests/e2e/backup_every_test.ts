/** Backups by time of a real cluster, by the command. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor } from "../support/wait.ts";

const NAME = /^kvstore-\d{8}T\d{6}Z\.snap$/;

Deno.test("backups by time go on after failures, keep the newest whole ones and nothing less, and end at SIGTERM", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    const directory = `${cluster.root}/backups`;
    const figures = `${cluster.root}/backups.prom`;
    const list = () => Array.from(Deno.readDirSync(directory), ({ name }) => name).sort();
    const snaps = () => list().filter((name) => NAME.test(name));
    await cluster.ask(0, "PUT key value");
    await Deno.mkdir(directory);
    // Of another day: whole ones that are too many, one that is damaged, and files of others.
    const seed = `${cluster.root}/seed.snap`;
    const at = ["--connect", `127.0.0.1:${cluster.node(0).clientPort}`];
    assertEquals((await runProgram(["backup", seed, ...at])).code, 0);
    const bytes = await Deno.readFile(seed);
    for (const day of [1, 2, 3]) await Deno.writeFile(`${directory}/kvstore-2026010${day}T000000Z.snap`, bytes);
    const damaged = "kvstore-20260104T000000Z.snap";
    await Deno.writeFile(`${directory}/${damaged}`, bytes.subarray(0, bytes.length - 3));
    for (const other of ["mine.snap", `${damaged}.01234567.tmp`]) await Deno.writeFile(`${directory}/${other}`, bytes);
    const args = [
      "backup",
      directory,
      "--every",
      "1s",
      "--keep",
      "2",
      "--metrics-file",
      figures,
      "--timeout-ms",
      "500",
    ];
    const run = new ServerProcess(programLine([...args, ...at]));
    const said = (text: string | RegExp) => run.lines.filter((line) => line.match(text) !== null);
    await waitFor(() => said(/^Removed kvstore-20260101T000000Z\.snap: 2 newer ones are whole$/).length || undefined, {
      what: "the oldest is removed",
    });
    const [second] = snaps().filter((name) => !name.startsWith("kvstore-2026010"));
    assert(second !== undefined);
    assertEquals(list().filter((name) => name.endsWith(".tmp") && name.startsWith(damaged)), []);
    // Another run in the same directory is refused.
    const other = await runProgram([...args, ...at]);
    assertEquals([other.code, other.stdout], [1, ""]);
    assertMatch(other.stderr, /^kvstore: .*backups is in use by another process\n$/);
    await cluster.kill(0);
    await waitFor(() => said(/^kvstore: \S+Z No backup this time: Cannot reach any node/).length || undefined, {
      what: "a failure is told",
    });
    const before = snaps();
    assert(before.length >= 2);
    await waitFor(() => said("No backup this time").length >= 3 || undefined, { what: "it is tried again" });
    assertEquals(snaps(), before);
    await waitFor(async () => /attempt_succeeded 0\n/.test(await Deno.readTextFile(figures)) || undefined, {
      what: "the figures tell it",
    });
    cluster.launch(0);
    await waitFor(() => !before.includes(snaps().at(-1) ?? "") || undefined, { what: "another backup" });
    await waitFor(async () => /attempt_succeeded 1\n/.test(await Deno.readTextFile(figures)) || undefined, {
      what: "the figures tell it",
    });
    run.signal("SIGTERM");
    assertEquals((await run.ended).code, 0, run.lines.slice(-3).join(" | "));
    const left = snaps();
    assertEquals([left.length, left[0]], [3, damaged]);
    assertEquals(list().filter((name) => !NAME.test(name)), ["LOCK", "mine.snap"]);
    assertEquals(said(`${damaged} at offset`).length, 1);
    for (const name of left.slice(1)) assertEquals((await runProgram(["verify", `${directory}/${name}`])).code, 0);
    const [, time = ""] = /last_success_timestamp_seconds (\d+)\n/.exec(await Deno.readTextFile(figures)) ?? [];
    const newest = (left.at(-1) ?? "").replace(/\D/g, "");
    assertEquals(new Date(Number(time) * 1_000).toISOString().replace(/\D/g, "").slice(0, 14), newest);
    assertEquals(((await Deno.stat(figures)).mode ?? 0) & 0o777, 0o644);
  }));

Deno.test("flags of backups by time that do not fit are refused", async () => {
  for (
    const args of [["-", "--every", "1h"], ["d", "--every", "1"], ["d", "--every", "1h", "--force"], [
      "f",
      "--keep",
      "2",
    ]]
  ) {
    const { code, stdout } = await runProgram(["backup", ...args]);
    assertEquals([code, stdout], [2, ""], args.join(" "));
  }
});
