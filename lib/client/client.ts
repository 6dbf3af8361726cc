/** The client: `connect`, and what it gives. */

import {
  bytesOf,
  bytesOrNull,
  Entry,
  integerOf,
  type KeyEntry,
  listOf,
  RevisedEntry,
  type Revision,
  revisionOf,
} from "./entries.ts";
import { type ConditionalRequest, deleteRequest, putRequest } from "./conditions.ts";
import type { DeleteOptions, PutOptions } from "./conditions.ts";
import { platformConnector } from "./connector.ts";
import { Operations } from "./operations.ts";
import { type ConnectOptions, credentialsOf, settle, trustOf } from "./options.ts";
import type { Reply } from "./replies.ts";
import { checkScanOptions, scanEntries, scanKeys, type ScanOptions } from "./scan.ts";
import type { OperationOptions } from "./scope.ts";
import type { Connector } from "./socket.ts";
import { type Transaction, type TransactionResult, transactionWords } from "./transaction.ts";
import type { Bytes, Word } from "./words.ts";

/**
 * A client of a KVStore cluster (and, without sessions, transactions and scans, of any server that speaks Redis's protocol).
 *
 * Operations that are made without waiting for each other share connections and leave together. Each takes `signal` and
 * `timeoutMs`, and repeats itself until then as long as that is safe. It throws
 *
 * - `NotDoneError` when it was certainly not done,
 * - `OutcomeUnknownError` when it may have been done (only writes; within a session only if its time ended or the session
 *   expired meanwhile),
 * - `ServerError` when a server answered with an error,
 * - `TypeError` or `RangeError` for arguments that cannot be,
 * - the signal's reason when that was aborted; then a write may still be done.
 */
export interface Client extends AsyncDisposable {
  /** The value of a key, linearizable; undefined when it is not there. `revision: true` reads its revision with it. */
  get(key: Bytes, options: OperationOptions & { readonly revision: true }): Promise<RevisedEntry | undefined>;
  get(key: Bytes, options?: OperationOptions): Promise<Entry | undefined>;
  /** What one server has, at once and also while no majority is up: it may be old, and `ageMs` says how old at most. */
  getStale(key: Bytes, options?: OperationOptions): Promise<StaleRead>;
  /** The values of several keys at one moment, in their order. */
  getMany(keys: readonly Bytes[], options?: OperationOptions): Promise<readonly (Entry | undefined)[]>;
  /** When a key was made and changed; undefined when it is not there. */
  revision(key: Bytes, options?: OperationOptions): Promise<Revision | undefined>;
  /** Stores a value; false when the condition given did not hold, and nothing was changed. */
  put(key: Bytes, value: Bytes, options?: PutOptions): Promise<boolean>;
  /** Removes a key; false when it was not there or the condition given did not hold. */
  delete(key: Bytes, options?: DeleteOptions): Promise<boolean>;
  /** Removes several keys at once; how many were there. */
  deleteMany(keys: readonly Bytes[], options?: OperationOptions): Promise<number>;
  /** Stores `next` if the value is `expected` (undefined: if the key is not there); false when it is another. Takes away a deadline. */
  cas(key: Bytes, change: CasChange, options?: OperationOptions): Promise<boolean>;
  /** Adds `by` (1 by default) to a key that holds a decimal number, 0 when it is not there. A bigint beyond 2^53. */
  increment(key: Bytes, by?: number | bigint, options?: OperationOptions): Promise<number | bigint>;
  /** Whether a key is there. */
  exists(key: Bytes, options?: OperationOptions): Promise<boolean>;
  /** Milliseconds until a key goes away; Infinity when it stays, undefined when it is not there. */
  ttl(key: Bytes, options?: OperationOptions): Promise<number | undefined>;
  /** Lets a key go away after `ttlMs`; false when it is not there. */
  expire(key: Bytes, ttlMs: number, options?: OperationOptions): Promise<boolean>;
  /** Lets a key stay; false when it is not there or stays anyway. */
  persist(key: Bytes, options?: OperationOptions): Promise<boolean>;
  /** Compares, and does commands at once by the result. */
  txn(transaction: Transaction, options?: OperationOptions): Promise<TransactionResult>;
  /**
   * Keys in byte order, with their values unless `keysOnly`. Read in pages, each linearizable and with `timeoutMs` of its own:
   * no key comes twice, and one that is there all the time comes once.
   */
  scan(options: ScanOptions & { readonly keysOnly: true }): AsyncIterableIterator<Uint8Array>;
  scan(options?: ScanOptions & { readonly keysOnly?: false | undefined }): AsyncIterableIterator<KeyEntry>;
  /** The reply to any command, such as `["STRLEN", "key"]`, but those that would change the shared connections (MULTI, WATCH). */
  command(words: readonly Word[], options?: OperationOptions): Promise<Reply>;
  /** Refuses new operations, waits up to 5 s for those under way, ends the session and closes every connection. */
  close(): Promise<void>;
}

/** What one server has of a key, and how old that may be. */
export interface StaleRead {
  /** Undefined when the key is not there. */
  readonly entry: Entry | undefined;
  /** It holds every write that was acknowledged so many ms before the server answered, or longer. Undefined where it cannot tell. */
  readonly ageMs: number | undefined;
}

/** What compare-and-set compares and sets. */
export interface CasChange {
  /** The value to be there; undefined for none. */
  readonly expected: Bytes | undefined;
  readonly next: Bytes;
}

