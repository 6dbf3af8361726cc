/** Encrypted directories: what stands in them, what is refused, and how a plain one becomes one. */

import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { checksum } from "../../../../lib/base/checksum.ts";
import { CorruptionError, MasterKeyError } from "../../../../lib/base/errors.ts";
import { inspectDirectory } from "../../../../lib/storage/inspect.ts";
import { keepCopy } from "../../../../lib/storage/kept_copy.ts";
import { decodeRecordHeader, decodeSegmentHeader } from "../../../../lib/storage/wal_format.ts";
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from "../../../../lib/storage/wal_format.ts";
import { toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { stringToBytes } from "../../../../lib/base/bytes.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import {
  DIRECTORY,
  durableCopy,
  entries,
  failure,
  FIRST_SEGMENT,
  flip,
  id,
  idsOf,
  makeSnapshot,
  NODE_FILE,
  ONE,
  open,
  pathOf,
  SNAPSHOTS,
  textsOf,
  write,
} from "../support.ts";
import { contentsOf, KEY_FILE, keyed, keyless, masterKey, NEW, OLD, WitnessDisk } from "./support.ts";

const MARKER = "a marker that nobody else writes";
const SECOND_SEGMENT = `${DIRECTORY}/wal/00000000000000000004.wal`;

/** Three entries with the marker, a snapshot with it, then one entry more, and a vote. */
async function fill(disk: Parameters<typeof open>[0]): Promise<void> {
  const storage = await open(disk);
  await storage.saveHardState({ currentTerm: toTerm(3), votedFor: 0 });
  const marked = entries(1, 3, 3).map((entry) => ({ ...entry, command: `${MARKER} ${entry.index}` }));
  await write(storage, marked);
  const writer = storage.createSnapshot(id(2, 3), ONE);
  writer.write(stringToBytes(`${MARKER} in a snapshot`));
  writer.write(stringToBytes(`${MARKER} `.repeat(4_000)));
  await writer.finish();
  storage.createSnapshot(id(3, 3), ONE).abort();
  await storage.close();
}

/** What a start finds: entries and the blocks of the snapshot. */
async function find(disk: Parameters<typeof open>[0]) {
  const storage = await open(disk);
  const { runs, hardState } = storage.recovered;
  const source = storage.openSnapshot();
  const found = {
    entries: runs.flatMap((run) => run.entries()),
    blocks: source === undefined ? [] : textsOf(source),
    hardState,
  };
  source?.close();
  await storage.close();
  return found;
}

Deno.test("what is written stands nowhere on the disk, not even in what was deleted or overwritten, and is found again", async () => {
  const memory = new MemoryDisk();
  const witness = new WitnessDisk(memory);
  await fill(keyed(witness));
  const found = await find(keyed(witness, [OLD], 2));
  assertEquals(found.entries.map((entry) => "command" in entry && entry.command), [`${MARKER} 3`]);
  assertEquals(found.blocks, [`${MARKER} in a snapshot`, `${MARKER} `.repeat(4_000)]);
  assertEquals(found.hardState.currentTerm, 3);
  assertEquals(witness.whereWritten("a marker"), []);
  for (const [path, bytes] of memory.files()) assert(!Buffer.from(bytes).includes("a marker"), path);
  // The search would find it.
  const plain = new WitnessDisk(new MemoryDisk());
  await fill(plain);
  assertNotEquals(plain.whereWritten("a marker"), []);
});

Deno.test("a start without the master key, or with another one, is refused in one line and changes nothing", async (t) => {
  const disk = new MemoryDisk();
  await fill(keyed(disk));
  const cases = [
    {
      name: "none",
      view: keyless,
      line: /encrypted under master key [0-9a-f]{16}; give --master-key-file, /,
    },
    {
      name: "another",
      view: (on: MemoryDisk) => keyed(on, [NEW]),
      line: /under master key [0-9a-f]{16}, and the given one is [0-9a-f]{16}; /,
    },
    {
      name: "two others",
      view: (on: MemoryDisk) => keyed(on, [NEW, masterKey(3)]),
      line: /the given one is [0-9a-f]{16} and [0-9a-f]{16}; /,
    },
  ];
  for (const withLock of [true, false]) {
    for (const { name, view, line } of cases) {
      await t.step(`${name}${withLock ? "" : ", without LOCK"}`, async () => {
        if (!withLock) disk.remove(`${DIRECTORY}/LOCK`);
        const before = contentsOf(disk);
        const lost = await failure(MasterKeyError, () => open(view(disk)));
        assertMatch(lost.message, line);
        assert(!lost.message.includes("\n"));
        await failure(MasterKeyError, () => inspectDirectory(view(disk), DIRECTORY));
        assertEquals(contentsOf(disk), before);
      });
    }
  }
  assertEquals((await find(keyed(disk, [NEW, OLD]))).entries.length, 1);
});

