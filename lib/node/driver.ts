/** The driver: joins core, state machine, storage and transport, and is the only place that knows the order of the stages. */

import { fault, type FaultSite } from "../base/faults.ts";
import type { Counter } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import type { ChangeMembership, Event } from "../raft/events.ts";
import type { Message } from "../raft/messages.ts";
import type { Configuration } from "../raft/types.ts";
import type { AppliedState } from "./effects/applied.ts";
import { READ_RETRY_MS } from "./limits.ts";
import type { Stages } from "./parts.ts";

/** One pass per turn of the event loop. Each stage owns its state; the driver only takes them in turn. */
export class Driver {
  readonly #parts: Stages;
  readonly #refusedForSpace: Counter;
  #configuration: Configuration;

  /** A driver that takes what comes into the inbox from now on. */
  constructor(parts: Stages) {
    this.#parts = parts;
    this.#refusedForSpace = parts.metrics.counter(METRIC.refusedForSpace);
    this.#configuration = parts.raft.configuration;
    parts.inbox.open(() => this.#pass());
  }

  /** The applied state and its place in the log. */
  get applied(): AppliedState {
    return this.#parts.applied;
  }

  /** Writes that are proposed here or wait for it. */
  get writesOpen(): number {
    return this.#parts.proposals.size;
  }

  /** Whether no write or read waits for its outcome. */
  get drained(): boolean {
    const { proposals, reads, submissions } = this.#parts;
    return proposals.size === 0 && reads.size === 0 && submissions.size === 0;
  }

  /** Puts an event into the inbox. */
  enqueue(event: Event): void {
    this.#parts.inbox.put(event);
  }

  /** Ends requests whose deadline has passed, and does what time alone makes due. */
  expire(): void {
    const { tickTime, reads, proposals, time, inbox } = this.#parts;
    const now = tickTime.tick();
    proposals.expire(now);
    const askedBefore = now - (fault("node/readsAskedAgain") ? 0 : READ_RETRY_MS);
    reads.expire(fault("node/readsExpireEarly") ? Infinity : now, askedBefore);
    if (reads.hasCollected) inbox.wake();
    time.tick(now);
    if (time.sweepIsDue(now)) proposals.addTime();
  }

  /** Ends every open request and takes no further event. */
  end(): void {
    const { lifetime, proposals, reads, submissions } = this.#parts;
    lifetime.end();
    proposals.endAll();
    reads.endAll("Stopping");
    submissions.endAll();
  }

  #pass(): void {
    const { inbox, time, clock, reads, submissions, proposals, transport, persistence, applier, applied } = this.#parts;
    for (const event of inbox.take()) if (this.#isTaken(event)) this.#take(event);
    if (time.takeOpening()) proposals.proposeTime();
    const askedAt = clock.now();
    if (reads.isDue(askedAt)) this.#stepRead({ type: "Read", id: reads.ask(askedAt) });
    // Who leads may have changed by what was stepped.
    submissions.pump();
    if (!this.#putsOff("node/proposalsPutOff")) proposals.propose();
    if (!this.#putsOff("node/sendingPutOff")) transport.flush();
    if (!this.#putsOff("node/syncPutOff")) persistence.flush();
    // A state that is not sound is not changed any more either: nobody is told what that would come to.
    if (!this.#parts.quarantine.isFenced && !this.#putsOff("node/applyPutOff")) applier.apply();
    time.tell();
    if (!this.#parts.quarantine.isFenced && !this.#putsOff("node/readsServedLate")) reads.serve(applied);
    this.#parts.observer.observe();
    this.#lookAtConfiguration();
    this.#parts.snapshots.takeIfDue();
    this.#parts.memory.measure();
  }

  /** A simulator may leave a part of a pass to the next one. */
  #putsOff(site: FaultSite): boolean {
    const putsOff = fault(site);
    if (putsOff) this.#parts.inbox.wake();
    return putsOff;
  }

  /** Whether the event may be stepped; one that may not is as good as lost on its way. */
  #isTaken(event: Event): boolean {
    if (event.type === "ChangeMembership") return this.#parts.directory.canAll(event) && this.#hasRoomFor(event);
    if (event.type !== "Receive") return true;
    const { message } = event;
    // In quarantine only a snapshot is taken, which must be newer than all that is committed here when it comes.
    if (message.type === "AppendEntries" && this.#parts.quarantine.isOn) return false;
    // Known bug B22: a promise counts only from the directory that this server's configuration names.
    if (isPromise(message) && this.#parts.directory.isStranger(message.from)) return false;
    return this.#hasRoomFor(message);
  }

  #hasRoomFor(work: Message | ChangeMembership): boolean {
    const hasRoom = work.type === "ChangeMembership" ? this.#hasRoomToChange(work) : this.#hasRoomToHear(work);
    if (!hasRoom) this.#refusedForSpace.add();
    return hasRoom;
  }

  /** A leader appends two configurations, the second one without being asked, and an append without room ends the node. */
  #hasRoomToChange(change: ChangeMembership): boolean {
    const { storage, raft, diskWatch } = this.#parts;
    if (raft.role !== "Leader") return true;
    // Neither of them says more than the one before and the change together.
    const bytes = 2 * (JSON.stringify(raft.configuration).length + JSON.stringify(change).length);
    const hasRoom = storage.reserve(bytes, 2);
    diskWatch.askedForRoom(bytes, hasRoom);
    return hasRoom;
  }

  /** A follower without disk space or memory leaves AppendEntries unanswered, as if lost: the leader repeats it. */
  #hasRoomToHear(message: Message): boolean {
    const { storage, diskWatch, memory, space, clock } = this.#parts;
    if (message.type === "InstallSnapshot") return memory.mayReceive(clock.now());
    if (message.type !== "AppendEntries" || message.entries === undefined) return true;
    const { bytes } = message.entries;
    if (!memory.takes(bytes)) return false;
    const isTaken = space.isAmple || space.takes(message.entries);
    const hasRoom = !fault("node/spaceRefused") && isTaken && storage.reserveBody(bytes);
    diskWatch.askedForRoom(bytes, hasRoom);
    return hasRoom;
  }

  #take(event: Event): void {
    const { time, snapshots, effects } = this.#parts;
    if (event.type === "Receive") this.#hear(event.message);
    if (event.type === "PeerDisconnected") snapshots.sender.stop(event.peer);
    if (event.type === "Stalled") time.stalled();
    if (event.type === "Receive" && event.message.type === "ReadIndex") this.#stepRead(event);
    else effects.step(event);
  }

  #hear(message: Message): void {
    this.#parts.time.heard(message);
    if (message.type === "InstallSnapshotResult") this.#parts.snapshots.sender.heard(message);
  }

  /** Reads that meet what has become due wait for an entry that says so; all that come meanwhile share it. */
  #stepRead(event: Event): void {
    const { time, proposals, effects } = this.#parts;
    if (time.needsEntry) proposals.proposeTime();
    effects.step(event);
  }

  #lookAtConfiguration(): void {
    const { raft: { configuration }, directory, inbox } = this.#parts;
    if (configuration === this.#configuration) return;
    this.#configuration = configuration;
    directory.configurationInForce();
    if (fault("node/stallReported")) inbox.put({ type: "Stalled" });
  }
}

function isPromise({ type }: Message): boolean {
  return type === "AppendEntriesResult" || type === "RequestVoteResult" || type === "InstallSnapshotResult";
}
