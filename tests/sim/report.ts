/** Adds up the results of many runs and prints them for people. */

import { FAULT_SITES } from "../../lib/base/faults.ts";
import { FAULT_CLASS_NAMES } from "./faults.ts";
import type { RunResult } from "./run.ts";
import { SEEN } from "./seen.ts";
import { WANTED_OPERATIONS } from "./wanted.ts";

/** So many seeds inject every kind of fault, and reach every fault site. */
const SEEDS_FOR_FAULTS = 200;
const SEEDS_FOR_SITES = 1_000;
/** Each kind of fault, and each operation, comes at least once in so many seeds. */
const SEEDS_FOR_EACH = 10;
/** What only some of the runs are for comes at least once in so many. */
const SEEDS_FOR_SEEN = 200;

/** Failures in full, sums at the end. */
export class Report {
  failed = 0;
  readonly #wanted: number;
  readonly #print: (line: string) => void;
  readonly #results: RunResult[] = [];
  readonly #begun = performance.now();

  /** `wanted` is the number of seeds. */
  constructor(wanted: number, print: (line: string) => void) {
    this.#wanted = wanted;
    this.#print = print;
  }

  /** Takes a result; a failure is printed at once. */
  add(result: RunResult): void {
    this.#results.push(result);
    if (result.violation === undefined) return;
    this.failed += 1;
    const { check, message, atMs } = result.violation;
    const [first, ...more] = message.split("\n");
    this.#print(`FAILED seed ${result.seed} (${this.#results.length} of ${this.#wanted}): ${check}: ${first}`);
    for (const line of more.slice(0, 12)) this.#print(`    ${line}`);
    this.#print(
      `    at ${(atMs / 1_000).toFixed(3)} simulated s; deno task sim --seed ${result.seed} --trace; or --reduce`,
    );
  }

  /** Prints the sums. Enough seeds that leave something out fail as well: a simulator that injects nothing finds nothing. */
  finish(): void {
    const results = this.#results;
    const sum = (of: (result: RunResult) => number): number => results.reduce((total, result) => total + of(result), 0);
    const seconds = (performance.now() - this.#begun) / 1_000;
    this.#print("");
    const few = Math.floor(results.length / SEEDS_FOR_EACH);
    const missing = [
      ...this.#table("faults injected", { names: FAULT_CLASS_NAMES, few, of: (result) => result.faults }),
      ...this.#table("operations done", { names: WANTED_OPERATIONS, few, of: (result) => result.done }),
    ];
    const seldom = Math.floor(results.length / SEEDS_FOR_SEEN);
    missing.push(...this.#table("seen", { names: SEEN, few: seldom, of: (result) => result.seen }));
    const sites = Object.keys(FAULT_SITES);
    const untouched = this.#table("fault sites hit", { names: sites, few: 1, of: (result) => result.sites });
    if (results.length >= SEEDS_FOR_FAULTS && missing.length > 0) this.#fail(`too rare: ${missing.join(" ")}`);
    if (results.length >= SEEDS_FOR_SITES && untouched.length > 0) this.#fail(`never: ${untouched.join(" ")}`);
    const rates = results.filter(({ servers }) => servers === 3).map(({ simulatedMs, wallMs }) => simulatedMs / wallMs);
    this.#print(
      `${results.length} seeds, ${sum((result) => result.operations)} operations done and checked, ` +
        `${sum((result) => result.unknown)} unknown, ${sum((result) => result.refused)} refused; ` +
        `${sum((result) => result.committed)} entries committed in ${sum((result) => result.elections)} terms`,
    );
    this.#print(
      `${(sum((result) => result.simulatedMs) / 1_000).toFixed(0)} simulated seconds in ${seconds.toFixed(1)} s; ` +
        `three nodes: ${median(rates).toFixed(0)} simulated seconds per second of one core in the median seed`,
    );
    const failing = results.filter(({ violation }) => violation !== undefined).length;
    this.#print(
      this.failed === 0 ? `passed: ${results.length} seeds` : `FAILED: ${failing} of ${results.length} seeds`,
    );
  }

  #fail(what: string): void {
    this.failed += 1;
    this.#print(`FAILED ${what}`);
  }

  /** Prints the sums of one kind and returns the names of the list whose sum is below `few`. */
  #table(title: string, { names, few, of }: {
    readonly names: readonly string[];
    readonly few: number;
    of(result: RunResult): readonly (readonly [string, number])[];
  }): readonly string[] {
    const sums = new Map(names.map((name) => [name, 0]));
    for (const result of this.#results) {
      for (const [name, count] of of(result)) sums.set(name, (sums.get(name) ?? 0) + count);
    }
    const rare = names.filter((name) => (sums.get(name) ?? 0) < few);
    this.#print(
      `${title}: ${names.length - rare.length} of ${names.length} kinds at least ${few} times${
        rare.length > 0 ? `; not: ${rare.join(" ")}` : ""
      }`,
    );
    this.#print([...sums].map(([name, count]) => `    ${name} ${count}`).join("\n"));
    return rare;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? NaN;
}
