/** What takes the space in a directory: every file is of one kind, and none is left out. */

import { assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import { measure, runDiskCommand, showBytes } from "../../../lib/cli/disk_command.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { DISK_MARGIN_BYTES_MAX, DISK_MARGIN_SHARE } from "../../../lib/node/limits.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

const FILES: Readonly<Record<string, readonly string[]>> = {
  log: ["wal/00000000000000000001.wal", "wal/00000000000000000090.wal"],
  spare: ["wal/spare.tmp"],
  snapshots: ["snapshots/00000000000000000090-3.snap"],
  unfinished: ["snapshots/create-1.tmp", "snapshots/receive-2.tmp"],
  node: ["RaftNode0.json", "RaftNode0.json.tmp", "RaftKeys.json", "RaftKeys.lock", "REMOVED", "wal/durable.mark"],
  quarantine: ["quarantine/open.json", "quarantine/open.json.tmp", "quarantine/4711.json"],
  beforeRecovery: ["before-recovery/wal/1.wal", "before-recovery/RaftNode0.json"],
  others: ["notes.txt", "wal/notes.txt", "deep/er/file", "snapshots/x.snap", "quarantine/notes.txt"],
};

async function withFiles(body: (directory: string) => void | Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-disk-" });
  for (const path of Object.values(FILES).flat()) {
    await Deno.mkdir(`${directory}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(`${directory}/${path}`, new Uint8Array(10_000).fill(7));
  }
  await body(directory);
  await Deno.remove(directory, { recursive: true });
}

Deno.test("each file is counted once, by what it is for, with the blocks that it takes", () =>
  withFiles((directory) => {
    const uses = measure(directory);
    assertEquals(
      Object.fromEntries(uses.map(({ name, files }) => [name, files])),
      Object.fromEntries(Object.entries(FILES).map(([name, paths]) => [name, paths.length])),
    );
    for (const { name, files, bytes } of uses) {
      assertEquals(bytes >= files * 10_000 && bytes <= files * 65_536, true, `${name}: ${bytes}`);
    }
  }));

Deno.test("it is told in lines and in JSON, with all in sum, and other directories are refused", () =>
  withFiles(async (directory) => {
    const run = async (...args: string[]) => {
      const surroundings = fakeSurroundings();
      assertEquals(await runDiskCommand({ settings: settingsOf(...args), operands: [directory], surroundings }), 0);
      return surroundings.output();
    };
    const lines = (await run()).split("\n");
    assertEquals(lines.length, Object.keys(FILES).length + 3);
    assertEquals(/: [\d.]+ KiB in 22 files$/.test(lines[0] ?? ""), true, lines[0]);
    assertEquals(
      /^ +[\d.]+ KiB +\d+ % {2}beforeRecovery \(2 files\): .*; delete it when all is well$/.test(lines[7] ?? ""),
      true,
    );
    assertMatch(
      lines.at(-2) ?? "",
      /^Of [\d.]+ \w+, [\d.]+ \w+ are free; up to [\d.]+ MiB are to stay free for the next snapshot/,
    );
    const { inUse, bytes, parts, room } = JSON.parse(await run("disk", "--json"));
    assertEquals([inUse, parts], [false, measure(directory)]);
    assertEquals(bytes, measure(directory).reduce((sum, part) => sum + part.bytes, 0));
    const log = parts.find(({ name }: { readonly name: string }) => name === "log");
    assertEquals(room.snapshotBytes, 10_000 + log.bytes);
    assertGreater(room.totalBytes, room.freeBytes);
    assertEquals(room.marginBytes, Math.min(DISK_MARGIN_BYTES_MAX, room.totalBytes * DISK_MARGIN_SHARE));
    const context = { settings: settingsOf(), surroundings: fakeSurroundings() };
    await assertRejects(() => runDiskCommand({ ...context, operands: [`${directory}/deep`] }), Failure);
    await assertRejects(() => runDiskCommand({ ...context, operands: [] }), UsageError);
  }));

Deno.test("numbers of bytes are short", () => {
  assertEquals([0, 1_023, 1_024, 1_536, 67_108_864, 2 ** 41].map(showBytes), [
    ...["0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "64.0 MiB", "2.0 TiB"],
  ]);
});
