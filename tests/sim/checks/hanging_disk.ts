/**
 * A disk that hangs: its server does not campaign, and a leader with such a disk hands over while the others go on without
 * it, and only then: where all disks are slow the leadership stays where it is.
 */

import { isDrained } from "../../../lib/raft/drained.ts";
import { hasQuorum } from "../../../lib/raft/quorum.ts";
import type { CheckedCore, Step, Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { SimServer } from "../server.ts";

/** Election timeouts that a hand-over may take on a network that loses much. */
const PATIENCE = 6;

/** What this check sees of the disk of one life of a server. */
interface Wait {
  lastWrite: number;
  persisted: number;
  /** Ticks since a sync has completed, while one is under way. */
  waitedTicks: number;
  /** Of these, the ticks in a row in which nothing stood in the way of a hand-over. */
  freeTicks: number;
  /** Ticks since a hand-over was last right; a transfer takes its time, and the disk may answer meanwhile. */
  ticksSinceDue: number;
  /** The last term in which somebody asked this leader to hand over. */
  askedIn: number;
}

/** What this check looks at besides the steps. */
export interface HangingDiskParts {
  readonly servers: readonly SimServer[];
  readonly timeoutTicks: number;
  /** Whether messages are lost and late by chance only. */
  networkIsWhole(): boolean;
}

/** Follows the writes of every life by their numbers. */
export class HangingDisk implements Check {
  readonly name = "hanging-disk";
  readonly #parts: HangingDiskParts;
  readonly #violate: Violate;
  readonly #waits = new WeakMap<object, Wait>();

  constructor(parts: HangingDiskParts, violate: Violate) {
    this.#parts = parts;
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft, event, update }: Step): void {
    const wait = this.#waitOf(server);
    const { timeoutTicks } = this.#parts;
    // Who goes into quarantine hands over as well.
    const isAsked = event.type === "TransferLeadership" || (event.type === "Quarantine" && event.isOn);
    if (isAsked) wait.askedIn = raft.currentTerm;
    if (event.type === "Persisted") this.#persisted(wait, event.write);
    if (event.type === "Tick") this.#tick(server, wait, raft);
    for (const { type } of update.messages) {
      // A leader that a change of the membership has removed says so too, and follows; one that is drained hands over.
      if (type !== "TimeoutNow" || raft.role !== "Leader" || wait.askedIn === raft.currentTerm) continue;
      if (wait.ticksSinceDue <= timeoutTicks || isDrained(raft.configuration, server.id)) continue;
      this.#violate(`node ${server.id} hands over unasked, ${wait.waitedTicks} ticks after it last heard of its disk`);
    }
    for (const message of update.durableMessages) {
      if (message.type !== "RequestVote" || wait.waitedTicks < timeoutTicks) continue;
      this.#violate(`node ${server.id} campaigns, though its disk has hung for ${wait.waitedTicks} ticks`);
    }
    wait.lastWrite = update.writes.at(-1)?.number ?? wait.lastWrite;
  }

  #persisted(wait: Wait, write: number): void {
    wait.persisted = Math.max(wait.persisted, write);
    wait.waitedTicks = 0;
    wait.freeTicks = 0;
  }

  #tick(server: SimServer, wait: Wait, raft: CheckedCore): void {
    wait.waitedTicks = wait.lastWrite > wait.persisted ? wait.waitedTicks + 1 : 0;
    wait.ticksSinceDue += 1;
    const { timeoutTicks } = this.#parts;
    if (raft.role !== "Leader" || wait.waitedTicks < timeoutTicks) return;
    const isDue = isOvertaken(raft);
    if (isDue) wait.ticksSinceDue = 0;
    wait.freeTicks = isDue && this.#othersAreWell(server, raft) ? wait.freeTicks + 1 : 0;
    if (wait.freeTicks <= PATIENCE * timeoutTicks) return;
    this.#violate(`node ${server.id} leads on in term ${raft.currentTerm}, though its disk hangs and the others go on`);
  }

  #othersAreWell(server: SimServer, raft: CheckedCore): boolean {
    const { servers, timeoutTicks, networkIsWhole } = this.#parts;
    if (!networkIsWhole()) return false;
    const heard = raft.status().progress.every(({ silentTicks }) => silentTicks < timeoutTicks / 2);
    return heard && servers.every((other) => {
      if (other === server || other.isRemoved || other.isIdle) return true;
      const { state, life, faults } = other;
      return state === "Running" && !life.paused && !faults.isFull && this.#waitOf(other).waitedTicks < timeoutTicks;
    });
  }

  #waitOf({ life }: SimServer): Wait {
    const known = this.#waits.get(life);
    if (known !== undefined) return known;
    const wait: Wait = {
      lastWrite: 0,
      persisted: 0,
      waitedTicks: 0,
      freeTicks: 0,
      ticksSinceDue: Infinity,
      askedIn: -1,
    };
    this.#waits.set(life, wait);
    return wait;
  }
}

/** Whether the voters without this one have acknowledged more than is durable here. */
function isOvertaken(raft: CheckedCore): boolean {
  const { id, configuration, lastDurable, progress } = raft.status();
  const acknowledged = new Map(progress.map((peer) => [peer.id, peer.matchIndex]));
  return hasQuorum(configuration, (voter) => voter !== id && (acknowledged.get(voter) ?? 0) > lastDurable.index);
}
