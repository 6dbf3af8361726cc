/** A store beside a Map of plain objects, which must agree after every operation of a random history. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import type { Cut } from "../../../lib/store/cut.ts";
import type { RecordView } from "../../../lib/store/record.ts";
import { Store } from "../../../lib/store/store.ts";
import { Span } from "../../../lib/store/span.ts";
import { span, text } from "./bytes.ts";

/** What the model knows of a key. */
export interface ModelRecord {
  readonly value: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
  readonly deadline: number;
  readonly type: number;
}

/** How a history is drawn. */
export interface ModelOptions {
  readonly seed: number;
  readonly keys: number;
  readonly shards?: number;
  readonly firstRevision?: number;
  /** Longest value but for the large ones. */
  readonly valueBytesMax?: number;
  /** Whether the store is emptied from time to time. */
  readonly clears?: boolean;
}

interface OpenCut {
  readonly cut: Cut;
  readonly expected: Map<string, ModelRecord>;
  readonly told: Map<string, ModelRecord>;
}

/** Longest value of the model: above it lie large ones. */
const SMALL_VALUE_BYTES = 65_536;
/** Keys compared at most with each wish to reload, on average. */
const RELOADED_KEYS = 200;
const EVERYTHING = new Span();

/** A record as the model has it. */
export function recordOf(view: RecordView): ModelRecord {
  const { revision, createRevision, version, deadline, type } = view;
  return { value: text(view.value), revision, createRevision, version, deadline, type };
}

/** Both, and what is drawn. */
export class StoreModel {
  readonly random: Random;
  readonly model = new Map<string, ModelRecord>();
  readonly counts = new Map<string, number>();
  store: Store;
  revision: number;
  #open: OpenCut | undefined;
  readonly #options: Required<ModelOptions>;

  constructor(options: ModelOptions) {
    this.#options = { shards: 16, firstRevision: 0, valueBytesMax: 200, clears: true, ...options };
    this.random = new Random(options.seed);
    this.store = this.#makeStore(this.#options.shards);
    this.revision = this.#options.firstRevision;
  }

  /** One random operation on both. */
  step(): void {
    const draw = this.random.below(1_000);
    const name = OPERATIONS.find(([below]) => draw < below)?.[1] ?? "put";
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.revision += 1;
    this[name]();
  }

  put(): void {
    const key = this.#key();
    const before = this.model.get(key);
    const value = this.#value();
    const write = {
      value: span(value),
      revision: this.revision,
      deadline: this.#deadline(),
      type: this.random.below(256),
    };
    if (this.revision % 2 === 0) assertEquals(this.store.put(span(key), write), before === undefined);
    else {
      const view = this.store.makeView();
      const isThere = this.store.find(span(key), view);
      assertEquals(isThere, before !== undefined);
      if (isThere) this.store.replace(view, write);
      else this.store.put(span(key), write);
    }
    const { revision, deadline, type } = write;
    this.#set(key, { value, revision, deadline, type }, before);
  }

  patch(): void {
    const key = this.#key();
    const before = this.model.get(key);
    const old = before?.value ?? "";
    const at = this.random.chance(0.6) ? old.length : this.random.below(old.length + 20);
    const bytes = this.#value();
    const value = old.slice(0, at).padEnd(at, "\0") + bytes + old.slice(at + bytes.length);
    assertEquals(this.store.patch(span(key), { at, bytes: span(bytes), revision: this.revision }), value.length);
    const { deadline, type } = before ?? { deadline: 0, type: 0 };
    this.#set(key, { value, revision: this.revision, deadline, type }, before);
  }

  expire(): void {
    const key = this.#key();
    const view = this.store.makeView();
    const before = this.model.get(key);
    assertEquals(this.store.find(span(key), view), before !== undefined);
    if (before === undefined) return;
    const { value, type } = before;
    const deadline = this.#deadline();
    this.store.setDeadline(view, { deadline, revision: this.revision });
    this.#set(key, { value, revision: this.revision, deadline, type }, before);
  }

