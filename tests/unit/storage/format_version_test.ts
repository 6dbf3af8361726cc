/** Files of another format version: refused in one line before anything is changed, told from damage and from torn writes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CorruptionError, FormatVersionError } from "../../../lib/base/errors.ts";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { COMMAND_VERSION, encodeCommand } from "../../../lib/kv/commands.ts";
import { knownContents } from "../../../lib/node/known_contents.ts";
import { SNAPSHOT_FORMAT } from "../../../lib/kv/snapshot_cut.ts";
import type { Configuration, Entry } from "../../../lib/raft/types.ts";
import { inspectDirectory } from "../../../lib/storage/inspect.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { NODE_FILE_FORMAT } from "../../../lib/storage/node_file.ts";
import { SNAPSHOT_VERSION } from "../../../lib/storage/snapshot_format.ts";
import type { Storage } from "../../../lib/storage/storage.ts";
import { LEVEL_RECORD_VERSION, WAL_VERSION } from "../../../lib/storage/wal_format.ts";
import {
  headOfVersion,
  nodeFileOfVersion,
  recordOfVersion,
  recordsIn,
  snapshotOfState,
  snapshotOfVersion,
} from "../../support/other_version.ts";
import {
  DIRECTORY,
  durableCopy,
  failure,
  flip,
  id,
  MARK,
  NODE_FILE,
  ONE,
  open,
  patch,
  pathOf,
  write,
} from "./support.ts";
import { entriesIn } from "../../support/runs.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const CONTENTS = { contents: knownContents({ oldest: 6, newest: 7 }) };
const LOCK = `${DIRECTORY}/LOCK`;
const ENTRIES = 60;

/** Entries `first` to `last` with commands of the state machine. */
function commands(first: number, last: number): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, at): Entry => {
    const command = encodeCommand({ type: "Put", key: `key ${first + at}`, value: "v".repeat(50) });
    return { type: "Command", ...id(first + at, 2), command };
  });
}

async function snapshotAt(storage: Storage, index: number, configuration: Configuration = ONE): Promise<void> {
  const state = emptyState();
  for (const [at, entry] of commands(1, index).entries()) {
    if (entry.type === "Command") state.apply(at + 1, spanOf(entry.command));
  }
  const cut = state.cut();
  const writer = storage.createSnapshot(id(index, 2), configuration);
  for (let block = cut.next(); block !== undefined; block = cut.next()) writer.write(block);
  cut.close();
  await writer.finish();
}

/** A vote, two snapshots, a log of several segments; and what a start would change: leftovers and a torn tail. */
async function used(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const storage = await open(disk, { segmentBytes: 1_024 });
  await storage.saveHardState({ currentTerm: id(0, 2).term, votedFor: 1 });
  for (let index = 1; index <= ENTRIES; index++) await write(storage, commands(index, index));
  for (const index of [10, 20]) await snapshotAt(storage, index);
  await storage.close();
  for (const name of ["wal/spare.tmp", "snapshots/create-1.tmp"]) {
    disk.open(`${DIRECTORY}/${name}`, "create").writeAt(0, new Uint8Array(5_000).fill(7));
  }
  const last = segmentsOf(disk).at(-1) ?? "";
  const bytes = contentsOf(disk, last);
  patch(disk, last, { offset: bytes.findLastIndex((byte) => byte !== 0) + 10, bytes: stringToBytes("torn") });
  return disk;
}

function segmentsOf(disk: MemoryDisk): string[] {
  return disk.list(`${DIRECTORY}/wal`).filter((name) => name.endsWith(".wal")).map((name) =>
    `${DIRECTORY}/wal/${name}`
  );
}

function contentsOf(disk: MemoryDisk, path: string): Uint8Array {
  const bytes = disk.contents(path);
  assert(bytes !== undefined, `${path} is there`);
  return bytes;
}

