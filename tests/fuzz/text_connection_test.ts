/** What a server says to the client's connection: one reply for each request however it is split, or a lost connection. */

import { ConnectionLostError, TextConnection } from "../../lib/cluster/text_connection.ts";
import type { Random } from "../../lib/base/random.ts";
import { fakeSocket } from "./fake_socket.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate } from "./mutators.ts";
import { randomSplit, waysToSplit } from "./splits.ts";

const REPLY_BYTES_MAX = 1_000;
const ENDPOINT = { hostname: "127.0.0.1", port: 9 };

/** A connection whose server sends these pieces, whatever it is asked, and then ends. */
async function connectTo(pieces: readonly string[]): Promise<TextConnection> {
  const { connect } = Deno;
  const end = fakeSocket(() => {});
  for (const piece of pieces) end.deliver(piece);
  end.end();
  try {
    Reflect.set(Deno, "connect", () => Promise.resolve(end.socket));
    return await TextConnection.open(ENDPOINT, 10_000);
  } finally {
    Reflect.set(Deno, "connect", connect);
  }
}

async function ask(pieces: readonly string[], multiLine: boolean): Promise<string | undefined> {
  const connection = await connectTo(pieces);
  const request = { line: "STATUS", multiLine, timeoutMs: 10_000, replyBytesMax: REPLY_BYTES_MAX };
  try {
    return await connection.request(request);
  } catch (error) {
    if (!(error instanceof ConnectionLostError)) throw error;
    requireSame(error.sent, "MaybeSent", "What became of the request");
    return undefined;
  } finally {
    connection.close();
  }
}

/** The reply at the start of what the server sends, by the rule of the protocol; undefined when it is not whole. */
function replyIn(stream: string, multiLine: boolean): string | undefined {
  const lines = stream.split("\n").slice(0, -1).map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
  const first = lines[0];
  if (first === undefined || !multiLine || first.startsWith("Error: ")) return first;
  const end = lines.indexOf("", 1);
  return end === -1 ? undefined : lines.slice(0, end).join("\n");
}

interface Conversation {
  readonly stream: string;
  readonly multiLine: boolean;
}

function makeReply(random: Random): Conversation {
  const replies = [
    "key1 added successfully.\n",
    "Status\r\nNode ID: 1\r\nRole: Leader\r\n\r\n",
    "Error: Not leader. Current leader is Node 1\n",
    "\n\n",
    `value of k: ${anyBytes(random, 30)}\n`,
  ];
  const stream = random.pick(replies);
  return { stream: random.chance(0.3) ? stream : mutate(stream, random), multiLine: random.chance(0.5) };
}

fuzz("replies to the client", {
  make: makeReply,
  check: async ({ stream, multiLine }, random) => {
    const expected = replyIn(stream, multiLine);
    // How much comes behind the reply, and so counts for its length, depends on the pieces.
    const isLong = stream.length > REPLY_BYTES_MAX;
    for (const way of [[stream], ...waysToSplit(stream, random)]) {
      const reply = await ask(way, multiLine);
      if (isLong) require(reply === undefined || reply === expected, `Reply ${reply}`);
      else requireSame(reply, expected, `The reply in ${way.length} pieces`);
    }
    if (isLong) return "long";
    return expected === undefined ? "lost" : "taken";
  },
  outcomes: ["long", "lost", "taken"],
});

fuzz("long replies to the client", {
  make: (random) => ({
    stream: `${random.pick(["x", "line\n", "\r\n\r"]).repeat(random.between(150, 2_000))}${random.pick(["", "\n\n"])}`,
    multiLine: random.chance(0.5),
  }),
  check: async ({ stream, multiLine }, random) => {
    const reply = await ask(randomSplit(stream, random), multiLine);
    require(reply === undefined || reply.length <= REPLY_BYTES_MAX, `A reply of ${reply?.length} bytes`);
    return reply === undefined ? "refused" : "taken";
  },
  outcomes: ["refused", "taken"],
  share: 20,
});

Deno.test("a long line in pieces takes linear time", async () => {
  // Searched from its start, or joined anew, with each piece, the longer one would take 64 times as long.
  const costs: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const [short, long] = [await timeOf(500), await timeOf(4_000)];
    costs.push(long / short);
    if (long < 28 * short) return;
  }
  throw new Error(`A line eight times as long takes ${costs.map((cost) => cost.toFixed(0)).join(", ")} times as long`);
});

async function timeOf(pieces: number): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const connection = await connectTo([...Array.from({ length: pieces }, () => "x".repeat(1_000)), "\n"]);
    const begun = performance.now();
    const reply = await connection.request({ line: "GET k", multiLine: false, timeoutMs: 60_000 });
    best = Math.min(best, performance.now() - begun);
    requireSame(reply.length, pieces * 1_000, "The reply");
    connection.close();
  }
  return best;
}
