/** Snapshots of long values: to make a block, to write it, to read it and to load it are turns of their own. */

import { assertEquals } from "@std/assert";
import type { Clock, Timer } from "../../../lib/base/clock.ts";
import { encodeCommand } from "../../../lib/kv/commands.ts";
import { StateMachine } from "../../../lib/kv/state_machine.ts";
import { loadState } from "../../../lib/node/snapshots/load_state.ts";
import { MemoryBudget } from "../../../lib/node/memory/memory_budget.ts";
import { Snapshots } from "../../../lib/node/snapshots/snapshots.ts";
import { EMPTY_CONFIGURATION, toIndex, toTerm } from "../../../lib/raft/types.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import type { Storage } from "../../../lib/storage/storage.ts";
import { open } from "../storage/support.ts";
import { spanOf } from "../../support/state.ts";
import { quietSnapshotParts } from "../../support/snapshot_parts.ts";

/** Whatever is done takes longer than a slice; each timer begins a turn. */
class SlowClock implements Clock {
  readonly #turn: () => void;
  #now = 0;

  constructor(turn: () => void) {
    this.#turn = turn;
  }

  now(): number {
    return this.#now += 1_000;
  }

  after(_delayMs: number, action: () => void): Timer {
    queueMicrotask(() => {
      this.#turn();
      action();
    });
    return { cancel: () => {} };
  }

  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }
}

/** The storage, with `did` told of each block that is written. */
function watched(storage: Storage, did: (what: string) => void): Storage {
  const createSnapshot: Storage["createSnapshot"] = (...given) => {
    const writer = storage.createSnapshot(...given);
    const write = writer.write.bind(writer);
    writer.write = (block) => {
      did("write");
      write(block);
    };
    return writer;
  };
  return new Proxy(storage, {
    get(target, name) {
      if (name === "createSnapshot") return createSnapshot;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A state that tells `did` of each block that is made of it. */
function stateOf(keys: number, did: (what: string) => void): StateMachine {
  class Watched extends StateMachine {
    override cut() {
      const cut = super.cut();
      const next = cut.next.bind(cut);
      cut.next = () => {
        did("make");
        return next();
      };
      return cut;
    }
  }
  const state = new Watched([1, 2]);
  for (let at = 1; at <= keys; at++) {
    state.apply(at, spanOf(encodeCommand({ type: "Put", key: `k${at}`, value: `${at}`.repeat(100_000) })));
  }
  return state;
}

Deno.test("no turn makes a block of a snapshot and writes one, and none reads a block and loads one", async () => {
  const keys = 3;
  const storage = await open(new MemoryDisk());
  const turns: string[][] = [[]];
  const did = (what: string) => void turns.at(-1)?.push(what);
  const clock = new SlowClock(() => turns.push([]));
  const state = stateOf(keys, did);
  const disk = watched(storage, did);
  const snapshots = new Snapshots({
    ...quietSnapshotParts(),
    storage: disk,
    clock,
    memory: new MemoryBudget(Infinity, () => {}),
    applied: { state, id: { index: toIndex(keys), term: toTerm(1) }, configuration: EMPTY_CONFIGURATION },
    applier: { restartCount: () => {}, snapshotIsDue: () => false, install: () => true },
  });
  assertEquals((await snapshots.take()).type, "Created");
  assertEquals(turns.every((turn) => turn.length <= 1), true, JSON.stringify(turns));
  assertEquals(turns.flat().filter((what) => what === "write").length, keys + 1);
  const taken = turns.length;
  const source = disk.openSnapshot();
  const restored = await loadState(source, { clock, seed: [1, 2], directory: storage.directory });
  assertEquals(restored.size, keys);
  // The head and the keys: each is read in one turn and loaded in another.
  assertEquals(turns.length - taken >= 2 * (keys + 1), true, `${turns.length - taken} turns`);
  source?.close();
  await snapshots.close();
  await storage.close();
});
