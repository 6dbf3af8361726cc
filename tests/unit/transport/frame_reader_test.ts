import { assertEquals, assertExists, assertLessOrEqual, assertMatch } from "@std/assert";
import { FRAME_MAGIC, FrameWriter, PREFIX_BYTES } from "../../../lib/transport/frame.ts";
import { FrameReader } from "../../../lib/transport/frame_reader.ts";
import { FrameSeal, KEY_BYTES, TAG_BYTES } from "../../../lib/transport/seal.ts";
import { framesOf } from "./support.ts";

const BOUNDS = { frameBytesMax: 1_048_576, headerBytesMax: 1_024 };

interface Seen {
  readonly header: string;
  readonly body: number[];
}

function feed(reader: FrameReader, bytes: Uint8Array): Seen[] {
  const seen: Seen[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    const count = Math.min(space.length, bytes.length - at);
    space.set(bytes.subarray(at, at + count));
    reader.filled(count);
    at += count;
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      seen.push({ header: frame.header, body: [...frame.body] });
    }
    if (reader.damage !== undefined) break;
  }
  return seen;
}

const SAMPLE = [
  { header: '{"a":1}', body: new Uint8Array([0, 255, 7]) },
  { header: "", body: new Uint8Array(0) },
  { header: '{"b":2}', body: new Uint8Array(0) },
  { header: "x".repeat(40), body: new Uint8Array(60).fill(9) },
];
const EXPECTED = SAMPLE.map(({ header, body }) => ({ header, body: [...body] }));

Deno.test("frames come out of a stream cut at every boundary", () => {
  const bytes = framesOf(SAMPLE);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new FrameReader(BOUNDS);
    const seen = [...feed(reader, bytes.subarray(0, cut)), ...feed(reader, bytes.subarray(cut))];
    assertEquals(seen, EXPECTED, `cut at ${cut}`);
  }
});

Deno.test("frames come out of a stream that arrives byte by byte", () => {
  const reader = new FrameReader(BOUNDS);
  const seen = [...framesOf(SAMPLE)].flatMap((byte) => feed(reader, new Uint8Array([byte])));
  assertEquals(seen, EXPECTED);
});

Deno.test("a frame far longer than the buffer comes out whole, and those around it", () => {
  const body = new Uint8Array(300_000).map((_, at) => at * 31);
  const bytes = framesOf([{ header: "before" }, { header: "long", body }, { header: "after" }]);
  const reader = new FrameReader(BOUNDS);
  const seen = feed(reader, bytes);
  assertEquals(seen.map(({ header }) => header), ["before", "long", "after"]);
  assertEquals(seen[1]?.body, [...body]);
});

Deno.test("a claim of a long frame takes no memory before its bytes come", () => {
  const bytes = framesOf([{ header: "h", body: new Uint8Array(1_000_000) }]);
  const reader = new FrameReader(BOUNDS);
  feed(reader, bytes.subarray(0, PREFIX_BYTES + 1));
  assertEquals(reader.capacity, 65_536);
  feed(reader, bytes.subarray(PREFIX_BYTES + 1, 200_000));
  assertLessOrEqual(reader.capacity, 400_000);
});

Deno.test("a stream of many frames takes no more memory than one", () => {
  const reader = new FrameReader(BOUNDS);
  const bytes = framesOf(Array.from({ length: 300 }, () => ({ header: "h", body: new Uint8Array(5_000) })));
  let frames = 0;
  for (let at = 0; at < bytes.length; at += 1_399) frames += feed(reader, bytes.subarray(at, at + 1_399)).length;
  assertEquals(frames, 300);
  assertEquals(reader.capacity, 65_536);
});

Deno.test("every flipped bit of a frame is found, or leaves the frame incomplete", () => {
  const bytes = framesOf([{ header: '{"rpc":"X"}', body: new Uint8Array([1, 2, 3, 4]) }]);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assertEquals(feed(new FrameReader(BOUNDS), damaged), [], `bit ${bit}`);
  }
});

