/**
 * What a crash may leave of a stopped machine: each directory operation and each sector that was never synced, kept or not.
 *
 * The operations are chosen first, because they decide which files there are. Then each file has a choice for each of its
 * unsynced sectors (which of the versions written since the last sync is on the drive) and one for its size. Choices
 * between equal contents are left out, and so is the content of files that end in `.tmp`: a start never reads one, which
 * `images.ts` checks.
 */

import type { CrashSurvival, MemoryDisk } from "../support/memory/memory_disk.ts";
import { SECTOR_BYTES } from "../support/memory/memory_file.ts";
import { chanceOf } from "./session.ts";
import { ALL_OPERATIONS_MAX, ALL_STATES_MAX, RARE_STATES, SAMPLED_STATES } from "./settings.ts";

/** One crash state of one stop. */
export interface Survivors {
  /** Whether each unsynced directory operation survives, in the order they were made. */
  readonly operations: readonly boolean[];
  /** The option taken of each choice that is left with these operations. */
  readonly options: readonly number[];
}

/** The unsynced things of one stop, for one choice of its directory operations. */
export interface Choices {
  readonly operations: readonly boolean[];
  readonly choices: readonly Choice[];
}

/** One unsynced sector, or one unsynced size. */
interface Choice {
  readonly path: string;
  /** Undefined for the size. */
  readonly sector: number | undefined;
  /** For each option the number of versions to keep; for the size 0 or 1. The first is always "lost". */
  readonly keep: readonly number[];
}

/** The text of `survivors` in the command that replays it. */
export function textOfSurvivors({ operations, options }: Survivors): string {
  return `${operations.map((kept) => kept ? "1" : "0").join("") || "-"}/${options.join(".") || "-"}`;
}

/** Reads what `textOfSurvivors` wrote. Throws when it is not such a text. */
export function parseSurvivors(text: string): Survivors {
  const match = /^([01]+|-)\/([\d.]+|-)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) throw new Error(`Cannot read the survivors "${text}"`);
  const [operations, options] = [match[1], match[2]].map((part) => part === "-" ? "" : part);
  return {
    operations: Array.from(operations ?? "", (bit) => bit === "1"),
    options: options === "" || options === undefined ? [] : options.split(".").map(Number),
  };
}

/** Every choice of directory operations that is tried, with what it leaves to choose. */
export function* choicesOf(disk: MemoryDisk): Generator<Choices> {
  const count = countOperations(disk);
  for (const operations of subsets(count)) yield findChoices(disk, operations);
}

/** How many states of the data are tried for one choice of operations. */
export interface Limits {
  /** Up to so many all of them. */
  readonly allMax: number;
  /** Above it so many. */
  readonly samples: number;
}

/** What is tried with the operations that survive a crash: all of it when they are a prefix, else a sample. */
export function limitsOf({ operations }: Choices): Limits {
  if (isPrefix(operations)) return { allMax: ALL_STATES_MAX, samples: SAMPLED_STATES };
  return { allMax: RARE_STATES, samples: RARE_STATES };
}

/** The states tried for one choice of operations. What is left to chance comes from `seed`. */
export function* statesOf(
  { operations, choices }: Choices,
  { allMax, samples, seed }: Limits & { seed: number },
): Generator<Survivors> {
  const states = choices.reduce((product, { keep }) => product * keep.length, 1);
  const tried = states <= allMax ? everyOption(choices) : someOptions(choices, { samples, seed });
  for (const options of tried) yield { operations, options };
}

/** The disk after a crash that leaves `survivors`. */
export function crashWith(disk: MemoryDisk, { choices }: Choices, survivors: Survivors): MemoryDisk {
  const kept = new Map(choices.map(({ path, sector, keep }, at) => {
    return [`${path}:${sector}`, keep[survivors.options[at] ?? 0] ?? 0];
  }));
  return disk.crash({
    keepOperation: inOrder(survivors.operations),
    keepVersions: (path, sector) => kept.get(`${path}:${sector}`) ?? 0,
    // The size of a temporary file cannot matter either.
    keepSize: (path) => kept.get(`${path}:undefined`) === 1,
  });
}

function countOperations(disk: MemoryDisk): number {
  let count = 0;
  disk.crash({ keepOperation: () => (count += 1) > 0 });
  return count;
}

