import { isForwarding } from "../../../lib/transport/forward.ts";
import { assert, assertEquals, assertExists } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import { decodeMessage, encodeMessage } from "../../../lib/transport/codec.ts";
import { parseFields } from "../../../lib/transport/fields.ts";
import { FrameReader } from "../../../lib/transport/frame_reader.ts";
import { appendEntries, frameOf, framesOf, sampleMessages, seededRandom } from "./support.ts";

function decode(header: string, body: Uint8Array): Message | undefined {
  const fields = parseFields(header);
  const message = fields === undefined ? undefined : decodeMessage(fields, body);
  return message === undefined || isForwarding(message) ? undefined : message;
}

Deno.test("every message survives the way there", () => {
  for (const message of sampleMessages()) {
    const { header, body } = encodeMessage(message);
    assert(/^[\x20-\x7f]*$/.test(header), `Header is not ASCII: ${header}`);
    assertEquals(decode(header, body.slice()), message);
  }
});

Deno.test("headers carry the names of the paper", () => {
  const { header } = encodeMessage(appendEntries(["a"]));
  assertEquals(JSON.parse(header), {
    rpc: "AppendEntries",
    term: 7,
    leaderId: 0,
    to: 1,
    prevLogIndex: 4,
    prevLogTerm: 6,
    entriesTerm: 7,
    leaderCommit: 3,
    round: 9,
    confirm: true,
  });
  const names = sampleMessages().map((message) => {
    const fields: Record<string, unknown> = JSON.parse(encodeMessage(message).header);
    return ["from", "leaderId", "candidateId"].filter((name) => name in fields).join();
  });
  assertEquals(new Set(names), new Set(["candidateId", "from", "leaderId"]));
});

Deno.test("entries are encoded once and the received bytes are kept as they came", () => {
  const message = appendEntries(["x", "y\x00\xff"]);
  const { header, body } = encodeMessage(message);
  assert(encodeMessage({ ...message, to: 2 }).body === body, "Encoded a second time");
  const arrived = body.slice();
  const decoded = decode(header, arrived);
  assert(decoded?.type === "AppendEntries");
  arrived.fill(0); // The read buffer is used again.
  assertEquals(decoded.entries?.body, body);
});

Deno.test("bytes stay bytes when the engine has compiled their encoding", () => {
  // Deno 2.4's compiled TextEncoder.encodeInto miscounts; it takes some ten thousand calls to be compiled.
  const text = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
  for (let round = 0; round < 30_000; round++) {
    if (bytesToString(stringToBytes(text)) !== text) throw new Error(`Other bytes in round ${round}`);
  }
});

Deno.test("a snapshot chunk does not share the read buffer", () => {
  const sample = sampleMessages().find((message) => message.type === "InstallSnapshot");
  assert(sample?.type === "InstallSnapshot");
  const { header, body } = encodeMessage(sample);
  const arrived = body.slice();
  const decoded = decode(header, arrived);
  arrived.fill(0);
  assertEquals(decoded, sample);
});

const WRONG_VALUES: readonly unknown[] = [
  undefined,
  null,
  -1,
  0.5,
  2 ** 53,
  1e300,
  "1",
  "",
  [],
  {},
  [1],
];

Deno.test("a field that is missing or of another kind spoils the message", () => {
  for (const message of sampleMessages()) {
    const { header, body } = encodeMessage(message);
    const fields: Record<string, unknown> = JSON.parse(header);
    for (const name of Object.keys(fields)) {
      const wrong = typeof fields[name] === "boolean" ? [...WRONG_VALUES, 0, 1] : [...WRONG_VALUES, true];
      for (const value of wrong) {
        assertEquals(
          decode(JSON.stringify({ ...fields, [name]: value }), body),
          undefined,
          `${message.type}.${name} = ${JSON.stringify(value)}`,
        );
      }
    }
  }
});

Deno.test("ids above 2^31-1 are refused, and -0 becomes 0", () => {
  const { header, body } = encodeMessage({ ...appendEntries([]), to: 0x7fffffff });
  assertExists(decode(header, body));
  assertEquals(decode(header.replace(`"to":${0x7fffffff}`, `"to":${0x80000000}`), body), undefined);
  const negative = decode(header.replace('"leaderCommit":3', '"leaderCommit":-0'), body);
  assert(negative?.type === "AppendEntries" && Object.is(negative.leaderCommit, 0));
});

/** A configuration with a voter that is no member. */
const FOREIGN = '{"members":[],"voters":[1],"votersOld":[],"learners":[]}';

