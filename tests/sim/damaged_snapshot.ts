/** A bit of the newest snapshot changes on the disk of a leader that runs, while a follower needs it or will. */

import type { Random } from "../../lib/base/random.ts";
import { readWhole } from "../../lib/storage/read_whole.ts";
import { parseSnapshotName } from "../../lib/storage/snapshot_format.ts";
import type { Operator } from "./operator.ts";
import { DIRECTORY } from "../support/memory/memory_server.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

const FOLDER = `${DIRECTORY}/snapshots/`;
/** Looks for a moment in which somebody needs the snapshot, and pauses between them. */
const TRIES = 300;
const PAUSE_MS = 20;

/** Damages the snapshot at the first of some moments in which it matters; `done` is told. */
export function damageSnapshotLater(
  world: World,
  parts: { readonly operator: Operator; readonly random: Random; readonly isOver: () => boolean },
  done: () => void,
): void {
  let tries = TRIES;
  const look = (): void => {
    if (parts.isOver()) return;
    tries -= 1;
    if (damageSnapshot(world, parts)) done();
    else if (tries > 0) world.clock.after(PAUSE_MS, look);
  };
  look();
}

function damageSnapshot(
  world: World,
  { operator, random }: { readonly operator: Operator; readonly random: Random },
): boolean {
  const leader = operator.leader();
  if (leader === undefined || leader.hasLostData || !operator.mayLose(leader) || !isNeeded(leader)) return false;
  const found = newestSnapshot(leader);
  if (found === undefined) return false;
  const { path, index } = found;
  const durable = leader.asGiven(leader.disk.crash());
  // One that has its name already, but not for certain, is damaged at another time.
  if (!durable.exists(path)) return false;
  const plain = world.settings.encrypted ? readWhole(durable, path) : undefined;
  leader.disk.damage(path, (bytes) => {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    leader.damagedSnapshot = { life: leader.life, path, index, contents: bytes.slice(), plain };
  });
  leader.damaged = true;
  world.trace(() => `node ${leader.id}: ${path} is damaged`);
  return true;
}

/** Whether a peer is being sent the snapshot, or may be before long. */
function isNeeded({ node }: SimServer): boolean {
  if (node === undefined) return false;
  const { progress, snapshot } = node.status().raft;
  return progress.some(({ state, matchIndex }) => {
    return state === "Snapshot" || (state === "Probe" && matchIndex < snapshot.index);
  });
}

/** The snapshot of the highest index in a server's directory; undefined when there is none. */
export function newestSnapshot({ disk }: SimServer): { readonly path: string; readonly index: number } | undefined {
  const found = [...disk.files().keys()].flatMap((path) => {
    const id = path.startsWith(FOLDER) ? parseSnapshotName(path.slice(FOLDER.length)) : undefined;
    return id === undefined ? [] : [{ path, index: Number(id.index) }];
  });
  return found.sort((left, right) => left.index - right.index).at(-1);
}
