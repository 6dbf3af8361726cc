/**
 * A snapshot that was damaged on a leader's disk: no transfer that begins afterwards carries a byte of it, or of an encrypted one a wrong
 * byte, and a follower that needs one gets another before long.
 */

import { REPLACEMENT_RETRY_MS, TICK_MS } from "../../../lib/node/limits.ts";
import { DEFAULT_RAFT_LIMITS } from "../../../lib/raft/limits.ts";
import type { InstallSnapshot, Message } from "../../../lib/raft/messages.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { CheckedCore, Step, Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { SimServer } from "../server.ts";

/** Election timeouts that it may take on a network that loses much, and what writing another snapshot may take. */
const PATIENCE = 6;
const WRITING_TICKS = 500;

/** What the leader with the damaged file does for one peer. */
interface Need {
  /** A transfer of the damaged file has begun since the damage. */
  begun: boolean;
  /** Ticks in a row in which the peer answered and was sent nothing. */
  waitedTicks: number;
  /** Its last rejection makes the leader pause until this tick. */
  pausedUntil: number;
}

/** The leader with a damaged file, in one life. */
interface Watched {
  ticks: number;
  readonly peers: Map<NodeId, Need>;
}

/** What this check looks at besides the steps. */
export interface DamagedSnapshotParts {
  readonly timeoutTicks: number;
  /** Whether another snapshot may fail without a reason, and be tried again much later. */
  readonly mayPutOff: boolean;
  /** Whether messages are lost and late by chance only. */
  networkIsWhole(): boolean;
}

/** Follows every leader whose snapshot was damaged. */
export class DamagedSnapshot implements Check {
  readonly name = "damaged-snapshot";
  readonly #parts: DamagedSnapshotParts;
  readonly #violate: Violate;
  readonly #watched = new WeakMap<object, Watched>();

  constructor(parts: DamagedSnapshotParts, violate: Violate) {
    this.#parts = parts;
    this.#violate = violate;
  }

  /** See `Check`. */
  sent(server: SimServer, message: Message): void {
    if (message.type !== "InstallSnapshot" || !isDamaged(server)) return;
    const need = needOf(this.#watch(server), message.to);
    const isIt = message.lastIncludedIndex === server.damagedSnapshot?.index;
    if (message.data.length === 0) {
      // The leader reads a file through after the first, empty chunk of its transfer: so it must find what is there now. The last one may be
      // empty, too.
      if (isIt && message.offset === 0) need.begun = true;
      return;
    }
    need.waitedTicks = 0;
    if (!isIt || !need.begun || isAuthentic(server, message)) return;
    this.#violate(`node ${server.id} sends node ${message.to} its damaged snapshot at ${message.lastIncludedIndex}`);
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft, event }: Step): void {
    if (!isDamaged(server)) return;
    const watched = this.#watch(server);
    if (event.type === "Tick") this.#tick(server, watched, raft);
    if (event.type !== "Receive" || event.message.type !== "InstallSnapshotResult" || !event.message.rejected) return;
    needOf(watched, event.message.from).pausedUntil = watched.ticks + DEFAULT_RAFT_LIMITS.snapshotPauseTicksMax;
  }

  #tick(server: SimServer, watched: Watched, raft: CheckedCore): void {
    watched.ticks += 1;
    const { timeoutTicks, mayPutOff, networkIsWhole } = this.#parts;
    const isFree = raft.role === "Leader" && networkIsWhole() && !server.faults.isFull && !server.faults.isSlow;
    const retryTicks = mayPutOff ? 2 * REPLACEMENT_RETRY_MS / TICK_MS : 0;
    for (const { id, state, silentTicks } of isFree ? raft.status().progress : []) {
      const need = needOf(watched, id);
      const waits = state === "Snapshot" && silentTicks < timeoutTicks / 2 && watched.ticks > need.pausedUntil;
      need.waitedTicks = waits ? need.waitedTicks + 1 : 0;
      if (need.waitedTicks <= PATIENCE * timeoutTicks + WRITING_TICKS + retryTicks) continue;
      this.#violate(`node ${server.id} sends node ${id} no snapshot, since its own was damaged`);
    }
    if (!isFree) { for (const need of watched.peers.values()) need.waitedTicks = 0; }
  }

  #watch({ life }: SimServer): Watched {
    const known = this.#watched.get(life);
    if (known !== undefined) return known;
    const watched: Watched = { ticks: 0, peers: new Map() };
    this.#watched.set(life, watched);
    return watched;
  }
}

function needOf({ peers }: Watched, peer: NodeId): Need {
  const known = peers.get(peer);
  if (known !== undefined) return known;
  const need: Need = { begun: false, waitedTicks: 0, pausedUntil: -1 };
  peers.set(peer, need);
  return need;
}

/**
 * Whether these bytes are those of the file before its damage, and authentic. What the process keeps of an encrypted file, its head and the
 * block that it decrypted last, it does not read again: that is right, whatever the disk has now.
 */
function isAuthentic({ damagedSnapshot }: SimServer, { offset, data }: InstallSnapshot): boolean {
  const plain = damagedSnapshot?.plain;
  return plain !== undefined && data.every((byte, at) => byte === plain[offset + at]);
}

/** Whether the file of this life is damaged still; once another has taken its name, that is over. */
function isDamaged(server: SimServer): boolean {
  if (isReplaced(server)) server.damagedSnapshot = undefined;
  return server.damagedSnapshot?.life === server.life;
}

/**
 * Whether another file has taken its name: nothing was written meanwhile, so it is of the same index. All of it is compared, since one that
 * another node has compressed is longer or shorter, and may have that byte, too.
 */
function isReplaced({ disk, damagedSnapshot }: SimServer): boolean {
  if (damagedSnapshot === undefined) return true;
  const now = disk.contents(damagedSnapshot.path);
  return now !== undefined && !equalBytes(now, damagedSnapshot.contents);
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
