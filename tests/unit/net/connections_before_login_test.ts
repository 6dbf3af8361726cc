/** Strangers take the places of each other, by address and in all, and go when their time is over; who has logged in stays. */

import { assertEquals } from "@std/assert";
import {
  type BeforeLoginLimits,
  closedBeforeLogin,
  ConnectionsBeforeLogin,
  type LoginAwaiting,
} from "../../../lib/net/connections_before_login.ts";
import {
  BEFORE_LOGIN_CONNECTIONS_MAX,
  BEFORE_LOGIN_CONNECTIONS_MIN,
  LOGIN_TIMEOUT_MS,
} from "../../../lib/net/limits.ts";
import { Registry } from "../../../lib/observe/metrics.ts";

class Client implements LoginAwaiting {
  isBeforeLogin = true;
  ended: string[] = [];
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  abort(): void {
    this.ended.push("aborted");
  }

  loginTooSlow(): void {
    this.ended.push("too slow");
  }
}

class Bench {
  readonly closed = closedBeforeLogin(new Registry(), "client");
  readonly warned: string[] = [];
  readonly clients: Client[] = [];
  readonly connections: ConnectionsBeforeLogin<Client>;

  constructor(limits: BeforeLoginLimits, connectionsMax = 4_096) {
    const warn = (message: string) => void this.warned.push(message);
    const { closed } = this;
    this.connections = new ConnectionsBeforeLogin({ limits, closed, connectionsMax: () => connectionsMax, warn });
  }

  come(address: string, now = 0): Client {
    const client = new Client(address);
    this.connections.enter(client, now);
    this.clients.push(client);
    return client;
  }

  /** The ordinal numbers of those that were ended. */
  get ended(): readonly number[] {
    return this.clients.flatMap(({ ended }, at) => ended.length > 0 ? [at] : []);
  }

  get counts(): readonly number[] {
    const { total, address, timeout, size } = this.closed;
    return [total.value, address.value, timeout.value, size.value];
  }
}

Deno.test("one more than there may be before login takes the place of the oldest on which nobody has logged in", () => {
  const bench = new Bench({ connectionsMax: 3, addressConnectionsMax: 3 });
  for (const address of ["a", "b", "c"]) bench.come(address);
  assertEquals(bench.ended, []);
  bench.come("d");
  assertEquals([bench.ended, bench.counts], [[0], [1, 0, 0, 0]]);
  const [, second, third] = bench.clients;
  if (second !== undefined) second.isBeforeLogin = false;
  bench.come("e");
  assertEquals([bench.ended, bench.connections.size], [[0], 3], "a login makes room");
  bench.come("f");
  assertEquals([bench.ended, third?.ended], [[0, 2], ["aborted"]], "who has logged in does not give way");
  assertEquals(bench.counts, [2, 0, 0, 0]);
  assertEquals(bench.warned, Array(2).fill("Closed the oldest connection on which nobody has logged in"));
});

Deno.test("one address takes its own places alone, however often it comes", () => {
  const bench = new Bench({ connectionsMax: 10, addressConnectionsMax: 2 });
  const others = ["b", "c"].map((address) => bench.come(address));
  for (let count = 0; count < 100; count++) bench.come("a");
  assertEquals(others.map(({ ended }) => ended), [[], []]);
  assertEquals([bench.connections.size, bench.ended.length, bench.counts], [4, 98, [0, 98, 0, 0]]);
  assertEquals(bench.clients.slice(-2).map(({ ended }) => ended), [[], []], "the newest stay");
  for (const client of bench.clients) client.isBeforeLogin = false;
  bench.come("a");
  bench.come("a");
  assertEquals([bench.ended.length, bench.connections.size], [98, 2], "those that have logged in are not counted");
});

Deno.test("those that close leave their place, and nothing is kept of them", () => {
  const bench = new Bench({ connectionsMax: 2, addressConnectionsMax: 1 });
  for (let count = 0; count < 100; count++) bench.connections.leave(bench.come(`${count % 3}`));
  assertEquals([bench.ended, bench.connections.size, bench.connections.giveWay()], [[], 0, undefined]);
});

Deno.test("who has logged in at once is never counted", () => {
  const bench = new Bench({ connectionsMax: 1 });
  const client = new Client("a");
  client.isBeforeLogin = false;
  bench.connections.enter(client, 0);
  assertEquals(bench.connections.size, 0);
});

Deno.test("a connection without a login in time is told so once, and one that lost its login has the time again", () => {
  const bench = new Bench({});
  const [slow, quick, loses] = [bench.come("a"), bench.come("a"), bench.come("b")];
  quick.isBeforeLogin = false;
  loses.isBeforeLogin = false;
  const check = (now: number) => bench.connections.check(bench.clients, now);
  check(LOGIN_TIMEOUT_MS - 1);
  assertEquals(bench.ended, []);
  loses.isBeforeLogin = true;
  for (const now of [LOGIN_TIMEOUT_MS, LOGIN_TIMEOUT_MS + 1_000]) check(now);
  assertEquals(bench.clients.map(({ ended }) => ended), [["too slow"], [], []]);
  assertEquals([bench.counts, slow.ended.length], [[0, 0, 1, 0], 1]);
  check(2 * LOGIN_TIMEOUT_MS);
  assertEquals(bench.clients.map(({ ended }) => ended), [["too slow"], [], ["too slow"]]);
  const other = new Bench({ loginTimeoutMs: 5 });
  other.come("a", 100);
  other.connections.check(other.clients, 105);
  assertEquals(other.ended, [0], "the time can be given");
});

Deno.test("without a number a quarter of the connections may be before login, and half of those from one address", () => {
  const cases: readonly (readonly [connectionsMax: number, total: number])[] = [
    [1, BEFORE_LOGIN_CONNECTIONS_MIN],
    [400, 100],
    [4_096, BEFORE_LOGIN_CONNECTIONS_MAX],
    [1_000_000, BEFORE_LOGIN_CONNECTIONS_MAX],
  ];
  for (const [connectionsMax, total] of cases) {
    const spread = new Bench({}, connectionsMax);
    for (let at = 0; at < total + 1; at++) spread.come(`${at}`);
    assertEquals([spread.connections.size, spread.ended], [total, [0]], `${connectionsMax}`);
    const single = new Bench({}, connectionsMax);
    for (let at = 0; at < total; at++) single.come("a");
    assertEquals(single.connections.size, total / 2, `${connectionsMax}, one address`);
  }
});
