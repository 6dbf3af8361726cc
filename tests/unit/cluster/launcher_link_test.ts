/** A node's talk with its launcher: answers by number, orders, silence, junk, the end. */

import { assertEquals } from "@std/assert";
import { CONTROL_LINE_LENGTH_MAX, readRequest, writeOrder } from "../../../lib/cluster/control_lines.ts";
import { LAUNCHER_REQUESTS_MAX, LauncherLink } from "../../../lib/cluster/launcher_link.ts";
import type { LauncherAnswer } from "../../../lib/http/launcher_port.ts";

/** A link whose input the test writes, and whose timers it fires. */
class Bench {
  readonly written: string[] = [];
  readonly timers = new Set<() => void>();
  readonly isolated: boolean[] = [];
  readonly link: LauncherLink;
  #pending: ((piece: string | null) => void) | undefined;
  readonly #pieces: (string | null)[] = [];

  constructor() {
    this.link = new LauncherLink({
      input: { read: (buffer) => this.#read(buffer) },
      write: (line) => this.written.push(line),
      after: (_delayMs, action) => {
        this.timers.add(action);
        return () => this.timers.delete(action);
      },
    });
    this.link.isolate = (isolated) => this.isolated.push(isolated);
  }

  async hear(piece: string | null): Promise<void> {
    this.#pieces.push(piece);
    this.#pending?.(null);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0) await new Promise((resolve) => this.#pending = resolve);
    const piece = this.#pieces.shift() ?? null;
    return piece === null ? null : new TextEncoder().encodeInto(piece, buffer).written;
  }
}

const NODES: LauncherAnswer = {
  type: "Nodes",
  nodes: [{ id: 0, pid: 1, state: "Running", partitioned: false, restartPending: false }],
};

Deno.test("link: answers come back to their requests, whole or in pieces, among junk", async () => {
  const bench = new Bench();
  const first = bench.link.status();
  const second = bench.link.act(2, "kill");
  const third = bench.link.addNode();
  assertEquals(bench.written.map((line) => readRequest(line.trimEnd())), [
    { number: 1, wish: undefined },
    { number: 2, wish: { node: 2, action: "kill" } },
    { number: 3, wish: "AddNode" },
  ]);
  const refused: LauncherAnswer = { type: "Refused", reason: "no" };
  const text = writeOrder({ type: "Answer", number: 2, answer: refused });
  await bench.hear(`junk\n{"type":"Answer"}\n{}\n[]\n${text.slice(0, 9)}`);
  await bench.hear(text.slice(9) + writeOrder({ type: "Answer", number: 1, answer: NODES }));
  assertEquals([await first, await second], [NODES, refused]);
  const added = writeOrder({ type: "Answer", number: 3, answer: { ...NODES, added: 3 } });
  await bench.hear(added);
  assertEquals(await third, { ...NODES, added: 3 });
  const fourth = bench.link.addNode();
  await bench.hear(added.replace('"number":3', '"number":4').replace('"added":3', '"added":"3"'));
  assertEquals(await fourth, NODES);
  assertEquals(bench.timers.size, 0);
});

Deno.test("link: orders are followed, silence is told, and the end is noticed", async () => {
  const bench = new Bench();
  await bench.hear(writeOrder({ type: "Isolate", isolated: true }) + writeOrder({ type: "Isolate", isolated: false }));
  assertEquals(bench.isolated, [true, false]);
  assertEquals(bench.link.isolated, false);
  const asked = bench.link.status();
  for (const fire of bench.timers) fire();
  assertEquals(await asked, { type: "Gone" });
  await bench.hear(null);
  await bench.link.gone;
});

Deno.test("link: requests that wait are bounded", async () => {
  const bench = new Bench();
  for (let count = 0; count < LAUNCHER_REQUESTS_MAX; count++) void bench.link.status();
  assertEquals((await bench.link.status()).type, "Refused");
});

Deno.test("control lines: lines of a log are no requests", () => {
  for (
    const line of [
      "",
      "2026-01-01 INFO x",
      "kvstore {}",
      "\u0001kvstore",
      "\u0001kvstore {",
      '\u0001kvstore {"number":"1"}',
      '\u0001kvstore {"number":1,"wish":{"node":0,"action":"explode"}}',
      '\u0001kvstore {"number":1,"wish":null}',
      '\u0001kvstore {"number":1,"wish":"addNode"}',
      '\u0001kvstore {"number":1,"wish":["AddNode"]}',
      '\u0001kvstore {"number":1,"wish":{"AddNode":true}}',
    ]
  ) {
    assertEquals(readRequest(line), undefined, JSON.stringify(line));
  }
});

Deno.test("link: an order that came before anybody followed is remembered", async () => {
  const bench = new Bench();
  assertEquals(bench.link.isolated, false);
  await bench.hear(writeOrder({ type: "Isolate", isolated: true }));
  assertEquals(bench.link.isolated, true);
});

Deno.test("link: a line that does not end is let go, and the next one is heard", async () => {
  const bench = new Bench();
  const asked = bench.link.status();
  const piece = "x".repeat(4_096);
  for (let length = 0; length <= CONTROL_LINE_LENGTH_MAX; length += piece.length) await bench.hear(piece);
  // Had the long line been kept, this one would be its end.
  await bench.hear(writeOrder({ type: "Answer", number: 1, answer: NODES }));
  assertEquals(await asked, NODES);
});