/**
 * Connects to a cluster. Resolves once a server has answered, the leader has been looked for, and the session, if one is
 * wanted, is open. Throws what operations throw.
 *
 * ```ts
 * import { connect } from "@kvstore/kvstore";
 *
 * await using client = await connect({ servers: ["127.0.0.1:5000", "127.0.0.1:5001"], session: true });
 * await client.put("greeting", "hello", { ttlMs: 60_000 });
 * const entry = await client.get("greeting");
 * entry?.text(); // "hello"
 * ```
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  return await connectBy(platformConnector(trustOf(options.tls)), options);
}

/** Connects by sockets of a given kind. */
export async function connectBy(connector: Connector, options: ConnectOptions): Promise<Client> {
  const { session = false, signal } = options;
  const operations = new Operations({
    settings: settle(options),
    connector,
    credentials: credentialsOf(options),
    hasSession: session,
  });
  try {
    await operations.start({ signal });
  } catch (error) {
    await operations.close();
    throw error;
  }
  return new OperatingClient(operations);
}

class OperatingClient implements Client {
  readonly #operations: Operations;

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  get(key: Bytes, options: OperationOptions & { readonly revision: true }): Promise<RevisedEntry | undefined>;
  get(key: Bytes, options?: OperationOptions): Promise<Entry | undefined>;
  async get(
    key: Bytes,
    options: OperationOptions & { readonly revision?: boolean } = {},
  ): Promise<Entry | undefined> {
    if (options.revision === true) return await this.#getRevised(key, options);
    const value = bytesOrNull(await this.#operations.run(["GET", key], options));
    return value === null ? undefined : new Entry(value);
  }

  async getStale(key: Bytes, options: OperationOptions = {}): Promise<StaleRead> {
    const [read, age] = listOf(await this.#operations.run(["KV.GET", key, "STALE"], options));
    const value = bytesOrNull(read);
    return {
      entry: value === null ? undefined : new Entry(value),
      ageMs: age === null ? undefined : Number(integerOf(age)),
    };
  }

  async getMany(keys: readonly Bytes[], options: OperationOptions = {}): Promise<readonly (Entry | undefined)[]> {
    if (keys.length === 0) return [];
    const values = listOf(await this.#operations.run(["MGET", ...keys], options));
    return values.map((value) => value === null ? undefined : new Entry(bytesOf(value)));
  }

  async revision(key: Bytes, options: OperationOptions = {}): Promise<Revision | undefined> {
    return revisionOf(await this.#operations.run(["REVISION", key], options));
  }

  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<boolean> {
    return await this.#decide(putRequest([key, value], options), options);
  }

  async delete(key: Bytes, options: DeleteOptions = {}): Promise<boolean> {
    return await this.#decide(deleteRequest(key, options), options);
  }

  async deleteMany(keys: readonly Bytes[], options: OperationOptions = {}): Promise<number> {
    return keys.length === 0 ? 0 : Number(await this.#integer(["DEL", ...keys], options));
  }

  async cas(key: Bytes, { expected, next }: CasChange, options: OperationOptions = {}): Promise<boolean> {
    const condition = expected === undefined ? { ifAbsent: true } : { ifValue: expected };
    return await this.put(key, next, { signal: options.signal, timeoutMs: options.timeoutMs, ...condition });
  }

  async increment(key: Bytes, by: number | bigint = 1, options: OperationOptions = {}): Promise<number | bigint> {
    return await this.#integer(["INCRBY", key, by], options);
  }

  async exists(key: Bytes, options: OperationOptions = {}): Promise<boolean> {
    return await this.#integer(["EXISTS", key], options) === 1;
  }

  async ttl(key: Bytes, options: OperationOptions = {}): Promise<number | undefined> {
    const ttlMs = Number(await this.#integer(["PTTL", key], options));
    if (ttlMs >= 0) return ttlMs;
    return ttlMs === -1 ? Infinity : undefined;
  }

  async expire(key: Bytes, ttlMs: number, options: OperationOptions = {}): Promise<boolean> {
    return await this.#integer(["PEXPIRE", key, ttlMs], options) === 1;
  }

  async persist(key: Bytes, options: OperationOptions = {}): Promise<boolean> {
    return await this.#integer(["PERSIST", key], options) === 1;
  }

  async txn(transaction: Transaction, options: OperationOptions = {}): Promise<TransactionResult> {
    const [succeeded, replies] = listOf(await this.#operations.run(transactionWords(transaction), options));
    return { succeeded: integerOf(succeeded) === 1, replies: listOf(replies) };
  }

  scan(options: ScanOptions & { readonly keysOnly: true }): AsyncIterableIterator<Uint8Array>;
  scan(options?: ScanOptions & { readonly keysOnly?: false | undefined }): AsyncIterableIterator<KeyEntry>;
  scan(options: ScanOptions = {}): AsyncIterableIterator<Uint8Array | KeyEntry> {
    checkScanOptions(options);
    const ask = (words: readonly Word[], times: OperationOptions): Promise<Reply> => this.#operations.run(words, times);
    return options.keysOnly === true ? scanKeys(ask, options) : scanEntries(ask, options);
  }

  async command(words: readonly Word[], options: OperationOptions = {}): Promise<Reply> {
    return await this.#operations.run(words, options);
  }

  close(): Promise<void> {
    return this.#operations.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** No command reads both, but a transaction does, at one moment. */
  async #getRevised(key: Bytes, options: OperationOptions): Promise<RevisedEntry | undefined> {
    const { replies: [revision, value] } = await this.txn({ then: [["REVISION", key], ["GET", key]] }, options);
    const known = revisionOf(revision);
    return known === undefined ? undefined : new RevisedEntry(bytesOf(value), known);
  }

  async #integer(words: readonly Word[], options: OperationOptions): Promise<number | bigint> {
    return integerOf(await this.#operations.run(words, options));
  }

  async #decide({ words, wasDone }: ConditionalRequest, options: OperationOptions): Promise<boolean> {
    return wasDone(await this.#operations.run(words, options));
  }
}
