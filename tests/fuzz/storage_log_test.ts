/** Whole data directories whose files were changed: what is read was written, and everything else is named damage. */

import { Run } from "../../lib/raft/run.ts";
import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { checksum } from "../../lib/base/checksum.ts";
import { CorruptionError, FormatVersionError, IncompatibleError } from "../../lib/base/errors.ts";
import { Random } from "../../lib/base/random.ts";
import { toIndex, toTerm } from "../../lib/raft/types.ts";
import { seal } from "../../lib/storage/binary.ts";
import { inspectDirectory } from "../../lib/storage/inspect.ts";
import { loadDirectory, loadNodeFile } from "../../lib/storage/load.ts";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { encodeSegmentHeader, RECORD_HEADER_BYTES, RECORD_MAGIC } from "../../lib/storage/wal_format.ts";
import { scanWal } from "../../lib/storage/wal_scan.ts";
import { DIRECTORY, id, makeSnapshot, open } from "../unit/storage/support.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { mutate, splice } from "./mutators.ts";
import { type Files, ReadOnlyDisk } from "./read_only_disk.ts";
import { assertLinear } from "./timing.ts";
import { anyCount, anyEntries } from "./values.ts";
import { entriesIn } from "../support/runs.ts";

const WAL = `${DIRECTORY}/wal`;
const SEGMENT_BYTES = 1_024;
const BASES = 24;
const MAGIC = bytesToString(RECORD_MAGIC);
/** One start in so many of the inputs: it writes, and takes longer than a look. */
const START_SHARE = 4;

/** A directory before it is changed, and what its log holds. */
interface Base {
  readonly files: Files;
  /** Number and checksums of each record. */
  readonly records: readonly string[];
}

/** A directory after a change of one file. */
interface Input {
  readonly base: number;
  readonly path: string;
  readonly content: string;
  /** Checksums were made right again. */
  readonly forged: boolean;
}

const bases = await Promise.all(Array.from({ length: BASES }, (_, number) => makeBase(new Random(number))));

async function makeBase(random: Random): Promise<Base> {
  const disk = new MemoryDisk();
  const storage = await open(disk, { segmentBytes: SEGMENT_BYTES });
  const term = toTerm(2);
  await storage.saveHardState({ currentTerm: term, votedFor: 0 });
  let next = 1;
  for (let left = random.between(2, 14); left > 0; left--) next = await appendSome(storage, { random, next, term });
  if (random.chance(0.4) && next > 2) await makeSnapshot(storage, random.between(1, next - 1), term);
  await storage.close();
  const files = new Map(Array.from(disk.files(), ([path, bytes]) => [path, bytesToString(bytes)]));
  return { files, records: scan(files).records };
}

async function appendSome(
  storage: Storage,
  { random, next, term }: { random: Random; next: number; term: ReturnType<typeof toTerm> },
): Promise<number> {
  const entries = anyEntries(random, { index: toIndex(next), term });
  if (entries.length === 0) return next;
  storage.append(Run.of(entries));
  if (random.chance(0.8)) await storage.sync();
  return next + entries.length;
}

function scan(files: Files): { readonly records: readonly string[]; readonly outcome: string } {
  const records: string[] = [];
  const { damage } = scanWal(new ReadOnlyDisk(files), WAL, (record, body) => {
    require(body.length === record.bodyBytes, `A body of ${body.length} bytes, not ${record.bodyBytes}`);
    records.push(`${record.number}:${record.checksum}:${checksum(body)}`);
    return undefined;
  });
  if (damage !== undefined) require(damage.offset >= 0 && damage.what !== "", "Damage has a place and a name");
  return { records, outcome: damage === undefined ? "readable" : "damaged" };
}

function baseOf(number: number): Base {
  const base = bases[number];
  require(base !== undefined, `There is no directory ${number}`);
  return base;
}

function makeInput(random: Random): Input {
  const base = random.below(BASES);
  const { files } = baseOf(base);
  const paths = Array.from(files.keys()).filter((path) => !path.endsWith("/LOCK"));
  const segments = paths.filter((path) => path.endsWith(".wal"));
  const path = random.pick(random.chance(0.7) ? segments : paths);
  const content = files.get(path) ?? "";
  if (random.chance(0.1)) return { base, path, content, forged: false };
  if (path.endsWith(".wal") && random.chance(0.4)) return { base, path, content: forge(content, random), forged: true };
  if (random.chance(0.1)) {
    return { base, path, content: splice(content, files.get(random.pick(paths)) ?? "", random), forged: false };
  }
  return { base, path, content: mutate(content, random), forged: false };
}

/** A segment with other fields in one header, and a checksum that fits them. */
function forge(content: string, random: Random): string {
  const places = [0];
  for (let at = content.indexOf(MAGIC); at >= 0; at = content.indexOf(MAGIC, at + 1)) places.push(at);
  const at = random.pick(places);
  const bytes = stringToBytes(content);
  const header = bytes.subarray(at, at + (at === 0 ? 64 : RECORD_HEADER_BYTES));
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  for (let left = random.between(1, 2); left > 0; left--) {
    view.setUint32(4 * random.between(1, header.length / 4 - 2), anyCount(random) % 2 ** 32, true);
  }
  seal(header);
  return bytesToString(bytes);
}

function filesOf({ base, path, content }: Input): Files {
  return new Map(baseOf(base).files).set(path, content);
}

