/** What time brings about: ticks of the core, deadlines, and the care for the membership now and then. */

import { fault } from "../base/faults.ts";
import { EmptyDirectoryNotice } from "./membership/empty_directory.ts";
import { MEMBERSHIP_CHECK_MS, RECEIVER_SILENT_MS_MAX, TICK_MS } from "./limits.ts";
import type { Parts, Stages } from "./parts.ts";
import type { TickerHandler } from "./clock/ticker.ts";

type Needed = Stages & Pick<Parts, "driver" | "selfCheck" | "repair">;

/** Hears of each tick. */
export class Upkeep implements TickerHandler {
  readonly #parts: Needed;
  readonly #notice: EmptyDirectoryNotice;
  #ticksUntilCheck = 0;
  #changeId = 0;

  /** The first tick brings the first check. */
  constructor(parts: Needed) {
    this.#parts = parts;
    this.#notice = new EmptyDirectoryNotice(parts.raft, parts.log);
  }

  /** See `TickerHandler`. */
  ticks(count: number): void {
    const { inbox, diskWatch, memory, sweep, space, driver, submissions } = this.#parts;
    const wanted = count + (fault("node/tickDoubled") ? 1 : 0) - (fault("node/tickLost") ? 1 : 0);
    for (let tick = 0; tick < wanted; tick++) inbox.put({ type: "Tick" });
    diskWatch.look();
    memory.look();
    space.look();
    sweep.look();
    this.#ticksUntilCheck -= count;
    if (this.#ticksUntilCheck <= 0) {
      this.#ticksUntilCheck = MEMBERSHIP_CHECK_MS / TICK_MS;
      this.#check();
    }
    // Behind the look: what expires is answered with who is reached.
    driver.expire();
    submissions.expire();
  }

  /** See `TickerHandler`. */
  stalled(gapMs: number): void {
    const { inbox, diskWatch, driver, log } = this.#parts;
    log("warn", `The process did not run for ${Math.round(gapMs)} ms`);
    diskWatch.stalled();
    inbox.put({ type: "Stalled" });
    driver.expire();
  }

  #check(): void {
    const { raft, directory, transport, snapshots, freshness, membershipWatch, selfCheck, repair } = this.#parts;
    this.#notice.look();
    freshness.look();
    membershipWatch.look();
    selfCheck.look();
    repair.look();
    directory.leaveOtherClusters();
    const peer = directory.anyPeer;
    if (peer !== undefined && fault("node/connectionReset")) transport.reset(peer);
    if (raft.role !== "Leader") return snapshots.sender.prune(new Set());
    const status = raft.status();
    const receiving = status.progress
      .filter(({ state, silentTicks }) => state === "Snapshot" && silentTicks <= RECEIVER_SILENT_MS_MAX / TICK_MS)
      .map(({ id }) => id);
    snapshots.sender.prune(new Set(receiving));
    if (fault("node/membershipLookSkipped")) return;
    const change = directory.dueChange(status);
    if (change === undefined || !this.#parts.ownEntries.configures(this.#parts.tickTime.now)) return;
    this.#changeId += 1;
    this.#parts.inbox.put({ type: "ChangeMembership", id: this.#changeId, ...change });
  }
}
