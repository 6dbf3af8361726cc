/**
 * The store alone, beside a Map of strings with the same records: processor time of each operation, resident memory, and the
 * longest single operation while a cut is open. Each subject runs in a process of its own, since their memory is compared.
 *
 *     deno run -A bench/store.ts [--keys 1000000] [--only store|map | --json]
 */

import process from "node:process";
import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import { bytesToString } from "../lib/base/bytes.ts";
import { Random } from "../lib/base/random.ts";
import { Span } from "../lib/store/span.ts";
import { Store } from "../lib/store/store.ts";
import { print } from "./support/print.ts";
import { table } from "./support/table.ts";

const KEYS_DEFAULT = 1_000_000;
const OPERATIONS = 3_000_000;
const SCANNED_MAX = 1_000_000;
const KEY_BYTES = 16;
const VALUE_BYTES = 64;
const DIGITS = 12;
const MIB = 2 ** 20;
/** What a cut passes in a slice, and the overwrites between two slices. */
const SLICE_BYTES = 65_536;
const OVERWRITES_PER_SLICE = 64;
/** Operations between two looks at the processor time. */
const BATCH = 16;
/** A prime number: its multiples, modulo a number of keys that it does not divide, are all keys in no order. */
const STRIDE = 7_368_787;
const EVERYTHING = new Span();
/** What `--json` tells, as `longestWithCutMs`. */
const LONGEST_WITH_CUT = "longest operation, cut open, ms";

/** What is measured: ns of processor time for an operation, ms, or MiB. */
type Figures = ReadonlyMap<string, number>;

/** Bytes of one key and one value, written anew for each operation. */
class Source {
  readonly bytes = new Uint8Array(KEY_BYTES + VALUE_BYTES).fill(118);
  readonly key = new Span().set(this.bytes, 0, KEY_BYTES);
  readonly value = new Span().set(this.bytes, KEY_BYTES);

  constructor() {
    new TextEncoder().encodeInto("key:", this.bytes);
  }

  /** Writes the name of key `number`: without a string, which would be measured as well. */
  name(number: number): void {
    let left = number;
    for (let at = KEY_BYTES - 1; at >= KEY_BYTES - DIGITS; at--) {
      this.bytes[at] = 48 + left % 10;
      left = Math.floor(left / 10);
    }
  }
}

/** Processor time of this process in ms: what the machine gives to others does not count, what the collector's threads do does. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Runs operations in small batches, and adds up their processor time without that of looking at the clock. */
class Meter {
  /**
   * The most that one operation can have taken: of its whole batch, the processor time, which is also that of other threads, or the time
   * on the clock, which is also that of other programs.
   */
  longestMs = 0;
  #totalMs = 0;
  #count = 0;

  run(count: number, operation: (number: number) => void): this {
    for (let number = 0; number < count;) {
      const end = Math.min(count, number + BATCH);
      const from = processorMs();
      const begun = performance.now();
      for (; number < end; number++) operation(number);
      const wallMs = performance.now() - begun;
      const ms = processorMs() - from;
      this.longestMs = Math.max(this.longestMs, Math.min(ms, wallMs));
      this.#totalMs += ms;
    }
    this.#count += count;
    return this;
  }

  /** ns for each operation. */
  get mean(): number {
    return this.#totalMs * 1e6 / this.#count;
  }
}

function resident(): number {
  return Deno.memoryUsage().rss / MIB;
}

function measureStore(keys: number): Figures {
  const figures = new Map<string, number>();
  const source = new Source();
  const random = new Random(1);
  const start = resident();
  const store = new Store({ seed: [random.uint32(), random.uint32()] });
  const write = { value: source.value, revision: 0, deadline: 0, type: 0 };
  const put = (number: number) => {
    source.name(number);
    write.revision += 1;
    store.put(source.key, write);
  };
  const made = new Meter().run(keys, (number) => put(number * STRIDE % keys));
  if (store.size !== keys) throw new Error(`${store.size} keys were stored instead of ${keys}`);
  figures.set("new key, ns", made.mean);
  figures.set("longest new key, ms", made.longestMs);
  figures.set("resident, MiB", resident() - start);
  figures.set("bytes a key", store.memory.capacity / keys);
  figures.set("overwrite, ns", new Meter().run(OPERATIONS, () => put(random.below(keys))).mean);
  const view = store.makeView();
  const find = () => {
    source.name(random.below(keys));
    if (!store.find(source.key, view)) throw new Error("A key is lost");
  };
  figures.set("lookup, ns", new Meter().run(OPERATIONS, find).mean);
  const cursor = store.makeCursor();
  cursor.seek(EVERYTHING);
  const scan = new Meter().run(Math.min(keys, SCANNED_MAX) - 1, () => cursor.next());
  figures.set("key of an ordered scan, ns", scan.mean);
  measureCut(store, { keys, put, figures });
  return figures;
}

