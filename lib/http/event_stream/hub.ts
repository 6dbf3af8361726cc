/** All watchers of a node: gives them their turns, sees to it that they do not slow down writes, and ends their streams. */

import type { Clock, Timer } from "../../base/clock.ts";
import type { ChangeWatcher, RevisionChanges } from "../../node/changes/changes.ts";
import { changeEvent, EventText, type StreamError } from "./event_text.ts";
import type { EventFilter } from "./filter.ts";
import { type WatcherGroup, WatcherGroups } from "./groups.ts";
import {
  ALL_UNSENT_BYTES_TARGET,
  CARE_MS,
  ENTRIES_MADE_PER_TURN_MAX,
  ENTRIES_PER_DELIVERY_MAX,
  EVENT_PIECE_BYTES,
  FEW_WATCHERS_MAX,
  HEARTBEAT_MS,
  PAUSE_MS_MAX,
  SEND_COST_MS,
  SEND_COST_MS_PER_BYTE,
  TURN_COST_MS_MAX,
  URGENT_SHARE_OF_HISTORY,
  WATCHERS_MAX,
  WATCHERS_SHARE,
} from "./limits.ts";
import { QuorumProbe } from "./quorum_probe.ts";
import type { EventStream, StreamHost, WatchedNode } from "./stream.ts";

/** The watchers are looked after in so many parts, one after the other. */
const CARE_PARTS = HEARTBEAT_MS / CARE_MS;

/** A text on its way to the watchers of a group. */
interface Delivery {
  readonly text: string;
  /** Where the group was before, and is with it. */
  readonly from: number;
  readonly to: number;
  readonly watchers: readonly EventStream[];
  next: number;
}

/**
 * Works in turns: makes events of what is new and sends them to the groups, a part of the watchers in each turn; then lets
 * those who are behind catch up. The more a turn costs, the longer the pause behind it.
 *
 * Invariants: every live stream is in a group and has what it wants up to `#position`, or gets it by a delivery under way;
 * every other one is in `#behind`, or waits for its client.
 */
export class EventHub implements StreamHost, ChangeWatcher {
  readonly node: WatchedNode;
  readonly #clock: Clock;
  readonly #streams = new Set<EventStream>();
  readonly #groups = new WatcherGroups<EventStream>();
  /** Those who want a turn, in order. */
  readonly #behind = new Set<EventStream>();
  readonly #probe: QuorumProbe;
  #position = 0;
  #deliveries: Delivery[] = [];
  /** Groups whose text has something in it, and where they were before. */
  readonly #touched = new Set<WatcherGroup<EventStream>>();
  #from = 0;
  #unwatch: (() => void) | undefined;
  #turn: Timer | undefined;
  #careTimer: Timer | undefined;
  #carePart = 0;
  #parts = new WeakMap<EventStream, number>();
  #nextPart = 0;
  /** Before this time no turn begins. */
  #pauseUntil = 0;
  /** What the sends of this turn cost, as estimated. */
  #spentMs = 0;

  constructor(node: WatchedNode, clock: Clock) {
    this.node = node;
    this.#clock = clock;
    this.#probe = new QuorumProbe(node, clock);
  }

  /** Number of streams. */
  get size(): number {
    return this.#streams.size;
  }

