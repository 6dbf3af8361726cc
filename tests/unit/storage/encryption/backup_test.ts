/** Encrypted backups: files that their master key alone opens, read from a disk or a pipe. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { CorruptionError, MasterKeyError } from "../../../../lib/base/errors.ts";
import type { DiskFile } from "../../../../lib/storage/disk.ts";
import type { MasterKeys } from "../../../../lib/storage/encryption/master_key.ts";
import { openBackup, SealedBackup } from "../../../../lib/storage/encryption/sealed_backup.ts";
import type { SealedInput } from "../../../../lib/storage/encryption/sealed_file.ts";
import { readSnapshot } from "../../../../lib/storage/snapshot_format.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { id, ONE, open, pathOf } from "../support.ts";
import { masterKey, NEW, OLD, seeded, WitnessDisk } from "./support.ts";

const PATH = "/backup.snap";
const PIECE_BYTES = 1_000;

/** A snapshot with `text` in it, as a node sends it. */
async function snapshotWith(text: string): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const writer = storage.createSnapshot(id(4, 2), ONE);
  writer.write(new TextEncoder().encode(text.repeat(20_000)));
  await writer.finish();
  await storage.close();
  return disk.contents(pathOf(4, 2)) ?? new Uint8Array();
}

/** Writes it in pieces, the first attempt in vain, as a download does that has to begin anew. */
function store(file: DiskFile, bytes: Uint8Array, masterKeys: MasterKeys = [OLD]): DiskFile {
  const backup = new SealedBackup(file, { masterKeys, random: seeded(3) });
  for (const until of [bytes.length / 2, bytes.length]) {
    if (backup.size() > 0) backup.truncate();
    for (let at = 0; at < until; at += PIECE_BYTES) {
      backup.writeAt(at, bytes.subarray(at, Math.min(until, at + PIECE_BYTES)));
    }
  }
  return backup;
}

/** The same bytes as a pipe gives them: once, in order. */
function pipeOf(bytes: Uint8Array): SealedInput {
  let at = 0;
  return {
    path: "standard input",
    size: () => Infinity,
    readAt: (_offset, target) => {
      const part = bytes.subarray(at, at + target.length);
      target.set(part);
      at += part.length;
      return part.length;
    },
  };
}

function textOf(input: SealedInput): string {
  return Array.from(readSnapshot(input), (block) => Buffer.from(block).toString()).join("");
}

Deno.test("a backup is read as it was, from a file and from a pipe, and nothing of it stands in the file", async () => {
  const bytes = await snapshotWith("a marker ");
  const disk = new MemoryDisk();
  const witness = new WitnessDisk(disk);
  const backup = store(witness.open(PATH, "create"), bytes);
  assertEquals(backup.size(), bytes.length);
  const expected = "a marker ".repeat(20_000);
  assertEquals(textOf(backup), expected);
  assertEquals(witness.whereWritten("a marker"), []);
  const stored = disk.contents(PATH) ?? new Uint8Array();
  for (const masterKeys of [[OLD], [NEW, OLD]] as const) {
    assertEquals(textOf(openBackup(disk.open(PATH, "read"), masterKeys)), expected);
    assertEquals(textOf(openBackup(pipeOf(stored), masterKeys)), expected);
  }
  // One that is not encrypted is read with a key and without.
  for (const masterKeys of [undefined, [OLD] as const]) {
    assertEquals(textOf(openBackup(pipeOf(bytes), masterKeys)), expected);
  }
});

Deno.test("without its master key a backup is refused in one line that names the key", async () => {
  const disk = new MemoryDisk();
  store(disk.open(PATH, "create"), await snapshotWith("x"));
  for (const masterKeys of [undefined, [NEW] as const, [NEW, masterKey(3)] as const]) {
    const { message } = assertThrows(() => textOf(openBackup(disk.open(PATH, "read"), masterKeys)), MasterKeyError);
    assertMatch(message, new RegExp(`^Cannot read /backup.snap: it is encrypted under master key ${OLD.id}[,;]`));
    assert(!message.includes("\n"));
  }
});

Deno.test("a changed byte of a backup is noticed, and so is one that is cut short or has another one's blocks", async () => {
  const disk = new MemoryDisk();
  const bytes = await snapshotWith("some text ");
  store(disk.open(PATH, "create"), bytes);
  const stored = disk.contents(PATH) ?? new Uint8Array();
  const read = (change: (copy: Uint8Array) => Uint8Array | void) => {
    const copy = stored.slice();
    const image = new MemoryDisk();
    image.open(PATH, "create").writeAt(0, change(copy) ?? copy);
    return textOf(openBackup(image.open(PATH, "read"), [OLD]));
  };
  for (let at = 0; at < stored.length; at += at < 100 ? 1 : 4_099) {
    const error = assertThrows(
      () => read((copy) => void (copy[at] = (copy[at] ?? 0) ^ 4)),
      Error,
      undefined,
      `byte ${at}`,
    );
    assertMatch(error.name, /Corruption|MasterKey|FormatVersion/);
  }
  assertThrows(() => read((copy) => copy.subarray(0, -1)), CorruptionError);
  assertThrows(() => read((copy) => copy.subarray(0, 84 + 65_536 + 24)), CorruptionError);
  assertThrows(() => read((copy) => void copy.copyWithin(84, 84 + 65_560, 84 + 2 * 65_560)), CorruptionError);
});
