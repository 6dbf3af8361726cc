/** A port at the system's limit on file descriptors: accepts fail when the test says so, and time passes when it says so. */

import { assertEquals } from "@std/assert";
import { FAILED_ACCEPTS_PER_TURN_MAX } from "../../../lib/base/accepting.ts";
import { Counter } from "../../../lib/observe/metrics.ts";
import { ConnectionPort, type PortConnection } from "../../../lib/net/connection_port.ts";
import { DESCRIPTORS_RESERVED, LIMIT_RISE_WAIT_MS_MAX } from "../../../lib/net/limits.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

const CONFIGURED = 100 * DESCRIPTORS_RESERVED;

/** A connection that does nothing until it is closed. */
class FakeConnection implements PortConnection {
  readonly #ended = Promise.withResolvers<void>();
  run(): Promise<void> {
    return this.#ended.promise;
  }
  stop(): void {
    this.#ended.resolve();
  }
  abort(): void {
    this.#ended.resolve();
  }
  giveWay(): void {
    this.#ended.resolve();
  }
  check(): void {}
  idleness(): undefined {}
}

/** Clients come at the port as `crowd` says; while `descriptors` are used up, an accept fails. */
class Bench {
  readonly clock = new VirtualClock();
  readonly logged: string[] = [];
  descriptors = Infinity;
  crowd = 0;
  /** So many of those that come next are gone before they are accepted. */
  gone = 0;
  readonly port: ConnectionPort<FakeConnection>;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor() {
    const listener = {
      accept: () => this.#accept(),
      close: () => {
        this.#closed = true;
        this.#wake?.();
      },
    };
    this.port = new ConnectionPort({
      doors: [{ listener: listener as unknown as Deno.TcpListener, tls: undefined }],
      clock: this.clock,
      log: (_level, message) => this.logged.push(message),
      connectionsMax: CONFIGURED,
      names: { one: "a client", adjective: "client" },
      admit: () => new FakeConnection(),
      refuse: {
        needsFirstBytes: false,
        refused: new Counter(),
        reply: () => new Uint8Array(),
        plainReply: () => new Uint8Array(),
      },
    });
    this.port.start();
  }

  /** `count` clients ask for a connection. */
  arrive(count: number): void {
    this.crowd += count;
    this.#wake?.();
  }

  async #accept(): Promise<Deno.TcpConn> {
    while (this.crowd === 0 && !this.#closed) await new Promise<void>((resolve) => this.#wake = resolve);
    if (this.#closed) throw new Deno.errors.BadResource("closed");
    if (this.port.size >= this.descriptors) throw new Error("Too many open files (os error 24)");
    this.crowd -= 1;
    if (this.gone > 0) {
      this.gone -= 1;
      throw new Deno.errors.NotConnected("Transport endpoint is not connected (os error 107)");
    }
    const socket = { setNoDelay: () => {}, close: () => {}, write: () => Promise.resolve(0) };
    return socket as unknown as Deno.TcpConn;
  }
}

Deno.test("the limit that a lack of file descriptors lowered returns when the lack is over", async () => {
  const bench = new Bench();
  const { port, clock, logged } = bench;
  bench.descriptors = 2 * DESCRIPTORS_RESERVED;
  bench.arrive(3 * DESCRIPTORS_RESERVED);
  await clock.until(() => port.connectionsMax === DESCRIPTORS_RESERVED, 1_000, "the limit is lowered");
  await clock.until(() => bench.crowd === 0, 1_000, "the rest of the crowd is refused");
  assertEquals(port.size, DESCRIPTORS_RESERVED);

  bench.descriptors = Infinity;
  await clock.until(() => port.connectionsMax === CONFIGURED, LIMIT_RISE_WAIT_MS_MAX, "the limit returns");
  assertEquals(logged.at(-1), `At most ${CONFIGURED} client connections again`);
  bench.arrive(CONFIGURED);
  await clock.until(() => bench.crowd === 0, 1_000, "everybody has been dealt with");
  assertEquals(port.size, CONFIGURED);
  await port.stop(0);
});

Deno.test("while descriptors stay scarce, the limit is tried ever more seldom", async () => {
  const bench = new Bench();
  const { port, clock, logged } = bench;
  bench.descriptors = 2 * DESCRIPTORS_RESERVED;
  // Somebody always wants in.
  for (let round = 0; round < 600; round++) {
    bench.arrive(5);
    await clock.advance(1_000);
  }
  const trials = logged.filter((line) => line.startsWith("For now at most")).length;
  assertEquals(trials > 2 && trials < 20, true, `${trials} times in ten minutes`);
  assertEquals(port.size >= DESCRIPTORS_RESERVED, true, "those that were served first are still served");
  await port.stop(0);
});

Deno.test("clients that are gone before they are accepted cost nobody a connection, and hold nobody up", async () => {
  const bench = new Bench();
  const { port, clock } = bench;
  bench.arrive(100);
  await clock.until(() => port.size === 100, 1_000, "100 are served");
  for (let round = 0; round < 100; round++) {
    bench.gone = 1;
    bench.arrive(1);
    await clock.turn();
  }
  assertEquals([port.size, port.connectionsMax, bench.gone], [100, CONFIGURED, 0]);
  bench.arrive(1);
  await clock.settle();
  assertEquals(port.size, 101, "the next is served although no time has passed");
  await port.stop(0);
});

Deno.test("a flood of clients that are gone leaves turns of the event loop to others, and a port that stops ends", async () => {
  const bench = new Bench();
  const { port, clock } = bench;
  bench.gone = 10 * FAILED_ACCEPTS_PER_TURN_MAX;
  bench.arrive(bench.gone + 1);
  for (let turns = 1; turns <= 3; turns++) {
    await clock.settle();
    assertEquals(bench.gone, (10 - turns) * FAILED_ACCEPTS_PER_TURN_MAX);
    await clock.turn();
  }
  const stopped = port.stop(0);
  await clock.advance(0);
  await stopped;
  assertEquals([bench.gone, port.size], [6 * FAILED_ACCEPTS_PER_TURN_MAX, 0]);
});