  remove(): void {
    const key = this.#key();
    const view = this.store.makeView();
    const isThere = this.store.find(span(key), view);
    assertEquals(isThere, this.model.delete(key));
    if (isThere) this.store.remove(view);
  }

  rename(): void {
    const from = this.#key();
    const to = this.#key();
    const view = this.store.makeView();
    const moved = this.model.get(from);
    if (from === to || moved === undefined) return;
    assert(this.store.find(span(from), view));
    const { value, type } = moved;
    const deadline = this.#deadline();
    this.store.rename(view, span(to), { revision: this.revision, deadline });
    this.model.delete(from);
    this.#set(to, { value, revision: this.revision, deadline, type }, this.model.get(to));
  }

  /** The value of one key is put under another without leaving the store. */
  copy(): void {
    const view = this.store.makeView();
    const from = this.#key();
    const to = this.#key();
    const source = this.model.get(from);
    if (source === undefined || !this.store.find(span(from), view)) return;
    const { value, type } = source;
    this.store.put(span(to), { value: view.value, revision: this.revision, deadline: 0, type });
    this.#set(to, { value, revision: this.revision, deadline: 0, type }, this.model.get(to));
  }

  sweep(): void {
    const now = this.random.below(2_000);
    const due = [...this.model].filter(([, { deadline }]) => deadline !== 0 && deadline <= now)
      .sort(([a, first], [b, second]) => first.deadline - second.deadline || (a < b ? -1 : 1)).map(([key]) => key);
    const removed: string[] = [];
    const key = new Span();
    const view = this.store.makeView();
    while (removed.length < 5 && this.store.nextDue(now, key)) {
      removed.push(text(key));
      assert(this.store.find(key, view));
      this.store.remove(view);
    }
    assertEquals(removed, due.slice(0, 5));
    for (const key of removed) this.model.delete(key);
  }

  clear(): void {
    if (!this.#options.clears) return;
    this.store.clear();
    this.model.clear();
  }

  compact(): void {
    this.store.compact(this.random.below(4_096));
  }

  /** Opens a cut, goes on with one, or ends it early. */
  cut(): void {
    const open = this.#open;
    if (open === undefined) {
      const expected = new Map(this.model);
      this.#open = { cut: this.store.cut(this.revision), expected, told: new Map() };
    } else if (this.random.chance(0.03)) {
      open.cut.close();
      this.#open = undefined;
    } else this.#advance(open, this.random.below(8_192));
  }

  /** Ends the open cut, and loads it into a store of another layout. */
  reload(): void {
    // Everything is compared: with many keys only now and then.
    if (this.#open === undefined || !this.random.chance(Math.min(1, RELOADED_KEYS / this.model.size))) return;
    const open = this.#open;
    this.#advance(open, Number.POSITIVE_INFINITY);
    const loaded = this.#makeStore(this.random.pick([1, 2, 8, 64]));
    const records = [...open.told];
    for (let at = records.length - 1; at > 0; at--) {
      const other = this.random.below(at + 1);
      [records[at], records[other]] = [records[other] ?? FAKE, records[at] ?? FAKE];
    }
    for (const [key, record] of records) {
      assert(loaded.load(span(key), { ...record, value: span(record.value) }));
      if (this.random.chance(0.01)) assert(!loaded.load(span(key), { ...record, value: span("") }));
    }
    // Until here they may have parted since the cut.
    if (
      open.expected.size === this.model.size &&
      [...open.expected].every(([key, record]) => this.model.get(key) === record)
    ) {
      assertEquals(loaded.digest, this.store.digest);
    }
    this.store = loaded;
    this.model.clear();
    for (const [key, record] of open.expected) this.model.set(key, record);
    this.check();
  }

  /** Compares everything. */
  check(): void {
    const { store, model } = this;
    const keys = [...model.keys()].sort();
    const view = store.makeView();
    for (const key of keys) {
      assert(store.find(span(key), view), `Cannot find ${key}`);
      assertEquals(text(view.key), key);
      assertEquals(recordOf(view), model.get(key));
    }
    assertEquals(store.size, model.size);
    assertEquals(store.bytes, [...model].reduce((sum, [key, { value }]) => sum + key.length + value.length, 0));
    const expiring = [...model.values()].filter(({ deadline }) => deadline !== 0).map(({ deadline }) => deadline);
    assertEquals(store.expiring, expiring.length);
    assertEquals(store.nextDeadline, expiring.length === 0 ? undefined : Math.min(...expiring));
    this.#checkOrder(keys);
    this.#checkMemory();
    assertEquals(store.digest, this.#digestAnew(), "digest");
  }

  #checkOrder(keys: readonly string[]): void {
    const cursor = this.store.makeCursor();
    const forwards: string[] = [];
    for (let is = cursor.seek(EVERYTHING); is; is = cursor.next()) forwards.push(text(cursor.key));
    assertEquals(forwards, keys);
    const start = this.#key();
    const backwards: string[] = [];
    for (let is = cursor.seekBefore(span(start)); is; is = cursor.previous()) backwards.push(text(cursor.key));
    assertEquals(backwards.reverse(), keys.filter((key) => key < start));
    const rank = this.random.below(keys.length + 1);
    assertEquals(cursor.seekRank(rank) ? text(cursor.key) : undefined, keys[rank]);
  }

  #checkMemory(): void {
    const { used, garbage, capacity } = this.store.memory;
    assert(used >= this.store.bytes - this.model.size * 16, `Used are ${used} for ${this.store.bytes}`);
    assert(used + garbage <= capacity, `${used} used and ${garbage} of garbage are more than ${capacity}`);
  }

  /** The digest of a store of another seed and layout that was told everything in another order. */
  #digestAnew(): string {
    const other = this.#makeStore(4);
    for (const [key, record] of [...this.model].sort(([a], [b]) => a < b ? 1 : -1)) {
      other.load(span(key), { ...record, value: span(record.value) });
    }
    return other.digest;
  }

