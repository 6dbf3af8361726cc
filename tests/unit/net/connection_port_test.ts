/** A port at the system's limit on file descriptors: accepts fail when the test says so, and time passes when it says so. */

import { assertEquals } from "@std/assert";
import { FAILED_ACCEPTS_PER_TURN_MAX } from "../../../lib/base/accepting.ts";
import { Counter, Registry } from "../../../lib/observe/metrics.ts";
import { closedBeforeLogin } from "../../../lib/net/connections_before_login.ts";
import { ConnectionPort, type Idleness, type PortConnection } from "../../../lib/net/connection_port.ts";
import { DESCRIPTORS_RESERVED, IDLE_GIVES_WAY_MS, LIMIT_RISE_WAIT_MS_MAX } from "../../../lib/net/limits.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

const CONFIGURED = 100 * DESCRIPTORS_RESERVED;

/** A connection that does nothing until it is closed. */
class FakeConnection implements PortConnection {
  readonly address = "10.0.0.1";
  isBeforeLogin = false;
  idleSinceMs: number | undefined;
  hasGivenWay = false;
  isTooSlow = false;
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
    this.hasGivenWay = true;
    this.#ended.resolve();
  }
  loginTooSlow(): void {
    this.isTooSlow = true;
  }
  check(): void {}
  idleness(): Idleness | undefined {
    return this.idleSinceMs === undefined ? undefined : { sinceMs: this.idleSinceMs, holdsState: false };
  }
}

/** Clients come at the port as `crowd` says; while `descriptors` are used up, an accept fails. */
class Bench {
  readonly clock = new VirtualClock();
  readonly logged: string[] = [];
  descriptors = Infinity;
  crowd = 0;
  /** So many of those that come next are gone before they are accepted. */
  gone = 0;
  /** Those that were accepted. */
  readonly accepted: FakeConnection[] = [];
  /** Whether clients have to log in. */
  isLoginNeeded = false;
  readonly refused = new Counter();
  readonly port: ConnectionPort<FakeConnection>;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(connectionsMax = CONFIGURED) {
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
      connectionsMax,
      names: { one: "a client", adjective: "client" },
      admit: () => {
        const connection = new FakeConnection();
        connection.isBeforeLogin = this.isLoginNeeded;
        this.accepted.push(connection);
        return connection;
      },
      beforeLogin: {
        limits: { connectionsMax, addressConnectionsMax: connectionsMax },
        closed: closedBeforeLogin(new Registry(), "client"),
        isLoginNeeded: () => this.isLoginNeeded,
      },
      refuse: {
        needsFirstBytes: false,
        refused: this.refused,
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

Deno.test("at a full port strangers give way to whoever comes, and who has logged in does not, however idle", async () => {
  const bench = new Bench(4);
  const { port, clock, accepted } = bench;
  bench.isLoginNeeded = true;
  const come = async () => {
    bench.arrive(1);
    await clock.settle();
  };
  for (let count = 0; count < 4; count++) await come();
  for (const connection of accepted.slice(0, 3)) Object.assign(connection, { isBeforeLogin: false, idleSinceMs: 0 });
  await clock.advance(10 * IDLE_GIVES_WAY_MS);
  for (let count = 0; count < 100; count++) await come();
  assertEquals([port.size, bench.refused.value], [4, 0], "each stranger takes the place of the one before");
  assertEquals([port.sizeBeforeLogin, accepted.filter(({ hasGivenWay }) => hasGivenWay)], [1, []]);
  assertEquals(accepted.length, 104);
  await port.stop(0);
});

Deno.test("once all places are taken by those who have logged in, the longest idle of them makes one for who comes", async () => {
  const bench = new Bench(3);
  const { port, clock, accepted } = bench;
  bench.isLoginNeeded = true;
  bench.arrive(3);
  await clock.until(() => port.size === 3, 1_000, "the port is full");
  for (const [at, connection] of accepted.entries()) {
    Object.assign(connection, { isBeforeLogin: false, idleSinceMs: at === 0 ? undefined : 1_000 - at });
  }
  bench.arrive(1);
  await clock.settle();
  assertEquals([port.size, bench.refused.value], [3, 1], "who comes before that is refused");
  await clock.until(() => port.size === 2, 2 * IDLE_GIVES_WAY_MS, "one is ended");
  assertEquals(accepted.map(({ hasGivenWay }) => hasGivenWay), [false, false, true]);
  bench.arrive(1);
  await clock.settle();
  await clock.advance(10 * IDLE_GIVES_WAY_MS);
  assertEquals([port.size, bench.refused.value], [3, 1], "no other goes for a stranger");
  assertEquals(accepted.map(({ hasGivenWay }) => hasGivenWay), [false, false, true, false]);
  assertEquals(accepted.map(({ isTooSlow }) => isTooSlow), [false, false, false, true]);
  Object.assign(accepted[3] ?? {}, { isBeforeLogin: false });
  bench.arrive(1);
  await clock.settle();
  assertEquals([port.size, bench.refused.value], [3, 2], "nor at once for one who comes");
  assertEquals(accepted.map(({ hasGivenWay }) => hasGivenWay), [false, false, true, false]);
  await port.stop(0);
});
