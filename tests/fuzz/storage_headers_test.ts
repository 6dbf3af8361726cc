/** Headers, marks and the node file: read as they were written, refused when damaged, and harmless when forged. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { checksum } from "../../lib/base/checksum.ts";
import { CorruptionError, FormatVersionError } from "../../lib/base/errors.ts";
import type { Random } from "../../lib/base/random.ts";
import { seal } from "../../lib/storage/binary.ts";
import {
  decodeNodeFile,
  encodeNodeFile,
  NODE_FILE_FORMAT,
  type NodeFile,
  nodeIdsOf,
} from "../../lib/storage/node_file.ts";
import { parseSnapshotName, snapshotName } from "../../lib/storage/snapshot_format.ts";
import {
  decodeMark,
  decodeRecordHeader,
  decodeSegmentHeader,
  encodeMark,
  encodeRecordHeader,
  encodeSegmentHeader,
  LEVEL_RECORD_VERSION,
  MARK_BYTES,
  RECORD_HEADER_BYTES,
  WAL_VERSION,
} from "../../lib/storage/wal_format.ts";
import { fuzz, require, requireSame, textOf } from "./harness.ts";
import { anyText, mutate, OTHER_JSON } from "./mutators.ts";
import { assertLinear } from "./timing.ts";
import { anyConfiguration, anyCount, anyEntryId, anyId, anyIndex, anyTerm } from "./values.ts";

/** A block that is read as a whole: the value it was made of, its bytes, and those after changes. */
interface Block {
  readonly kind: "segment" | "record" | "mark";
  readonly written: string;
  readonly value: unknown;
  readonly bytes: string;
  readonly forged: boolean;
}

function anyUint32(random: Random): number {
  return anyCount(random) % 2 ** 32;
}

function encodeAny(kind: Block["kind"], random: Random): { value: unknown; bytes: Uint8Array } {
  const [epoch, sequence, chain, offset] = [1, 2, 3, 4].map(() => anyUint32(random)) as [
    number,
    number,
    number,
    number,
  ];
  if (kind === "segment") {
    const value = { sequence, epoch, chain, firstNumber: anyCount(random), firstIndex: anyIndex(random) };
    return { value, bytes: encodeSegmentHeader(value) };
  }
  if (kind === "mark") {
    const value = { epoch, number: anyCount(random), index: anyIndex(random), sequence, offset };
    const bytes = new Uint8Array(MARK_BYTES);
    encodeMark(value, bytes);
    return { value, bytes };
  }
  const record = {
    version: random.pick([WAL_VERSION, LEVEL_RECORD_VERSION]),
    restart: random.chance(0.3),
    bodyBytes: anyUint32(random),
    count: anyUint32(random),
    number: anyCount(random),
    durableNumber: anyCount(random),
    durableIndex: anyIndex(random),
    firstIndex: anyIndex(random),
    term: anyTerm(random),
    prevTerm: anyTerm(random),
    ...{ epoch, sequence, offset, chain },
    bodyChecksum: anyUint32(random),
    mask: anyUint32(random),
  };
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  const sum = encodeRecordHeader(record, { bytes, view: new DataView(bytes.buffer) });
  return { value: { ...record, checksum: sum }, bytes };
}

function decodeBlock(kind: Block["kind"], bytes: Uint8Array): unknown {
  if (kind === "segment") return decodeSegmentHeader(bytes, "file");
  return kind === "mark" ? decodeMark(bytes, "file") : decodeRecordHeader(bytes, { file: "file", offset: 0 });
}

/** The bytes of the version in a segment header. */
function versionIn(bytes: string): string {
  return bytes.slice(8, 12);
}

function makeBlock(random: Random): Block {
  const kind = random.pick(["segment", "record", "mark"] as const);
  const { value, bytes } = encodeAny(kind, random);
  const written = bytesToString(bytes);
  if (random.chance(0.2)) return { kind, written, value, bytes: written, forged: false };
  // Behind the magic, so that not every change is found there.
  const forged = random.chance(0.5);
  const changed = written.slice(0, 8) + mutate(written.slice(8), random);
  if (!forged) return { kind, written, value, bytes: random.chance(0.5) ? changed : mutate(written, random), forged };
  const length = random.chance(0.1) ? random.between(12, written.length) : written.length;
  const block = stringToBytes(changed.padEnd(length, "\0").slice(0, length));
  seal(block);
  return { kind, written, value, bytes: bytesToString(block), forged };
}

fuzz("headers of segments and records, and marks", {
  make: makeBlock,
  check: ({ kind, written, value, bytes, forged }) => {
    let decoded: unknown;
    try {
      decoded = decodeBlock(kind, stringToBytes(bytes));
    } catch (error) {
      if (!(error instanceof FormatVersionError)) throw error;
      // Damage may look like another version, but only where it has struck the version itself, and never as the known one.
      require(forged || (kind === "segment" && versionIn(bytes) !== versionIn(written)), `Version ${error.version}`);
      require(error.version !== error.known, "A version beside the known one");
      return "newer";
    }
    if (bytes.startsWith(written)) requireSame(decoded, value, "What was written");
    else if (!forged) requireSame(decoded, undefined, "Damage is noticed");
    if (decoded === undefined) return "refused";
    for (const field of Object.values(decoded as Record<string, unknown>)) {
      require(typeof field === "boolean" || (Number.isInteger(field) && Number(field) >= 0), `Field ${String(field)}`);
    }
    return bytes.startsWith(written) ? "whole" : "forged";
  },
  outcomes: ["newer", "refused", "whole", "forged"],
});

