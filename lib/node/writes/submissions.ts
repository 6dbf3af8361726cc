/** Writes that any node takes for its clients: proposed here while this node leads, else passed on to the leader. */

import type { Clock } from "../../base/clock.ts";
import {
  type Command,
  COMMAND_BYTES_MAX,
  type CommandOrigin,
  encodeCommand,
  isAboutUsers,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../../kv/commands.ts";
import { NO_LOGIN } from "../../kv/users.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import { type Commands, decodeCommands } from "../../raft/run.ts";
import type { NodeId } from "../../raft/types.ts";
import type { ForwardResult } from "../../transport/forward.ts";
import type { NodeWriter, NotDone, RunNode, WriteOutcome } from "../api.ts";
import type { Flights } from "./flights.ts";
import type { Inbox } from "../inbox.ts";
import { BYTES_PER_PROPOSAL_MAX, COMMANDS_PER_PROPOSAL_MAX, FLIGHT_GATHERING_MS, GATHERED_MAX } from "../limits.ts";
import type { PendingLimits } from "../limits.ts";
import type { QueuedWrite } from "./pending_writes.ts";
import type { Proposals } from "./proposals.ts";
import { isForAnotherLeader } from "./outcomes.ts";
import type { Quarantine } from "../self_check/quarantine.ts";
import { knowsUsers } from "../membership/level.ts";
import { type PlacedOutcome, type RunEnded, SubmittedRun } from "./submitted_run.ts";
import type { TickTime } from "../clock/tick_time.ts";

/** What submissions are made with. */
export interface SubmissionsParts {
  readonly raft: Pick<RaftNode, "id" | "role" | "leaderId" | "configuration">;
  readonly proposals: Pick<Proposals, "size" | "hasOlder" | "add">;
  readonly flights: Flights;
  readonly inbox: Pick<Inbox, "wake">;
  readonly clock: Pick<Clock, "now">;
  readonly tickTime: Pick<TickTime, "now">;
  readonly quarantine: Pick<Quarantine, "isFenced">;
  readonly timeoutMs: number;
  readonly limits: PendingLimits;
}

interface SubmissionParts {
  readonly command: string;
  readonly deadline: number;
  readonly order: number;
  readonly finished: (outcome: WriteOutcome) => void;
}

/** Waits, is under way, or is proposed here, as the write that it is: no other object is made for it. */
class Submission implements QueuedWrite {
  readonly command: string;
  readonly deadline: number;
  growthBytes = 0;
  /** Place among the submissions of this node. */
  readonly order: number;
  /** Who submitted it hears its outcome here. */
  readonly finished: (outcome: WriteOutcome) => void;
  readonly #owner: Submissions;

  constructor(owner: Submissions, { command, deadline, order, finished }: SubmissionParts) {
    this.#owner = owner;
    this.command = command;
    this.deadline = deadline;
    this.order = order;
    this.finished = finished;
  }

  get bytes(): number {
    return this.command.length;
  }

  done(outcome: WriteOutcome): void {
    this.#owner.settle(this, outcome);
  }
}

/**
 * Submissions keep their order: while some wait or are under way to a leader, later ones wait behind them, and what a
 * leader refused for not leading is passed on again in its old place. So a client's pipelined writes take effect in order.
 *
 * Owns those that wait, and the order of all. Those under way are in `Flights`, those that this node proposes itself in
 * `Proposals`; both give an outcome to `Submission.done`, and from there one that is not final comes back into the queue.
 *
 * Invariants: `waiting` is in ascending order; a submission is waiting, in one flight, or in `Proposals`; nothing is passed on
 * while an older one is in `Proposals`.
 */
export class Submissions implements NodeWriter, Pick<RunNode, "submitRun"> {
  readonly #parts: SubmissionsParts;
  #waiting: Submission[] = [];
  #waitingBytes = 0;
  #lastOrder = 0;
  /** When the last frame left. */
  #sentAt = -Infinity;
  /** Something was refused since the last tick. */
  #pausing = false;
  #ended = false;

  /** No submissions. */
  constructor(parts: SubmissionsParts) {
    this.#parts = parts;
  }

  /** Submissions that wait for a leader or for its answer. */
  get size(): number {
    return this.#waiting.length + this.#parts.flights.size;
  }

  /** Bytes of memory that they hold. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#parts.flights.heldBytes;
  }

  /** See `NodeWriter`. */
  write(command: Command, done: (outcome: WriteOutcome) => void, login = NO_LOGIN): void {
    const { proposals, quarantine, tickTime, timeoutMs } = this.#parts;
    const key = "key" in command ? command.key : "";
    const value = "value" in command ? command.value : "";
    const encoded = encodeCommand(command, undefined, login);
    const isTooLarge = key.length > KEY_BYTES_MAX || value.length > VALUE_BYTES_MAX ||
      encoded.length > COMMAND_BYTES_MAX;
    if (isTooLarge) return this.#refuse("TooLarge", done);
    if (quarantine.isFenced) return this.#refuse("Quarantined", done);
    const deadline = tickTime.now + timeoutMs;
    proposals.add({ command: encoded, bytes: encoded.length, deadline, growthBytes: 0, done });
  }

  /** See `NodeWriter`. */
  submit(command: Command, done: (outcome: WriteOutcome) => void, origin: CommandOrigin = {}): void {
    const encoded = encodeCommand(command, origin.session, origin.login);
    // The leader would refuse it, unless that is the member which does not know such commands.
    if (isAboutUsers(encoded) && !knowsUsers(this.#parts.raft.configuration)) return this.#refuse("TooOld", done);
    if (encoded.length > COMMAND_BYTES_MAX) return this.#refuse("TooLarge", done);
    this.add(encoded, done);
  }

  /** See `RunNode`. */
  submitRun(commands: Commands, done: RunEnded): void {
    const { proposals, tickTime, timeoutMs } = this.#parts;
    if (this.#ended || this.#waiting.length > 0 || !this.#mayPropose()) {
      for (const [place, command] of decodeCommands(commands).entries()) {
        this.add(command, (outcome) => done(outcome, place));
      }
      return;
    }
    this.#lastOrder += 1;
    proposals.add(
      new SubmittedRun({
        command: commands,
        deadline: tickTime.now + timeoutMs,
        order: this.#lastOrder,
        finished: done,
        settle: this.#settleInRun,
      }),
    );
  }

  /** Takes an encoded command. `done` gets its outcome, never before this call returns. */
  add(command: string, done: (outcome: WriteOutcome) => void): void {
    const { limits: { writesMax, writeBytesMax }, quarantine, tickTime, timeoutMs } = this.#parts;
    if (quarantine.isFenced) return this.#refuse("Quarantined", done);
    const isOver = this.#waiting.length >= writesMax || this.#waitingBytes >= writeBytesMax;
    if (this.#ended || isOver) return this.#refuse(this.#ended ? "Stopping" : "Overloaded", done);
    this.#lastOrder += 1;
    const deadline = tickTime.now + timeoutMs;
    const submission = new Submission(this, { command, deadline, order: this.#lastOrder, finished: done });
    if (this.#waiting.length === 0 && this.#mayPropose()) return this.#parts.proposals.add(submission);
    this.#insert(submission);
    this.#parts.inbox.wake();
  }

  /** Passes on what waits, if there is a leader for it; a stage of the driver's pass. */
  pump(): void {
    const { raft, proposals, flights, clock } = this.#parts;
    if (this.#waiting.length === 0 || this.#pausing || this.#ended) return;
    if (raft.role === "Leader") {
      if (this.#mayPropose()) { for (const write of this.#takeOut(this.#waiting.length)) proposals.add(write); }
      return;
    }
    const { leaderId } = raft;
    // What was proposed here before must be known to be done or not before anything overtakes it.
    if (leaderId === undefined || leaderId === raft.id || proposals.size > 0) return;
    // While a frame is under way the next one gathers: not when that takes long, or when many wait.
    const now = clock.now();
    if (!flights.isEmpty && this.#waiting.length < GATHERED_MAX && now - this.#sentAt < FLIGHT_GATHERING_MS) return;
    while (this.#waiting.length > 0 && flights.mayFollow(leaderId)) {
      const batch = this.#waiting.slice(0, this.#nextBatchLength());
      if (!flights.send(leaderId, batch)) return;
      this.#takeOut(batch.length);
      this.#sentAt = now;
    }
  }

  /** The leader answers. */
  takeResult(result: ForwardResult): void {
    if (this.#parts.flights.takeResult(result)) this.#parts.inbox.wake();
  }

  /** The connection with a peer was lost: what it was asked may have been done. */
  disconnected(peer: NodeId): void {
    if (this.#parts.flights.giveUpTo(peer)) this.#parts.inbox.wake();
  }

  /** Ends what has waited too long; called with every tick. */
  expire(): void {
    this.#pausing = false;
    const { raft, flights, inbox, tickTime: { now } } = this.#parts;
    if (flights.expire(now)) inbox.wake();
    const expired = this.#waiting.filter(({ deadline }) => deadline <= now);
    if (expired.length > 0) {
      this.#waiting = this.#waiting.filter(({ deadline }) => deadline > now);
      this.#end(expired, this.#notDone(raft.leaderId === undefined ? "NoLeader" : "Timeout"));
    }
    // A peer may have been out of reach, or a leader found, since the last pass.
    if (this.#waiting.length > 0) inbox.wake();
  }

  /** Ends every submission: the process stops. */
  endAll(): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#end(waiting, this.#notDone("Stopping"));
    this.#parts.flights.endAll();
  }

  /** Whether this node leads, and nothing that it took before it led is open: that may come back to be done first. */
  #mayPropose(): boolean {
    const { raft, quarantine, proposals, flights } = this.#parts;
    return raft.role === "Leader" && !quarantine.isFenced && flights.isEmpty && !proposals.hasOlder;
  }

  #nextBatchLength(): number {
    let bytes = 0;
    let count = 0;
    for (const { command } of this.#waiting) {
      if (count > 0 && (count >= COMMANDS_PER_PROPOSAL_MAX || bytes + command.length > BYTES_PER_PROPOSAL_MAX)) break;
      bytes += command.length;
      count += 1;
    }
    return count;
  }

  #takeOut(count: number): readonly Submission[] {
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const { command } of taken) this.#waitingBytes -= command.length;
    return taken;
  }

  /** Refused for want of leadership: it was not done, and another leader may do it as long as its client waits. */
  settle(submission: Submission, outcome: WriteOutcome): void {
    const isOver = this.#ended || submission.deadline <= this.#parts.tickTime.now;
    if (isOver || !isForAnotherLeader(outcome)) return submission.finished(outcome);
    this.#insert(submission);
    // Tried again with the next tick: at once it would go round without end while a leader hands over.
    this.#pausing = true;
  }

  /** The same for one of several that were proposed together: from now on it is alone, in their place. */
  readonly #settleInRun = (run: SubmittedRun, { outcome, place }: PlacedOutcome): void => {
    if (!isForAnotherLeader(outcome)) return run.finished(outcome, place);
    const { deadline, order } = run;
    const finished = (outcome: WriteOutcome) => run.finished(outcome, place);
    const alone = new Submission(this, { command: run.commandAt(place), deadline, order, finished });
    this.settle(alone, outcome);
  };

  #insert(submission: Submission): void {
    this.#waitingBytes += submission.command.length;
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.order ?? 0) > submission.order) at -= 1;
    this.#waiting.splice(at, 0, submission);
  }

  #end(submissions: readonly Submission[], outcome: WriteOutcome): void {
    for (const { command, finished } of submissions) {
      this.#waitingBytes -= command.length;
      finished(outcome);
    }
  }

  #refuse(reason: NotDone["reason"], done: (outcome: WriteOutcome) => void): void {
    const outcome = this.#notDone(reason);
    queueMicrotask(() => done(outcome));
  }

  #notDone(reason: NotDone["reason"]): NotDone {
    return { type: "NotDone", reason, leaderId: this.#parts.raft.leaderId };
  }
}
