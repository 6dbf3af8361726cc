/** A port at the system's limit on file descriptors: accepts fail when the test says so, and time passes when it says so. */

import { assertEquals } from "@std/assert";
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
