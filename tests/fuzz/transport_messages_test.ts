/** Messages and control frames between servers: what is sent arrives as it is, and everything else is refused or well formed. */

import { isForwarding } from "../../lib/transport/forward.ts";
import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import type { Random } from "../../lib/base/random.ts";
import type { Message } from "../../lib/raft/messages.ts";
import { decodeMessage, encodeMessage } from "../../lib/transport/codec.ts";
import {
  decodeBeat,
  decodeChallenge,
  decodeRefused,
  decodeStatement,
  encodeChallenge,
  encodePing,
  encodePong,
  encodeProof,
  encodeRefused,
  encodeWelcome,
  readIntroduction,
  REASON_CHARACTERS_MAX,
  sayIntroduction,
} from "../../lib/transport/control.ts";
import { parseFields } from "../../lib/transport/fields.ts";
import { SPOKEN_VERSIONS } from "../../lib/transport/versions.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyText, mutate, NUMBER_TEXTS, numberText, OTHER_JSON, PIECES, splice } from "./mutators.ts";
import { assertLinear } from "./timing.ts";
import { anyCount, anyGreeting, anyId, anyMessage, anyNonce, anyStatus } from "./values.ts";

const BEYOND_BYTES = /[\u0100-\uffff]/;

/** A message as it travels. */
interface Wire {
  readonly header: string;
  readonly body: string;
}

function wireOf(message: Message): Wire {
  const { header, body } = encodeMessage(message);
  return { header, body: bytesToString(body) };
}

function decode({ header, body }: Wire): Message | undefined {
  const fields = parseFields(header);
  const message = fields === undefined ? undefined : decodeMessage(fields, stringToBytes(body));
  return message === undefined || isForwarding(message) ? undefined : message;
}

fuzz("messages there and back", {
  make: anyMessage,
  check: (message) => {
    const wire = wireOf(message);
    require(/^[\x20-\x7f]*$/.test(wire.header), `The header is not ASCII: ${wire.header}`);
    requireSame(decode(wire), message, "The message that arrives");
    return message.type;
  },
  outcomes: [
    "RequestVote",
    "RequestVoteResult",
    "AppendEntries",
    "AppendEntriesResult",
    "InstallSnapshot",
    "InstallSnapshotResult",
    "TimeoutNow",
    "ReadIndex",
    "ReadIndexResult",
  ],
});

function mutateWire(random: Random): Wire {
  const wire = wireOf(anyMessage(random));
  const other = random.chance(0.1) ? wireOf(anyMessage(random)) : wire;
  const header = random.chance(0.7) ? mutateHeader(splice(wire.header, other.header, random), random) : wire.header;
  const whole = random.chance(0.5) ? header : mutateHeader(wire.header, random);
  return { header: whole, body: random.chance(0.3) ? mutate(other.body, random) : wire.body };
}

/** Another value for one field, or a change anywhere. */
function mutateHeader(header: string, random: Random): string {
  if (random.chance(0.01)) return random.pick(OTHER_JSON);
  if (random.chance(0.4)) return mutate(header, random, true);
  const names = Array.from(header.matchAll(/"([a-zA-Z]+)":/g), (match) => match[0]);
  if (names.length === 0) return header;
  const name = random.pick(names);
  const value = random.chance(0.6) ? numberText(random) : random.pick([...PIECES, ...NUMBER_TEXTS, '""', '"x"', "[0]"]);
  const at = header.indexOf(name) + name.length;
  return header.slice(0, at) + header.slice(at).replace(/^("[^"]*"|[^,}]*)/, () => value);
}

fuzz("mutated messages", {
  make: mutateWire,
  check: (wire) => {
    const message = decode(wire);
    if (message === undefined) return "refused";
    requireWellFormed(message);
    const { type, from, entries: _, data: __, ...said } = { entries: [], data: "", ...message };
    requireSaid({ rpc: type, ...said }, JSON.parse(wire.header));
    requireSame(from, senderIn(JSON.parse(wire.header)), "The sender");
    requireSame(decode(wireOf(message)), message, "What was taken must travel on as it is");
    return "taken";
  },
  outcomes: ["refused", "taken"],
});

/** What was understood is what the JSON says: nothing made up for a field that is wrong. */
function requireSaid(understood: unknown, said: unknown): void {
  if (typeof understood !== "object" || understood === null) {
    // A missing number is null in JSON, and -0 counts as 0.
    if (understood !== (said ?? undefined)) requireSame(understood, said, "What was understood of a field");
    return;
  }
  const record = said as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(understood)) {
    // An older peer does not send its address, which then is empty.
    const isLeftOut = name === "httpAddress" && (record[name] ?? "") === "";
    requireSaid(value, isLeftOut ? "" : record[name]);
  }
}