  #advance({ cut, expected, told }: OpenCut, bytesMax: number): void {
    const more = cut.next(bytesMax, (record) => {
      const key = text(record.key);
      assert(!told.has(key), `Told of ${key} twice`);
      told.set(key, recordOf(record));
    });
    if (more) return;
    assertEquals(told.size, expected.size);
    for (const [key, record] of expected) assertEquals(told.get(key), record);
    cut.close();
    this.#open = undefined;
  }

  #set(
    key: string,
    now: Omit<ModelRecord, "version" | "createRevision">,
    before: ModelRecord | undefined,
  ): void {
    const version = (before?.version ?? 0) + 1;
    this.model.set(key, { ...now, version, createRevision: before?.createRevision ?? now.revision });
  }

  #makeStore(shards: number): Store {
    return new Store({ seed: [this.random.uint32(), this.random.uint32()], shards });
  }

  #key(): string {
    const number = this.random.below(this.#options.keys);
    // A few are long, one is empty, and they have beginnings in common.
    if (number === 0) return "";
    const tail = number % 97 === 0 ? "k".repeat(1_000 + number % 3_000) : "";
    return `${"ab".repeat(number % 3)}${tail}${String.fromCharCode(number % 256)}${number.toString(7)}`;
  }

  #value(): string {
    const large = this.random.chance(0.003);
    const length = large
      ? this.random.between(SMALL_VALUE_BYTES - 2, 2 * SMALL_VALUE_BYTES)
      : this.random.chance(0.1)
      ? 0
      : this.random.below(this.#options.valueBytesMax);
    return String.fromCharCode(this.random.below(256)).repeat(length);
  }

  #deadline(): number {
    return this.random.chance(0.3) ? this.random.between(1, 2_000) : 0;
  }
}

const FAKE: [string, ModelRecord] = ["", {
  value: "",
  revision: 0,
  createRevision: 0,
  version: 0,
  deadline: 0,
  type: 0,
}];

/** Of a thousand steps, those below a number are of this kind. */
const OPERATIONS = [
  [420, "put"],
  [520, "patch"],
  [580, "expire"],
  [760, "remove"],
  [800, "rename"],
  [840, "copy"],
  [880, "sweep"],
  [881, "clear"],
  [900, "compact"],
  [990, "cut"],
  [994, "reload"],
] as const;