/** A survival asks for the operations one after the other. */
function inOrder(operations: readonly boolean[]): NonNullable<CrashSurvival["keepOperation"]> {
  let next = 0;
  return () => operations[next++] ?? false;
}

/** What there is to choose when these directory operations survive. */
export function findChoices(disk: MemoryDisk, operations: readonly boolean[]): Choices {
  const sectors: { path: string; sector: number; versions: number }[] = [];
  const sizes: string[] = [];
  const image = (versionsKept: number) =>
    disk.crash({
      keepOperation: inOrder(operations),
      keepSize: () => true,
      keepVersions: (_path, _sector, versions) => Math.min(versions, versionsKept),
    });
  disk.crash({
    keepOperation: inOrder(operations),
    keepSize: (path) => !path.endsWith(".tmp") && sizes.push(path) > 0,
    keepVersions: (path, sector, versions) => {
      if (!path.endsWith(".tmp")) sectors.push({ path, sector, versions });
      return 0;
    },
  });
  const versionsMax = sectors.reduce((most, { versions }) => Math.max(most, versions), 0);
  const paths = Array.from(new Set(sectors.map(({ path }) => path)));
  const images = Array.from({ length: versionsMax + 1 }, (_, kept) => {
    const left = image(kept);
    return new Map(paths.map((path) => [path, left.contents(path)]));
  });
  const choices: Choice[] = sizes.map((path) => ({ path, sector: undefined, keep: [0, 1] }));
  for (const { path, sector, versions } of sectors) {
    const contents = images.slice(0, versions + 1).map((left) => sectorText(left.get(path), sector));
    const keep = contents.flatMap((content, at) => contents.indexOf(content) === at ? [at] : []);
    if (keep.length > 1) choices.push({ path, sector, keep });
  }
  return { operations, choices };
}

function sectorText(bytes: Uint8Array | undefined, sector: number): string {
  const content = bytes?.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES) ?? new Uint8Array(0);
  return String.fromCharCode(...content);
}

function isPrefix(operations: readonly boolean[]): boolean {
  const lost = operations.indexOf(false);
  return lost < 0 || !operations.includes(true, lost);
}

/** Prefixes first, none and all among them. */
function* subsets(count: number): Generator<boolean[]> {
  const seen = new Set<string>();
  const all = Array.from({ length: count }, (_, at) => at);
  function* once(kept: (at: number) => boolean): Generator<boolean[]> {
    const operations = all.map(kept);
    const text = operations.join();
    if (!seen.has(text)) yield operations;
    seen.add(text);
  }
  for (let length = 0; length <= count; length++) yield* once((at) => at < length);
  for (let length = 1; length < count; length++) yield* once((at) => at >= length);
  for (const chosen of all) {
    yield* once((at) => at === chosen);
    yield* once((at) => at !== chosen);
  }
  if (count > ALL_OPERATIONS_MAX) return;
  for (let bits = 0; bits < 2 ** count; bits++) yield* once((at) => ((bits >> at) & 1) === 1);
}

function* everyOption(choices: readonly Choice[]): Generator<number[]> {
  const options = choices.map(() => 0);
  for (;;) {
    yield options.slice();
    let at = 0;
    for (; at < choices.length; at++) {
      const next = (options[at] ?? 0) + 1;
      options[at] = next < (choices[at]?.keep.length ?? 0) ? next : 0;
      if (options[at] !== 0) break;
    }
    if (at === choices.length) return;
  }
}

/** None, all, each alone, each left out; then by chance up to `samples`. */
function* someOptions(
  choices: readonly Choice[],
  { samples, seed }: { samples: number; seed: number },
): Generator<number[]> {
  const newest = choices.map(({ keep }) => keep.length - 1);
  yield choices.map(() => 0);
  yield newest;
  for (const chosen of choices.keys()) {
    yield newest.map((option, at) => at === chosen ? option : 0);
    yield newest.map((option, at) => at === chosen ? 0 : option);
  }
  const chance = chanceOf(seed);
  for (let drawn = 2 + 2 * choices.length; drawn < samples; drawn++) {
    yield choices.map(({ keep }) => Math.floor(chance() * keep.length));
  }
}