function senderIn(said: Readonly<Record<string, unknown>>): unknown {
  return said[
    said["rpc"] === "RequestVote" ? "candidateId" : SENT_BY_LEADERS.includes(String(said["rpc"])) ? "leaderId" : "from"
  ];
}

const SENT_BY_LEADERS: readonly string[] = ["AppendEntries", "InstallSnapshot", "TimeoutNow"];

/** What the types promise, without the decoder's own code. */
function requireWellFormed(message: Message): void {
  for (const [name, value] of Object.entries(message)) {
    require((value !== undefined || name === "entries") && value !== null, `${name} is missing`);
    if (typeof value === "number") require(Number.isSafeInteger(value) && value >= 0, `${name} is ${value}`);
  }
  require(message.from < 2 ** 31 && message.to < 2 ** 31, "An id is too large");
  if (message.type !== "AppendEntries") return;
  message.entries?.entries().forEach((entry, at) => {
    requireSame(entry.index, message.prevLogIndex + 1 + at, "Indexes follow each other");
    require(entry.term > 0, "An entry has a term");
    if (entry.type === "Command") require(!BEYOND_BYTES.test(entry.command), "A command is a byte string");
  });
}

/** A control frame: its header, and what its decoder must give. */
interface Control {
  readonly kind: string;
  readonly header: string;
  readonly value: unknown;
}

const DECODERS: Readonly<Record<string, (header: string) => unknown>> = {
  Challenge: (header) => withFields(header, decodeChallenge),
  Welcome: (header) => withFields(header, (fields) => decodeStatement(fields, "Welcome")),
  Proof: (header) => withFields(header, (fields) => decodeStatement(fields, "Proof")),
  Refused: (header) => withFields(header, decodeRefused),
  Ping: (header) => withFields(header, (fields) => decodeBeat(fields, "Ping")),
  Pong: (header) => withFields(header, (fields) => decodeBeat(fields, "Pong")),
};

function withFields<T>(
  header: string,
  read: (fields: NonNullable<ReturnType<typeof parseFields>>) => T,
): T | undefined {
  const fields = parseFields(header);
  return fields === undefined ? undefined : read(fields);
}

function anyControl(random: Random): Control {
  const beat = { nonce: anyCount(random), status: anyStatus(random) };
  const introduction = {
    greeting: anyGreeting(random),
    nonce: anyNonce(random),
    to: anyId(random),
  };
  const statement = { said: sayIntroduction(introduction), proof: `${anyNonce(random)}${anyNonce(random)}` };
  switch (random.below(6)) {
    case 0: {
      const nonce = anyNonce(random);
      return { kind: "Challenge", header: encodeChallenge(nonce), value: nonce };
    }
    case 1:
      return { kind: "Welcome", header: encodeWelcome(statement), value: statement };
    case 2:
      requireSame(readIntroduction(statement.said, SPOKEN_VERSIONS), introduction, "The introduction that arrives");
      return { kind: "Proof", header: encodeProof(statement), value: statement };
    case 3: {
      const reason = anyText(random, 400);
      return { kind: "Refused", header: encodeRefused(reason), value: undefined };
    }
    case 4:
      return { kind: "Ping", header: encodePing(beat, random.fraction() * 1e6), value: beat };
    default:
      return { kind: "Pong", header: encodePong(beat), value: beat };
  }
}