Deno.test("bounds on frame and header hold exactly", () => {
  const cases = [
    { header: 1_024, body: 10, good: true },
    { header: 1_025, body: 10, good: false },
    { header: 10, body: 1_048_576 - PREFIX_BYTES - 10, good: true },
    { header: 10, body: 1_048_576 - PREFIX_BYTES - 9, good: false },
  ];
  for (const { header, body, good } of cases) {
    const reader = new FrameReader(BOUNDS);
    const seen = feed(reader, framesOf([{ header: "h".repeat(header), body: new Uint8Array(body) }]));
    assertEquals(seen.length, good ? 1 : 0, `header ${header}, body ${body}`);
    assertEquals(reader.damage === undefined, good);
  }
});

Deno.test("damage is final and says what is wrong", () => {
  const reader = new FrameReader(BOUNDS);
  assertEquals(feed(reader, new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), []);
  assertExists(reader.damage);
  assertMatch(reader.damage, /not a frame/);
  assertEquals(feed(reader, framesOf(SAMPLE)), []);
});

Deno.test("the writer lays a frame out as documented", () => {
  const writer = new FrameWriter();
  writer.append("ab", new Uint8Array([5]));
  const bytes = writer.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  assertEquals([view.getUint32(0), view.getUint32(8), view.getUint32(12)], [FRAME_MAGIC, 2, 1]);
  assertEquals([...bytes.subarray(PREFIX_BYTES)], [97, 98, 5]);
  writer.clear();
  assertEquals([writer.length, writer.frames], [0, 0]);
});

const KEY = new Uint8Array(KEY_BYTES).map((_, at) => at * 7);

/** A reader that expects tags under that key. */
function sealedReader(key: Uint8Array): FrameReader {
  const reader = new FrameReader(BOUNDS);
  reader.trust(BOUNDS, new FrameSeal(key));
  return reader;
}

/** Each frame of the sample with its tag. */
function sealedFrames(): readonly Uint8Array[] {
  const seal = new FrameSeal(KEY);
  return SAMPLE.map(({ header, body }) => {
    const writer = new FrameWriter();
    writer.append(header, body, seal);
    return writer.bytes().slice();
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("sealed frames come out of a stream cut at every boundary", () => {
  const bytes = joined(sealedFrames());
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = sealedReader(KEY);
    assertEquals(
      [...feed(reader, bytes.subarray(0, cut)), ...feed(reader, bytes.subarray(cut))],
      EXPECTED,
      `cut at ${cut}`,
    );
  }
});

Deno.test("a sealed frame that is repeated, left out, moved, altered or of another key ends the stream", () => {
  const [first = NONE, second = NONE, third = NONE] = sealedFrames();
  const streams: readonly (readonly [what: string, stream: readonly Uint8Array[], taken: number])[] = [
    ["repeated", [first, first], 1],
    ["repeated later", [first, second, first], 2],
    ["left out", [first, third], 1],
    ["moved", [second, first], 0],
    ["without its tag", [first.subarray(0, first.length - TAG_BYTES), second], 0],
  ];
  for (const [what, stream, taken] of streams) {
    const reader = sealedReader(KEY);
    assertEquals(feed(reader, joined(stream)).length, taken, what);
    assertMatch(reader.damage ?? "", /altered, repeated or left out|not a frame|checksum/, what);
  }
  const other = sealedReader(KEY.map((byte) => byte ^ 1));
  assertEquals(feed(other, first), []);
  assertMatch(other.damage ?? "", /altered/);
});

Deno.test("every flipped bit of a sealed frame is noticed, also where the checksum was made to fit", () => {
  const [first = NONE, second = NONE] = sealedFrames();
  for (let at = 0; at < first.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const altered = first.map((byte, place) => place === at ? byte ^ (1 << bit) : byte);
      const reader = sealedReader(KEY);
      assertEquals(feed(reader, joined([altered, second])), [], `byte ${at}, bit ${bit}`);
    }
  }
  // The same frame again by somebody who knows how to make a checksum, but not the key.
  const writer = new FrameWriter();
  writer.append('{"a":2}', new Uint8Array([0, 255, 7]));
  const forged = joined([writer.bytes().slice(), first.subarray(first.length - TAG_BYTES)]);
  const reader = sealedReader(KEY);
  assertEquals(feed(reader, forged), []);
  assertMatch(reader.damage ?? "", /altered/);
});

const NONE = new Uint8Array();
