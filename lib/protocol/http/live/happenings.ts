/** What happened to a node and its cluster, found by comparing one look with the next. */

import type { MemberView, NodeStatus } from "../../../node/api.ts";

/** Happenings that are remembered. */
export const HAPPENINGS_MAX = 100;

/** One of them. */
export interface Happening {
  /** Milliseconds since 1970 by the clock of the machine. */
  readonly at: number;
  readonly type: "election" | "leader" | "lost" | "snapshot" | "reachable" | "unreachable";
  /** For people. */
  readonly text: string;
}

/** What is compared. */
interface Look {
  readonly term: number;
  readonly leader: number | undefined;
  readonly snapshot: number;
  readonly reachable: ReadonlyMap<number, boolean>;
}

/** What the first look is compared with: so that whoever opens the page sees who leads, and since which snapshot. */
const NOTHING: Look = { term: 0, leader: undefined, snapshot: 0, reachable: new Map() };

/** Looks again and again. */
export class Happenings {
  #last: Look | undefined;
  readonly #list: Happening[] = [];

  /** Oldest first. */
  get list(): readonly Happening[] {
    return this.#list;
  }

  /** Compares with the last look; the first one tells who leads. */
  look(
    { raft, members, nowMs }: {
      readonly raft: NodeStatus["raft"];
      readonly members: readonly MemberView[];
      readonly nowMs: number;
    },
  ): void {
    const look: Look = {
      term: raft.currentTerm,
      leader: raft.leaderId,
      snapshot: raft.snapshot.index,
      reachable: new Map(members.map(({ id, reachable }) => [id, reachable])),
    };
    const last = this.#last;
    this.#last = look;
    for (const [type, text] of differences(last ?? NOTHING, look)) this.#list.push({ at: nowMs, type, text });
    this.#list.splice(0, Math.max(0, this.#list.length - HAPPENINGS_MAX));
  }
}

function* differences(last: Look, look: Look): Iterable<readonly [Happening["type"], string]> {
  if (look.term !== last.term && last !== NOTHING) yield ["election", `Term ${look.term} began`];
  if (look.leader !== last.leader) {
    yield look.leader === undefined
      ? ["lost", "No leader is known"]
      : ["leader", `Node ${look.leader} leads in term ${look.term}`];
  }
  if (look.snapshot !== last.snapshot) yield ["snapshot", `Snapshot up to entry ${look.snapshot}`];
  for (const [id, isReachable] of look.reachable) {
    // One that was never looked at is worth a line only when it is away.
    if (isReachable === (last.reachable.get(id) ?? true)) continue;
    yield isReachable ? ["reachable", `Node ${id} is reachable`] : ["unreachable", `Node ${id} is not reachable`];
  }
}
