/** One watcher: what it has been sent so far, and what it gets next while it is behind the others. */

import type { NodeMonitor, NodeReader } from "../../node/api.ts";
import type { BodySink, BodyStream } from "../http.ts";
import {
  changeEvent,
  errorEvent,
  EventText,
  heartbeat,
  OPENING,
  progressEvent,
  recordEvent,
  resetEvent,
  snapshotBegin,
  snapshotEnd,
  type StreamError,
} from "./event_text.ts";
import { type EventFilter, isInRange, isWanted, wantsKey } from "./filter.ts";
import { ENTRIES_PER_TURN_MAX, RECORDS_PER_TURN_MAX, UNSENT_EVENT_BYTES_MAX } from "./limits.ts";

/** What came of a turn: there is more to do, what was sent must leave first, or it has everything up to the limit. */
export type TurnOutcome = "More" | "Waiting" | "CaughtUp";

/** What watchers ask of the node. */
export interface WatchedNode extends NodeReader, NodeMonitor {}

/** Who gives the watchers their turns. */
export interface StreamHost {
  readonly node: WatchedNode;
  /** Bytes of a piece after which it is sent. */
  readonly pieceBytes: number;
  /** The stream begins. */
  joined(stream: EventStream): void;
  /** What was sent has left: the stream may have another turn. */
  ready(stream: EventStream): void;
  /** So many bytes are sent to a client. */
  sending(bytes: number): void;
  /** The stream has ended. */
  left(stream: EventStream): void;
}

/** How a stream begins. */
export interface StreamStart {
  readonly filter: EventFilter;
  /** Everything behind this revision is told, or the state as of it comes first. */
  readonly position: number;
  readonly snapshot: boolean;
  /** The watcher asked for what is not known any more: it hears so before the state. */
  readonly reset: boolean;
}

/**
 * `State -> Behind -> Live`, back to `Behind` when the client reads too slowly, and from everywhere to `Ended`.
 *
 * Invariants: everything wanted up to `#position` has been sent, in `State` for keys before `#cursor` only, which hold what the
 * state was at `#position`; nothing behind it has been sent. In `Live` the position is that of the host.
 */
export class EventStream implements BodyStream {
  readonly filter: EventFilter;
  readonly #host: StreamHost;
  readonly #start: StreamStart;
  #phase: "State" | "Behind" | "Live" | "Ended";
  #position: number;
  /** The next key of the state to be sent. */
  #cursor: string;
  #sink: BodySink | undefined;
  /** The last revision that the client could resume at. */
  #told: number;

  constructor(host: StreamHost, start: StreamStart) {
    this.filter = start.filter;
    this.#host = host;
    this.#start = start;
    this.#phase = start.snapshot ? "State" : "Behind";
    this.#position = start.position;
    this.#told = start.position;
    this.#cursor = start.filter.from;
  }

  /** Whether the watcher hears of changes together with its group. */
  get isLive(): boolean {
    return this.#phase === "Live";
  }

