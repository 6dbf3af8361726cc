/** What a connection of the client port may do before somebody has logged in on it: little, for a short time, and it is told so. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { hashPassword } from "../../../lib/access/passwords.ts";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { ClientConnection } from "../../../lib/net/client_connection.ts";
import type { ClientSocket } from "../../../lib/net/client_socket.ts";
import {
  BEFORE_LOGIN_BYTES_MAX,
  BEFORE_LOGIN_UNSENT_BYTES_MAX,
  LOGIN_TIMEOUT_MS,
  READ_BUFFER_BYTES_MIN,
} from "../../../lib/net/limits.ts";
import { OutputFlusher } from "../../../lib/net/socket_output.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { receptionOf } from "../../../lib/protocol/reception.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { encodeRequest } from "../../support/resp/encode.ts";
import { StateNode } from "../../support/state_node.ts";
import { setUser } from "../../support/users.ts";
import { until } from "../../support/wait.ts";
import { checked, receive, send, withListener } from "./client_port_bench.ts";
import { respContext } from "./resp/session_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);

async function nodeWithUser(): Promise<StateNode> {
  const node = new StateNode();
  await new Promise((resolve) => node.submit(setUser("root", { hash: HASH }), resolve));
  return node;
}

function closedOf(node: StateNode, reason: string): number {
  return node.metrics.counterFamily(METRIC.connectionsClosedBeforeLogin, ["port", "reason"]).counter([
    "client",
    reason,
  ]).value;
}

Deno.test("before login long requests end the connection with an error, in either protocol; after it they do not", async () => {
  const node = await nodeWithUser();
  const [long, noauth] = ["x".repeat(BEFORE_LOGIN_BYTES_MAX + 1), "-NOAUTH Authentication required.\r\n"];
  const eleven = encodeRequest("MGET", ..."abcdefghij");
  const cases: readonly (readonly [request: string, told: string])[] = [
    [eleven, "-ERR Protocol error: unauthenticated multibulk length\r\n"],
    [
      encodeRequest("GET", "k") + encodeRequest("SET", "k", long),
      `${noauth}-ERR Protocol error: unauthenticated bulk length\r\n`,
    ],
    [`${encodeRequest("GET", "k")}${long}\r\n`, `${noauth}-ERR Protocol error: unauthenticated inline request\r\n`],
    [`PUT k ${long}\n`, "Error: Line too long before login (limit 16384 bytes).\n"],
    [`PUT k ${long}`, "Error: Line too long before login (limit 16384 bytes).\n"],
  ];
  await withListener({ node }, async ({ connect }) => {
    for (const [request, told] of cases) {
      const conn = await connect();
      await send(conn, request);
      assertEquals(await receive(conn), told, request.slice(0, 40));
    }
    assertEquals(closedOf(node, "size"), cases.length);
    const redis = await connect();
    await send(redis, encodeRequest("AUTH", "root", PASSWORD) + encodeRequest("SET", "k", long) + eleven);
    assertEquals(await receive(redis, "$-1\r\n".repeat(10)), `+OK\r\n+OK\r\n*10\r\n${"$-1\r\n".repeat(10)}`);
    const person = await connect();
    await send(person, `AUTH root ${PASSWORD}\nPUT t ${long}\n`);
    assertEquals(await receive(person, "y.\n"), "Logged in.\nt added successfully.\n");
    assertEquals(closedOf(node, "size"), cases.length);
  });
});

Deno.test("a connection on which nobody logs in in time is told so and closed, and one with a login stays", async () => {
  const node = await nodeWithUser();
  const strangers: readonly (readonly [begins: string, before: string, told: string])[] = [
    ["", "", "Error: Nobody has logged in in time.\n"],
    ["PING\r\n", "+PONG\r\n", "Error: Nobody has logged in in time.\n"],
    ["HELP\n", "", "Error: Nobody has logged in in time.\n"],
    [encodeRequest("RESET"), "+RESET\r\n", "-NOAUTH nobody has logged in in time\r\n"],
  ];
  await withListener({ node }, async ({ connect, clock, listener, logged }) => {
    const open = async (begins: string, before: string) => {
      const conn = await connect();
      await send(conn, begins);
      if (before !== "") assertEquals(await receive(conn, before), before);
      return conn;
    };
    const user = await open(encodeRequest("AUTH", "root", PASSWORD), "+OK\r\n");
    const person = await open(`AUTH root ${PASSWORD}\n`, "Logged in.\n");
    const conns = await Promise.all(strangers.map(([begins, before]) => open(begins, before)));
    await until(() => listener.connections() === strangers.length + 2, "all are there");
    await checked(clock);
    assertEquals(node.metrics.gauges.get(METRIC.clientConnectionsBeforeLogin)?.read(), strangers.length);
    clock.shiftMs += LOGIN_TIMEOUT_MS;
    await checked(clock);
    for (const [at, conn] of conns.entries()) {
      const [, , told = ""] = strangers[at] ?? [];
      const text = await receive(conn);
      assert(text.endsWith(told), `${JSON.stringify(text)} for ${strangers[at]?.[0]}`);
    }
    assertEquals(closedOf(node, "timeout"), strangers.length);
    assert(logged.some((line) => line.endsWith("nobody has logged in in time")), logged.join("\n"));
    await send(user, encodeRequest("PING"));
    assertEquals(await receive(user, "\n"), "+PONG\r\n");
    await send(person, "GET k\n");
    assertEquals(await receive(person, "\n"), "Error: k does not exist.\n");
  });
});

Deno.test("without users there is no time for a login, and nothing is counted", async () => {
  const node = new StateNode();
  await withListener({ node, beforeLogin: { connectionsMax: 1 } }, async ({ connect, clock, listener }) => {
    const conns = await Promise.all([connect(), connect(), connect()]);
    await until(() => listener.connections() === conns.length, "all are there");
    clock.shiftMs += 2 * LOGIN_TIMEOUT_MS;
    await checked(clock);
    await checked(clock);
    for (const conn of conns) {
      await send(conn, "GET k\n");
      assertEquals(await receive(conn, "\n"), "Error: k does not exist.\n");
    }
    assertEquals([closedOf(node, "timeout"), closedOf(node, "total"), closedOf(node, "address")], [0, 0, 0]);
  });
});

Deno.test("connections that were open before the first user have the time for a login from then on", async () => {
  const node = new StateNode();
  await withListener({ node }, async ({ connect, clock, listener }) => {
    const conn = await connect();
    await until(() => listener.connections() === 1, "it is there");
    clock.shiftMs += 2 * LOGIN_TIMEOUT_MS;
    await new Promise((resolve) => node.submit(setUser("root", { hash: HASH }), resolve));
    await checked(clock);
    assertEquals([closedOf(node, "timeout"), listener.connections()], [0, 1]);
    clock.shiftMs += LOGIN_TIMEOUT_MS;
    await checked(clock);
    assertEquals(await receive(conn), "Error: Nobody has logged in in time.\n");
  });
});

/** A client that sends one chunk again and again, and reads nothing. */
class DeafSocket implements ClientSocket {
  readonly remoteAddr = { hostname: "10.0.0.1", port: 1 };
  readonly #chunk: Uint8Array;
  bytesRead = 0;
  #closed = false;
  #close: (() => void) | undefined;

