/** Order, back-pressure, WATCH, the end of a connection, and hostile lines, without a socket. */

import { fakeRecord } from "../../../support/fake_node.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { REQUESTS_IN_FLIGHT_MAX, UNSENT_BYTES_MAX } from "../../../../lib/net/limits.ts";
import { LINE_BYTES_MAX } from "../../../../lib/protocol/text/limits.ts";
import { SHOWN_PIECE_BYTES } from "../../../../lib/protocol/text/show.ts";
import { SessionBench } from "./session_support.ts";

Deno.test("Several lines in one chunk are answered in order", async () => {
  const bench = new SessionBench();
  await bench.send("PUT a 1\r\nGET a\nFOO\nDELETE a\nGET a\nEXIT\n");
  assertEquals(
    bench.takeOutput(),
    "a added successfully.\nvalue of a: 1\nError: Unknown command 'FOO'. Type HELP for the command reference.\n" +
      "a deleted successfully.\nError: a does not exist.\nGoodbye.\n",
  );
  assert(bench.link.finished);
});

Deno.test("Outcomes that come in another order are answered in the order of the requests", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  await bench.send("PUT a 1\nPUT b 2\nFOO\nPUT c 3\n");
  assertEquals(bench.node.held.map((request) => request.key), ["a", "b", "c"]);
  bench.node.held[2]?.finish();
  bench.node.held[1]?.finish({ type: "NotDone", reason: "NoLeader", leaderId: undefined });
  assertEquals(bench.takeOutput(), "");
  bench.node.held[0]?.finish();
  assertEquals(
    bench.takeOutput(),
    "a added successfully.\nError: No leader. Reachable 3 of 3 nodes, need 2. Try again in a moment.\n" +
      "Error: Unknown command 'FOO'. Type HELP for the command reference.\nc added successfully.\n",
  );
});

Deno.test("A read waits for the writes before it, a write for the reads before it, the rest for all", async () => {
  const bench = new SessionBench();
  const { node } = bench;
  node.holding = true;
  await bench.send("PUT a 1\nPUT b 2\nGET a\nGET b\nDELETE a\nLOGSIZE\nPUT c 3\n");
  const expectSeen = (seen: readonly string[]) => assertEquals(node.seen.splice(0), seen);
  expectSeen(["PUT a", "PUT b"]);
  node.held[1]?.finish();
  expectSeen([]);
  node.held[0]?.finish();
  expectSeen(["READ", "READ"]);
  node.held[2]?.finish();
  expectSeen([]);
  node.held[3]?.finish();
  expectSeen(["DELETE a"]);
  assert(!bench.link.output.includes("Log Size"));
  node.held[4]?.finish();
  expectSeen(["PUT c"]);
  assertStringIncludes(bench.takeOutput(), "value of a: 1\nvalue of b: 2\na deleted successfully.\nLog Size\n");
});

Deno.test("A stale read asks nobody, whatever else waits, and says how old it is at most", async () => {
  const bench = new SessionBench();
  await bench.send("PUT a 1\n");
  bench.takeOutput();
  bench.node.holding = true;
  bench.node.age = 350;
  await bench.send("GET a STALE\nGET b STALE\n");
  assertEquals(
    bench.takeOutput(),
    "value of a (at most 350 ms old): 1\nError: b (at most 350 ms old) does not exist.\n",
  );
  bench.node.age = undefined;
  await bench.send("GET a STALE\n");
  assertEquals(bench.takeOutput(), "value of a (age unknown): 1\n");
  assertEquals(bench.node.seen, ["PUT a"]);
});

Deno.test("A stale read behind a write of its connection reads what that wrote", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  await bench.send("PUT a 1\nGET a STALE\nPUT a 2\n");
  assertEquals(bench.takeOutput(), "");
  bench.node.held[0]?.finish();
  assertEquals(bench.takeOutput(), "a added successfully.\nvalue of a (at most 0 ms old): 1\n");
  assertEquals(bench.node.seen, ["PUT a", "PUT a"]);
});

