/** One import: what a source has, filtered, given to the importer, and what came of it for people and programs. */

import { quoteForPeople } from "../usage_error.ts";
import { byteStringToText } from "../../base/bytes.ts";
import { AccessError } from "../../base/errors.ts";
import { count } from "../backup/backup_text.ts";
import { EXIT, Failure } from "../failures.ts";
import { ExistingKeyError, type Importer, type ImportTally } from "./importer.ts";
import { LineError, type LineRecord } from "./record_line.ts";
import { clientFailure } from "./target.ts";

/** What becomes of deadlines: kept as the moments that they are, begun anew with the time that was left, or dropped. */
export type Deadlines = "absolute" | "relative" | "drop";

/** Keys from somewhere, in the order in which they are to be written. */
export interface ImportSource {
  /** For people. */
  readonly name: string;
  /** What its places count. */
  readonly noun: "line" | "key";
  /** The place that was read last; 0 for none. */
  readonly place: number;
  /** Throws `LineError` and `AccessError`. */
  records(): AsyncIterable<LineRecord>;
  /** What was left out, for people and programs. */
  leftOut(): readonly LeftOut[];
}

/** Keys that are not written. */
export interface LeftOut {
  readonly keys: number;
  /** Behind "1 key" or "2 keys". */
  readonly why: string;
  /** The name of their number in JSON. */
  readonly name: string;
  /** Whether they were to be written. */
  readonly isFailure?: boolean;
}

/** What is taken of a source. */
export interface ImportWish {
  /** A byte string that keys begin with. */
  readonly prefix: string;
  readonly deadlines: Deadlines;
  readonly isDryRun: boolean;
  /** In ms since 1970. */
  readonly now: () => number;
}

/** What an import came to. */
export interface ImportOutcome {
  readonly tally: ImportTally;
  readonly leftOut: readonly LeftOut[];
}

/** Runs to the end of the source. Throws `Failure`, which says how far it came. */
export async function runImport(
  source: ImportSource,
  importer: Importer,
  wish: ImportWish,
): Promise<ImportOutcome> {
  let [expired, others] = [0, 0];
  try {
    for await (const record of source.records()) {
      if (!record.key.startsWith(wish.prefix)) {
        others += 1;
        continue;
      }
      const nowMs = wish.now();
      const deadline = deadlineOf(record, { deadlines: wish.deadlines, nowMs });
      if (deadline !== undefined && deadline <= nowMs) expired += 1;
      else await importer.add({ place: source.place, key: record.key, value: record.value, deadline });
    }
    await importer.finish();
  } catch (error) {
    throw await stopped(error, { source, importer, wish });
  }
  const leftOut = [
    { keys: expired, why: "whose deadline has passed", name: "expired" },
    { keys: others, why: "without the prefix", name: "otherPrefix" },
    ...source.leftOut(),
  ];
  return { tally: importer.tally, leftOut };
}

function deadlineOf(
  { expiresAt, ttlMs }: LineRecord,
  { deadlines, nowMs }: { readonly deadlines: Deadlines; readonly nowMs: number },
): number | undefined {
  if (deadlines === "drop") return undefined;
  const anew = ttlMs === undefined ? undefined : nowMs + ttlMs;
  return deadlines === "relative" ? anew ?? expiresAt : expiresAt ?? anew;
}

interface Parts {
  readonly source: ImportSource;
  readonly importer: Importer;
  readonly wish: ImportWish;
}

/** What to say of an error; one of ours is given back. */
async function stopped(error: unknown, parts: Parts): Promise<unknown> {
  if (!(error instanceof LineError)) return failureOf(error, parts);
  const { source, importer } = parts;
  const { place } = source;
  try {
    // What stands before the line is right, and is written.
    await importer.finish();
  } catch (later) {
    return failureOf(later, parts);
  }
  return new Failure(`Line ${place} of ${source.name} ${error.message}; ${showProgress(parts)}`);
}

function failureOf(error: unknown, parts: Parts): unknown {
  const { source: { noun } } = parts;
  if (error instanceof ExistingKeyError) {
    const { place, key } = error.record;
    return new Failure(
      `${noun === "line" ? `Line ${place} has the key` : "There is the key"} ${showKey(key)}, ` +
        `which is there with another value; ${showProgress(parts)}`,
    );
  }
  const failure = error instanceof AccessError
    ? new Failure(error.message)
    : error instanceof Failure
    ? error
    : clientFailure(error);
  return failure === undefined ? error : new Failure(`${failure.message}; ${showProgress(parts)}`, failure.exitCode);
}

/** How far it came, for whoever repeats it. */
export function showProgress({ source, importer, wish }: Parts): string {
  const { place, written } = importer.tally;
  if (wish.isDryRun) return "nothing was changed, this is a dry run";
  // A number of a key finds nothing again.
  const upTo = place === 0 || source.noun === "key" ? "" : `, all up to ${source.noun} ${place}`;
  return `${count(written, "key")} written${upTo}; it can be repeated`;
}

/** A key for people. */
export function showKey(key: string): string {
  return quoteForPeople(byteStringToText(key) ?? key);
}

/** The exit code of an import that came to its end. */
export function exitCodeOf({ leftOut }: ImportOutcome): number {
  return leftOut.some(({ keys, isFailure = false }) => keys > 0 && isFailure) ? EXIT.failure : EXIT.ok;
}

/** The end of it for people, a line and one more for each kind of keys that were left out. */
export function showOutcome(
  { tally: { written, there }, leftOut }: ImportOutcome,
  { source, isDryRun }: { readonly source: ImportSource; readonly isDryRun: boolean },
): string {
  const done = isDryRun
    ? `${source.name} can be imported; ${count(there, "key")} of it ${there === 1 ? "is" : "are"} there already`
    : `Imported ${count(written, "key")} of ${source.name}`;
  const kept = isDryRun || there === 0
    ? ""
    : `; ${count(there, "key")} that ${there === 1 ? "was there stays" : "were there stay"}`;
  const others = leftOut.filter(({ keys }) => keys > 0).map(({ keys, why }) =>
    `  left out: ${count(keys, "key")} ${why}\n`
  );
  return `${done}${kept}\n${others.join("")}`;
}

/** The same for programs. */
export function outcomeJson({ tally: { written, there }, leftOut }: ImportOutcome, source: ImportSource): string {
  const numbers = Object.fromEntries(leftOut.map(({ name, keys }) => [name, keys]));
  return `${JSON.stringify({ from: source.name, written, there, ...numbers })}\n`;
}
