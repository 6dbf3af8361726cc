/** Keeps what the entries applied last have changed, and wakes those who watch. */

import type { ChangeSink } from "../../kv/change.ts";
import type { KeyRecord } from "../../kv/key_record.ts";
import type { RecordView } from "../../store/record.ts";
import type { Span } from "../../store/span.ts";
import { ChangeHistory, type HistoryLimits } from "./change_history.ts";
import type { Changes, ChangeWatcher, KeyChange, Moment, PastKeys, RevisionChanges } from "./changes.ts";

/** Where the feed begins, and how it comes to the end of a turn. */
export interface ChangeFeedOptions extends HistoryLimits {
  /** Index of the entry behind which it begins: that of the recovered snapshot, 0 without one. */
  readonly revision: number;
  /** Runs an action when everything that is ready in this turn has run. */
  endOfTurn(action: () => void): void;
}

/** The changes of one node. The state machine tells it of each entry; after a restart that is the log once more. */
export class ChangeFeed implements Changes, ChangeSink {
  readonly #options: ChangeFeedOptions;
  readonly #history: ChangeHistory;
  readonly #watchers = new Set<ChangeWatcher>();
  /** Someone is to be woken at the next change: false while nobody watches or the end of the turn is awaited. */
  #isAwaited = false;
  #ended = false;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
    this.#history = new ChangeHistory(options.revision, options);
  }

  /** See `Changes`. */
  get oldest(): number {
    return this.#history.oldest;
  }

  /** See `Changes`. */
  get newest(): number {
    return this.#history.newest;
  }

  /** Bytes of memory that it holds. */
  get heldBytes(): number {
    return this.#history.bytes;
  }

  /** See `Changes`. */
  since(revision: number): Iterable<RevisionChanges> | undefined {
    return revision >= this.oldest && revision <= this.newest ? this.#history.after(revision) : undefined;
  }

  /** See `Changes`. */
  recordAt(key: string, { revision, current }: Moment): KeyRecord | undefined {
    let first: number | undefined;
    for (const at of this.#history.revisionsOf(key, current?.revision)) {
      if (at <= revision) break;
      first = at;
    }
    return first === undefined ? current : this.#history.changeOf(key, first).previous;
  }

  /** See `Changes`. */
  pastOf(revision: number, wanted: { readonly prefix: string; readonly countMax: number }): PastKeys {
    const history = this.#history;
    const keys = history.firstChangesBehind(revision, wanted);
    return {
      keys: [...keys.keys()],
      recordOf: (key) => {
        const first = keys.get(key);
        return first === undefined ? undefined : history.beforeChange(first);
      },
    };
  }

  /** See `Changes`. */
  *changesOf(key: string, current: KeyRecord | undefined): Iterable<KeyChange> {
    for (const revision of this.#history.revisionsOf(key, current?.revision)) {
      yield { revision, change: this.#history.changeOf(key, revision) };
    }
  }

  /** See `Changes`. */
  watch(watcher: ChangeWatcher): () => void {
    if (this.#ended) this.#options.endOfTurn(() => watcher.ended());
    else this.#watchers.add(watcher);
    this.#isAwaited = this.#watchers.size > 0;
    return () => {
      this.#watchers.delete(watcher);
      this.#isAwaited = this.#watchers.size > 0;
    };
  }

  /** The node is stopping: tells the watchers, and nothing from now on. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#isAwaited = false;
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher.ended();
  }

  /** See `ChangeSink`. */
  puts(command: Span, before: RecordView | undefined): void {
    this.#history.addPut(command, before);
    if (this.#isAwaited) this.#wake();
  }

  /** See `ChangeSink`. */
  changed(changes: Span): void {
    this.#history.add(changes);
    if (this.#isAwaited) this.#wake();
  }

  /** See `ChangeSink`. */
  jumped(revision: number): void {
    this.#history.restart(revision);
    if (this.#isAwaited) this.#wake();
  }

  #wake(): void {
    this.#isAwaited = false;
    this.#options.endOfTurn(() => {
      this.#isAwaited = this.#watchers.size > 0;
      for (const watcher of [...this.#watchers]) watcher.changed();
    });
  }
}
