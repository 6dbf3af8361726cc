/** A watcher of a change stream without a network: the route, and a client that reads as fast as the test says. */

import { assert } from "@std/assert";
import { byteStringToText } from "../../lib/base/bytes.ts";
import type { Clock } from "../../lib/base/clock.ts";
import type { Command } from "../../lib/kv/commands.ts";
import type { KeyValueNode } from "../../lib/node/api.ts";
import type { BodySink, BodyStream, HttpReply } from "../../lib/http/http.ts";
import { Happenings } from "../../lib/http/live/happenings.ts";
import { EVENT_ROUTES } from "../../lib/http/routes/events.ts";
import { EventParser, type ServerEvent } from "./event_parser.ts";
import { StateNode } from "./state_node.ts";
import { gateOf } from "./gate.ts";
import { VirtualClock } from "./memory/virtual_clock.ts";

/** What a watcher asks. */
export interface WatcherRequest {
  readonly query?: Readonly<Record<string, string>>;
  readonly lastEventId?: string;
}

/** Asks for a change stream as the router does. */
export async function askForEvents(
  ground: { readonly node: KeyValueNode; readonly clock: Clock },
  { query = {}, lastEventId }: WatcherRequest = {},
): Promise<HttpReply> {
  const [route] = EVENT_ROUTES;
  assert(route !== undefined);
  return await route.handle({
    request: {
      method: "GET",
      path: "/v1/events",
      query: "",
      headers: new Map(lastEventId === undefined ? [] : [["last-event-id", lastEventId]]),
      body: "",
      remote: "127.0.0.1:1",
      id: "1",
    },
    context: {
      ...ground,
      shared: ground.node,
      gate: gateOf(ground.node, ground.clock),
      login: undefined,
      log: () => {},
      keyBytesMax: 65_536,
      valueBytesMax: 8_388_608,
      token: "",
      httpAddress: "127.0.0.1:8000",
      happenings: new Happenings(ground),
    },
    path: new Map(),
    query: new Map(Object.entries(query)),
  });
}

/** Opens a change stream, which must be granted. */
export async function watchEvents(
  ground: { readonly node: KeyValueNode; readonly clock: Clock },
  request: WatcherRequest = {},
): Promise<TestWatcher> {
  const { status, body } = await askForEvents(ground, request);
  assert(typeof body !== "string", `A stream was expected, not ${status} ${body}`);
  return new TestWatcher(body);
}

/** Holds what it was sent. While `isSlow`, what is sent stays unsent until `drain`. */
export class TestWatcher implements BodySink {
  readonly parser = new EventParser();
  readonly events: ServerEvent[] = [];
  /** Every piece as it was sent. */
  readonly pieces: string[] = [];
  readonly stream: BodyStream;
  isSlow = false;
  unsentBytes = 0;
  /** The most that was ever unsent. */
  unsentMost = 0;
  isFinished = false;

  constructor(stream: BodyStream) {
    this.stream = stream;
    stream.opened(this);
  }

  /** See `BodySink`. */
  send(bytes: string): void {
    if (this.isFinished || bytes === "") return;
    this.pieces.push(bytes);
    this.unsentBytes += bytes.length;
    this.unsentMost = Math.max(this.unsentMost, this.unsentBytes);
    const text = byteStringToText(bytes);
    assert(text !== undefined, "Events are UTF-8");
    this.events.push(...this.parser.push(text));
    if (!this.isSlow) queueMicrotask(() => this.drain());
  }

  /** See `BodySink`. */
  finish(): void {
    this.isFinished = true;
    queueMicrotask(() => this.stream.closed());
  }

  /** See `BodySink`. */
  abort(): void {
    this.finish();
  }

  /** Everything sent has left. */
  drain(): void {
    if (this.unsentBytes === 0) return;
    this.unsentBytes = 0;
    this.stream.drained();
  }

  /** The changes among the events: puts, deletes and expiries. */
  get changes(): readonly ServerEvent[] {
    return this.events.filter(({ type }) => type === "put" || type === "delete" || type === "expire");
  }

  /** `type key value id` of each change, the id only where it came with one. */
  get brief(): readonly string[] {
    return this.changes.map(({ type, data, lastEventId, hasId }) =>
      [type, data["key"], data["value"] ?? "-", hasId ? lastEventId : "-"].join(" ")
    );
  }
}

/** A node with a clock of its own. */
export class EventGround {
  readonly node = new StateNode();
  readonly clock = new VirtualClock();

  /** Applies a command at once. */
  apply(command: Command): void {
    this.node.submit(command, () => {});
  }

  /** Stores a value. */
  put(key: string, value: string): void {
    this.apply({ type: "Put", key, value });
  }

  /** Does one call. */
  call(...call: readonly string[]): void {
    this.apply({ type: "Call", call });
  }

  /** Lets watchers have everything that is new. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) await this.clock.advance(20);
  }

  /** Ends the streams, so that no timer goes on. */
  close(...watchers: readonly TestWatcher[]): void {
    for (const watcher of watchers) watcher.stream.closed();
  }
}
