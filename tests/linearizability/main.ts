/**
 * Judges histories by both checks, from files of JSON lines or freshly generated.
 *
 *     deno run -A tests/linearizability/main.ts history.jsonl ...
 *     deno run -A tests/linearizability/main.ts --operations 1000000 [--seed 7]
 *
 * Exit code 0 when all is well, 1 when a check fails, 2 for wrong arguments.
 */

import { parseArgs } from "@std/cli";

import { Random } from "../../lib/base/random.ts";
import { checkCertificate, hasIndexes } from "./certificate.ts";
import { generateHistory } from "./generator.ts";
import { HistoryError, type Operation, readHistory } from "./history.ts";
import { describeSearchResult, searchLinearization } from "./search.ts";

const USAGE = "Usage: main.ts FILE... | --operations N [--seed S]";
/** Ten clients meet on four keys at a time. */
const SHAPE = { clients: 10, keys: 4, operationsPerKey: 500, unknownShare: 0.02, stepMaxNs: 1_000 };

function print(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** Runs `work` and prints what it took. */
function timed<T>(what: string, work: () => T): T {
  const start = performance.now();
  const result = work();
  print(`${what}: ${((performance.now() - start) / 1000).toFixed(2)} s`);
  return result;
}

/** Whether both checks accept the history. Without any index the certificate check has nothing to say. */
function judge(operations: readonly Operation[]): boolean {
  const unknown = operations.filter(({ outcome }) => outcome === "unknown").length;
  const keys = new Set(operations.map(({ key }) => key)).size;
  print(`${operations.length} operations, ${unknown} of them with unknown outcome, on ${keys} keys`);
  const indexed = hasIndexes(operations);
  const violations = indexed ? timed("certificate", () => checkCertificate(operations)) : [];
  if (!indexed) print("certificate: skipped, no operation carries an index");
  for (const violation of violations) print(violation);
  const found = timed("search", () => searchLinearization(operations));
  print(describeSearchResult(found));
  return violations.length === 0 && found.type === "Linearizable";
}

function judgeFile(file: string): boolean {
  print(file);
  try {
    return judge(readHistory(Deno.readTextFileSync(file)));
  } catch (error) {
    if (!(error instanceof HistoryError || error instanceof RangeError || error instanceof Deno.errors.NotFound)) {
      throw error;
    }
    print(error.message);
    return false;
  }
}

function judgeGenerated(operations: number, seed: number): boolean {
  print(`seed ${seed}`);
  return judge(timed("generated", () => generateHistory(new Random(seed), { ...SHAPE, operations })));
}

/** NaN for anything but digits, nothing at all included. */
function wholeNumber(typed: unknown, otherwise: number): number {
  if (typed === undefined) return otherwise;
  return typeof typed === "string" && /^[0-9]+$/.test(typed) ? Number(typed) : NaN;
}

function main(): number {
  const { _: rest, operations: wanted, seed: given } = parseArgs(Deno.args, { string: ["operations", "seed"] });
  const files = rest.map(String);
  const operations = wholeNumber(wanted, 0);
  const seed = wholeNumber(given, 1);
  const fits = Number.isSafeInteger(operations) && Number.isSafeInteger(seed);
  if (!fits || (wanted === undefined ? files.length === 0 : files.length > 0 || operations < 1)) {
    print(USAGE);
    return 2;
  }
  const verdicts = operations > 0 ? [judgeGenerated(operations, seed)] : files.map(judgeFile);
  return verdicts.every(Boolean) ? 0 : 1;
}

if (import.meta.main) Deno.exit(main());