/** Replaces a file. */
function put(disk: MemoryDisk, path: string, bytes: Uint8Array): void {
  const file = disk.open(path, "create");
  file.writeAt(0, bytes);
  file.close();
}

/** Puts one file of another version into a directory. Returns its path. */
type Change = (disk: MemoryDisk, version: number) => string;

function change(path: (disk: MemoryDisk) => string, make: (bytes: Uint8Array, version: number) => Uint8Array): Change {
  return (disk, version) => {
    put(disk, path(disk), make(contentsOf(disk, path(disk)), version));
    return path(disk);
  };
}

function changeState(index: number): Change {
  return (disk, version) => {
    const path = pathOf(index, 2);
    const changed = snapshotOfState(disk.open(path, "read"), (block) => {
      return JSON.stringify({ ...JSON.parse(block), format: version });
    });
    put(disk, path, changed);
    return path;
  };
}

/** The record in the middle of the last segment. */
const changeRecord: Change = (disk, version) => {
  const path = segmentsOf(disk).at(-1) ?? "";
  const bytes = contentsOf(disk, path);
  const offset = recordsIn(bytes)[1] ?? 0;
  put(disk, path, recordOfVersion(bytes, { offset, version }));
  return path;
};

interface Case {
  readonly name: string;
  readonly known: number;
  readonly change: Change;
  readonly whose?: RegExp;
}

const lastSegment = (disk: MemoryDisk): string => segmentsOf(disk).at(-1) ?? "";
const CASES: readonly Case[] = [
  { name: "node file", known: NODE_FILE_FORMAT, change: change(() => NODE_FILE, nodeFileOfVersion) },
  { name: "newest snapshot", known: SNAPSHOT_VERSION, change: change(() => pathOf(20, 2), snapshotOfVersion) },
  { name: "snapshot before it", known: SNAPSHOT_VERSION, change: change(() => pathOf(10, 2), snapshotOfVersion) },
  { name: "newest state", known: SNAPSHOT_FORMAT, change: changeState(20), whose: /of the state in it/ },
  { name: "state before it", known: SNAPSHOT_FORMAT, change: changeState(10), whose: /of the state in it/ },
  { name: "mark", known: WAL_VERSION, change: change(() => MARK, headOfVersion) },
  {
    name: "first segment",
    known: WAL_VERSION,
    change: change((disk) => segmentsOf(disk)[0] ?? "", headOfVersion),
  },
  { name: "last segment", known: WAL_VERSION, change: change(lastSegment, headOfVersion) },
  { name: "record", known: LEVEL_RECORD_VERSION, change: changeRecord, whose: /of the record at offset \d+/ },
];

Deno.test("a file of another version is refused in one line that says both, and no byte of the directory changes", async (t) => {
  const disk = await used();
  assert(segmentsOf(disk).length > 2, "several segments");
  for (const { name, known, change, whose } of CASES) {
    for (const version of [known + 1, 0, 250]) {
      for (const locked of [true, false]) {
        await t.step(`${name}, version ${version}, ${locked ? "with" : "without"} LOCK`, async () => {
          const image = durableCopy(disk);
          const file = change(image, version);
          if (!locked) image.remove(LOCK);
          const before = image.files();
          const error = await failure(FormatVersionError, () => open(image, CONTENTS));
          assertEquals(image.files(), before);
          assertEquals([error.file, error.version, error.known], [file, version, known]);
          const [whole, subject = ""] = /^Cannot read \S+: (.*) is \d+, and this program reads version \d+$/
            .exec(error.message) ?? [];
          assert(whole?.startsWith(`Cannot read ${file}: `), error.message);
          assert((whose ?? /^its format version$/).test(subject), subject);
        });
      }
    }
  }
});