Deno.test("A long stale value is sent in pieces, its age first", async () => {
  const bench = new SessionBench();
  const value = "v".repeat(2 * SHOWN_PIECE_BYTES);
  bench.node.values.set("long", fakeRecord(value, 1));
  await bench.send("GET long STALE\nPUT a 1\n");
  await bench.clock.advance(100);
  assertEquals(bench.takeOutput(), `value of long (at most 0 ms old): ${value}\na added successfully.\n`);
});

Deno.test("EXIT waits for the replies before it, and what follows it is dropped", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  await bench.send("PUT a 1\nEXIT\nPUT b 2\n");
  assertEquals([bench.link.output, bench.link.finished], ["", false]);
  bench.node.held[0]?.finish();
  assertEquals([bench.link.output, bench.link.finished], ["a added successfully.\nGoodbye.\n", true]);
  assertEquals(bench.node.seen, ["PUT a"]);
});

Deno.test("After the client's last byte everything is answered, then the connection ends", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  await bench.send("PUT a 1\n");
  bench.session.inputEnded();
  assertEquals(bench.link.finished, false);
  bench.node.held[0]?.finish();
  assertEquals([bench.link.output, bench.link.finished], ["a added successfully.\n", true]);
});

Deno.test("A last line without an end is not done: it may have been cut off", async () => {
  const bench = new SessionBench();
  await bench.send("PUT a 1\nPUT a 12");
  bench.session.inputEnded();
  assertEquals(
    bench.takeOutput(),
    "a added successfully.\nError: Incomplete line. Every command ends with a newline.\n",
  );
  assertEquals([bench.node.values.get("a")?.value, bench.link.finished], ["1", true]);
});

Deno.test("SNAPSHOT holds the lines behind it until it is made", async () => {
  const bench = new SessionBench();
  const made = Promise.withResolvers<{ readonly type: "Failed"; readonly message: string }>();
  bench.node.snapshotOutcome = () => made.promise;
  await bench.send("SNAPSHOT\nPUT a 1\n");
  assertEquals([bench.node.seen.length, bench.session.full], [0, true]);
  made.resolve({ type: "Failed", message: "full" });
  await bench.settle();
  assertEquals(bench.takeOutput(), "Error: Snapshot failed: full\na added successfully.\n");
});

Deno.test("WATCH repeats METRICS until a line arrives, which is consumed", async () => {
  const bench = new SessionBench();
  const reports = () => bench.takeOutput().split("Metrics\n").length - 1;
  await bench.send("WATCH\n");
  assertEquals(reports(), 1);
  await bench.clock.advance(1_999);
  assertEquals(reports(), 0);
  await bench.clock.advance(4_001);
  assertEquals(reports(), 3);
  assertEquals(await bench.ask("STATUS"), "Watch ended.\n");
  await bench.clock.advance(10_000);
  assertEquals(reports(), 0);
  await bench.send("WATCH 1\n\nGET k\n");
  assertStringIncludes(bench.takeOutput(), "\n\nWatch ended.\nError: k does not exist.\n");
});

Deno.test("WATCH ends with its client, with the input, and with the server", async () => {
  for (const end of ["closed", "inputEnded", "stop"] as const) {
    const bench = new SessionBench();
    await bench.send("WATCH 1\n");
    bench.session[end]();
    bench.takeOutput();
    await bench.clock.advance(5_000);
    assertEquals(bench.takeOutput(), "", end);
    // Only a connection that is still there needs to be finished.
    assertEquals(bench.link.finished, end !== "closed", end);
  }
});

Deno.test("A client that does not read gets no more reports", async () => {
  const bench = new SessionBench();
  await bench.send("WATCH 1\n");
  bench.link.unsentBytes = UNSENT_BYTES_MAX + 1;
  bench.takeOutput();
  await bench.clock.advance(3_000);
  assertEquals(bench.takeOutput(), "");
  bench.link.unsentBytes = 0;
  await bench.clock.advance(1_000);
  assertStringIncludes(bench.takeOutput(), "Metrics\n");
  bench.session.closed();
});

Deno.test("No more than so many requests of one connection are under way", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  const lines = REQUESTS_IN_FLIGHT_MAX + 500;
  await bench.send("PUT a 1\n".repeat(lines));
  assertEquals([bench.node.held.length, bench.session.full], [REQUESTS_IN_FLIGHT_MAX, true]);
  for (let at = 0; at < lines; at++) bench.node.held[at]?.finish();
  assertEquals(bench.takeOutput(), "a added successfully.\n".repeat(lines));
  assertEquals(bench.session.full, false);
  assert(bench.link.wakes > 0);
});

