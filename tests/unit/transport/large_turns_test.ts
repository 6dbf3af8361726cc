/** Large frames: what is done with each takes milliseconds, and no turn of the event loop does more than one piece of it. */

import { assert, assertEquals } from "@std/assert";
import type { Clock, Timer } from "../../../lib/base/clock.ts";
import { encodeMessage } from "../../../lib/transport/codec.ts";
import { Connection, LARGE_BODY_BYTES_MIN } from "../../../lib/transport/connection.ts";
import type { PeerMessage } from "../../../lib/transport/forward.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import { LargeTurns } from "../../../lib/transport/large_turns.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../../../lib/transport/limits.ts";
import { Peer } from "../../../lib/transport/peer.ts";
import { serveIncoming } from "../../../lib/transport/serve.ts";
import { fakeSocket } from "../../fuzz/fake_socket.ts";
import { turn } from "../../support/wait.ts";
import { appendEntries, numbered, OPEN_DOOR, statusOf } from "./support.ts";

/** Timers run turn by turn: those that are set in a turn belong to the next one. */
class TurnClock implements Clock {
  #due: (() => void)[] = [];

  now(): number {
    return 0;
  }

  after(_delayMs: number, action: () => void): Timer {
    this.#due.push(action);
    return { cancel: () => void (this.#due = this.#due.filter((other) => other !== action)) };
  }

  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }

  async turn(): Promise<void> {
    for (const action of this.#due.splice(0)) action();
    await turn();
  }
}

function connect(clock: Clock, largeTurns: LargeTurns) {
  const written: string[] = [];
  const end = fakeSocket((bytes) => written.push(bytes));
  return {
    connection: new Connection(end.socket, { clock, limits: DEFAULT_TRANSPORT_LIMITS, largeTurns }),
    end,
    written,
  };
}

/** A link that was accepted takes long frames. */
const TRUSTED = { outgoing: new Uint8Array(32), incoming: new Uint8Array(32) };

Deno.test("waits end one a turn, in their order, whenever they began", async () => {
  const clock = new TurnClock();
  const turns = new LargeTurns(clock);
  const ended: number[] = [];
  const wait = (id: number) => void turns.next().then(() => ended.push(id));
  for (const id of [0, 1, 2]) wait(id);
  await turn();
  assertEquals(ended, []);
  for (const expected of [[0], [0, 1]]) {
    await clock.turn();
    assertEquals(ended, expected);
  }
  wait(3);
  await clock.turn();
  await clock.turn();
  assertEquals(ended, [0, 1, 2, 3]);
  await clock.turn();
  wait(4);
  await clock.turn();
  assertEquals(ended, [0, 1, 2, 3, 4]);
});

Deno.test("large frames for several peers are built in a turn each", async () => {
  const clock = new TurnClock();
  const turns = new LargeTurns(clock);
  const links = [0, 1, 2].map(() => connect(clock, turns));
  const body = new Uint8Array(LARGE_BODY_BYTES_MIN);
  for (const { connection } of links) {
    connection.trust(TRUSTED);
    assert(connection.append("{}", body));
    connection.flush();
  }
  for (let expected = 0; expected <= links.length; expected++) {
    assertEquals(links.filter(({ written }) => written.length > 0).length, expected);
    await clock.turn();
  }
});

/** A peer's connection that messages came by, each by a turn of the sender's; `received` is what was handed out of them. */
async function receive(clock: TurnClock, turns: LargeTurns, messages: readonly Message[]) {
  const sender = connect(clock, new LargeTurns(clock));
  sender.connection.trust(TRUSTED);
  for (const message of messages) {
    const { header, body } = encodeMessage(message);
    assert(sender.connection.append(header, body));
  }
  sender.connection.flush();
  for (let count = 0; count < messages.length; count++) await clock.turn();
  const { connection, end } = connect(clock, turns);
  connection.trust(TRUSTED);
  const received: string[] = [];
  const status = () => statusOf(0);
  const sink = { ownId: 1, receive: (message: PeerMessage) => void received.push(message.type), status };
  const handler = { ...NOTHING, receive: sink.receive, status };
  const context = { clock, limits: DEFAULT_TRANSPORT_LIMITS, largeTurns: turns, log: () => {}, handler };
  const serving = serveIncoming(new Peer(0, { addresses: [], context }), { connection, sink });
  for (const bytes of sender.written) end.deliver(bytes);
  await turn();
  return { connection, end, received, serving };
}

Deno.test("a large message is decoded in one turn and done in another, and what comes behind it stays behind it", async () => {
  const clock = new TurnClock();
  const turns = new LargeTurns(clock);
  const large = appendEntries(["x".repeat(LARGE_BODY_BYTES_MIN)]);
  const { end, received, serving } = await receive(clock, turns, [numbered(1), large, numbered(2)]);
  assertEquals(received, ["ReadIndex"]);
  await clock.turn();
  assertEquals(received, ["ReadIndex"]);
  await clock.turn();
  assertEquals(received, ["ReadIndex", "AppendEntries", "ReadIndex"]);
  end.end();
  await serving;
});

Deno.test("a connection that ends while a large message waits for its turn hands out nothing of it", async () => {
  const clock = new TurnClock();
  const large = appendEntries(["x".repeat(LARGE_BODY_BYTES_MIN)]);
  const { connection, received, serving } = await receive(clock, new LargeTurns(clock), [large]);
  await clock.turn();
  connection.close({ reason: "replaced", expected: true, damage: false });
  await clock.turn();
  await serving;
  assertEquals(received, []);
});

const NOTHING = { ...OPEN_DOOR, disconnected() {}, connected() {}, acquainted() {}, removed() {}, refusedBy() {} };