  /** See `BodyStream`. */
  opened(sink: BodySink): void {
    if (this.#phase === "Ended") return sink.finish();
    this.#sink = sink;
    const { snapshot, reset } = this.#start;
    const begin = snapshot ? snapshotBegin(this.#position) : progressEvent(this.#position);
    sink.send(OPENING + (reset ? resetEvent(this.#host.node.changes.oldest) : "") + begin);
    this.#host.joined(this);
  }

  /** See `BodyStream`. */
  drained(): void {
    if (this.#phase === "Behind" || this.#phase === "State") this.#host.ready(this);
  }

  /** See `BodyStream`. */
  closed(): void {
    this.#phase = "Ended";
    this.#host.left(this);
  }

  /** In `Live`: sends what the group gets up to `revision`. False when the client reads too slowly: then it is behind. */
  offer(text: string, revision: number): boolean {
    const sink = this.#sink;
    if (sink === undefined || sink.unsentBytes > UNSENT_EVENT_BYTES_MAX) return false;
    this.#told = revision;
    this.#send(sink, text);
    return true;
  }

  /** Leaves the group, which is at `revision`. */
  fallBehind(revision: number): void {
    this.#position = revision;
    this.#phase = "Behind";
  }

  /** Sends the next piece, up to revision `limit`, where the groups are; with everything up to there it may join its group. */
  turn(limit: number, mayJoin: boolean): TurnOutcome {
    const sink = this.#sink;
    if (sink === undefined || this.#phase === "Ended" || this.#phase === "Live") return "Waiting";
    if (sink.unsentBytes > UNSENT_EVENT_BYTES_MAX) return "Waiting";
    if (this.#phase === "State" && this.#host.node.isQuarantined) {
      // What is left of the state is not to be told; another node begins anew.
      this.fail("no_quorum");
      return "Waiting";
    }
    if (this.#phase === "State") return this.#sendState(sink);
    if (this.#position > limit) return "More";
    if (!this.#sendHistory(sink, { limit, before: undefined })) return this.#afterTurn(sink);
    if (!mayJoin) return "More";
    this.#phase = "Live";
    return "CaughtUp";
  }

  /**
   * Shows that the stream lives; `revision` is where the groups are, and `isSettled` whether everything up to it has been
   * offered. Ends a stream whose history is gone.
   */
  beat(revision: number, isSettled: boolean): void {
    const sink = this.#sink;
    if (sink === undefined || this.#phase === "Ended") return;
    if (this.#phase !== "Live" && this.#host.node.changes.since(this.#position) === undefined) return this.reset();
    if (sink.unsentBytes > 0) return;
    const isAhead = this.#phase === "Live" && isSettled && revision > this.#told;
    if (isAhead) this.#told = revision;
    sink.send(heartbeat(revision) + (isAhead ? progressEvent(revision) : ""));
  }

  /** Ends the stream because changes behind its position are not known any more. */
  reset(): void {
    this.#end(resetEvent(this.#host.node.changes.oldest));
  }

  /** Ends the stream for a reason of this node's. */
  fail(code: StreamError): void {
    this.#end(errorEvent(code));
  }

  #end(last: string): void {
    const sink = this.#sink;
    if (this.#phase === "Ended") return;
    this.#phase = "Ended";
    this.#host.left(this);
    sink?.send(last);
    sink?.finish();
  }

  #send(sink: BodySink, text: string): void {
    if (text === "") return;
    this.#host.sending(text.length);
    sink.send(text);
  }

  #afterTurn(sink: BodySink): TurnOutcome {
    return this.#phase === "Ended" || sink.unsentBytes > UNSENT_EVENT_BYTES_MAX ? "Waiting" : "More";
  }

  /**
   * Sends the next piece of the state. First come the changes of keys that were sent already, so that they are all as of the
   * same revision: the present one, to which the next keys belong. So nothing is kept for the watcher however large the state
   * is, and no key ever goes back to an older value.
   */
  #sendState(sink: BodySink): TurnOutcome {
    const { newest } = this.#host.node.changes;
    if (!this.#sendHistory(sink, { limit: newest, before: this.#cursor })) return this.#afterTurn(sink);
    const text = new EventText();
    const isComplete = this.#readState(text);
    if (isComplete) {
      this.#phase = "Behind";
      this.#told = this.#position;
    }
    this.#send(sink, text.take() + (isComplete ? snapshotEnd(this.#position) : ""));
    return this.#afterTurn(sink);
  }

  /** Reads keys from the cursor on. Whether there are no more. */
  #readState(text: EventText): boolean {
    let count = 0;
    for (const [key, record] of this.#host.node.state.records(this.#cursor)) {
      if (!isInRange(this.filter, key)) return true;
      if (count >= RECORDS_PER_TURN_MAX || text.bytes >= this.#host.pieceBytes) return false;
      if (wantsKey(this.filter, key)) {
        text.add(recordEvent(key, record));
        text.endEntry(undefined);
      }
      this.#cursor = `${key}\0`;
      count += 1;
    }
    return true;
  }

  /**
   * Sends changes up to revision `limit`, only those of keys before `before` where that is given, and then without ids: the
   * watcher cannot resume in the middle of the state. Whether these were all.
   */
  #sendHistory(sink: BodySink, { limit, before }: HistoryPart): boolean {
    const entries = this.#host.node.changes.since(this.#position);
    if (entries === undefined) {
      this.reset();
      return false;
    }
    const text = new EventText();
    let looked = 0;
    let isComplete = true;
    for (const { revision, changes } of entries) {
      if (revision > limit) break;
      isComplete = looked < ENTRIES_PER_TURN_MAX && text.bytes < this.#host.pieceBytes;
      if (!isComplete) break;
      looked += 1;
      for (const change of changes) {
        const wanted = isWanted(this.filter, change) && (before === undefined || change.key < before);
        if (wanted) text.add(changeEvent(change, revision));
      }
      text.endEntry(before === undefined ? revision : undefined);
      this.#position = revision;
    }
    if (isComplete) this.#position = limit;
    if (before === undefined && text.bytes > 0) this.#told = this.#position;
    this.#send(sink, text.take());
    return isComplete;
  }
}

interface HistoryPart {
  readonly limit: number;
  readonly before: string | undefined;
}
