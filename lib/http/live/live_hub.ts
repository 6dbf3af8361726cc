/** The watchers of a node's dashboard: one frame a second, made once for all of them, and none while nobody looks. */

import type { Timer } from "../../base/clock.ts";
import type { BodySink, BodyStream } from "../http.ts";
import type { HttpContext } from "../route.ts";
import { FrameMaker } from "./frame_maker.ts";

/** Watchers of one node; each holds a connection. */
export const LIVE_WATCHERS_MAX = 64;
/** Time between two frames. */
export const FRAME_MS = 1_000;
/** A watcher with more unsent bytes misses frames until it has read: each frame stands for itself. */
export const LIVE_UNSENT_BYTES_MAX = 65_536;

const OPENING = "retry: 1000\n\n";

/** The hub of one node. */
export class LiveHub {
  readonly #context: HttpContext;
  readonly #streams = new Set<LiveStream>();
  #maker: FrameMaker | undefined;
  #timer: Timer | undefined;
  #frame = "";

  /** A hub without watchers, which does nothing. */
  constructor(context: HttpContext) {
    this.#context = context;
  }

  /** Watchers now. */
  get size(): number {
    return this.#streams.size;
  }

  /** A stream for a new watcher; undefined when there are too many. */
  open(): BodyStream | undefined {
    return this.#streams.size < LIVE_WATCHERS_MAX ? new LiveStream(this) : undefined;
  }

  /** A stream has begun: its watcher gets what there is at once. */
  joined(stream: LiveStream): void {
    this.#streams.add(stream);
    if (this.#timer === undefined) this.#tick();
    else stream.send(this.#frame);
  }

  /** A stream has ended. */
  left(stream: LiveStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    this.#maker ??= new FrameMaker(this.#context);
    this.#frame = `data: ${this.#maker.make()}\n\n`;
    for (const stream of this.#streams) stream.send(this.#frame);
    this.#timer = this.#context.clock.after(FRAME_MS, () => this.#tick());
  }
}

/** One watcher. */
class LiveStream implements BodyStream {
  readonly #hub: LiveHub;
  #sink: BodySink | undefined;

  constructor(hub: LiveHub) {
    this.#hub = hub;
  }

  /** Sends a frame unless the watcher has not read the last ones. */
  send(frame: string): void {
    const sink = this.#sink;
    if (sink !== undefined && sink.unsentBytes <= LIVE_UNSENT_BYTES_MAX) sink.send(frame);
  }

  /** See `BodyStream`. */
  opened(sink: BodySink): void {
    this.#sink = sink;
    sink.send(OPENING);
    this.#hub.joined(this);
  }

  /** See `BodyStream`. */
  drained(): void {
    // The next frame comes with its second.
  }

  /** See `BodyStream`. */
  closed(): void {
    this.#sink = undefined;
    this.#hub.left(this);
  }
}