function anyNodeFile(random: Random): NodeFile {
  return {
    ownership: { nodeId: anyId(random), clusterName: anyText(random, 20), identity: anyText(random, 16) },
    hardState: { currentTerm: anyTerm(random), votedFor: random.chance(0.3) ? undefined : anyId(random) },
    initialConfiguration: anyConfiguration(random),
  };
}

/** A node file after changes; `forged` when its checksum was made right again. */
interface NodeFileInput {
  readonly file: NodeFile;
  readonly bytes: string;
  readonly state: "whole" | "damaged" | "forged";
}

function makeNodeFile(random: Random): NodeFileInput {
  const file = anyNodeFile(random);
  const bytes = bytesToString(encodeNodeFile(file));
  if (random.chance(0.2)) return { file, bytes, state: "whole" };
  const changed = mutate(bytes, random);
  if (random.chance(0.01)) return { file, bytes: random.pick(OTHER_JSON), state: "damaged" };
  const forged = random.chance(0.6) ? forge(random.chance(0.5) ? changed : otherValue(bytes, random)) : undefined;
  return { file, bytes: forged ?? changed, state: forged === undefined ? "damaged" : "forged" };
}

/** The file with a right checksum, if it is JSON at all. */
function forge(bytes: string): string | undefined {
  try {
    const { checksum: _, ...content } = JSON.parse(new TextDecoder().decode(stringToBytes(bytes)));
    const sum = checksum(new TextEncoder().encode(JSON.stringify(content))).toString(16).padStart(8, "0");
    return bytesToString(new TextEncoder().encode(JSON.stringify({ ...content, checksum: sum })));
  } catch {
    return undefined; // Another input will do.
  }
}

/** The file with one value of another kind. */
function otherValue(bytes: string, random: Random): string {
  const values = ["null", "-1", "0.5", "2", '"x"', "[]", "{}", "9007199254740993", "true", "1e999"];
  let left = random.below(12);
  return bytes.replace(/: ("[^"]*"|[0-9]+|null)/g, (whole) => left-- === 0 ? `: ${random.pick(values)}` : whole);
}

fuzz("node files", {
  make: makeNodeFile,
  check: ({ file, bytes, state }) => {
    try {
      const decoded = decodeNodeFile(stringToBytes(bytes), "file");
      if (state !== "forged") requireSame(decoded, file, "What was written");
      const { nodeId, clusterName, identity } = decoded.ownership;
      require(Number.isSafeInteger(nodeId) && nodeId >= 0, `Node ${nodeId}`);
      require(
        typeof clusterName === "string" && typeof identity === "string",
        `Cluster ${clusterName}, directory ${identity}`,
      );
      const { currentTerm, votedFor } = decoded.hardState;
      require(Number.isSafeInteger(currentTerm) && currentTerm >= 0, `Term ${currentTerm}`);
      require(votedFor === undefined || (Number.isSafeInteger(votedFor) && votedFor >= 0), `Vote ${votedFor}`);
      const again = decodeNodeFile(encodeNodeFile(decoded), "file");
      requireSame(again.hardState, decoded.hardState, "What was taken must be readable again");
      return state === "damaged" ? "whole" : state;
    } catch (error) {
      if (state === "whole") throw error;
      if (error instanceof CorruptionError) return "corrupt";
      if (!(error instanceof FormatVersionError)) throw error;
      // Damage may look like another version, but only where it has struck the version itself.
      require(state === "forged" || !/"format":\s*1\b/.test(bytes), `Version ${error.version}`);
      return "newer";
    }
  },
  outcomes: ["whole", "forged", "corrupt", "newer"],
});

fuzz("names of files", {
  make: (random) => {
    const name = random.pick(["RaftNode0.json", "RaftNode12.json", snapshotName(anyEntryId(random))]);
    return random.chance(0.2) ? name : mutate(name, random);
  },
  check: (name) => {
    const entry = parseSnapshotName(name);
    const ids = nodeIdsOf([name, name]);
    require(ids.length === 0 || (ids.length === 2 && name.startsWith("RaftNode")), `Ids ${ids}`);
    if (entry === undefined) return ids.length === 0 ? "other" : "node";
    require(entry.index >= 0 && entry.term >= 0, textOf(entry));
    if (Number.isSafeInteger(entry.index) && Number.isSafeInteger(entry.term)) {
      requireSame(parseSnapshotName(snapshotName(entry)), entry, "A name there and back");
    }
    return "snapshot";
  },
  outcomes: ["other", "node", "snapshot"],
});

Deno.test("node files take linear time and any depth", () => {
  const run = (text: string) => {
    try {
      decodeNodeFile(stringToBytes(text), "file");
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
    }
  };
  for (const piece of ["[", '{"a":', '"\\u0141",', "9"]) {
    assertLinear(`node files of ${piece}`, { make: (size) => `{"format":${piece.repeat(size)}`, run });
  }
  const deep = (size: number) =>
    `{"format":${NODE_FILE_FORMAT},"deep":${"[".repeat(size)}${"]".repeat(size)},"checksum":"00000000"}`;
  run(deep(200_000));
});