interface CutScene {
  readonly keys: number;
  readonly put: (number: number) => void;
  readonly figures: Map<string, number>;
}

/** Random overwrites while a cut is open, and compaction after it. */
function measureCut(store: Store, { keys, put, figures }: CutScene): void {
  const random = new Random(2);
  const meter = new Meter();
  const before = store.memory.capacity;
  let told = 0;
  let written = 0;
  let cut = store.cut(0);
  meter.run(BATCH, () => {
    cut.close();
    cut = store.cut(0);
  });
  for (let more = true; more;) {
    meter.run(OVERWRITES_PER_SLICE, () => put(random.below(keys)));
    written += OVERWRITES_PER_SLICE;
    meter.run(1, () => {
      more = cut.next(SLICE_BYTES, () => told += 1);
    });
  }
  if (told !== keys) throw new Error(`The cut told of ${told} keys instead of ${keys}`);
  figures.set(LONGEST_WITH_CUT, meter.longestMs);
  figures.set("bytes more for each overwrite, cut open", (store.memory.capacity - before) / written);
  meter.run(1, () => cut.close());
  for (let more = true; more;) {
    meter.run(1, () => {
      more = store.compact(SLICE_BYTES);
    });
  }
  figures.set("longest operation, compaction included, ms", meter.longestMs);
}

interface Cell {
  value: string;
  revision: number;
  readonly createRevision: number;
  version: number;
}

function measureMap(keys: number): Figures {
  const figures = new Map<string, number>();
  const source = new Source();
  const random = new Random(1);
  const start = resident();
  const cells = new Map<string, Cell>();
  let revision = 0;
  const keyOf = (number: number) => {
    source.name(number);
    return bytesToString(source.bytes, 0, KEY_BYTES);
  };
  const valueNow = () => bytesToString(source.bytes, KEY_BYTES, KEY_BYTES + VALUE_BYTES);
  const made = new Meter().run(keys, (number) => {
    revision += 1;
    const key = keyOf(number * STRIDE % keys);
    cells.set(key, { value: valueNow(), revision, createRevision: revision, version: 1 });
  });
  figures.set("new key, ns", made.mean);
  figures.set("longest new key, ms", made.longestMs);
  figures.set("resident, MiB", resident() - start);
  const overwritten = new Meter().run(OPERATIONS, () => {
    const cell = cells.get(keyOf(random.below(keys)));
    if (cell === undefined) throw new Error("A key is lost");
    cell.value = valueNow();
    cell.revision = ++revision;
    cell.version += 1;
  });
  figures.set("overwrite, ns", overwritten.mean);
  const found = new Meter().run(OPERATIONS, () => {
    if (cells.get(keyOf(random.below(keys))) === undefined) throw new Error("A key is lost");
  });
  figures.set("lookup, ns", found.mean);
  return figures;
}

async function measureApart(subject: string, keys: number): Promise<Figures> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", fromFileUrl(import.meta.url), "--keys", String(keys), "--only", subject],
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The run of ${subject} ended with exit code ${code}`);
  return new Map(JSON.parse(new TextDecoder().decode(stdout)));
}

if (import.meta.main) {
  const { keys, only, json } = parseArgs(Deno.args, { string: ["keys", "only"], boolean: ["json"] });
  const count = Number(keys ?? KEYS_DEFAULT);
  if (json) {
    print(JSON.stringify({ longestWithCutMs: measureStore(count).get(LONGEST_WITH_CUT) }));
  } else if (only !== undefined) {
    print(JSON.stringify([...(only === "map" ? measureMap(count) : measureStore(count))]));
  } else {
    const store = await measureApart("store", count);
    const map = await measureApart("map", count);
    const show = (figure: number | undefined) => figure === undefined ? "-" : figure.toFixed(figure < 10 ? 2 : 0);
    const rows = [...store].map(([name, figure]) => [name, show(figure), show(map.get(name))]);
    print(`${count} keys of ${KEY_BYTES} bytes with values of ${VALUE_BYTES}, processor time\n`);
    print(table([["", "store", "Map"], ...rows]));
  }
}
