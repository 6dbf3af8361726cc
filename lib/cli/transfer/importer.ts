/**
 * Writes keys into a cluster, in transactions of many keys of which a bounded number is under way. Whatever was added before another record of the same
 * key is written before it, so the last one stays as in a file that is read from front to end.
 */

import { stringToBytes } from "../../base/bytes.ts";
import type { Client } from "../../client/client.ts";
import { integerOf, listOf, revisionOf } from "../../client/entries.ts";
import { ServerError } from "../../client/errors.ts";
import type { Reply } from "../../client/replies.ts";
import type { Comparison, TransactionResult } from "../../client/transaction.ts";
import type { Word } from "../../client/words.ts";
import { Failure } from "../failures.ts";

/** Keys of one transaction. */
export const BATCH_KEYS_MAX = 500;
/** Bytes of one transaction, unless a single key has more. */
export const BATCH_BYTES_MAX = 1_048_576;
/** Transactions under way at once. */
export const BATCHES_MAX = 4;
/** How long a transaction may take, its repetitions included, in ms: several elections. */
export const BATCH_MS_MAX = 60_000;
/** How often a transaction that is to change no key that is there is tried while keys come and go. */
export const RACES_MAX = 10;
/** Revisions of the import's own writes that are remembered: of 16 million keys, in full transactions. The oldest is forgotten first. */
export const OWN_REVISIONS_MAX = 32_768;
/** What a record takes in a transaction beside its key, which it may name three times, and its value. */
const RECORD_BYTES = 128;

/** What becomes of a key that is there already. */
export type OnExisting = "overwrite" | "skip" | "fail";

/** A key to write; byte strings. */
export interface ImportRecord {
  /** Where it stands in what is read: the number of its line or of the key, from 1. */
  readonly place: number;
  readonly key: string;
  readonly value: string;
  /** In ms since 1970; undefined for none. */
  readonly deadline: number | undefined;
}

/** What came of the records so far. */
export interface ImportTally {
  /** Keys that were written. */
  readonly written: number;
  /** Keys that were there: left as they are, equal to what was to be written, or counted by a dry run. */
  readonly there: number;
  /** Every record up to this place is done with; 0 for none. */
  readonly place: number;
}

/** A key is there with another value, and that is to fail. */
export class ExistingKeyError extends Error {
  override readonly name = "ExistingKeyError";

  /** Names the record that was to be written. */
  constructor(readonly record: ImportRecord) {
    super("A key is there with another value");
  }
}

/** What is to be done, and who hears of it. */
export interface ImportOptions {
  readonly onExisting: OnExisting;
  /** Whether to look only how many of the keys are there. */
  readonly isDryRun: boolean;
  readonly onProgress?: (tally: ImportTally) => void;
}

interface Written {
  readonly written: number;
  readonly there: number;
}

interface Flight {
  readonly records: readonly ImportRecord[];
  readonly done: Promise<Written>;
}

/** `add` every record, then `finish`. Both reject with `ExistingKeyError` and what the client throws; `tally` tells how far it came. */
export class Importer {
  readonly #client: Pick<Client, "command" | "txn">;
  readonly #options: ImportOptions;
  /** Oldest first. */
  readonly #flights: Flight[] = [];
  /** Keys that are pending or under way. */
  readonly #keys = new Set<string>();
  /** Of the transactions that wrote, oldest first: a source may give a key again whose value has changed, and what is there then is our own. */
  readonly #ownRevisions = new Set<number>();
  #pending: ImportRecord[] = [];
  #pendingBytes = 0;
  #tally: ImportTally = { written: 0, there: 0, place: 0 };

