/** Writes that any node takes for its clients: proposed here while this node leads, else passed on to the leader. */

import type { Role } from "../raft/types.ts";
import type { NodeId } from "../raft/types.ts";
import type { Forward, ForwardResult } from "../transport/forward.ts";
import type { NotDone, WriteOutcome } from "./api.ts";
import { decodeOutcome } from "./forwarded_outcome.ts";
import type { QueuedWrite } from "./pending_writes.ts";
import { BYTES_PER_PROPOSAL_MAX, COMMANDS_PER_PROPOSAL_MAX, type PendingLimits } from "./limits.ts";

/** What submissions ask of their node. Times are `Clock.now()` milliseconds. */
export interface SubmissionsPorts {
  readonly self: NodeId;
  /** Name of this life of the process. */
  readonly incarnation: number;
  readonly timeoutMs: number;
  readonly limits: PendingLimits;
  role(): Role;
  leaderId(): NodeId | undefined;
  /** Writes of this node that are proposed or wait for it. */
  localWritesOpen(): number;
  /** Proposes; see `Driver.submit`. */
  write(write: QueuedWrite): void;
  /** False when it was certainly not sent. */
  send(message: Forward): boolean;
  /** As exact as the ticks are. */
  now(): number;
  /** Plans a pass of the driver, which calls `pump`. */
  wake(): void;
}

/** What a submission tells its owner. */
interface Owner {
  settle(submission: Submission, outcome: WriteOutcome): void;
}

interface SubmissionParts {
  readonly command: string;
  readonly deadline: number;
  readonly order: number;
  readonly finished: (outcome: WriteOutcome) => void;
}

/** Waits, is under way, or is with the driver, which it is a write for: no other object is made for it. */
class Submission implements QueuedWrite {
  readonly command: string;
  readonly deadline: number;
  /** Place among the submissions of this node. */
  readonly order: number;
  /** Who submitted it hears its outcome here. */
  readonly finished: (outcome: WriteOutcome) => void;
  readonly #owner: Owner;

  constructor(owner: Owner, { command, deadline, order, finished }: SubmissionParts) {
    this.#owner = owner;
    this.command = command;
    this.deadline = deadline;
    this.order = order;
    this.finished = finished;
  }

  done(outcome: WriteOutcome): void {
    this.#owner.settle(this, outcome);
  }
}

interface Flight {
  readonly id: number;
  readonly to: NodeId;
  readonly batch: readonly Submission[];
  readonly open: Set<number>;
}

/**
 * Submissions keep their order: while some wait or are under way to a leader, later ones wait behind them, and what a
 * leader refused for not leading is passed on again in its old place. So a client's pipelined writes take effect in order.
 *
 * Invariants: `waiting` is in ascending order; at most one flight; a submission is waiting, in the flight, or with the driver.
 */
export class Submissions implements Owner {
  readonly #ports: SubmissionsPorts;
  #waiting: Submission[] = [];
  #waitingBytes = 0;
  #flight: Flight | undefined;
  #lastOrder = 0;
  #lastId = 0;
  /** Something was refused since the last tick. */
  #pausing = false;
  #ended = false;

  /** No submissions. */
  constructor(ports: SubmissionsPorts) {
    this.#ports = ports;
  }

  /** Submissions that wait for a leader or for its answer. */
  get size(): number {
    return this.#waiting.length + (this.#flight?.open.size ?? 0);
  }