Deno.test("a plain directory becomes an encrypted one: what is new is encrypted, the rest is named until it is gone", async () => {
  const disk = new MemoryDisk();
  await fill(disk);
  const before = await find(disk);
  assertEquals(await find(keyed(disk)), before);
  const plainFiles = async () => (await inspectDirectory(keyed(disk, [OLD], 9), DIRECTORY)).encryption?.plainFiles;
  const snapshot = "snapshots/00000000000000000002-3.snap";
  assertEquals(await plainFiles(), [snapshot, "wal/00000000000000000001.wal"]);
  const witness = new WitnessDisk(disk);
  const storage = await open(keyed(witness, [OLD], 3));
  await write(storage, entries(4, 3, 2));
  for (const index of [4, 5]) {
    const writer = storage.createSnapshot(id(index, 3), ONE);
    writer.write(stringToBytes(`${MARKER} at ${index}`));
    await writer.finish();
    await storage.compact(toIndex(index));
  }
  await storage.close();
  assertEquals(await plainFiles(), []);
  // Recovery writes again, as they are, records that nothing proves durable; here all are.
  assertEquals(witness.whereWritten("command 4"), []);
  assertEquals(idsOf((await find(keyed(disk, [OLD], 4))).entries), "");
});

Deno.test("a plain file that was not there when the directory began to be encrypted is refused", async (t) => {
  const plain = new MemoryDisk();
  await fill(plain);
  for (const path of [NODE_FILE, FIRST_SEGMENT, pathOf(2, 3)]) {
    await t.step(path, async () => {
      const disk = new MemoryDisk();
      await fill(keyed(disk));
      const file = disk.open(path, "create");
      file.writeAt(0, plain.contents(path) ?? new Uint8Array());
      file.close();
      const { file: named, what } = await failure(CorruptionError, () => open(keyed(disk)));
      assertEquals(named, path);
      assertMatch(what, /not encrypted|not authentic/);
    });
  }
});

/** Every byte of the head and of the end of a snapshot, which is long; of the rest as many as there is time for. */
function stepAt(path: string, { offset, end }: { readonly offset: number; readonly end: number }): number {
  if (!path.endsWith(".snap")) return 13;
  const isAtAnEnd = offset < 128 || offset >= end - 128;
  return isAtAnEnd ? 1 : Math.min(1_021, end - 128 - offset);
}

Deno.test("no byte of any file can be another one without being noticed", async () => {
  const disk = new MemoryDisk();
  await fill(keyed(disk));
  const expected = JSON.stringify(await find(keyed(durableCopy(disk))));
  const { files } = { files: Array.from(disk.files()).filter(([path]) => !path.endsWith(".tmp")) };
  let refused = 0;
  for (const [path, bytes] of files) {
    const end = path.endsWith(".wal") ? usedBytes(bytes) : bytes.length;
    for (let offset = 0; offset < end; offset += stepAt(path, { offset, end })) {
      const image = durableCopy(disk);
      flip(image, path, offset * 8 + offset % 8);
      try {
        assertEquals(JSON.stringify(await find(keyed(image))), expected, `${path} at ${offset}`);
        // Nothing is read of these, and nothing depends on them.
        assertMatch(path, /durable\.mark$/, `${path} at ${offset}`);
      } catch (error) {
        if (!(error instanceof Error) || !/Corruption|FormatVersion|MasterKey|Incompatible/.test(error.name)) {
          throw error;
        }
        refused += 1;
      }
    }
  }
  assert(refused > 150, `${refused}`);
});

function usedBytes(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}

Deno.test("a record whose checksums were made to fit is no torn write: it is refused, wherever it stands", async (t) => {
  for (const isLast of [false, true]) {
    await t.step(isLast ? "the last one, which nothing proves durable" : "one in the middle", async () => {
      const disk = new MemoryDisk();
      const storage = await open(keyed(disk));
      await write(storage, entries(1, 1));
      await write(storage, entries(2, 1));
      await storage.close();
      disk.remove(`${DIRECTORY}/wal/durable.mark`);
      const bytes = disk.contents(FIRST_SEGMENT) ?? new Uint8Array();
      const first = decodeRecordHeader(bytes, { file: "", offset: SEGMENT_HEADER_BYTES });
      assert(first !== undefined);
      const second = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + first.bodyBytes;
      forge(disk, isLast ? second : SEGMENT_HEADER_BYTES);
      const { what } = await failure(CorruptionError, () => open(keyed(disk)));
      assertStringIncludes(what, "not authentic");
    });
  }
});

/** Changes one byte of the body of the record at `offset`, and all checksums to fit it. */
function forge(disk: MemoryDisk, offset: number): void {
  disk.damage(FIRST_SEGMENT, (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const header = bytes.subarray(offset, offset + RECORD_HEADER_BYTES);
    const body = bytes.subarray(offset + header.length, offset + header.length + view.getUint32(offset + 8, true));
    body[5] = (body[5] ?? 0) ^ 1;
    view.setUint32(offset + 80, checksum(body), true);
    view.setUint32(offset + 88, checksum(header.subarray(0, 88)), true);
  });
}