  /** See `StreamHost`. */
  get pieceBytes(): number {
    const share = ALL_UNSENT_BYTES_TARGET / Math.max(1, this.#streams.size);
    return Math.min(Math.max(share, EVENT_PIECE_BYTES.least), EVENT_PIECE_BYTES.most);
  }

  /** Whether one more watcher finds room. */
  hasRoomFor(filter: EventFilter): boolean {
    return this.#streams.size < WATCHERS_MAX && this.#groups.hasRoomFor(filter);
  }

  /** See `StreamHost`. */
  joined(stream: EventStream): void {
    if (this.#streams.size === 0) this.#begin();
    // A majority confirmed that this node is up to date before the stream began.
    this.#probe.confirmed();
    this.#streams.add(stream);
    this.#nextPart = (this.#nextPart + 1) % CARE_PARTS;
    this.#parts.set(stream, this.#nextPart);
    this.ready(stream);
  }

  /** See `StreamHost`. */
  ready(stream: EventStream): void {
    if (!this.#streams.has(stream)) return;
    this.#behind.add(stream);
    this.#plan();
  }

  /** See `StreamHost`. */
  left(stream: EventStream): void {
    if (!this.#streams.delete(stream)) return;
    this.#behind.delete(stream);
    this.#groups.remove(stream.filter, stream);
    if (this.#streams.size === 0) this.#rest();
  }

  /** See `StreamHost`. */
  sending(bytes: number): void {
    this.#spentMs += SEND_COST_MS + bytes * SEND_COST_MS_PER_BYTE;
  }

  /** See `ChangeWatcher`. */
  changed(): void {
    this.#plan();
  }

  /** See `ChangeWatcher`. */
  ended(): void {
    // The last entries applied may not have had their turn.
    this.#send(Infinity);
    while (this.#position < this.node.changes.newest) {
      if (this.#makeEvents()) this.#makeDeliveries();
      this.#send(Infinity);
    }
    this.#endAll("stopping");
  }

  #begin(): void {
    this.#position = this.node.changes.newest;
    this.#unwatch = this.node.changes.watch(this);
    this.#planCare();
  }

  #rest(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#turn?.cancel();
    this.#turn = undefined;
    this.#deliveries = [];
    this.#careTimer?.cancel();
    this.#careTimer = undefined;
  }

  #plan(): void {
    if (this.#turn !== undefined || this.#streams.size === 0) return;
    const pause = Math.max(0, this.#pauseUntil - this.#clock.now());
    this.#turn = this.#clock.after(pause, () => {
      this.#turn = undefined;
      this.#runTurn();
    });
  }

  #runTurn(): void {
    const begun = this.#clock.now();
    this.#spentMs = 0;
    if (this.#deliveries.length === 0 && this.#makeEvents()) this.#makeDeliveries();
    this.#send(TURN_COST_MS_MAX);
    this.#catchUp(TURN_COST_MS_MAX);
    const now = this.#clock.now();
    const cost = now - begun + this.#spentMs;
    this.#pauseUntil = now + this.#pauseAfter(cost);
    const isDone = this.#deliveries.length === 0 && this.#behind.size === 0;
    if (!isDone || this.#position < this.node.changes.newest) this.#plan();
  }

  #pauseAfter(costMs: number): number {
    const { newest, oldest } = this.node.changes;
    const areFew = this.#streams.size <= FEW_WATCHERS_MAX;
    const isUrgent = newest - this.#position > (newest - oldest) * URGENT_SHARE_OF_HISTORY;
    if (areFew && isUrgent) return 0;
    const share = areFew ? WATCHERS_SHARE.few : WATCHERS_SHARE.many;
    return Math.min(PAUSE_MS_MAX, costMs * (1 / share - 1));
  }

  /** Goes on making the texts of the groups. Whether they are to be sent: they hold all that is new, or enough. */
  #makeEvents(): boolean {
    const { changes: feed } = this.node;
    if (this.#touched.size === 0) this.#from = this.#position;
    if (this.#groups.size === 0) {
      this.#position = feed.newest;
      return true;
    }
    const entries = feed.since(this.#position);
    if (entries === undefined) {
      this.#resetAll();
      return true;
    }
    const { pieceBytes } = this;
    let looked = 0;
    let isFull = false;
    for (const entry of entries) {
      for (const group of this.#addEntry(entry)) {
        group.text.endEntry(entry.revision);
        isFull ||= group.text.bytes >= pieceBytes;
        this.#touched.add(group);
      }
      looked += 1;
      this.#position = entry.revision;
      isFull ||= this.#position - this.#from >= ENTRIES_PER_DELIVERY_MAX;
      if (isFull || looked >= ENTRIES_MADE_PER_TURN_MAX) return isFull;
    }
    this.#position = feed.newest;
    return true;
  }

  /** What comes next is not known any more: nobody who is live can go on. */
  #resetAll(): void {
    this.#position = this.node.changes.newest;
    this.#touched.clear();
    for (const group of [...this.#groups.all()]) for (const stream of [...group.watchers]) stream.reset();
  }

  /** Sends the texts of the groups from now on. */
  #makeDeliveries(): void {
    for (const group of this.#touched) {
      const delivery = { from: this.#from, to: this.#position, watchers: [...group.watchers], next: 0 };
      this.#deliveries.push({ text: group.text.take(), ...delivery });
      group.text = new EventText();
    }
    this.#touched.clear();
  }

  /** Adds the events of one entry to the texts of the groups that want them, and returns these. */
  #addEntry({ revision, changes }: RevisionChanges): ReadonlySet<WatcherGroup<EventStream>> {
    const groups = new Set<WatcherGroup<EventStream>>();
    for (const change of changes) {
      let event: string | undefined;
      this.#groups.find(change, (group) => {
        event ??= changeEvent(change, revision);
        group.text.add(event);
        groups.add(group);
      });
    }
    return groups;
  }

  /** Goes on with the deliveries until the turn has cost so much. */
  #send(costMs: number): void {
    for (let delivery = this.#deliveries.at(-1); delivery !== undefined; delivery = this.#deliveries.at(-1)) {
      const { text, from, to, watchers } = delivery;
      for (; delivery.next < watchers.length; delivery.next++) {
        if (this.#spentMs >= costMs) return;
        const stream = watchers[delivery.next];
        if (stream === undefined || !stream.isLive || stream.offer(text, to)) continue;
        // It goes on from where the group was before, once its client has read what it has.
        stream.fallBehind(from);
        this.#groups.remove(stream.filter, stream);
      }
      this.#deliveries.pop();
    }
  }

  /** Gives turns to those who are behind until the turn has cost so much, reading the history included. */
  #catchUp(costMs: number): void {
    const begun = this.#clock.now();
    // While texts are being made nobody joins a group: its text holds, or lacks, what the newcomer has.
    const mayJoin = this.#touched.size === 0;
    for (let turns = this.#behind.size; turns > 0; turns--) {
      const [stream] = this.#behind;
      if (stream === undefined || this.#spentMs + this.#clock.now() - begun >= costMs) return;
      this.#behind.delete(stream);
      const outcome = stream.turn(this.#position, mayJoin);
      if (outcome === "CaughtUp") this.#groups.add(stream.filter, stream);
      else if (outcome === "More") this.#behind.add(stream);
    }
  }

  #planCare(): void {
    this.#careTimer = this.#clock.after(CARE_MS, () => {
      this.#planCare();
      this.#care();
    });
  }

  /** Heartbeats, and what ends streams that nothing else would end. */
  #care(): void {
    if (!this.#probe.check()) return this.#endAll("no_quorum");
    this.#carePart = (this.#carePart + 1) % CARE_PARTS;
    const isSettled = this.#deliveries.length === 0 && this.#touched.size === 0;
    for (const stream of [...this.#streams]) {
      if (this.#parts.get(stream) === this.#carePart) stream.beat(this.#position, isSettled);
    }
  }

  #endAll(code: StreamError): void {
    for (const stream of [...this.#streams]) stream.fail(code);
  }
}

const hubs = new WeakMap<WatchedNode, EventHub>();

/** The hub of a node, made when it is first asked for. */
export function hubOf(node: WatchedNode, clock: Clock): EventHub {
  const known = hubs.get(node);
  if (known !== undefined) return known;
  const hub = new EventHub(node, clock);
  hubs.set(node, hub);
  return hub;
}
