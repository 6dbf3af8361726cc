/** Everything that clients did and were told: the history for the checks, the ledger, and the counts. */

import type { Operation } from "../linearizability/history.ts";
import type { Ledger } from "../support/ledger.ts";

/** A write as it was sent. */
export interface SentWrite {
  readonly client: number;
  readonly key: string;
  /** Null for a deletion. */
  readonly value: string | null;
  /** When it was sent, in ns. */
  readonly call: number;
  /** Which protocol through which node. */
  readonly route: string;
}

/** A read that was answered. */
export interface AnsweredRead {
  readonly client: number;
  readonly key: string;
  /** Null for no value. */
  readonly value: string | null;
  readonly call: number;
  readonly return: number;
}

const NS_PER_MS = 1_000_000;

/** The monotonic clock in ns. */
export function nowNs(): number {
  return Math.round(performance.now() * NS_PER_MS);
}

/** Takes notes. */
export class Recorder {
  readonly operations: Operation[] = [];
  /** Values of writes that were certainly not done. */
  readonly refused: string[] = [];
  /** Replies that fit no outcome we know. */
  readonly surprises: string[] = [];
  /** Refusals of writes, and reads without an answer, by what was told. */
  readonly reasons = new Map<string, number>();
  /** Acknowledged writes by their route, of each that is expected. */
  readonly routes = new Map<string, number>();
  /** Writes acknowledged so far. */
  acknowledged = 0;
  unknown = 0;
  refusals = 0;
  failedReads = 0;
  readonly #ledger: Ledger;

  /** Acknowledgements go to `ledger` at once. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Writes are to be acknowledged on this route. */
  expectRoute(route: string): void {
    this.routes.set(route, this.routes.get(route) ?? 0);
  }

  /** A write was done; `existed` is what a deletion told about the key. */
  done(write: SentWrite, existed: boolean | null): void {
    const returned = nowNs();
    this.#ledger.add({ key: write.key, value: write.value, call: write.call, return: returned });
    this.acknowledged += 1;
    this.routes.set(write.route, (this.routes.get(write.route) ?? 0) + 1);
    this.#add(write, { result: existed, outcome: "ok", return: returned });
  }

  /** Nobody knows whether the write was done, or will be. */
  leftOpen(write: SentWrite, reason: string): void {
    this.#ledger.add({ key: write.key, value: write.value, call: write.call, return: null });
    this.unknown += 1;
    this.#count(reason);
    this.#add(write, { result: null, outcome: "unknown", return: null });
  }

  /** The write was certainly not done. */
  refuse(write: SentWrite, reason: string): void {
    this.refusals += 1;
    this.#count(reason);
    if (write.value !== null) this.refused.push(write.value);
  }

  /** A read was answered. */
  read({ client, key, value, call, return: returned }: AnsweredRead): void {
    this.operations.push({
      client,
      operation: "get",
      key,
      argument: null,
      result: value,
      outcome: "ok",
      call,
      return: returned,
      index: null,
    });
  }

  /** A read has no answer, which promises nothing. */
  readFailed(reason: string): void {
    this.failedReads += 1;
    this.#count(reason);
  }

  #add(
    { client, key, value, call }: SentWrite,
    told: Pick<Operation, "result" | "outcome" | "return">,
  ): void {
    const operation = value === null ? "delete" : "put";
    this.operations.push({ client, operation, key, argument: value, call, index: null, ...told });
  }

  #count(reason: string): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }
}
