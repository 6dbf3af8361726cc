/** Raft 5.3: entries with the same index and term are the same, and so is everything before them. */

import type { RaftStatus } from "../../../../lib/raft/status.ts";
import type { Entry, NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { Shadows } from "./shadow.ts";

interface Known {
  readonly content: string;
  readonly prevTerm: number | undefined;
  /** The only server that wrote it; undefined when there are several. */
  writer: NodeId | undefined;
}

/** Remembers every entry that was ever written by any server. */
export class LogMatching implements RaftCheck {
  readonly name = "log-matching";
  readonly #known = new Map<number, Map<number, Known>>();
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft, update }: Step): void {
    for (const { run } of update.writes) {
      let prevTerm: number | undefined = this.#shadows.of(server.id).termAt(run.firstIndex - 1);
      for (const entry of run.entries()) {
        this.#take(server, entry, prevTerm);
        prevTerm = entry.term;
      }
    }
    const first = update.writes[0]?.run.first;
    if (first === undefined) return;
    // What the core holds in memory is what it wrote.
    let before: Entry | undefined;
    for (const entry of raft.logTail(raft.lastEntry.index - first.index + 2)) {
      if (before !== undefined) this.#take(server, entry, before.term);
      before = entry;
    }
  }

  /**
   * See `RaftCheck`. A sole voter leads before its term is durable, and tells nobody until then (divergence D5): what it wrote in
   * a term that is lost again was never seen, and other entries may take its place in the same term.
   */
  started(server: CheckedServer, { currentTerm }: RaftStatus): void {
    if (server.rejoins) return;
    for (const byTerm of this.#known.values()) {
      for (const [of, { writer }] of byTerm) if (of > currentTerm && writer === server.id) byTerm.delete(of);
    }
  }

  #take(server: CheckedServer, entry: Entry, prevTerm: number | undefined): void {
    const content = contentOf(entry);
    const byTerm = this.#known.get(entry.index) ?? new Map<number, Known>();
    if (byTerm.size === 0) this.#known.set(entry.index, byTerm);
    const known = byTerm.get(entry.term);
    if (known === undefined) return void byTerm.set(entry.term, { content, prevTerm, writer: server.id });
    if (known.writer !== server.id) known.writer = undefined;
    if (known.content !== content) {
      this.#violate(`entry ${entry.index} of term ${entry.term} differs on node ${server.id}: ${content}`);
    } else if (known.prevTerm !== undefined && prevTerm !== undefined && known.prevTerm !== prevTerm) {
      this.#violate(`what stands before entry ${entry.index} of term ${entry.term} differs on node ${server.id}`);
    }
  }
}

/** The content of an entry, to compare. */
export function contentOf(entry: Entry): string {
  if (entry.type === "Command") return entry.command;
  if (entry.type === "NoOp") return "no-op";
  const { members, voters, votersOld, learners, clusterId } = entry.configuration;
  const named = members.map(({ id, address, clientAddress, identity }) => [id, address, clientAddress, identity]);
  return JSON.stringify([named, voters, votersOld, learners, clusterId]);
}