Deno.test("inspect lists files of another version apart from damage, and changes nothing", async (t) => {
  const disk = await used();
  for (const { name, known, change } of CASES) {
    await t.step(name, async () => {
      const image = durableCopy(disk);
      const file = change(image, known + 1);
      const before = image.files();
      const { otherVersions, damages } = await inspectDirectory(image, DIRECTORY, CONTENTS);
      assertEquals(image.files(), before);
      assertEquals(damages, []);
      assertEquals(otherVersions.map((other) => [other.file, other.version, other.known]), [[file, known + 1, known]]);
      assertStringIncludes(otherVersions[0]?.what ?? "", `is ${known + 1}, and this program reads version ${known}`);
    });
  }
});

Deno.test("all files of another version are listed by inspect", async () => {
  const disk = await used();
  const changed = CASES.filter(({ name }) => ["node file", "snapshot before it", "last segment"].includes(name))
    .map(({ change, known }) => change(disk, known + 1));
  const { otherVersions } = await inspectDirectory(disk, DIRECTORY, CONTENTS);
  assertEquals(otherVersions.map(({ file }) => file), changed);
});

Deno.test("a command of another version in the log is refused: replayed as nothing it would be lost", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const other = encodeCommand({ type: "Delete", key: "k" }).replace(/^\d+/, String(COMMAND_VERSION + 1));
  await write(storage, [...commands(1, 3), { type: "Command", ...id(4, 2), command: other }]);
  await storage.close();
  const before = disk.files();
  const error = await failure(FormatVersionError, () => open(disk, CONTENTS));
  assertEquals(disk.files(), before);
  assertEquals([error.version, error.known], [COMMAND_VERSION + 1, COMMAND_VERSION]);
  assertStringIncludes(error.message, "00000000000000000001.wal: the format version of the command at index 4 is ");
});

/** A configuration of one voter at a level, or at none. */
function atLevel(level: number | undefined): Configuration {
  return level === undefined ? ONE : { ...ONE, level };
}

async function withLevel(level: number | undefined, { snapshot }: { readonly snapshot: boolean }): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const configuration = atLevel(level);
  await write(storage, [...commands(1, 3), { type: "Configuration", ...id(4, 2), configuration }, ...commands(5, 6)]);
  if (snapshot) await snapshotAt(storage, 6, configuration);
  await storage.close();
  return disk;
}

/** The version of each record and of each snapshot in a directory. */
function versionsIn(disk: MemoryDisk): readonly number[] {
  const bytes = contentsOf(disk, lastSegment(disk));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const snapshots = disk.list(`${DIRECTORY}/snapshots`).map((name) =>
    contentsOf(disk, `${DIRECTORY}/snapshots/${name}`)
  );
  return [...recordsIn(bytes).map((at) => view.getUint16(at + 4, true)), ...snapshots.map((file) => file[8] ?? 0)];
}

Deno.test("without a level all is written as by the program before, which knows record 3 and snapshot 1; what holds a level is not", async () => {
  assertEquals(versionsIn(await withLevel(undefined, { snapshot: true })), [3, 1]);
  assertEquals(versionsIn(await withLevel(7, { snapshot: true })), [4, 2]);
  // Each record for itself: what comes behind may be read by who got so far.
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (const entry of [...commands(1, 1), { type: "Configuration", ...id(2, 2), configuration: atLevel(7) } as const]) {
    await write(storage, [entry]);
  }
  await write(storage, commands(3, 3));
  await storage.close();
  assertEquals(versionsIn(disk), [3, 4, 3]);
});

Deno.test("a directory at a level that the program cannot is refused in one line, with nothing changed, and one that it can is read", async () => {
  for (const snapshot of [false, true]) {
    const disk = await withLevel(8, { snapshot });
    const before = disk.files();
    const error = await failure(FormatVersionError, () => open(disk, CONTENTS));
    assertEquals(disk.files(), before);
    assertEquals([error.version, error.known], [8, 7]);
    const where = snapshot
      ? /06-2\.snap: the format version of the configuration in it is 8/
      : /configuration at index 4 is 8/;
    assert(where.test(error.message), error.message);
    const { otherVersions, damages } = await inspectDirectory(disk, DIRECTORY, CONTENTS);
    assertEquals([otherVersions.map(({ version }) => version), damages], [[8], []]);
    for (const level of [undefined, 7]) {
      const { recovered } = await open(await withLevel(level, { snapshot }), CONTENTS);
      const [run] = recovered.runs;
      const found = snapshot ? recovered.snapshot?.configuration : run?.configurations[0]?.configuration;
      assertEquals(found?.level, level);
    }
  }
});