  /** Takes a write. `done` gets its outcome, never before this call returns. */
  add(command: string, done: (outcome: WriteOutcome) => void): void {
    const { writesMax, writeBytesMax } = this.#ports.limits;
    const isOver = this.#waiting.length >= writesMax || this.#waitingBytes >= writeBytesMax;
    if (this.#ended || isOver) {
      const outcome = this.#notDone(this.#ended ? "Stopping" : "Overloaded");
      return queueMicrotask(() => done(outcome));
    }
    this.#lastOrder += 1;
    const deadline = this.#ports.now() + this.#ports.timeoutMs;
    const submission = new Submission(this, { command, deadline, order: this.#lastOrder, finished: done });
    if (this.size === 0 && this.#ports.role() === "Leader") return this.#ports.write(submission);
    this.#insert(submission);
    this.#ports.wake();
  }

  /** Passes on what waits, if there is a leader for it. */
  pump(): void {
    if (this.#waiting.length === 0 || this.#flight !== undefined || this.#pausing || this.#ended) return;
    if (this.#ports.role() === "Leader") {
      const writes = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (const submission of writes) this.#ports.write(submission);
      return;
    }
    const to = this.#ports.leaderId();
    // What was proposed here before must be known to be done or not before anything overtakes it.
    if (to === undefined || to === this.#ports.self || this.#ports.localWritesOpen() > 0) return;
    const batch = this.#nextBatch();
    const { self: from, incarnation } = this.#ports;
    this.#lastId += 1;
    const id = this.#lastId;
    const commands = batch.map(({ command }) => command);
    if (!this.#ports.send({ type: "Forward", from, to, incarnation, id, commands })) return;
    this.#waiting = this.#waiting.slice(batch.length);
    for (const command of commands) this.#waitingBytes -= command.length;
    this.#flight = { id, to, batch, open: new Set(batch.keys()) };
  }

  /** The leader answers. */
  takeResult({ from, incarnation, id, first, outcomes }: ForwardResult): void {
    const flight = this.#flight;
    if (flight === undefined || flight.id !== id || flight.to !== from) return;
    if (incarnation !== this.#ports.incarnation) return;
    for (const [at, text] of outcomes.entries()) {
      const submission = flight.batch[first + at];
      if (submission === undefined || !flight.open.delete(first + at)) continue;
      if (flight.open.size === 0) this.#flight = undefined;
      this.settle(submission, decodeOutcome(text));
    }
    this.#ports.wake();
  }

  /** The connection with a peer was lost: what it was asked may have been done. */
  disconnected(peer: NodeId): void {
    if (this.#flight?.to === peer) this.#endFlight();
  }

  /** Ends what has waited too long; called with every tick. */
  expire(): void {
    this.#pausing = false;
    const now = this.#ports.now();
    const flight = this.#flight;
    if (flight !== undefined && flight.batch.some(({ deadline }, at) => flight.open.has(at) && deadline <= now)) {
      this.#endFlight();
    }
    const expired = this.#waiting.filter(({ deadline }) => deadline <= now);
    if (expired.length > 0) {
      this.#waiting = this.#waiting.filter(({ deadline }) => deadline > now);
      this.#end(expired, this.#notDone(this.#ports.leaderId() === undefined ? "NoLeader" : "Timeout"));
    }
    // A peer may have been out of reach, or a leader found, since the last pass.
    if (this.#waiting.length > 0) this.#ports.wake();
  }

  /** Ends every submission: the process stops. */
  endAll(): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#end(waiting, this.#notDone("Stopping"));
    this.#endFlight();
  }

  #nextBatch(): readonly Submission[] {
    let bytes = 0;
    let count = 0;
    for (const { command } of this.#waiting) {
      if (count > 0 && (count >= COMMANDS_PER_PROPOSAL_MAX || bytes + command.length > BYTES_PER_PROPOSAL_MAX)) break;
      bytes += command.length;
      count += 1;
    }
    return this.#waiting.slice(0, count);
  }

  /** Refused for want of leadership: it was not done, and another leader may do it as long as its client waits. */
  settle(submission: Submission, outcome: WriteOutcome): void {
    const isElsewhere = outcome.type === "NotDone" &&
      (outcome.reason === "NotLeader" || outcome.reason === "NoLeader" || outcome.reason === "Stopping");
    if (!isElsewhere || this.#ended || submission.deadline <= this.#ports.now()) return submission.finished(outcome);
    this.#insert(submission);
    // Tried again with the next tick: at once it would go round without end while a leader hands over.
    this.#pausing = true;
  }

  #insert(submission: Submission): void {
    this.#waitingBytes += submission.command.length;
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.order ?? 0) > submission.order) at -= 1;
    this.#waiting.splice(at, 0, submission);
  }

  #endFlight(): void {
    const flight = this.#flight;
    if (flight === undefined) return;
    this.#flight = undefined;
    for (const at of flight.open) flight.batch[at]?.finished({ type: "Unknown" });
    this.#ports.wake();
  }

  #end(submissions: readonly Submission[], outcome: WriteOutcome): void {
    for (const { command, finished } of submissions) {
      this.#waitingBytes -= command.length;
      finished(outcome);
    }
  }

  #notDone(reason: NotDone["reason"]): NotDone {
    return { type: "NotDone", reason, leaderId: this.#ports.leaderId() };
  }
}
