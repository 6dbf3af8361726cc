/** Raft figure 2 and 5.3: an entry is durable by a write that holds it, and not by an older one at the same index (ABA). */

import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";

/** A write under way: its number, and what of it no later write has replaced. */
interface Write {
  readonly number: number;
  lastIndex: number;
}

/** The writes of one process. */
interface Writes {
  durableIndex: number;
  readonly underWay: Write[];
}

/** Follows each write from the step that asks for it to the step that hears of its end. */
export class DurableWrites implements RaftCheck {
  readonly name = "durable-writes";
  readonly #lives = new WeakMap<object, Writes>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft, event, update }: Step): void {
    const { index } = raft.lastDurable;
    const writes = this.#lives.get(server.life);
    if (writes === undefined) {
      const underWay = update.writes.map(({ number, run }) => ({ number, lastIndex: run.lastIndex }));
      return void this.#lives.set(server.life, { durableIndex: index, underWay });
    }
    if (event.type === "Persisted") complete(writes, event.write);
    for (const { number, run } of update.writes) {
      writes.durableIndex = Math.min(writes.durableIndex, run.firstIndex - 1);
      for (const write of writes.underWay) write.lastIndex = Math.min(write.lastIndex, run.firstIndex - 1);
      writes.underWay.push({ number, lastIndex: run.lastIndex });
    }
    if (index <= writes.durableIndex) return;
    // A snapshot is durable by another way than the log.
    const covered = event.type === "SnapshotInstalled" || event.type === "SnapshotTaken";
    if (covered) writes.durableIndex = index;
    else this.#violate(`node ${server.id} takes entry ${index} for durable, but only ${writes.durableIndex} are`);
  }
}

function complete(writes: Writes, number: number): void {
  while ((writes.underWay[0]?.number ?? Infinity) <= number) {
    writes.durableIndex = Math.max(writes.durableIndex, writes.underWay.shift()?.lastIndex ?? 0);
  }
}