Deno.test("Requests that are answered at once do not pile up, however many lines a chunk has", async () => {
  const bench = new SessionBench();
  const lines = 200_000;
  await bench.send("x\n".repeat(lines));
  assertEquals(bench.metrics.failed.value, lines);
});

Deno.test("A client that does not read stops its own requests, and goes on where it was", async () => {
  const bench = new SessionBench();
  bench.link.reading = false;
  const value = "v".repeat(100_000);
  bench.node.values.set("k", fakeRecord(value, 1));
  const lines = 200;
  await bench.send("GET k\n".repeat(lines));
  assert(bench.session.full);
  assert(bench.link.output.length <= UNSENT_BYTES_MAX + value.length + 100, `${bench.link.output.length}`);
  let output = "";
  while (bench.session.full) {
    output += bench.takeOutput();
    bench.link.unsentBytes = 0;
    bench.session.outputSent();
    await bench.settle();
  }
  output += bench.takeOutput();
  assertEquals(output.length, lines * `value of k: ${value}\n`.length);
});

Deno.test("A line that is too long is answered behind the replies before it, and ends the connection", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  await bench.send("PUT a 1\n", "x".repeat(LINE_BYTES_MAX + 2));
  bench.node.held[0]?.finish();
  assertEquals(bench.takeOutput(), "a added successfully.\nError: Line too long (limit 1048576 bytes).\n");
  assertEquals([bench.link.finished, bench.warnings], [true, [
    "Closed the connection of 127.0.0.1:9: its line is too long",
  ]]);
});

Deno.test("A long line is refused when all clients together hold too much", async () => {
  const bench = new SessionBench({ memoryBytesMax: 10 });
  bench.budget.add(11);
  await bench.send("PUT k ", "x".repeat(70_000));
  assertEquals(bench.takeOutput(), "Error: Overloaded. All clients together send too much; try again later.\n");
  assert(bench.link.finished);
});

const WEB_PAGES: readonly (readonly [input: string, done: readonly string[]])[] = [
  ["POST / HTTP/1.1\r\nHost: a\r\n\r\nPUT k v\n", []],
  ["post /x HTTP/1.0\n\nPUT k v\n", []],
  ["Host: localhost:5000\nPUT k v\n", []],
  ["PUT a 1\nhost: localhost\nPUT k v\n", ["PUT a"]],
  ["OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\nPUT k v\n", []],
];

Deno.test("A web page cannot make a browser send commands", async () => {
  for (const [input, done] of WEB_PAGES) {
    const bench = new SessionBench();
    await bench.send(input);
    assertEquals([bench.link.aborted, bench.node.seen], [true, done], input);
    assertEquals(bench.warnings, ["Closed the connection of 127.0.0.1:9: it sent an HTTP request"], input);
  }
});

Deno.test("GET / HTTP/1.1 is told where HTTP is", async () => {
  for (const line of ["GET / HTTP/1.1", "GET /a?b=c HTTP/1.0", "get http://h/ HTTP/2.0"]) {
    const bench = new SessionBench({ httpPort: 8_000 });
    await bench.send(`${line}\r\nHost: a\r\n\r\n`);
    assertEquals(bench.takeOutput(), "Error: This port speaks the text protocol. HTTP is on port 8000.\n");
    assertEquals([bench.link.finished, bench.link.aborted, bench.warnings.length], [true, false, 1]);
  }
  const without = new SessionBench();
  assertEquals(
    await without.ask("GET / HTTP/1.1"),
    "Error: This port speaks the text protocol. This node serves no HTTP.\n",
  );
});

Deno.test("A stopping server answers what runs, and no more", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  await bench.send("PUT a 1\nGET a\n");
  bench.session.stop();
  assertEquals(bench.link.finished, false);
  bench.node.held[0]?.finish();
  assertEquals([bench.takeOutput(), bench.link.finished, bench.node.seen], ["a added successfully.\n", true, [
    "PUT a",
  ]]);
});

