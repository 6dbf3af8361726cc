/** What a node does about the cluster's time: a leader stamps proposals and tells readers, everybody else listens (ADR 9). */

import { stampCommand, stampOf } from "../../kv/commands.ts";
import { READ_AHEAD_MS_MAX } from "../../kv/state_machine.ts";
import type { Message } from "../../raft/messages.ts";
import type { ReadPoint } from "../../raft/options.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { EntryId, Index, Term } from "../../raft/types.ts";
import type { AppliedState } from "../applier.ts";
import type { NodeLog } from "../options.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { ClusterClock } from "./cluster_clock.ts";
import type { DateOffset, MachineDates } from "./machine_dates.ts";

/** How often the leader of an idle cluster moves the time on for what is due. */
export const SWEEP_MS_MIN = 1_000;
/** How often a leader looks at the dates of the others. */
const CORRECT_MS = 100;
/** After a pause of the process what is heard within so long may set the time of a leader on. */
const RESUME_MS = 1_000;
/** What the leader said of the date counts for so long. */
const SAID_MS_MAX = 5_000;

/** A proposal of this leader that is not known to be committed as a whole. */
interface Proposal {
  readonly first: Index;
  readonly last: number;
  /** The time in force from its first entry on. */
  readonly stampMs: number;
}

/** A time that a leader told for the state at an index. */
interface ToldTime {
  readonly term: Term;
  readonly index: Index;
  readonly timeMs: number;
}

/** What the time depends on. */
export interface ClusterTimeParts {
  readonly raft: Pick<
    RaftNode,
    "id" | "role" | "currentTerm" | "commitIndex" | "lastEntry" | "logTail" | "configuration"
  >;
  readonly clock: ClusterClock;
  readonly dates: MachineDates;
  /** The monotonic clock. */
  now(): number;
  readonly log: NodeLog;
  applied(): AppliedState;
}

/**
 * The time of one node.
 *
 * Invariants, from which ADR 9 shows that a key once seen expired is never seen again:
 * a time told for index i is at or before the stamp in force at every command after i, of this leader and of all later ones;
 * no read hides a key by a time more than `READ_AHEAD_MS_MAX` after the stamp in force at what it reads (`StateMachine.readTimeMs`);
 * a leader begins that much after every stamp in its log.
 */
export class ClusterTime {
  readonly #parts: ClusterTimeParts;
  /** Ascending. */
  readonly #proposals: Proposal[] = [];
  #term: Term | undefined;
  /** The first entry of this leader: what older ones before it are stamped with its time must not hide. */
  #firstIndex = 0;
  #lastStampMs = 0;
  /** That of the proposal that is being made. */
  #newStampMs = 0;
  #committedStampMs = 0;
  #sweptAt = -Infinity;
  #told: ToldTime | undefined;
  #isOpening = false;
  readonly #watch: ClockWatch;
  /** What the leader said last of the date, less the monotonic clock then. */
  #said: { readonly difference: number; readonly at: number } | undefined;
  #correctedAt = -Infinity;
  #resumesUntil = -Infinity;

  /** The time of a node that does not lead. */
  constructor(parts: ClusterTimeParts) {
    this.#parts = parts;
    this.#watch = new ClockWatch(parts.log);
  }

