/** What clients were told about their writes, on disk: it outlives the nodes and the chaos program. */

/** A write whose reply promised something, or nothing. Times are in ns; `return` is null when the outcome is unknown. */
export interface LedgerWrite {
  readonly key: string;
  /** Null for a deletion. */
  readonly value: string | null;
  readonly call: number;
  readonly return: number | null;
}

/** A file with one JSON line for each write, appended as its reply comes. */
export class DurableLedger implements Disposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();

  /** Opens the ledger at `path` to append to it. */
  constructor(path: string) {
    this.path = path;
    this.#file = Deno.openSync(path, { append: true, create: true });
  }

  /** Adds a write. When this returns, only the loss of the machine can lose it. */
  add(write: LedgerWrite): void {
    const bytes = this.#encoder.encode(`${JSON.stringify(write)}\n`);
    for (let sent = 0; sent < bytes.length;) sent += this.#file.writeSync(bytes.subarray(sent));
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Reads a ledger back. */
export function readLedger(path: string): LedgerWrite[] {
  return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/**
 * What each key may hold in the end: the value of every write that was not certainly overwritten, null for no value.
 *
 * A write was overwritten when an acknowledged one began after it had returned. One of unknown outcome never returned,
 * so it may be the last of all, or none.
 */
export function possibleFinals(writes: readonly LedgerWrite[]): ReadonlyMap<string, ReadonlySet<string | null>> {
  const lastCalls = new Map<string, number>();
  for (const write of writes) {
    if (write.return === null) continue;
    lastCalls.set(write.key, Math.max(lastCalls.get(write.key) ?? 0, write.call));
  }
  const finals = new Map<string, Set<string | null>>();
  for (const write of writes) {
    const lastCall = lastCalls.get(write.key);
    const possible = finals.get(write.key) ?? new Set(lastCall === undefined ? [null] : []);
    finals.set(write.key, possible);
    if (write.return === null || lastCall === undefined || write.return >= lastCall) possible.add(write.value);
  }
  return finals;
}