  constructor(chunk: string) {
    this.#chunk = stringToBytes(chunk);
  }

  read(target: Uint8Array): Promise<number | null> {
    if (this.#closed) return Promise.resolve(null);
    for (let at = 0; at < target.length; at++) {
      target[at] = this.#chunk[(this.bytesRead + at) % this.#chunk.length] ?? 0;
    }
    this.bytesRead += target.length;
    return Promise.resolve(target.length);
  }

  write(): Promise<number> {
    return new Promise((_, reject) => this.#close = () => reject(new Deno.errors.BadResource("closed")));
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#close?.();
  }
}

Deno.test("a stranger who reads no replies is read from no further, and little is held for him", async () => {
  for (const chunk of ["GET k\n", encodeRequest("GET", "k")]) {
    const node = await nodeWithUser();
    const clock = new VirtualClock();
    const context = { ...respContext({ node, clock }), httpPort: undefined };
    const socket = new DeafSocket(chunk);
    const connection = new ClientConnection(socket, {
      ...context,
      bytesSent: context.metrics.bytesSent,
      flusher: new OutputFlusher(clock),
      reception: receptionOf(context),
      receiveTimeoutMs: 30_000,
    });
    const running = connection.run();
    let before = -1;
    for (let turns = 0; turns < 1_000 && before !== socket.bytesRead; turns++) {
      before = socket.bytesRead;
      for (let turn = 0; turn < 10; turn++) await clock.turn();
    }
    assertEquals(before, socket.bytesRead, "it is read from no further");
    assertLess(connection.unsentBytes, BEFORE_LOGIN_UNSENT_BYTES_MAX + 20 * READ_BUFFER_BYTES_MIN);
    assertEquals(connection.readBufferBytes, READ_BUFFER_BYTES_MIN);
    connection.abort();
    await running;
  }
});