  constructor(client: Pick<Client, "command" | "txn">, options: ImportOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** What came of all that has been answered. */
  get tally(): ImportTally {
    return this.#tally;
  }

  /** Takes a record; waits while too much is under way. */
  async add(record: ImportRecord): Promise<void> {
    if (this.#keys.has(record.key)) await this.finish();
    const bytes = 3 * record.key.length + record.value.length + RECORD_BYTES;
    if (this.#pendingBytes + bytes > BATCH_BYTES_MAX) await this.#send();
    this.#keys.add(record.key);
    this.#pending.push(record);
    this.#pendingBytes += bytes;
    if (this.#pending.length >= BATCH_KEYS_MAX) await this.#send();
  }

  /** Resolves once everything that was added is answered. */
  async finish(): Promise<void> {
    await this.#send();
    while (this.#flights.length > 0) await this.#settleOldest();
  }

  async #send(): Promise<void> {
    if (this.#pending.length === 0) return;
    while (this.#flights.length >= BATCHES_MAX) await this.#settleOldest();
    const records = this.#pending;
    [this.#pending, this.#pendingBytes] = [[], 0];
    const done = this.#options.isDryRun ? this.#look(records) : this.#write(records);
    // Its turn to be awaited comes later, and until then it is not unhandled.
    done.catch(() => {});
    this.#flights.push({ records, done });
  }

  async #settleOldest(): Promise<void> {
    const [flight] = this.#flights;
    if (flight === undefined) return;
    const { written, there } = await flight.done;
    this.#flights.shift();
    for (const { key } of flight.records) this.#keys.delete(key);
    this.#tally = {
      written: this.#tally.written + written,
      there: this.#tally.there + there,
      place: flight.records.at(-1)?.place ?? this.#tally.place,
    };
    this.#options.onProgress?.(this.#tally);
  }

  async #look(records: readonly ImportRecord[]): Promise<Written> {
    const reply = await this.#client.command(["EXISTS", ...records.map(keyOf)], { timeoutMs: BATCH_MS_MAX });
    return { written: 0, there: Number(integerOf(reply)) };
  }

  async #write(records: readonly ImportRecord[]): Promise<Written> {
    const { onExisting } = this.#options;
    if (onExisting === "fail") return await this.#writeUnlessOther(records);
    const more: readonly Word[] = onExisting === "skip" ? ["NX"] : [];
    const { replies } = await this.#transact([], { then: records.map((record) => setWords(record, more)) });
    const written = replies.filter((reply) => reply !== null).length;
    return { written, there: records.length - written };
  }

  /**
   * All that are not there, in one transaction. What is there with the same value is what an import before this one wrote, and what is
   * there with another value is written over where this import wrote it.
   */
  async #writeUnlessOther(records: readonly ImportRecord[]): Promise<Written> {
    const tally = { written: 0, there: 0 };
    let left = records;
    for (let races = 0; left.length > 0; races++) {
      if (races > RACES_MAX) {
        throw new Failure(`Keys come and go while they are compared: gave up after ${races} attempts`);
      }
      const absent = left.map((record) => ({ key: keyOf(record), field: "exists", is: "=", operand: 0 } as const));
      const { succeeded, replies } = await this.#transact(absent, {
        then: writeAndAsk(left),
        else: left.map((record) => ["EXISTS", keyOf(record)]),
      });
      if (succeeded) {
        this.#remember(replies);
        tally.written += left.length;
        break;
      }
      const found = left.filter((_, at) => replies[at] === 1);
      const done = new Set<ImportRecord>();
      for (const record of found) {
        const what = await this.#meet(record);
        if (what === "gone") continue;
        tally[what] += 1;
        done.add(record);
      }
      left = left.filter((record) => !done.has(record));
    }
    return tally;
  }

  /** What becomes of a record whose key is there. Rejects with `ExistingKeyError`. */
  async #meet(record: ImportRecord): Promise<keyof Written | "gone"> {
    const key = keyOf(record);
    const same = { key, field: "value", is: "=", operand: stringToBytes(record.value) } as const;
    const looked = await this.#transact([same], { then: [], else: [["REVISION", key]] });
    if (looked.succeeded) return "there";
    const revision = revisionOf(looked.replies[0])?.modified;
    if (revision === undefined) return "gone";
    if (!this.#ownRevisions.has(revision)) throw new ExistingKeyError(record);
    // Somebody else may change it in between: then it is met again.
    const unchanged = { key, field: "modified", is: "=", operand: revision } as const;
    const { succeeded, replies } = await this.#transact([unchanged], { then: writeAndAsk([record]) });
    if (!succeeded) return "gone";
    this.#remember(replies);
    return "written";
  }

  /** Remembers the revision of a transaction that wrote: all its keys have the same. */
  #remember(replies: readonly Reply[]): void {
    const revision = revisionOf(replies.at(-1));
    if (revision === undefined) return;
    this.#ownRevisions.add(revision.modified);
    const [oldest] = this.#ownRevisions;
    if (this.#ownRevisions.size > OWN_REVISIONS_MAX && oldest !== undefined) this.#ownRevisions.delete(oldest);
  }

  async #transact(
    comparisons: readonly Comparison[],
    calls: { readonly then: readonly (readonly Word[])[]; readonly else?: readonly (readonly Word[])[] },
  ): Promise<TransactionResult> {
    const result = await this.#client.txn({ if: comparisons, ...calls }, { timeoutMs: BATCH_MS_MAX });
    const refused = listOf(result.replies).find((reply) => reply instanceof ServerError);
    if (refused instanceof ServerError) throw refused;
    return result;
  }
}

/** Sets, and behind them the revision at which they were. */
function writeAndAsk(records: readonly ImportRecord[]): readonly (readonly Word[])[] {
  const last = records.slice(-1).map((record): readonly Word[] => ["REVISION", keyOf(record)]);
  return [...records.map((record) => setWords(record, [])), ...last];
}

function keyOf({ key }: ImportRecord): Uint8Array {
  return stringToBytes(key);
}

function setWords(record: ImportRecord, more: readonly Word[]): readonly Word[] {
  const times: readonly Word[] = record.deadline === undefined ? [] : ["PXAT", record.deadline];
  return ["SET", keyOf(record), stringToBytes(record.value), ...times, ...more];
}