Deno.test("another version comes before damage, of the same directory or of what stands behind the version", async () => {
  const disk = await used();
  const file = change(lastSegment, headOfVersion)(disk, WAL_VERSION + 1);
  flip(disk, NODE_FILE, 100);
  flip(disk, pathOf(20, 2), 8 * 60);
  assertEquals((await failure(FormatVersionError, () => open(disk, CONTENTS))).file, file);
  // More than one bit away from every known one. A later layout need not have its checksum where this version looks for it.
  const foreign = await used();
  patch(foreign, pathOf(20, 2), {
    offset: 8,
    bytes: new Uint8Array([SNAPSHOT_VERSION + 5, 0, 0, 0, 255, 255, 255, 255]),
  });
  assertEquals((await failure(FormatVersionError, () => open(foreign, CONTENTS))).version, SNAPSHOT_VERSION + 5);
});

Deno.test("a flipped bit of a version is damage, and never read as the version that it was", async (t) => {
  const disk = await used();
  const [first = "", last = ""] = [segmentsOf(disk)[0], segmentsOf(disk).at(-1)];
  const heads = [
    { file: pathOf(20, 2), offset: 8, bytes: 4 },
    { file: first, offset: 8, bytes: 4 },
    { file: last, offset: 8, bytes: 4 },
    { file: last, offset: (recordsIn(contentsOf(disk, last))[0] ?? 0) + 4, bytes: 2 },
  ];
  for (const { file, offset, bytes } of heads) {
    await t.step(`${file} at ${offset}`, async () => {
      for (let bit = 8 * offset; bit < 8 * (offset + bytes); bit++) {
        const image = durableCopy(disk);
        flip(image, file, bit);
        const before = image.files();
        assertEquals((await failure(CorruptionError, () => open(image, CONTENTS))).file, file);
        assertEquals(image.files(), before);
      }
    });
  }
  await t.step("the mark, which proves nothing then", async () => {
    for (let bit = 64; bit < 96; bit++) {
      const image = durableCopy(disk);
      flip(image, MARK, bit);
      assertEquals(entriesIn((await open(image, CONTENTS)).recovered.runs).length, ENTRIES - 20);
    }
  });
});

Deno.test("a torn or zeroed tail is cut off, whatever stands where a version would", async (t) => {
  const disk = await used();
  const path = lastSegment(disk);
  const bytes = contentsOf(disk, path);
  const tail = recordsIn(bytes).at(-1) ?? 0;
  const unproven = (image: MemoryDisk): void => patch(image, MARK, { offset: 0, bytes: new Uint8Array(64) });
  const cases: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [
    { name: "zeros", bytes: new Uint8Array(bytes.length - tail) },
    { name: "a header without its end", bytes: new Uint8Array(bytes.length - tail - 40) },
    { name: "a version that was never sealed", bytes: new Uint8Array([7, 0]) },
  ];
  for (const { name, bytes: written } of cases) {
    await t.step(name, async () => {
      const image = durableCopy(disk);
      const offset = name === "zeros" ? tail : name.startsWith("a version") ? tail + 4 : tail + 40;
      patch(image, path, { offset, bytes: written });
      unproven(image);
      const { recovered } = await open(image, CONTENTS);
      assertEquals(entriesIn(recovered.runs).at(-1)?.index, id(ENTRIES - 1, 2).index);
    });
  }
});
