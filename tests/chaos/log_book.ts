/** The replicated log as its nodes show it: which write stands where, and whether all of them tell the same. */

import { fieldsOf, numberOf, TextClient } from "../support/text_client.ts";

/** A change of one key. */
export interface SeenWrite {
  readonly index: number;
  /** Null for a deletion. */
  readonly token: string | null;
}

/** A committed configuration. */
export interface SeenConfiguration {
  readonly index: number;
  readonly voters: readonly number[];
  readonly votersOld: readonly number[];
  readonly learners: readonly number[];
}

const POLL_TIMEOUT_MS = 1_500;
/** Asked for beyond what is new: entries that were not committed yet at the last look, or missed. */
const MARGIN = 500;
const ASKED_MAX = 10_000;
/** So many of the last lines are kept, to be compared with what other nodes show. */
const COMPARED_MAX = 30_000;
const PRUNE_EVERY = 5_000;
const ENTRY = /^Index (\d+), (Term \d+: .*)$/;
const PUT = /: PUT "((?:[^"\\]|\\.)*)" "([^".\\]*)/;
const DELETE = /: DELETE "((?:[^"\\]|\\.)*)"$/;
const CONFIGURATION =
  /: \(configuration(?: from voters ([\d,]+))? voters ([\d,]*)(?: learners ([\d,]+))?(?: drained [\d,]+)?(?: level \d+)?\)$/;

/** The mark of a value by which its write is found in the log: what stands before the first full stop. */
export function tokenOf(value: string): string {
  const stop = value.indexOf(".");
  return stop < 0 ? value : value.slice(0, stop);
}

/** Collects the committed entries from all nodes. */
export class LogBook {
  /** One line for each thing that must never be seen in a log. */
  readonly contradictions: string[] = [];
  readonly configurations: SeenConfiguration[] = [];
  readonly #lines = new Map<number, string>();
  readonly #puts = new Map<string, number>();
  readonly #writes = new Map<string, SeenWrite[]>();
  #highest = 0;
  #prunedTo = 0;
  #known = 0;
  #leaders = 0;
  #term = 0;

  /** The highest committed index seen. */
  get highest(): number {
    return this.#highest;
  }

  /** Committed entries that no node has shown. */
  get missing(): number {
    return this.#highest - this.#known;
  }

  /** Leaders that committed the first entry of their term. */
  get leaders(): number {
    return this.#leaders;
  }

  /** The highest term seen. */
  get term(): number {
    return this.#term;
  }

  /** The index of the write of a value; undefined when it is not in the log, or was not seen. */
  indexOf(value: string): number | undefined {
    return this.#puts.get(tokenOf(value));
  }

  /** Every key that was written. */
  get keys(): Iterable<string> {
    return this.#writes.keys();
  }

  /** The writes of a key in the order of the log. */
  writesOf(key: string): readonly SeenWrite[] {
    return (this.#writes.get(key) ?? []).toSorted((left, right) => left.index - right.index);
  }

  /** Looks at one node. Rejects when it does not answer in time. */
  async poll(port: number): Promise<void> {
    using client = await TextClient.connect(port, { timeoutMs: POLL_TIMEOUT_MS });
    const status = fieldsOf(await client.askBlock("STATUS"));
    // Asked for first: what is committed now cannot change until the lines come.
    const committed = numberOf(status, "Commit Index");
    const count = Math.min(ASKED_MAX, Math.max(0, numberOf(status, "Last Log Index") - this.#highest) + MARGIN);
    this.take(await client.askBlock(`LOGS ${count}`), { committed, source: `port ${port}` });
  }

  /** Takes the lines of a reply to LOGS, up to the entry `committed`. */
  take(lines: readonly string[], { committed, source }: { readonly committed: number; readonly source: string }): void {
    for (const line of lines) {
      const [, number, text] = ENTRY.exec(line) ?? [];
      const index = Number(number);
      if (text === undefined || index > committed || index <= this.#prunedTo) continue;
      const known = this.#lines.get(index);
      if (known === undefined) this.#add(index, text);
      else if (known !== text) {
        this.contradictions.push(`entry ${index} was committed as "${known}", and ${source} shows "${text}"`);
      }
    }
    this.#prune();
  }

  #add(index: number, text: string): void {
    this.#lines.set(index, text);
    this.#known += 1;
    this.#highest = Math.max(this.#highest, index);
    this.#term = Math.max(this.#term, Number(/^Term (\d+)/.exec(text)?.[1]));
    if (text.endsWith(": (no-op)")) this.#leaders += 1;
    const [, put, token] = PUT.exec(text) ?? [];
    if (put !== undefined && token !== undefined) this.#addPut({ key: put, token, index });
    const [, deleted] = DELETE.exec(text) ?? [];
    if (deleted !== undefined) this.#addWrite(deleted, { index, token: null });
    const configuration = CONFIGURATION.exec(text);
    if (configuration !== null) {
      const [votersOld = [], voters = [], learners = []] = configuration.slice(1).map(idsOf);
      this.configurations.push({ index, voters, votersOld, learners });
    }
  }

  #addWrite(key: string, write: SeenWrite): void {
    const known = this.#writes.get(key);
    if (known === undefined) this.#writes.set(key, [write]);
    else known.push(write);
  }

  #addPut({ key, token, index }: { readonly key: string; readonly token: string; readonly index: number }): void {
    this.#addWrite(key, { index, token });
    const other = this.#puts.get(token);
    if (other !== undefined) {
      this.contradictions.push(`the write of ${token} stands in the log twice, at ${other} and ${index}`);
    }
    this.#puts.set(token, index);
  }

  #prune(): void {
    const floor = this.#highest - COMPARED_MAX;
    if (floor < this.#prunedTo + PRUNE_EVERY) return;
    for (let index = this.#prunedTo + 1; index <= floor; index++) this.#lines.delete(index);
    this.#prunedTo = floor;
  }
}

function idsOf(text: string | undefined): number[] {
  return text === undefined || text === "" ? [] : text.split(",").map(Number);
}
