/** What the simulator knows of a node at the moment of a report: from the steps of its core, the disks, the network, the log. */

import type { Node } from "../../../lib/node/node.ts";
import type { RaftStatus } from "../../../lib/raft/status.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { Clock } from "../../../lib/base/clock.ts";
import type { SimServer } from "../server.ts";
import type { CheckedCore } from "../../support/raft/checks/check.ts";
import type { ShadowLog } from "../../support/raft/checks/shadow.ts";
import type { World } from "../world.ts";

/** One node now. */
export interface Facts {
  readonly world: World;
  readonly server: SimServer;
  readonly node: Node;
  readonly clock: Clock;
  readonly shadow: ShadowLog;
  readonly raft: CheckedCore;
  readonly core: RaftStatus;
  /** Index of the last entry that is applied. */
  readonly applied: number;
  /** Entries in memory. */
  readonly logEntries: number;
  /** Keys and their bytes after the entry `applied`, by the model. */
  readonly keys: number;
  readonly keyBytes: number;
}

/** Undefined while the process has made no step: then nobody but itself knows what it is. */
export function factsOf(world: World, server: SimServer, node: Node): Facts | undefined {
  const shadow = world.shadows.of(server.id);
  const { raft } = shadow;
  const { clock } = server;
  if (raft === undefined || clock === undefined || shadow.life !== server.life) return undefined;
  const applied = node.driver.applied.id.index;
  const records = world.reference.recordsAt(applied);
  return {
    world,
    server,
    node,
    clock,
    shadow,
    raft,
    core: raft.status(),
    applied,
    logEntries: raft.logTail(Number.MAX_SAFE_INTEGER).length,
    keys: records.length,
    keyBytes: records.reduce((sum, [key, { value }]) => sum + key.length + value.length, 0),
  };
}

/** Whether a node is connected with a peer. */
export function isReachable({ world, server }: Facts, peer: NodeId): boolean {
  return peer === server.id || world.network.isUp(server.id, peer);
}

/** Whether a server was ever on the machine of that number. */
export function hasBeenAt(
  { world }: Facts,
  { id, place }: { readonly id: NodeId; readonly place: string | undefined },
): boolean {
  return place !== undefined && world.server(id).places.has(Number(place));
}

/** How many files of the directory have names that end so, and their bytes. */
export function filesOf({ server }: Facts, ending: string): { readonly count: number; readonly bytes: number } {
  const sizes = [...server.disk.files()].filter(([path]) => path.endsWith(ending)).map(([, bytes]) => bytes.length);
  return { count: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
