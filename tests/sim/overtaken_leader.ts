/**
 * A leader that is parted from the majority has entries that the others replace. What it and those with it then hear of the new
 * leader contradicts their logs: entries, or a snapshot that no entries were kept behind.
 */

import type { Random } from "../../lib/base/random.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import type { Operator } from "./operator.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

const LASTS_TIMEOUTS = 12;
const LOOK_MS = 10;
const ENTRIES_MAX = 4;
const SNAPSHOT_PROBABILITY = 0.5;

interface Parts {
  readonly operator: Operator;
  readonly random: Random;
  readonly isOver: () => boolean;
}

/** Parts the leader of now until it is overtaken; `done` hears that it was, with entries that are not those of the others. */
export function overtakeLeader(world: World, { operator, random, isOver }: Parts, done: () => void): void {
  const leader = operator.leader();
  const { voters } = world.configuration();
  const group = Math.floor((voters.length - 1) / 2);
  if (leader === undefined || group === 0 || !voters.includes(leader.id)) return;
  const ids = world.servers.map(({ id }) => id);
  const companions = voters.filter((id) => id !== leader.id).slice(0, group - 1);
  const overtaken = [leader.id, ...companions];
  const others = ids.filter((id) => !overtaken.includes(id));
  const { clock, networkFaults, shadows, settings } = world;
  const { life } = leader;
  const wanted = shadows.of(leader.id).commitIndex + random.between(1, ENTRIES_MAX);
  const snapshots = random.chance(SNAPSHOT_PROBABILITY);
  const end = clock.now() + settings.electionTimeoutMs * LASTS_TIMEOUTS;
  networkFaults.part(overtaken, others);
  // A configuration that it appends now is replaced as well.
  if (random.chance(0.5)) operator.demote();
  const look = (): void => {
    if (isOver()) return;
    const isOvertaken = life.alive && shadows.of(leader.id).lastIndex >= wanted &&
      newestCommit(world, others) >= wanted;
    if (!isOvertaken && clock.now() < end) return void clock.after(LOOK_MS, look);
    if (isOvertaken) done();
    const snapshotMs = isOvertaken && snapshots ? takeSnapshots(world, others) : 0;
    if (isOvertaken && random.chance(0.5)) {
      killOnceCorrected(world, leader, { isOver, end: end + settings.electionTimeoutMs * LASTS_TIMEOUTS });
    }
    clock.after(snapshotMs, () => networkFaults.heal());
  };
  clock.after(LOOK_MS, look);
}

function newestCommit({ shadows }: World, ids: readonly NodeId[]): number {
  return Math.max(...ids.map((id) => shadows.of(id).commitIndex));
}

/** Those who run take one each and keep no entry behind it. Returns how long that may take. */
function takeSnapshots(world: World, ids: readonly NodeId[]): number {
  const { clock, settings } = world;
  const release = world.press("node/trailingNone");
  for (const id of ids) {
    const server = world.server(id);
    if (server.state !== "Running" || server.life.paused) continue;
    clock.busy = true;
    server.takeSnapshot();
  }
  // A snapshot takes no time but that of its syncs.
  const lastsMs = settings.syncMsMax * 10 + LOOK_MS;
  clock.after(lastsMs, release);
  return lastsMs;
}

/** Kills it as soon as it has replaced its entries, or the snapshot has: what is on its disk then the next process finds. */
function killOnceCorrected(
  world: World,
  server: SimServer,
  { isOver, end }: { readonly isOver: () => boolean; readonly end: number },
): void {
  const { life } = server;
  const log = world.shadows.of(server.id);
  const { lastIndex, baseIndex } = log;
  const lastTerm = log.termAt(lastIndex);
  const look = (): void => {
    if (isOver() || server.life !== life || !life.alive) return;
    if (log.baseIndex > baseIndex || log.termAt(lastIndex) !== lastTerm) server.kill();
    else if (world.clock.now() < end) world.clock.after(1, look);
  };
  world.clock.after(1, look);
}
