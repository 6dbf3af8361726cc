/** Frames between servers: found in a stream however it is cut, refused when damaged, and never a reason to take memory. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import type { Random } from "../../lib/base/random.ts";
import { checksum } from "../../lib/base/checksum.ts";
import { FRAME_MAGIC, FrameWriter } from "../../lib/transport/frame.ts";
import { type FrameBounds, FrameReader } from "../../lib/transport/frame_reader.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate, splice } from "./mutators.ts";
import { anyCount } from "./values.ts";
import { waysToSplit } from "./splits.ts";
import { assertLinear } from "./timing.ts";

const BOUNDS: FrameBounds = { frameBytesMax: 4_000, headerBytesMax: 1_000 };
/** The reader's buffer before anything has come. */
const CAPACITY_MIN = 65_536;

/** What a reader made of a stream. */
interface Reading {
  readonly frames: readonly string[];
  readonly damage: string | undefined;
}

/** Feeds the pieces as a connection would, and watches the memory that the reader holds. */
function read(pieces: readonly string[], bounds: FrameBounds): Reading {
  const reader = new FrameReader(bounds);
  const frames: string[] = [];
  let fed = 0;
  for (const piece of pieces) {
    for (let rest = stringToBytes(piece); rest.length > 0;) {
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(keyOf(frame));
      if (reader.damage !== undefined) return { frames, damage: reader.damage };
      const space = reader.space();
      const part = rest.subarray(0, space.length);
      space.set(part);
      reader.filled(part.length);
      rest = rest.subarray(part.length);
      fed += part.length;
      const most = Math.max(CAPACITY_MIN, 2 * fed);
      require(reader.capacity <= most, `The reader holds ${reader.capacity} bytes after ${fed}`);
    }
  }
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(keyOf(frame));
  return { frames, damage: reader.damage };
}

function keyOf({ header, body }: { readonly header: string; readonly body: Uint8Array }): string {
  return JSON.stringify([header, bytesToString(body)]);
}

/** A stream, and the frames that were written into it. */
interface Stream {
  readonly bytes: string;
  readonly written: readonly string[];
  readonly mutated: boolean;
}

function anyFrames(random: Random): Stream {
  const writer = new FrameWriter();
  const written: string[] = [];
  for (let left = random.below(4); left >= 0; left--) {
    const header = Array.from(anyBytes(random, 30), (character) => character < "\x80" ? character : "?").join("");
    const body = stringToBytes(anyBytes(random, random.chance(0.02) ? 3_000 : 30));
    writer.append(header, body);
    written.push(keyOf({ header, body }));
  }
  return { bytes: bytesToString(writer.bytes()), written, mutated: false };
}

function makeStream(random: Random): Stream {
  const stream = anyFrames(random);
  if (random.chance(0.25)) return stream;
  const other = random.chance(0.2) ? anyFrames(random) : { bytes: "", written: [] };
  const bytes = other.bytes === "" ? stream.bytes : splice(stream.bytes, other.bytes, random);
  return { bytes: mutate(bytes, random), written: [...stream.written, ...other.written], mutated: true };
}

fuzz("frames of a stream", {
  make: makeStream,
  check: ({ bytes, written, mutated }, random) => {
    const whole = read([bytes], BOUNDS);
    if (!mutated) requireSame(whole, { frames: written, damage: undefined }, "Frames are read as they were written");
    for (const frame of whole.frames) require(written.includes(frame), `A frame that nobody wrote: ${frame}`);
    for (const way of waysToSplit(bytes, random)) requireSame(read(way, BOUNDS), whole, "Another split");
    if (whole.damage !== undefined) return "damaged";
    return mutated ? "mutated" : "whole";
  },
  outcomes: ["damaged", "mutated", "whole"],
});

/** A prefix that claims lengths, with the checksum of whatever follows it. */
function makeClaim(random: Random): { readonly bytes: string; readonly header: number; readonly body: number } {
  const rest = anyBytes(random, 60);
  const fits = random.chance(0.3);
  const header = fits ? random.below(rest.length + 1) : anyCount(random) % 2 ** 32;
  const body = fits ? rest.length - header : anyCount(random) % 2 ** 32;
  const frame = new Uint8Array(16 + rest.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, FRAME_MAGIC);
  view.setUint32(8, header);
  view.setUint32(12, body);
  frame.set(stringToBytes(rest), 16);
  view.setUint32(4, checksum(frame.subarray(8)));
  return { bytes: bytesToString(frame), header, body };
}

fuzz("claims of frame lengths", {
  make: makeClaim,
  check: ({ bytes, header, body }) => {
    const { frames, damage } = read([bytes], BOUNDS);
    const tooLong = header > BOUNDS.headerBytesMax || 16 + header + body > BOUNDS.frameBytesMax;
    require(tooLong === (damage?.includes("too long") ?? false), `Damage is ${damage}`);
    if (tooLong) return "too long";
    if (16 + header + body > bytes.length) {
      requireSame({ frames, damage }, { frames: [], damage: undefined }, "A frame that has not come whole");
      return "waits";
    }
    return frames.length > 0 ? "taken" : "refused";
  },
  outcomes: ["too long", "waits", "taken", "refused"],
});

fuzz("long frames in pieces", {
  make: (random) => ({
    body: random.between(60_000, 200_000),
    cut: random.between(1, 150_000),
    second: random.below(200),
  }),
  check: ({ body, cut, second }, random) => {
    const writer = new FrameWriter();
    writer.append("{}", new Uint8Array(body).fill(body % 251));
    writer.append("{}", new Uint8Array(second));
    const bytes = bytesToString(writer.bytes());
    const bounds = { frameBytesMax: 150_000, headerBytesMax: 100 };
    const whole = read([bytes], bounds);
    requireSame(read([bytes.slice(0, cut), bytes.slice(cut)], bounds), whole, "Another split");
    requireSame(read([bytes.slice(0, random.between(1, 20)), bytes], bounds).frames, [], "A stream that begins again");
    return whole.damage === undefined ? "taken" : "too long";
  },
  outcomes: ["taken", "too long"],
  share: 100,
});

Deno.test("frames take linear time, whole and byte by byte", () => {
  const make = (size: number) => {
    const writer = new FrameWriter();
    for (let left = size / 16; left > 0; left--) writer.append("{}", new Uint8Array(0));
    return bytesToString(writer.bytes());
  };
  const bounds = { frameBytesMax: 2 ** 26, headerBytesMax: 100 };
  assertLinear("small frames", { make, run: (bytes) => read([bytes], bounds), size: 65_536 });
  assertLinear("bytes", { make, run: (bytes) => read(Array.from(bytes), bounds), size: 16_384 });
  const long = (size: number) => {
    const writer = new FrameWriter();
    writer.append("{}", new Uint8Array(size));
    const bytes = bytesToString(writer.bytes());
    return Array.from({ length: Math.ceil(bytes.length / 100) }, (_, at) => bytes.slice(at * 100, at * 100 + 100));
  };
  assertLinear("one long frame in small pieces", { make: long, run: (pieces) => read(pieces, bounds), size: 131_072 });
});