Deno.test("blocks and files cannot be exchanged between places, files and nodes", async (t) => {
  const [own, other] = [new MemoryDisk(), new MemoryDisk()];
  await fill(keyed(own, [OLD], 1));
  await fill(keyed(other, [OLD], 2));
  const whole = (from: MemoryDisk, path: string) => (disk: MemoryDisk) => {
    disk.damage(path, (bytes) => bytes.set((from.contents(path) ?? new Uint8Array()).subarray(0, bytes.length)));
  };
  const blockBytes = 65_536 + 24;
  const cases: readonly [string, (disk: MemoryDisk) => void][] = [
    ["the node file of another directory", whole(other, NODE_FILE)],
    ["a segment of another directory", whole(other, FIRST_SEGMENT)],
    ["a snapshot of another directory", whole(other, pathOf(2, 3))],
    ["the key file of another directory", whole(other, KEY_FILE)],
    ["two blocks of a snapshot", (disk) =>
      disk.damage(pathOf(2, 3), (bytes) => {
        const first = bytes.slice(32, 32 + blockBytes);
        bytes.copyWithin(32, 32 + blockBytes, 32 + 2 * blockBytes);
        bytes.set(first.subarray(0, bytes.length - 32 - blockBytes), 32 + blockBytes);
      })],
  ];
  for (const [name, exchange] of cases) {
    await t.step(name, async () => {
      const disk = durableCopy(own);
      exchange(disk);
      await failure(CorruptionError, () => find(keyed(disk)));
    });
  }
  await t.step("all files of another node, under this one's name", async () => {
    const disk = durableCopy(own);
    disk.damage(KEY_FILE, (bytes) => {
      const text = new TextDecoder().decode(bytes).replace('"nodeId": 0', '"nodeId": 1');
      bytes.set(new TextEncoder().encode(text));
    });
    await failure(CorruptionError, () => open(keyed(disk)));
  });
});

Deno.test("each start writes under a key of its own: what is appended begins a segment, also on a copy of the disk", async () => {
  const disk = new MemoryDisk();
  await fill(keyed(disk));
  const segmentOf = async (image: MemoryDisk, seed: number) => {
    const storage = await open(keyed(image, [OLD], seed));
    await write(storage, entries(4, 3));
    await storage.close();
    return image.contents(SECOND_SEGMENT) ?? new Uint8Array();
  };
  const [left, right] = [await segmentOf(durableCopy(disk), 5), await segmentOf(durableCopy(disk), 6)];
  const salts = [left, right, disk.contents(FIRST_SEGMENT) ?? new Uint8Array()].map((bytes) =>
    decodeSegmentHeader(bytes, "")?.salt?.join()
  );
  assertEquals(new Set(salts).size, 3);
  assertNotEquals(salts[0], undefined);
  assertEquals(left.length, right.length);
  assertNotEquals(
    left.subarray(SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES),
    right.subarray(SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES),
  );
});

Deno.test("the copy that a forced recovery keeps is encrypted, and opens with the same key", async () => {
  const memory = new MemoryDisk();
  await fill(keyed(memory));
  const witness = new WitnessDisk(memory);
  const disk = keyed(witness, [OLD], 7);
  const kept = await keepCopy(disk, { directory: DIRECTORY, nodeId: 0, clusterId: "" });
  assertEquals(witness.whereWritten("a marker"), []);
  const copy = await inspectDirectory(keyed(memory, [OLD], 8), kept);
  assertEquals([copy.damages, copy.recoverableEntries, copy.encryption?.plainFiles], [[], 1, []]);
  await failure(MasterKeyError, () => inspectDirectory(keyed(memory, [NEW], 8), kept));
});

Deno.test("a copy is made although the snapshot before the newest one is damaged, which no start looks at", async () => {
  const memory = new MemoryDisk();
  await fill(keyed(memory));
  const storage = await open(keyed(memory, [OLD], 2));
  await makeSnapshot(storage, 3, 3);
  await storage.close();
  flip(memory, pathOf(2, 3), 8 * 70_000);
  const kept = await keepCopy(keyed(memory, [OLD], 7), { directory: DIRECTORY, nodeId: 0, clusterId: "" });
  const copy = await inspectDirectory(keyed(memory, [OLD], 8), kept);
  assertEquals(copy.snapshots.map(({ lastIncluded }) => lastIncluded.index), [3, 2]);
  assertEquals(memory.contents(`${kept}/snapshots/00000000000000000002-3.snap`), memory.contents(pathOf(2, 3)));
});

Deno.test("a reader of chunks gets the snapshot as it was before encryption, from any place", async () => {
  const [plain, encrypted] = [new MemoryDisk(), new MemoryDisk()];
  await fill(plain);
  await fill(keyed(encrypted));
  const storage = await open(keyed(encrypted, [OLD], 3));
  const source = storage.openSnapshot();
  assert(source !== undefined);
  const bytes = plain.contents(pathOf(2, 3)) ?? new Uint8Array();
  assertEquals(source.description.bytes, bytes.length);
  for (
    const [offset, length] of [[0, bytes.length], [65_530, 20], [bytes.length - 5, 100], [bytes.length, 10]] as const
  ) {
    assertEquals(source.readChunk(offset, length), bytes.slice(offset, offset + length));
  }
  source.close();
  await storage.close();
  assertEquals(encrypted.list(SNAPSHOTS), ["00000000000000000002-3.snap"]);
});