fuzz("control frames there and back", {
  make: anyControl,
  check: ({ kind, header, value }) => {
    require(/^[\x20-\x7f]*$/.test(header), `The header is not ASCII: ${header}`);
    for (const [other, read] of Object.entries(DECODERS)) {
      const decoded = read(header);
      if (other !== kind) requireSame(decoded, undefined, `A ${kind} taken for a ${other}`);
      else if (kind === "Refused") requireHarmless(decoded);
      else requireSame(decoded, value, `The ${kind} that arrives`);
    }
    return kind;
  },
  outcomes: Object.keys(DECODERS),
});

function requireHarmless(reason: unknown): void {
  require(typeof reason === "string" && reason.length <= REASON_CHARACTERS_MAX, `Reason ${String(reason)}`);
  require(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(reason), `Control characters in ${JSON.stringify(reason)}`);
}

fuzz("mutated control frames", {
  make: (random) => {
    const { kind, header } = anyControl(random);
    const other = random.chance(0.1) ? splice(header, anyControl(random).header, random) : header;
    return { kind, header: random.chance(0.05) ? other : mutateHeader(other, random) };
  },
  check: ({ kind, header }) => {
    const decoded = DECODERS[kind]?.(header);
    if (decoded === undefined) return "refused";
    if (kind === "Refused") requireHarmless(decoded);
    // What was said is read by a reader of its own, once its proof is right.
    if (typeof decoded === "object" && decoded !== null && "said" in decoded) return "taken";
    requireFields(decoded);
    if (typeof decoded === "object") requireSaid(decoded, JSON.parse(header));
    return "taken";
  },
  outcomes: ["refused", "taken"],
});

fuzz("mutated introductions", {
  make: (random) => {
    const introduction = {
      greeting: anyGreeting(random),
      nonce: anyNonce(random),
      to: anyId(random),
    };
    const said = sayIntroduction(introduction);
    return random.chance(0.05) ? said : mutateHeader(said, random);
  },
  check: (said) => {
    const read = readIntroduction(said, SPOKEN_VERSIONS);
    if (read === undefined) return "refused";
    requireFields(read);
    return "otherVersions" in read ? "other version" : "taken";
  },
  outcomes: ["refused", "taken", "other version"],
});

/** Numbers are non-negative safe integers and texts are short, however deep. */
function requireFields(value: unknown): void {
  if (typeof value === "number") require(Number.isSafeInteger(value) && value >= 0, `Number ${value}`);
  if (typeof value === "string") require(value.length <= 1_024, "A long text");
  if (typeof value === "object" && value !== null) { for (const part of Object.values(value)) requireFields(part); }
}

Deno.test("headers and bodies take linear time, whatever they hold", () => {
  const run = (header: string) => decode({ header, body: "" });
  for (const piece of ["[", '{"a":', '"\\u0141",', '"', "\\", " ", "9", "-"]) {
    assertLinear(`headers of ${piece}`, { make: (size) => `{"rpc":"Ping","term":${piece.repeat(size)}`, run });
  }
  const { header } = wireOf({ ...anyAppend(), entries: undefined });
  const withTerm = header.replace('"entriesTerm":0', '"entriesTerm":7');
  const runBody = (body: string) => decode({ header: withTerm, body });
  for (const piece of ['"a",', '"\\u00ff",', "null,", "[", "\\"]) {
    const make = (size: number) => `[${piece.repeat(size)}${piece.endsWith(",") ? '"z"]' : ""}`;
    assertLinear(`bodies of ${piece}`, { make, run: runBody });
  }
});

function anyAppend(): Message & { readonly type: "AppendEntries" } {
  const fields = parseFields(
    '{"rpc":"AppendEntries","term":7,"leaderId":0,"to":1,"prevLogIndex":4,"prevLogTerm":6,"entriesTerm":0,' +
      '"leaderCommit":3,"round":9,"confirm":true}',
  );
  const message = fields === undefined ? undefined : decodeMessage(fields, new Uint8Array(0));
  if (message?.type !== "AppendEntries") throw new Error("Cannot make an AppendEntries");
  return message;
}