fuzz("scans of changed logs", {
  make: makeInput,
  check: (input) => {
    const files = filesOf(input);
    const { records } = baseOf(input.base);
    try {
      const found = scan(files);
      // The records that are found follow each other in the log as it was written.
      const start = records.indexOf(found.records[0] ?? "");
      if (!input.forged && found.records.length > 0) {
        requireSame(found.records, records.slice(start, start + found.records.length), "Records that nobody wrote");
      }
      // A record that was not written so ends the chain.
      const last = found.records.findIndex((record) => !records.includes(record));
      require(last === -1 || last === found.records.length - 1, "A record follows one that it was not written behind");
      return found.outcome;
    } catch (error) {
      if (error instanceof FormatVersionError && input.forged) return "newer";
      throw error;
    }
  },
  outcomes: ["readable", "damaged", "newer"],
});

fuzz("looks into changed directories", {
  make: makeInput,
  check: async (input) => {
    const disk = new ReadOnlyDisk(filesOf(input));
    const inspection = await inspectDirectory(disk, DIRECTORY, { entries: { from: 1, count: 10 } });
    const { otherVersions, damages, ownership, log } = inspection;
    for (const { file, version, known } of otherVersions) require(file !== "" && version !== known, "A named version");
    if (otherVersions.length > 0) return "other version";
    for (const { file, offset, what } of damages) require(file !== "" && offset >= 0 && what !== "", "A named damage");
    if (damages.length > 0) return "damaged";
    require(ownership !== null, "A directory without damage belongs to somebody");
    await requireWhole(disk);
    return log === null || log.entries > 0 ? "readable" : "empty";
  },
  outcomes: ["damaged", "other version", "readable"],
  share: 4,
});

/** Every entry that the records tell of is there. */
async function requireWhole(disk: ReadOnlyDisk): Promise<void> {
  const nodeFile = loadNodeFile(disk, DIRECTORY, 0);
  const pause = () => Promise.resolve();
  const { replay, newest } = await loadDirectory({ disk, directory: DIRECTORY, pause, nodeFile });
  const snapshotEnd = newest?.lastIncluded.index ?? 0;
  const { lastIndex } = replay.shape;
  const end = entriesIn(replay.runs).at(-1)?.index ?? 0;
  require(lastIndex <= snapshotEnd || end === lastIndex, `Entries up to ${end} of ${lastIndex}`);
  const indexes = entriesIn(replay.runs).map(({ index }) => index - end);
  requireSame(indexes, indexes.map((_, at) => at + 1 - indexes.length), "No gaps");
}

fuzz("starts on changed directories", {
  make: makeInput,
  check: async (input) => {
    const disk = diskOf(filesOf(input));
    let storage: Storage;
    try {
      storage = await open(disk, { segmentBytes: SEGMENT_BYTES });
    } catch (error) {
      if (error instanceof CorruptionError) return "corrupt";
      if (error instanceof IncompatibleError || error instanceof FormatVersionError) return "incompatible";
      throw error;
    }
    if (input.forged) return "forged";
    await requireUsable(disk, storage);
    return "started";
  },
  outcomes: ["corrupt", "incompatible", "forged", "started"],
  share: START_SHARE,
});

/** What is appended after a start is there at the next one. */
async function requireUsable(disk: MemoryDisk, storage: Storage): Promise<void> {
  const { runs, snapshot } = storage.recovered;
  const entries = entriesIn(runs);
  const next = (entries.at(-1)?.index ?? snapshot?.lastIncluded.index ?? 0) + 1;
  storage.append(Run.of([{ type: "Command", ...id(next, 9), command: "after the start" }]));
  await storage.sync();
  await storage.close();
  const again = await open(disk, { segmentBytes: SEGMENT_BYTES });
  requireSame(entriesIn(again.recovered.runs).slice(0, -1), entries, "The log at the next start");
  requireSame(entriesIn(again.recovered.runs).at(-1)?.index, next, "What was appended");
  await again.close();
}

function diskOf(files: Files): MemoryDisk {
  const disk = new MemoryDisk();
  for (const [path, content] of files) {
    disk.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    const file = disk.open(path, "create");
    file.writeAt(0, stringToBytes(content));
    file.close();
  }
  return disk;
}

/** A directory with one segment that holds `body` behind a valid header. */
function withSegment(body: string): Files {
  const header = { sequence: 1, epoch: 1, firstNumber: 1, firstIndex: toIndex(1), chain: 0 };
  const { files } = baseOf(0);
  const others = Array.from(files).filter(([path]) => !path.startsWith(WAL) && !path.endsWith(".snap"));
  const segment = `${WAL}/${"1".padStart(20, "0")}.wal`;
  return new Map([...others, [segment, bytesToString(encodeSegmentHeader(header)) + body]]);
}

Deno.test("logs take linear time, whatever they hold", async () => {
  for (const piece of ["\x01", MAGIC, MAGIC + "\0".repeat(12), "\0", "\xff"]) {
    const make = (size: number) => withSegment(piece.repeat(size) + "\x01");
    assertLinear(`segments of ${JSON.stringify(piece)}`, { make, run: scan, size: 16_384 });
  }
  const files = (size: number) => {
    const names = Array.from({ length: size }, (_, at) => `${WAL}/${String(at + 2).padStart(20, "0")}.wal`);
    return new Map([...withSegment(""), ...names.map((path) => [path, "\x01"] as const)]);
  };
  assertLinear("many files that are no segments", { make: files, run: scan, size: 512 });
  const nodeFile = loadNodeFile(new ReadOnlyDisk(withSegment("")), DIRECTORY, 0);
  const pause = () => Promise.resolve();
  const loaded = await loadDirectory({
    disk: new ReadOnlyDisk(withSegment("")),
    directory: DIRECTORY,
    pause,
    nodeFile,
  });
  requireSame(entriesIn(loaded.runs), [], "A log without records");
});
