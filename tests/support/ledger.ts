/** What clients were told about their writes: the promises that a cluster has to keep. */

import { TextClient } from "./text_client.ts";

const CHUNK = 500;

/** A write whose reply promised something, or nothing. Times are by one clock; `return` is null when the outcome is unknown. */
export interface LedgerWrite {
  readonly key: string;
  /** Null for a deletion. */
  readonly value: string | null;
  readonly call: number;
  readonly return: number | null;
}

/** A value that a client stored, and when it sent it. */
export interface ClientWrite {
  readonly key: string;
  readonly value: string;
  /** By `performance.now()`. */
  readonly sentAt: number;
}

/** Writes in the order of their replies: in memory, or in a file with one JSON line for each, which outlives the program. */
export class Ledger implements Disposable {
  /** Writes that were acknowledged, by key. */
  readonly acknowledged = new Map<string, LedgerWrite>();
  /** Writes of unknown outcome, by key. */
  readonly unknown = new Map<string, LedgerWrite>();
  /** How often an outcome was unknown for which reason. */
  readonly reasons = new Map<string, number>();
  /** Replies that fit no outcome we know. */
  readonly surprises: string[] = [];
  readonly #writes: LedgerWrite[] = [];
  readonly #path: string | undefined;
  readonly #file: Deno.FsFile | undefined;

  /** With a path, writes are appended to that file, and are not kept in memory. */
  constructor(path?: string) {
    this.#path = path;
    if (path !== undefined) this.#file = Deno.openSync(path, { append: true, create: true });
  }

  /** Every write so far; those in a file are read back from there. */
  get writes(): readonly LedgerWrite[] {
    if (this.#path === undefined) return this.#writes;
    return Deno.readTextFileSync(this.#path).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Adds a write. When this returns, only the loss of the machine can lose what is in a file. */
  add(write: LedgerWrite): void {
    if (this.#file === undefined) {
      this.#writes.push(write);
      (write.return === null ? this.unknown : this.acknowledged).set(write.key, write);
      return;
    }
    const bytes = new TextEncoder().encode(`${JSON.stringify(write)}\n`);
    for (let sent = 0; sent < bytes.length;) sent += this.#file.writeSync(bytes.subarray(sent));
  }

  /** Adds a write that is acknowledged now. */
  acknowledge({ key, value, sentAt }: ClientWrite): void {
    this.add({ key, value, call: sentAt, return: performance.now() });
  }

  /** Adds a write whose fate is unknown; `reason` is the reply, or how the connection ended. */
  leaveOpen({ key, value, sentAt }: ClientWrite, reason: string): void {
    this.add({ key, value, call: sentAt, return: null });
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** Time from `at` to the first acknowledgement of a write sent after it; undefined while there is none. */
  firstAfter(at: number): number | undefined {
    for (const { call, return: returned } of this.#writes) {
      if (returned !== null && call >= at) return returned - at;
    }
    return undefined;
  }

  /** Reads every key on a node. Returns one line for each promise that is broken. */
  async check(port: number): Promise<string[]> {
    using client = await TextClient.connect(port, { timeoutMs: 60_000 });
    const broken = [...this.surprises];
    const finals = [...possibleFinals(this.writes)];
    for (let at = 0; at < finals.length; at += CHUNK) {
      const part = finals.slice(at, at + CHUNK);
      const replies = part.map(() => client.expect(false));
      client.send(part.map(([key]) => `GET ${key}\n`).join(""));
      for (const [index, [key, possible]] of part.entries()) {
        const reply = (await replies[index])?.[0] ?? "";
        const kept = [...possible].some((value) => reply === replyOf(key, value));
        if (!kept) {
          broken.push(`${key} may be ${[...possible].map((value) => value ?? "nothing").join(" or ")}, read: ${reply}`);
        }
      }
    }
    return broken;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file?.close();
  }
}

function replyOf(key: string, value: string | null): string {
  return value === null ? `Error: ${key} does not exist.` : `value of ${key}: ${value}`;
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
