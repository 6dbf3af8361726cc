/** What happened to a node and its cluster, found by comparing one look with the next, whether or not anybody watches. */

import type { Clock, Timer } from "../../base/clock.ts";
import type { NodeMonitor } from "../../node/api.ts";

/** Happenings that are remembered. */
export const HAPPENINGS_MAX = 100;
/** Time between two looks: what happens is dated as exactly as this. */
export const LOOK_MS = 100;
/** A look that comes so late was held up: the whole process stood still. */
export const STALL_MS_MIN = 1_000;

/** One of them. */
export interface Happening {
  /** Milliseconds since 1970 by the clock of the machine. */
  readonly at: number;
  readonly type: "started" | "stalled" | "election" | "leader" | "lost" | "snapshot" | "reachable" | "unreachable";
  /** For people. */
  readonly text: string;
}

/** What is compared. */
interface Look {
  /** The node that looks. */
  readonly id: number;
  readonly term: number;
  readonly leader: number | undefined;
  readonly snapshot: number;
  readonly reachable: ReadonlyMap<number, boolean>;
}

/** What a recorder needs. */
export interface HappeningsOptions {
  readonly node: Pick<NodeMonitor, "id" | "status" | "members">;
  readonly clock: Clock;
  /** Milliseconds since 1970; the machine's clock when left out. */
  readonly wallClockMs?: () => number;
}

/** Looks again and again, from `start` to `stop`. */
export class Happenings {
  readonly #options: HappeningsOptions;
  readonly #list: Happening[] = [];
  #last: Look | undefined;
  #lookedAt = 0;
  #timer: Timer | undefined;

  /** A recorder that has not looked yet. */
  constructor(options: HappeningsOptions) {
    this.#options = options;
  }

  /** Oldest first. */
  get list(): readonly Happening[] {
    return this.#list;
  }

  /** Begins to look by itself. */
  start(): void {
    this.look();
    this.#timer = this.#options.clock.after(LOOK_MS, () => this.start());
  }

  /** Looks no more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Compares with the last look. The first one finds that the node has started, and when. */
  look(): void {
    const { node, clock, wallClockMs = () => Date.now() } = this.#options;
    const status = node.status();
    const { raft } = status;
    const [now, nowMs] = [clock.now(), wallClockMs()];
    const look: Look = {
      id: node.id,
      term: raft.currentTerm,
      leader: raft.leaderId,
      snapshot: raft.snapshot.index,
      reachable: new Map(node.members().map(({ id, reachable }) => [id, reachable])),
    };
    const gapMs = now - this.#lookedAt;
    if (this.#last === undefined) {
      const snapshot = look.snapshot > 0 ? `, with a snapshot up to entry ${look.snapshot}` : "";
      const at = nowMs - Math.round(status.uptimeMs);
      this.#add({ at, type: "started", text: `Node ${node.id} started${snapshot}` });
    } else if (this.#timer !== undefined && gapMs >= STALL_MS_MIN) {
      const text = `Node ${node.id} stood still for ${(gapMs / 1_000).toFixed(1)} s`;
      this.#add({ at: nowMs, type: "stalled", text });
    }
    for (const [type, text] of differences(this.#last, look)) this.#add({ at: nowMs, type, text });
    this.#last = look;
    this.#lookedAt = now;
  }

  #add(happening: Happening): void {
    this.#list.push(happening);
    this.#list.splice(0, Math.max(0, this.#list.length - HAPPENINGS_MAX));
  }
}

function* differences(last: Look | undefined, look: Look): Iterable<readonly [Happening["type"], string]> {
  if (last !== undefined && look.term !== last.term) yield ["election", `Term ${look.term} began`];
  if (look.leader !== last?.leader || (last !== undefined && look.leader !== undefined && look.term !== last.term)) {
    yield look.leader === undefined
      ? ["lost", `Node ${look.id} knows no leader`]
      : ["leader", `Node ${look.leader} leads in term ${look.term}`];
  }
  if (last === undefined) return;
  if (look.snapshot !== last.snapshot) {
    yield ["snapshot", `Node ${look.id} has a snapshot up to entry ${look.snapshot}`];
  }
  for (const [id, isReachable] of look.reachable) {
    // One that is new here was not reached before either.
    if (isReachable === (last.reachable.get(id) ?? false)) continue;
    yield isReachable
      ? ["reachable", `Node ${look.id} reaches node ${id}`]
      : ["unreachable", `Node ${look.id} lost node ${id}`];
  }
}