Deno.test("bodies that do not fit their header are refused", () => {
  const { header } = encodeMessage(appendEntries(["a"]));
  const { header: heartbeat } = encodeMessage(appendEntries([]));
  const cases: readonly (readonly [string, string])[] = [
    [header, ""],
    [header, "C"],
    [header, "C\x02\0\0\0a"],
    [header, "C\x01\0\0\0ab"],
    [header, "C\x01\0\0\0aC"],
    [header, "X\x01\0\0\0a"],
    [header, "N\x01\0\0\0a"],
    [header, "C\0\0\0\xff"],
    [header, "F\x02\0\0\0[]"],
    [header, `F${String.fromCharCode(FOREIGN.length)}\0\0\0${FOREIGN}`],
    [heartbeat, "C\x01\0\0\0a"],
    [header.replace('"prevLogIndex":4', `"prevLogIndex":${Number.MAX_SAFE_INTEGER}`), "C\x01\0\0\0a"],
  ];
  for (const [head, text] of cases) assertEquals(decode(head, stringToBytes(text)), undefined, `${head} ${text}`);
  assertExists(decode(header, stringToBytes("C\x03\0\0\0ok\xff")));
  for (const message of sampleMessages()) {
    if (message.type === "AppendEntries" || message.type === "InstallSnapshot") continue;
    assertEquals(decode(encodeMessage(message).header, stringToBytes("x")), undefined, message.type);
  }
});

Deno.test("unknown names and other JSON are no messages", () => {
  const headers = [
    "",
    "null",
    "[]",
    "1",
    '"x"',
    "{}",
    '{"rpc":"Ping"}',
    '{"rpc":"toString"}',
    '{"rpc":1}',
    "{",
    "\x00",
  ];
  for (const header of headers) assertEquals(decode(header, new Uint8Array(0)), undefined, header);
});

/** Checks what the type promises, without the decoder's own code. */
function assertWellFormed(message: Message, seed: string): void {
  const { from, to, term } = message;
  for (const number of [from, to, term]) assert(Number.isSafeInteger(number) && number >= 0, seed);
  for (const [name, value] of Object.entries(message)) {
    assert((value !== undefined || name === "entries") && value !== null, `${seed}: ${name}`);
    if (typeof value === "number") assert(Number.isSafeInteger(value) && value >= 0, `${seed}: ${name}`);
  }
  if (message.type !== "AppendEntries") return;
  message.entries?.entries().forEach((entry, at) => {
    assertEquals(entry.index, message.prevLogIndex + 1 + at, seed);
    if (entry.type === "Command") assertEquals(bytesToString(stringToBytes(entry.command)), entry.command, seed);
  });
}

const INTERESTING = [
  "-1",
  "1e999",
  "9007199254740993",
  "null",
  '"\\u0141"',
  "[[[[",
  '"__proto__"',
  "{}",
  "\\",
  '"',
  "\xff",
];

function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const mutated = [...bytes];
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    const at = Math.floor(random() * mutated.length);
    const kind = Math.floor(random() * 5);
    if (kind === 0) mutated[at] = Math.floor(random() * 256);
    else if (kind === 1) mutated.splice(at, 1 + Math.floor(random() * 8));
    else if (kind === 2) mutated.splice(at, 0, ...mutated.slice(at, at + Math.floor(random() * 12)));
    else if (kind === 3) mutated.splice(at, 1 + Math.floor(random() * 6), ...stringToBytes(pick(INTERESTING, random)));
    else mutated.length = Math.max(1, at);
  }
  return new Uint8Array(mutated);
}

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  assert(item !== undefined);
  return item;
}

Deno.test("20 000 mutated messages decode to well-formed messages or to nothing", () => {
  const random = seededRandom(20_251);
  const samples = sampleMessages().map(encodeMessage);
  let decoded = 0;
  for (let round = 0; round < 20_000; round++) {
    const { header, body } = pick(samples, random);
    const spoilHeader = body.length === 0 || random() < 0.6;
    const head = spoilHeader ? bytesToString(mutate(stringToBytes(header), random)) : header;
    const message = decode(head, spoilHeader ? body : mutate(body, random));
    if (message === undefined) continue;
    decoded += 1;
    assertWellFormed(message, `round ${round}: ${head}`);
  }
  // Some mutations are harmless; if none were, the mutations would not reach the fields.
  assert(decoded > 200 && decoded < 12_000, `${decoded} of 20000 decoded`);
});

Deno.test("20 000 mutated frames give their own message or none", () => {
  const random = seededRandom(42);
  const samples = sampleMessages().map((message) => ({ message, bytes: frameOf(message) }));
  const bounds = { frameBytesMax: 100_000, headerBytesMax: 10_000 };
  for (let round = 0; round < 20_000; round++) {
    const { message, bytes } = pick(samples, random);
    const mutated = mutate(bytes, random);
    const reader = new FrameReader(bounds);
    reader.space().set(mutated);
    reader.filled(mutated.length);
    const frame = reader.next();
    if (frame === undefined) continue;
    // Only what was appended behind the frame passes the checksum.
    assertEquals(decode(frame.header, frame.body), message, `round ${round}`);
  }
});

Deno.test("frames of messages come out of a stream cut at every boundary", () => {
  const messages = sampleMessages();
  const bytes = framesOf(messages.map(encodeMessage));
  for (let cut = 1; cut < bytes.length; cut++) {
    const reader = new FrameReader({ frameBytesMax: 100_000, headerBytesMax: 10_000 });
    const types: string[] = [];
    for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      reader.space().set(part);
      reader.filled(part.length);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        types.push(decode(frame.header, frame.body)?.type ?? "none");
      }
    }
    assertEquals(types, messages.map(({ type }) => type), `cut at ${cut}`);
  }
});
