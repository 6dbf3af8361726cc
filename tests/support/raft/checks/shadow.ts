/** What an outsider knows of each server's log, from its steps alone: the terms of its entries and how far it is durable. */

import type { Configuration, EntryId, NodeId, Term } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step } from "./check.ts";

/** The log of one server. It outlives the process until the next one tells what it found. */
export class ShadowLog {
  /** Terms by index, for entries behind the snapshot. */
  readonly terms = new Map<number, Term>();
  baseIndex = 0;
  baseTerm = 0;
  lastIndex = 0;
  /** Everything up to it is known to be durable. */
  durableIndex = 0;
  currentTerm = 0;
  commitIndex = 0;
  /** The last configuration written, replaced or not. */
  lastConfigurationIndex = 0;
  /** The one in force, and its index. */
  configuration: Configuration | undefined;
  configurationIndex = 0;
  life: object | undefined;
  /** The core of that life. */
  raft: Step["raft"] | undefined;

  /** The term at an index; undefined when it is not in the log (or below the snapshot, which holds what was committed). */
  termAt(index: number): number | undefined {
    return index === this.baseIndex ? this.baseTerm : this.terms.get(index);
  }

  /** What the directory before had, whose last acknowledgements may still be under way; until it is admitted again. */
  ghost: ReadonlyMap<number, Term> | undefined;

  /** Whether the entry is durable here, or was in the directory that is lost. */
  hasDurably(index: number, term: number): boolean {
    return (this.durableIndex >= index && this.holds(index, term)) || this.ghost?.get(index) === term;
  }

  /** Whether the entry is in the log or covered by the snapshot. */
  holds(index: number, term: number): boolean {
    return index <= this.baseIndex || this.terms.get(index) === term;
  }
}

/** Follows every server. The first among the checks, since others look into it. */
export class Shadows implements RaftCheck {
  readonly name = "recovered-log";
  readonly #logs = new Map<NodeId, ShadowLog>();
  readonly #leaders = new Set<string>();
  /** The highest term and index of any log, ever, and the highest that a server took for committed. */
  highestTerm = 0;
  highestIndex = 0;
  highestCommit = 0;
  readonly #violate: (message: string) => void;

  constructor(violate: (message: string) => void) {
    this.#violate = violate;
  }

  /** Whether a server was seen to lead in a term. */
  hasLed(id: NodeId, term: number): boolean {
    return this.#leaders.has(`${term} ${id}`);
  }

  /** The log of a server. */
  of(id: NodeId): ShadowLog {
    const known = this.#logs.get(id);
    if (known !== undefined) return known;
    const log = new ShadowLog();
    this.#logs.set(id, log);
    return log;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft, event, update }: Step): void {
    const log = this.of(server.id);
    if (!server.rejoins) log.ghost = undefined;
    if (log.life !== server.life) this.#begin(server, log, { raft, update });
    for (const { run } of update.writes) {
      for (let index: number = run.firstIndex; index <= log.lastIndex; index++) log.terms.delete(index);
      for (let index: number = run.firstIndex; index <= run.lastIndex; index++) log.terms.set(index, run.term);
      for (const { index } of run.configurations) log.lastConfigurationIndex = index;
      log.lastIndex = run.lastIndex;
    }
    log.raft = raft;
    log.durableIndex = raft.lastDurable.index;
    log.currentTerm = raft.currentTerm;
    this.highestTerm = Math.max(this.highestTerm, raft.currentTerm);
    this.highestIndex = Math.max(this.highestIndex, raft.lastEntry.index);
    if (raft.role === "Leader") this.#leaders.add(`${raft.currentTerm} ${server.id}`);
    log.commitIndex = raft.commitIndex;
    this.highestCommit = Math.max(this.highestCommit, raft.commitIndex);
    log.configuration = raft.configuration;
    log.configurationIndex = raft.configurationIndex;
    const last = raft.lastEntry;
    if (event.type === "SnapshotInstalled") this.#installed(server, log, { raft, at: event.snapshot.lastIncluded });
    if (last.index === log.lastIndex && log.holds(last.index, last.term)) return;
    this.#rebase(log, raft);
    // A snapshot that was installed takes the place of the log; nothing else but a write changes it.
    if (event.type !== "SnapshotInstalled") this.#violate(`node ${server.id} holds another log than it wrote`);
  }

  /** See `RaftCheck`. A new directory promises nothing; what the old one promised counts until the new process has begun. */
  wiped(server: CheckedServer): void {
    const log = this.of(server.id);
    log.life = undefined;
    // One that is lost before it was admitted leaves the promises of the one before it.
    log.ghost = new Map([...(log.ghost ?? []), ...[...log.terms].filter(([index]) => index <= log.durableIndex)]);
  }

  /** Raft figure 13, steps 6 and 7: entries stay behind a snapshot only where its last entry was in the log. */
  #installed(
    server: CheckedServer,
    log: ShadowLog,
    { raft, at }: { readonly raft: Step["raft"]; readonly at: EntryId },
  ): void {
    const { lastEntry } = raft;
    if (raft.status().snapshot.index !== at.index || log.holds(at.index, at.term)) return;
    if (lastEntry.index === at.index && lastEntry.term === at.term) return;
    this.#violate(
      `node ${server.id} keeps its log up to ${lastEntry.index}, which contradicts the snapshot at ${at.index}`,
    );
  }

  #begin(server: CheckedServer, log: ShadowLog, { raft, update }: Pick<Step, "raft" | "update">): void {
    // With a write under way nobody knows what the disk has; with none it is the log, and no entry that was replaced.
    const ended = log.life !== undefined && log.durableIndex === log.lastIndex ? log.lastIndex : Infinity;
    log.life = server.life;
    const promised = { index: log.durableIndex, term: log.termAt(log.durableIndex) };
    const firstWrite = update.writes[0]?.run.firstIndex ?? Infinity;
    this.#rebase(log, raft);
    if (server.rejoins) return;
    // Replacing a conflicting tail in the very first step is no loss.
    const index = Math.min(promised.index, firstWrite - 1);
    if (log.lastIndex < index) {
      this.#violate(`node ${server.id} recovered ${log.lastIndex} entries of ${promised.index} durable ones`);
    } else if (index === promised.index && promised.term !== undefined && !log.holds(index, promised.term)) {
      this.#violate(`node ${server.id} recovered another entry ${index} than the one that was durable`);
      // A snapshot from the leader may be on the disk whole before the process, which ended then, was told.
    } else if (update.writes.length === 0 && log.lastIndex > Math.max(ended, raft.status().snapshot.index)) {
      this.#violate(`node ${server.id} recovered entry ${log.lastIndex}, and its log ended with ${ended}`);
    }
  }

  #rebase(log: ShadowLog, raft: Step["raft"]): void {
    const entries = raft.logTail(Number.MAX_SAFE_INTEGER);
    log.terms.clear();
    const { snapshot } = raft.status();
    const first = entries[0];
    log.baseIndex = first === undefined ? raft.lastEntry.index : first.index - 1;
    log.baseTerm = first === undefined ? raft.lastEntry.term : snapshot.index === log.baseIndex ? snapshot.term : 0;
    for (const entry of entries) log.terms.set(entry.index, entry.term);
    log.lastIndex = raft.lastEntry.index;
    log.durableIndex = raft.lastDurable.index;
  }
}
