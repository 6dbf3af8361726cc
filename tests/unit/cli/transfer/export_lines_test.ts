/** The lines that are made of a snapshot: all its keys whose time has not come, between a head and an end that count them. */

import { assertEquals } from "@std/assert";
import { bytesToString } from "../../../../lib/base/bytes.ts";
import { writeLines } from "../../../../lib/cli/transfer/export_lines.ts";
import { readLine } from "../../../../lib/cli/transfer/record_line.ts";
import { BACKUP_AT, inputOf, makeBackup, readBackup } from "../../../support/backups.ts";

async function linesAt(nowMs: number, prefix = ""): Promise<readonly string[]> {
  let text = "";
  const { keys, revision } = await writeLines(inputOf(await makeBackup()), {
    prefix,
    now: () => nowMs,
    write: (bytes) => text += bytesToString(bytes),
    onProgress: () => {},
  });
  const lines = text.split("\n");
  assertEquals([lines.pop(), revision], ["", BACKUP_AT]);
  assertEquals(readLine(lines.at(-1) ?? ""), { type: "End", keys });
  assertEquals([readLine(lines[0] ?? "").type, lines.length], ["Head", keys + 2]);
  return lines.slice(1, -1);
}

Deno.test("an export has every key of the snapshot with value and deadline, but those whose deadline has passed", async () => {
  const { state } = await readBackup(inputOf(await makeBackup()));
  const kept = [...state.records("")].map(([key, { value, expiresAt }]) => ({ key, value, expiresAt }));
  const first = Math.min(...kept.map(({ expiresAt = Infinity }) => expiresAt));
  assertEquals(kept.length > 1 && first < Infinity, true);
  for (
    const [nowMs, wanted] of [[0, kept], [
      first,
      kept.filter(({ expiresAt = Infinity }) => expiresAt > first),
    ]] as const
  ) {
    const found = (await linesAt(nowMs)).map((line) => {
      const said = readLine(line);
      if (said.type !== "Record") throw new Error(line);
      const { key, value, expiresAt, ttlMs } = said.record;
      if (expiresAt !== undefined) assertEquals(ttlMs, expiresAt - Math.max(nowMs, state.timeMs));
      return { key, value, expiresAt };
    });
    assertEquals(found.sort(byKey), [...wanted].sort(byKey));
  }
});

Deno.test("a prefix is of bytes from the beginning, and a key that is shorter has it not", async () => {
  const all = await linesAt(0);
  const [{ record } = { record: undefined }] = all.map(readLine).filter((line) => line.type === "Record");
  const key = record?.key ?? "";
  assertEquals(await linesAt(0, `${key}+`), []);
  assertEquals((await linesAt(0, key)).includes(all[0] ?? ""), true);
  assertEquals((await linesAt(0, key[0])).every((line) => all.includes(line)), true);
});

function byKey({ key: left }: { key: string }, { key: right }: { key: string }): number {
  return left < right ? -1 : 1;
}
