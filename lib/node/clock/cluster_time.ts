/** What a node does about the cluster's time: a leader stamps proposals and tells readers, everybody else listens (ADR 9). */

import type { Clock } from "../../base/clock.ts";
import { bytesToString } from "../../base/bytes.ts";
import { stampCommand, stampOf } from "../../kv/commands.ts";
import { READ_AHEAD_MS_MAX } from "../../kv/state_machine.ts";
import type { Message } from "../../raft/messages.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import { type CommandPart, EntryReader, splitFirst } from "../../raft/run.ts";
import type { EntryId, Index, Term } from "../../raft/types.ts";
import type { AppliedState } from "../effects/applied.ts";
import { STAMP_BYTES_MAX } from "../limits.ts";
import type { NodeLog } from "../options.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { ClusterClock } from "./cluster_clock.ts";
import type { DateOffset, MachineDates } from "./machine_dates.ts";
import type { OpenStamps } from "./open_stamps.ts";

/** How often the leader of an idle cluster moves the time on for what is due. */
export const SWEEP_MS_MIN = 1_000;
/** How often a leader looks at the dates of the others. */
const CORRECT_MS = 100;
/** After a pause of the process what is heard within so long may set the time of a leader on. */
const RESUME_MS = 1_000;
/** What the leader said of the date counts for so long. */
const SAID_MS_MAX = 5_000;

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
    "id" | "role" | "currentTerm" | "commitIndex" | "lastEntry" | "logRuns" | "configuration"
  >;
  readonly clock: ClusterClock;
  /** Of the proposals of this leader. */
  readonly stamps: OpenStamps;
  readonly dates: MachineDates;
  readonly monotonic: Pick<Clock, "now">;
  readonly log: NodeLog;
  readonly applied: AppliedState;
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
  #term: Term | undefined;
  /** The first entry of this leader: what older ones before it are stamped with its time must not hide. */
  #firstIndex = 0;
  #lastStampMs = 0;
  /** That of the proposal that is being made. */
  #newStampMs = 0;
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
    const { raft, clock, dates, stamps, applied: { state, id } } = this.#parts;
    if (raft.role !== "Leader") {
      if (this.#term !== undefined) clock.follow();
      this.#term = undefined;
      return;
    }
    if (raft.currentTerm === this.#term) return;
    this.#term = raft.currentTerm;
    this.#firstIndex = raft.lastEntry.index;
    stamps.restart();
    // What this node stamped as a leader before may be truncated: its first proposal carries the time in any case.
    this.#lastStampMs = 0;
    let stampMs = state.timeMs;
    let isOpen = false;
    for (const { body } of raft.logRuns(id.index)) {
      const reader = new EntryReader(body);
      while (reader.next()) {
        if (!reader.isCommand) continue;
        isOpen = true;
        const start = bytesToString(body, reader.start, Math.min(reader.end, reader.start + STAMP_BYTES_MAX));
        stampMs = Math.max(stampMs, stampOf(start) ?? 0);
      }
    }
    if (stampMs > 0) clock.learn(stampMs + READ_AHEAD_MS_MAX);
    // Those who voted have just said what their dates are.
    clock.lead(dates.majorityDate(raft.configuration) ?? (clock.knownMs === 0 ? dates.own() : undefined));
    this.#isOpening = isOpen || stamps.hides(clock.now(), raft.commitIndex);
  }

  /** True once after an election with a log that may hold deadlines that are due by now: the leader's first entry shall say so. */
  takeOpening(): boolean {
    const isOpening = this.#isOpening;
    this.#isOpening = false;
    return isOpening;
  }

  /** The commands of a proposal: the first one carries the time when that has moved on. */
  stamped(commands: readonly CommandPart[]): readonly CommandPart[] {
    const [first] = commands;
    if (first === undefined || this.#parts.raft.role !== "Leader") return commands;
    this.#newStampMs = this.#parts.clock.now();
    if (this.#newStampMs === this.#lastStampMs) return commands;
    const [command, rest] = splitFirst(first);
    const stamped = stampCommand(command, this.#newStampMs);
    return rest === undefined ? commands.with(0, stamped) : [stamped, rest, ...commands.slice(1)];
  }

  /** The commands that were stamped last are in the log, from `first` on. */
  appended({ index: first }: EntryId, count: number): void {
    this.#lastStampMs = this.#newStampMs;
    this.#parts.stamps.add({ first, last: first + count - 1, stampMs: this.#lastStampMs });
  }

  /** Whether the readers of a round that began now would have to wait for an entry with a later stamp, and none is under way. */
  get needsEntry(): boolean {
    const { raft, clock, stamps } = this.#parts;
    if (raft.role !== "Leader") return false;
    return stamps.isEmpty(raft.commitIndex) && stamps.hides(clock.now(), raft.commitIndex);
  }

  /** Whether something is due that no entry will remove unless the leader makes one; at most once in `SWEEP_MS_MIN`. `now` is monotonic. */
  sweepIsDue(now: number): boolean {
    const { clock, applied: { state: { nextDeadline } } } = this.#parts;
    return nextDeadline !== undefined && nextDeadline <= clock.now() && this.takeTurn(now);
  }

  /** Whether this leader may append an entry for the sake of the time alone, which it then does: at most one in `SWEEP_MS_MIN`, and none beside others. */
  takeTurn(now: number): boolean {
    const { raft, stamps } = this.#parts;
    if (raft.role !== "Leader" || now - this.#sweptAt < SWEEP_MS_MIN || !stamps.isEmpty(raft.commitIndex)) return false;
    this.#sweptAt = now;
    return true;
  }

  /** The message as it leaves: heartbeats tell the leader's time, for reads that ask nobody, and answers tell the date. */
  filled(message: Message): Message {
    const { raft, clock, dates, stamps } = this.#parts;
    switch (message.type) {
      case "AppendEntries": {
        // A message that waited for the disk names an older commit index, for which this time is too late.
        const isPresent = message.term === raft.currentTerm && message.leaderCommit === raft.commitIndex;
        if (message.entries !== undefined || !isPresent || !this.#mayTell()) return message;
        const dateMs = dates.majorityDate(raft.configuration);
        const date = dateMs === undefined ? {} : { dateMs: Math.floor(dateMs) };
        return { ...message, timeMs: stamps.timeAt(raft.commitIndex), ...date };
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
        if (this.#parts.monotonic.now() < this.#resumesUntil) this.#correct();
        return;
      default:
        return;
    }
  }

  #heardLeader({ timeMs, dateMs, term, leaderCommit }: Extract<Message, { type: "AppendEntries" }>): void {
    const at = this.#parts.monotonic.now();
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
    this.#resumesUntil = this.#parts.monotonic.now() + RESUME_MS;
    this.#correct();
  }

  /** How far the clocks of the machines are from what a majority says: of all of them on a leader, elsewhere of this one. */
  offsets(): readonly DateOffset[] {
    const { raft, dates, monotonic } = this.#parts;
    if (raft.role === "Leader") {
      const date = dates.majorityDate(raft.configuration);
      return date === undefined ? [] : dates.offsets(raft.configuration, date);
    }
    const said = this.#said;
    if (said === undefined || monotonic.now() - said.at > SAID_MS_MAX) return [];
    return [{ id: raft.id, aheadMs: Math.round(dates.own() - said.difference - monotonic.now()) }];
  }

  #correct(): void {
    const { raft, clock, dates } = this.#parts;
    const date = raft.role === "Leader" ? dates.majorityDate(raft.configuration) : undefined;
    if (date === undefined) return;
    if (this.#parts.monotonic.now() < this.#resumesUntil) clock.resume(date);
    clock.correct(date);
  }

  /** Lets the applied state have the time that was told for it; called after each application. */
  tell(): void {
    const { raft, clock, stamps, applied: { state, id } } = this.#parts;
    clock.learn(state.timeMs);
    if (id.index === raft.commitIndex && this.#mayTell()) return state.learnTime(stamps.timeAt(id.index));
    const told = this.#told;
    if (told === undefined || told.index > id.index) return;
    this.#told = undefined;
    // Entries of a later leader have times of their own.
    if (told.term >= id.term) state.learnTime(told.timeMs);
  }

  /** Whether this node leads and no entry of an older leader is under way: those keep the times they had. */
  #mayTell(): boolean {
    const { role, commitIndex } = this.#parts.raft;
    return role === "Leader" && commitIndex >= this.#firstIndex;
  }
}