Deno.test("A closed connection gives its memory back, and outcomes that come later are dropped", async () => {
  const bench = new SessionBench();
  bench.node.holding = true;
  await bench.send("PUT a 1\nPUT b");
  assert(bench.budget.bytes > 0);
  bench.session.closed();
  assertEquals(bench.budget.bytes, 0);
  bench.node.held[0]?.finish();
  await bench.settle();
  assertEquals(bench.budget.bytes, 0);
});

Deno.test("a long value that must be escaped is made readable piece by piece, as the client reads", async () => {
  const bench = new SessionBench();
  bench.node.values.set("k", fakeRecord("\x01".repeat(16 * SHOWN_PIECE_BYTES), 1));
  bench.link.reading = false;
  await bench.send("GET k\nGET other\nEXIT\n");
  // What is over the limit waits in the value, not in a text four times as long.
  await bench.clock.advance(1_000);
  const first = bench.link.output.length;
  assert(first > UNSENT_BYTES_MAX && first <= UNSENT_BYTES_MAX + 4 * SHOWN_PIECE_BYTES, `${first} bytes`);
  assert(!bench.link.finished);
  while (!bench.link.finished) {
    bench.link.unsentBytes = 0;
    bench.session.outputSent();
    await bench.clock.advance(1);
  }
  const [value, other, bye] = bench.link.output.split("\n");
  assert(value === `value of k: "${"\\x01".repeat(16 * SHOWN_PIECE_BYTES)}"`, "another value");
  assertEquals([other, bye], ["Error: other does not exist.", "Goodbye."]);
});

Deno.test("of a long value that must be escaped one piece is made in a turn, though the client takes all at once", async () => {
  const bench = new SessionBench();
  bench.node.values.set("k", fakeRecord("\x01".repeat(4 * SHOWN_PIECE_BYTES), 1));
  bench.session.receive("GET k\n");
  const lengths = [0];
  for (let turn = 0; turn < 20; turn++) {
    // A socket that takes everything says so at once, again and again.
    for (let count = 0; count < 3; count++) bench.session.outputSent();
    await bench.clock.turn();
    lengths.push(bench.link.output.length);
  }
  const longest = Math.max(...lengths.map((length, at) => length - (lengths[at - 1] ?? 0)));
  assertEquals(longest, 4 * SHOWN_PIECE_BYTES);
  assertEquals(lengths.at(-1), 'value of k: ""\n'.length + 16 * SHOWN_PIECE_BYTES);
});

Deno.test("a client that goes away in the middle of a long value leaves nothing behind", async () => {
  const bench = new SessionBench();
  bench.node.values.set("k", fakeRecord("\x01".repeat(4 * SHOWN_PIECE_BYTES), 1));
  bench.session.receive("GET k\n");
  for (let turn = 0; turn < 3; turn++) await bench.clock.turn();
  const { length } = bench.link.output;
  assert(length > 0 && length < 8 * SHOWN_PIECE_BYTES, `${length} bytes`);
  bench.session.closed();
  await bench.clock.advance(100);
  assertEquals(bench.link.output.length, length);
});

Deno.test("a client to whom a long value is being sent is busy, whatever it has sent behind the request", async () => {
  const bench = new SessionBench();
  bench.node.values.set("k", fakeRecord("\x01".repeat(4 * SHOWN_PIECE_BYTES), 1));
  bench.session.receive("GET k\nGET oth");
  for (let turn = 0; turn < 3; turn++) await bench.clock.turn();
  // It has taken all that there was so far.
  assertEquals([bench.link.unsentBytes, bench.session.standing.type], [0, "Busy"]);
  await bench.clock.advance(100);
  assertEquals(bench.session.standing.type, "Receiving");
});

Deno.test("a read that ends behind its connection makes nothing of its value", async () => {
  const bench = new SessionBench();
  bench.node.values.set("k", fakeRecord("\x01".repeat(4 * SHOWN_PIECE_BYTES), 1));
  bench.node.holding = true;
  bench.session.receive("GET k\n");
  bench.session.closed();
  bench.node.held[0]?.finish();
  await bench.clock.advance(100);
  assertEquals(bench.link.output, "");
});
