/** The order of durability: one sync at a time, and no message before the hard state it speaks of. */

import { isForwarding, type PeerMessage } from "../../../lib/transport/forward.ts";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { NoSpaceError } from "../../../lib/base/errors.ts";
import { DiskWatch } from "../../../lib/node/effects/disk_watch.ts";
import { NO_SPACE_RETRY_MS } from "../../../lib/node/limits.ts";
import { Persistence, type PersistenceParts } from "../../../lib/node/effects/persistence.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import type { TimeoutNow } from "../../../lib/raft/messages.ts";
import { type HardState, toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { LogWrite } from "../../../lib/raft/update.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { Run } from "../../../lib/raft/run.ts";

/** A storage whose syncs and saves end when the test says so. */
class Bench {
  readonly heard: string[] = [];
  readonly saved: HardState[] = [];
  readonly ends: ((error?: Error) => void)[] = [];
  readonly clock = new VirtualClock();
  readonly metrics = new Registry();
  readonly watch = new DiskWatch({
    clock: this.clock,
    log: (level, text) => void this.heard.push(`${level}: ${text}`),
    metrics: this.metrics,
    directory: "/data",
    hangMs: 1_000,
  });
  readonly persistence: Persistence;

  constructor() {
    const later = () =>
      new Promise<void>((resolve, reject) => {
        this.ends.push((error) => error === undefined ? resolve() : reject(error));
      });
    const storage: PersistenceParts["storage"] = {
      append: (run) => void this.heard.push(`append ${run.lastIndex}`),
      sync: later,
      saveHardState: (hardState) => {
        this.saved.push(hardState);
        return later();
      },
    };
    this.persistence = new Persistence({
      storage,
      clock: this.clock,
      metrics: this.metrics,
      diskWatch: this.watch,
      inbox: {
        wake: () => {},
        put: (event) => {
          if (event.type === "Persisted") this.heard.push(`persisted ${event.write} up to ${event.last.index}`);
        },
      },
      outbox: {
        release: (messages) => void this.heard.push(`release ${messages.map((message) => message.to).join()}`),
      },
      lifetime: {
        fail: (error) => void this.heard.push(`failed ${error instanceof Error ? error.message : error}`),
      },
    });
  }

  async end(error?: Error): Promise<void> {
    this.ends.shift()?.(error);
    await this.clock.advance(0);
  }
}

function write(number: number, index: number): LogWrite {
  return { number, run: Run.of([{ type: "NoOp", index: toIndex(index), term: toTerm(1) }]) };
}

function message(to: number): TimeoutNow {
  return { type: "TimeoutNow", from: 0, to, term: toTerm(1) };
}

function hardState(term: number): HardState {
  return { currentTerm: toTerm(term), votedFor: 0 };
}

Deno.test("what is written while a sync is in flight waits for it and is synced together", async () => {
  const bench = new Bench();
  bench.persistence.append(write(1, 1));
  bench.persistence.flush();
  for (const number of [2, 3]) {
    bench.persistence.append(write(number, number));
    bench.persistence.flush();
  }
  assertEquals(bench.ends.length, 1);
  await bench.end();
  bench.persistence.flush();
  await bench.end();
  assertEquals(bench.heard, ["append 1", "append 2", "append 3", "persisted 1 up to 1", "persisted 3 up to 3"]);
  assertEquals(bench.metrics.counter(METRIC.walSyncs).value, 2);
  assert(bench.persistence.idle);
});

Deno.test("messages are held until no hard state is being saved; of several only the newest is saved after the first", async () => {
  const bench = new Bench();
  for (const term of [1, 2, 3]) bench.persistence.saveHardState(hardState(term));
  bench.persistence.hold(message(1));
  await bench.end();
  assertEquals([bench.heard, bench.persistence.savingHardState], [[], true]);
  bench.persistence.hold(message(2));
  await bench.end();
  assertEquals(bench.heard, ["release 1,2"]);
  assertEquals(bench.saved.map((saved) => Number(saved.currentTerm)), [1, 3]);
});

Deno.test("a failed sync or save is told and nothing is said to be durable or released", async () => {
  const bench = new Bench();
  bench.persistence.append(write(1, 1));
  bench.persistence.flush();
  await bench.end(new Error("EIO"));
  bench.persistence.saveHardState(hardState(1));
  bench.persistence.hold(message(1));
  await bench.end(new Error("EROFS"));
  assertEquals(bench.heard, ["append 1", "failed EIO", "failed EROFS"]);
});

Deno.test("a vote, and a request for votes, is on the disk of its sender before it leaves (B2, B24)", async () => {
  const cluster = new MemoryCluster(3, 21, { syncMs: () => 30 });
  let looked = 0;
  const early: string[] = [];
  const look = (passing: PeerMessage): boolean => {
    if (isForwarding(passing)) return false;
    const votes = passing.type === "RequestVote" ? !passing.preVote : passing.type === "RequestVoteResult" &&
      !passing.preVote && passing.voteGranted;
    if (votes) {
      looked += 1;
      const { currentTerm, votedFor } = durableVote(cluster, passing.from);
      const candidate = passing.type === "RequestVote" ? passing.from : passing.to;
      if (currentTerm !== passing.term || votedFor !== candidate) {
        early.push(
          `${passing.type} of term ${passing.term} from ${passing.from}: the disk has ${currentTerm}/${votedFor}`,
        );
      }
    }
    return false;
  };
  cluster.network.drop(look);
  await cluster.start();
  for (let round = 0; round < 4; round++) {
    const leader = await cluster.leader();
    cluster.crash(leader.id);
    await cluster.leader();
    await cluster.start([leader.id]);
  }
  assertEquals(early, []);
  assertGreater(looked, 8);
  await cluster.stop();
});

/** The vote that a power loss now would leave on the disk of a node. */
function durableVote(
  cluster: MemoryCluster,
  id: number,
): { readonly currentTerm: unknown; readonly votedFor: unknown } {
  const file = cluster.server(id).disk.crash().open(`/data/RaftNode${id}.json`, "read");
  assert(file !== undefined);
  const bytes = new Uint8Array(file.size());
  file.readAt(0, bytes);
  return JSON.parse(new TextDecoder().decode(bytes));
}

Deno.test("a sync that does not complete is told once, counted, and told again when the disk answers", async () => {
  const bench = new Bench();
  const waited = () => bench.metrics.gauges.get(METRIC.syncWaitSeconds)?.read();
  bench.persistence.append(write(1, 1));
  bench.persistence.flush();
  bench.heard.length = 0;
  await bench.clock.advance(999);
  bench.watch.look();
  assertEquals([bench.heard, bench.watch.hungMs], [[], undefined]);
  // A pause of the process says nothing about the disk.
  bench.watch.stalled();
  await bench.clock.advance(999);
  bench.watch.look();
  assertEquals([bench.heard, bench.watch.hungMs], [[], undefined]);
  await bench.clock.advance(501);
  for (let look = 0; look < 3; look++) bench.watch.look();
  assertEquals([bench.heard, bench.watch.hungMs], [
    ["warn: The disk under /data does not complete a sync: 1.0 s so far"],
    1_500,
  ]);
  assertEquals(waited(), 1.5);
  await bench.end();
  assertEquals(bench.heard.slice(1), ["info: The disk under /data answers again", "persisted 1 up to 1"]);
  assertEquals([bench.watch.hungMs, waited()], [undefined, 0]);
});

Deno.test("a hard state that does not become durable counts as a disk that hangs too", async () => {
  const bench = new Bench();
  bench.persistence.saveHardState({ currentTerm: toTerm(2), votedFor: undefined });
  await bench.clock.advance(1_000);
  assertEquals(bench.watch.hungMs, 1_000);
  await bench.end();
  assertEquals(bench.watch.hungMs, undefined);
});

Deno.test("a term that found no space gives way to a newer one that came meanwhile", async () => {
  const bench = new Bench();
  const older = { currentTerm: toTerm(2), votedFor: undefined };
  const newer = { currentTerm: toTerm(3), votedFor: 1 };
  bench.persistence.saveHardState(older);
  bench.persistence.hold(message(1));
  await bench.end(new NoSpaceError("/data"));
  bench.persistence.saveHardState(newer);
  await bench.clock.advance(NO_SPACE_RETRY_MS);
  assertEquals(bench.saved, [older, newer]);
  assertEquals(bench.heard, []);
  await bench.end();
  assertEquals([bench.heard, bench.saved.at(-1)], [["release 1"], newer]);
});

Deno.test("nothing of a term leaves a node before that term is on its disk, whichever step it comes from", async () => {
  const cluster = new MemoryCluster(3, 22, { syncMs: () => 30 });
  const early: string[] = [];
  const types = new Set<string>();
  cluster.network.drop((passing) => {
    if (isForwarding(passing)) return false;
    // A PreVote asks about a term that nobody has entered.
    if ((passing.type === "RequestVote" || passing.type === "RequestVoteResult") && passing.preVote) return false;
    types.add(passing.type);
    const { currentTerm } = durableVote(cluster, passing.from);
    if (passing.term > Number(currentTerm)) {
      early.push(`${passing.type} of term ${passing.term}: the disk has ${currentTerm}`);
    }
    return false;
  });
  await cluster.start();
  const leader = await cluster.leader();
  const others = cluster.ids.filter((id) => id !== leader.id);
  // Reads and answers come in the very steps in which terms change.
  for (let round = 0; round < 5; round++) {
    for (const id of others) cluster.node(id).read(() => {});
    cluster.node((await cluster.leader()).id).driver.enqueue({ type: "TransferLeadership", target: undefined });
    for (let ms = 0; ms < 100; ms += 10) {
      for (const id of cluster.ids) cluster.node(id).read(() => {});
      await cluster.clock.advance(10);
    }
  }
  assertEquals(early, []);
  for (const type of ["RequestVote", "RequestVoteResult", "AppendEntries", "AppendEntriesResult", "ReadIndex"]) {
    assert(types.has(type), type);
  }
  await cluster.stop();
});
