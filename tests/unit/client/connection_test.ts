import { assertEquals } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { Connection } from "../../../lib/client/connection.ts";
import { connectByDeno } from "../../../lib/client/deno_socket.ts";
import { connectByNode } from "../../../lib/client/node_socket.ts";
import type { Socket, SocketEvents } from "../../../lib/client/socket.ts";
import { connectBy } from "../../../lib/client/client.ts";
import { findFreePorts } from "../../support/ports.ts";
import { CLOSE, ScriptedServer } from "../../support/resp/scripted_server.ts";
import { bulk } from "../../support/resp/encode.ts";
import { turn } from "../../support/wait.ts";

/** A socket in memory: writes are recorded and end when the test says so. */
class FakeSocket implements Socket {
  readonly written: string[] = [];
  readonly events: SocketEvents;
  closed = false;
  #end: (() => void) | undefined;

  constructor(events: SocketEvents) {
    this.events = events;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.written.push(bytesToString(bytes));
    return new Promise((resolve) => (this.#end = resolve));
  }

  /** The system has taken what was written. */
  endWrite(): void {
    this.#end?.();
  }

  close(): void {
    this.closed = true;
  }
}

/** A connection on a socket in memory, and how often it was lost. */
async function openFake(): Promise<{ socket: FakeSocket; connection: Connection; lost: Connection[] }> {
  const lost: Connection[] = [];
  const made: FakeSocket[] = [];
  const connection = await Connection.open({ host: "a", port: 1 }, {
    connector: (_address, { events }) => {
      made.push(new FakeSocket(events));
      return Promise.resolve(made[0] ?? new FakeSocket(events));
    },
    signal: new AbortController().signal,
    lost: (connection) => lost.push(connection),
  });
  const [socket] = made;
  if (socket === undefined) throw new Error("No socket was made");
  return { socket, connection, lost };
}

Deno.test("a lost connection tells what had left from what had not", async () => {
  const { socket, connection, lost } = await openFake();
  const outcomes: string[] = [];
  connection.send(["A"], ({ type }) => outcomes.push(`A ${type}`));
  connection.send(["B"], ({ type }) => outcomes.push(`B ${type}`));
  await turn();
  connection.send(["C"], ({ type }) => outcomes.push(`C ${type}`));
  assertEquals(socket.written, ["*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n"], "one write for one turn, the next waits for it");
  socket.events.data(stringToBytes("+OK\r\n"));
  socket.events.ended(new Error("gone"));
  socket.events.ended(new Error("again"));
  assertEquals(outcomes, ["A Reply", "B Lost", "C NotSent"]);
  connection.send(["D"], ({ type }) => outcomes.push(`D ${type}`));
  assertEquals([outcomes.at(-1), lost.length, socket.closed], ["D NotSent", 1, true]);
  socket.endWrite();
  await turn();
  assertEquals(socket.written.length, 1, "nothing is written after the end");
});

Deno.test("what gathers while a write is under way leaves in the next one", async () => {
  const { socket, connection } = await openFake();
  connection.send(["A"], () => {});
  await turn();
  for (const word of ["B", "C"]) connection.send([word], () => {});
  await turn();
  assertEquals([socket.written.length, connection.load], [1, 3]);
  socket.endWrite();
  await turn();
  assertEquals(socket.written[1], "*1\r\n$1\r\nB\r\n*1\r\n$1\r\nC\r\n");
  connection.close(new Error("done"));
});

Deno.test("a reply that nobody asked for ends the connection", async () => {
  const { socket, connection, lost } = await openFake();
  socket.events.data(stringToBytes("+OK\r\n"));
  assertEquals([connection.isOpen, lost.length, socket.closed], [false, 1, true]);
});

for (const [name, connector] of [["Deno", connectByDeno], ["Node", connectByNode]] as const) {
  Deno.test(`sockets of ${name} carry long values, and tell of refusal, loss and abort`, async () => {
    const long = "\u00e9".repeat(1_500_000);
    let stored = "";
    await using server = new ScriptedServer((words) => {
      if (words[0] === "SET") stored = words[2] ?? "";
      if (words[0] === "GET") return bulk(stored);
      return words[0] === "STRLEN" ? CLOSE : undefined;
    });
    const client = await connectBy(connector, { servers: [server.address], connections: 1 });
    assertEquals(await client.put("k", long), true);
    assertEquals((await client.get("k"))?.text() === long, true);
    const failure = await client.command(["STRLEN", "k"], { timeoutMs: 500 }).catch((error) => error);
    assertEquals([failure.name, server.named("STRLEN").length > 1], ["NotDoneError", true]);
    await client.close();
    const [port = 0] = findFreePorts(1);
    const none: SocketEvents = { data: () => {}, ended: () => {} };
    const refused = await connector({ host: "127.0.0.1", port }, { events: none, signal: new AbortController().signal })
      .then(() => "connected", () => "refused");
    const aborted = await connector({ host: "127.0.0.1", port: server.port }, {
      events: none,
      signal: AbortSignal.abort(new Error("enough")),
    })
      .then(() => "connected", (error) => error.message);
    assertEquals([refused, aborted], ["refused", "enough"]);
  });
}