  /** To be called after each step, before anything of it is sent: where it made this node the leader, the time begins anew. */
  observe(): void {
    const { raft, clock, dates } = this.#parts;
    if (raft.role !== "Leader") {
      if (this.#term !== undefined) clock.follow();
      this.#term = undefined;
      return;
    }
    if (raft.currentTerm === this.#term) return;
    this.#term = raft.currentTerm;
    this.#firstIndex = raft.lastEntry.index;
    this.#proposals.length = 0;
    // What this node stamped as a leader before may be truncated: its first proposal carries the time in any case.
    this.#lastStampMs = 0;
    this.#committedStampMs = 0;
    const { state, id } = this.#parts.applied();
    let stampMs = state.timeMs;
    let isOpen = false;
    for (const entry of raft.logTail(raft.lastEntry.index - id.index)) {
      if (entry.type !== "Command") continue;
      isOpen = true;
      stampMs = Math.max(stampMs, stampOf(entry.command) ?? 0);
    }
    if (stampMs > 0) clock.learn(stampMs + READ_AHEAD_MS_MAX);
    // Those who voted have just said what their dates are.
    clock.lead(dates.majorityDate(raft.configuration) ?? (clock.knownMs === 0 ? dates.own() : undefined));
    this.#isOpening = isOpen || this.#hides(clock.now(), raft.commitIndex);
  }

  /** True once after an election with a log that may hold deadlines that are due by now: the leader's first entry shall say so. */
  takeOpening(): boolean {
    const isOpening = this.#isOpening;
    this.#isOpening = false;
    return isOpening;
  }

  /** The commands of a proposal: the first one carries the time when that has moved on. */
  stamped(commands: readonly string[]): readonly string[] {
    const [first] = commands;
    if (first === undefined || this.#parts.raft.role !== "Leader") return commands;
    this.#newStampMs = this.#parts.clock.now();
    return this.#newStampMs === this.#lastStampMs ? commands : commands.with(0, stampCommand(first, this.#newStampMs));
  }

  /** The commands that were stamped last are in the log, from `first` on. */
  appended({ index: first }: EntryId, count: number): void {
    this.#forgetCommitted(this.#parts.raft.commitIndex);
    this.#lastStampMs = this.#newStampMs;
    this.#proposals.push({ first, last: first + count - 1, stampMs: this.#lastStampMs });
  }

  /** What the readers of a round that begins now are told; see `RaftOptions.readPoint`. */
  readPoint(commitIndex: Index): ReadPoint {
    this.#forgetCommitted(commitIndex);
    const timeMs = this.#timeAtCommit();
    if (!this.#hides(timeMs, commitIndex)) return { index: commitIndex, timeMs };
    const [open] = this.#proposals;
    // Once that entry is committed, every leader knows its stamp.
    if (open !== undefined) return { index: Math.max(open.first, commitIndex), timeMs };
    return { index: commitIndex, timeMs: Math.min(timeMs, this.#warrantedMs()) };
  }

  /** Whether the readers of a round that began now would have to wait for an entry with a later stamp, and none is under way. */
  get needsEntry(): boolean {
    const { raft, clock } = this.#parts;
    if (raft.role !== "Leader") return false;
    this.#forgetCommitted(raft.commitIndex);
    return this.#proposals.length === 0 && this.#hides(clock.now(), raft.commitIndex);
  }

  /** Whether something is due that no entry will remove unless the leader makes one; at most once in `SWEEP_MS_MIN`. `now` is monotonic. */
  sweepIsDue(now: number): boolean {
    const { raft, clock } = this.#parts;
    const { nextDeadline } = this.#parts.applied().state;
    if (nextDeadline === undefined || raft.role !== "Leader" || now - this.#sweptAt < SWEEP_MS_MIN) return false;
    this.#forgetCommitted(raft.commitIndex);
    if (this.#proposals.length > 0 || nextDeadline > clock.now()) return false;
    this.#sweptAt = now;
    return true;
  }

  /** The message as it leaves: heartbeats tell the leader's time, for reads that ask nobody, and answers tell the date. */
  filled(message: Message): Message {
    const { raft, clock, dates } = this.#parts;
    switch (message.type) {
      case "AppendEntries": {
        // A message that waited for the disk names an older commit index, for which this time is too late.
        const isPresent = message.term === raft.currentTerm && message.leaderCommit === raft.commitIndex;
        if (message.entries.length > 0 || !isPresent || !this.#mayTell()) return message;
        const dateMs = dates.majorityDate(raft.configuration);
        const date = dateMs === undefined ? {} : { dateMs: Math.floor(dateMs) };
        return { ...message, timeMs: this.#timeAtCommit(), ...date };
      }
      case "AppendEntriesResult":
        return { ...message, dateMs: dates.own() };
      case "RequestVoteResult":
        return { ...message, dateMs: dates.own(), timeMs: clock.knownMs };
      default:
        return message;
    }
  }

  /** A message arrived that may carry a leader's time, or a date. */
  heard(message: Message): void {
    const { clock, dates } = this.#parts;
    switch (message.type) {
      case "AppendEntries":
        return this.#heardLeader(message);
      case "ReadIndexResult":
        if (message.confirmed) clock.hear(message.timeMs);
        return;
      case "RequestVoteResult":
        clock.learn(message.timeMs ?? 0);
        if (message.dateMs !== undefined) dates.heard(message.from, message.dateMs);
        return;
      case "AppendEntriesResult":
        if (message.dateMs === undefined) return;
        dates.heard(message.from, message.dateMs);
        if (this.#parts.now() < this.#resumesUntil) this.#correct();
        return;
      default:
        return;
    }
  }

  #heardLeader({ timeMs, dateMs, term, leaderCommit }: Extract<Message, { type: "AppendEntries" }>): void {
    const at = this.#parts.now();
    if (dateMs !== undefined) this.#said = { difference: dateMs - at, at };
    if (timeMs === undefined) return;
    this.#parts.clock.hear(timeMs);
    // An older one is kept until its index is reached: newer ones could run ahead of a slow node for ever.
    if (this.#told !== undefined && this.#told.term >= term) return;
    this.#told = { term, index: leaderCommit, timeMs };
  }

  /** Time has passed; `now` is monotonic. */
  tick(now: number): void {
    if (now - this.#correctedAt < CORRECT_MS) return;
    this.#correctedAt = now;
    this.#correct();
    this.#watch.look(this.offsets());
  }

  /** The process did not run for a while: its clocks are believed again once a majority has said what the date is. */
  stalled(): void {
    this.#parts.dates.forget();
    this.#said = undefined;
    this.#resumesUntil = this.#parts.now() + RESUME_MS;
    this.#correct();
  }

  /** How far the clocks of the machines are from what a majority says: of all of them on a leader, elsewhere of this one. */
  offsets(): readonly DateOffset[] {
    const { raft, dates, now } = this.#parts;
    if (raft.role === "Leader") {
      const date = dates.majorityDate(raft.configuration);
      return date === undefined ? [] : dates.offsets(raft.configuration, date);
    }
    const said = this.#said;
    if (said === undefined || now() - said.at > SAID_MS_MAX) return [];
    return [{ id: raft.id, aheadMs: Math.round(dates.own() - said.difference - now()) }];
  }

  #correct(): void {
    const { raft, clock, dates } = this.#parts;
    const date = raft.role === "Leader" ? dates.majorityDate(raft.configuration) : undefined;
    if (date === undefined) return;
    if (this.#parts.now() < this.#resumesUntil) clock.resume(date);
    clock.correct(date);
  }

  /** Lets the applied state have the time that was told for it; called after each application. */
  tell(): void {
    const { raft, clock } = this.#parts;
    const { state, id } = this.#parts.applied();
    clock.learn(state.timeMs);
    if (id.index === raft.commitIndex && this.#mayTell()) return state.learnTime(this.#timeAtCommit());
    const told = this.#told;
    if (told === undefined || told.index > id.index) return;
    this.#told = undefined;
    // Entries of a later leader have times of their own.
    if (told.term >= id.term) state.learnTime(told.timeMs);
  }

  /** Whether this node leads and no entry of an older leader is under way: those keep the times they had. */
  #mayTell(): boolean {
    const { role, commitIndex } = this.#parts.raft;
    if (role !== "Leader" || commitIndex < this.#firstIndex) return false;
    this.#forgetCommitted(commitIndex);
    return true;
  }

  /** Now, but no later than the stamp of the oldest write under way: that one must not come to life again what is hidden. */
  #timeAtCommit(): number {
    const now = this.#parts.clock.now();
    const [open] = this.#proposals;
    return open === undefined ? now : Math.min(now, open.stampMs);
  }

  /** Whether a read by that time might hide a key for longer than the log warrants. */
  #hides(timeMs: number, commitIndex: Index): boolean {
    if (timeMs <= this.#warrantedMs()) return false;
    const { state, id } = this.#parts.applied();
    // What is not applied yet may have any deadline.
    return id.index < commitIndex || (state.nextKeyDeadline ?? Infinity) <= timeMs;
  }

  #warrantedMs(): number {
    return Math.max(this.#parts.applied().state.timeMs, this.#committedStampMs) + READ_AHEAD_MS_MAX;
  }

  #forgetCommitted(commitIndex: Index): void {
    for (let [open] = this.#proposals; open !== undefined && open.first <= commitIndex; [open] = this.#proposals) {
      this.#committedStampMs = open.stampMs;
      if (open.last > commitIndex) return;
      this.#proposals.shift();
    }
  }
}
