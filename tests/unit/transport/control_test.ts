import { assert, assertEquals, assertExists } from "@std/assert";
import {
  type Beat,
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
  sayIntroduction,
} from "../../../lib/transport/control.ts";
import { type Fields, parseFields } from "../../../lib/transport/fields.ts";
import {
  agreedVersion,
  describeDisagreement,
  SPOKEN_VERSIONS,
  type VersionRange,
} from "../../../lib/transport/versions.ts";
import { greetingOf, statusOf } from "./support.ts";

function fieldsOf(header: string): Fields {
  const fields = parseFields(header);
  assertExists(fields);
  return fields;
}

const NONCE = "0123456789abcdef".repeat(2);
const INTRODUCTION = {
  greeting: greetingOf(3, { identity: "\u00fc\ud83d\ude00", httpAddress: "127.0.0.1:8003" }),
  nonce: NONCE,
  to: 4,
};
const STATEMENT = { said: sayIntroduction(INTRODUCTION), proof: "f".repeat(64) };
const BEAT: Beat = { nonce: 5, status: statusOf(1) };

Deno.test("control frames survive the way there", () => {
  assertEquals(decodeChallenge(fieldsOf(encodeChallenge(NONCE))), NONCE);
  assertEquals(decodeStatement(fieldsOf(encodeProof(STATEMENT)), "Proof"), STATEMENT);
  assertEquals(decodeStatement(fieldsOf(encodeWelcome(STATEMENT)), "Welcome"), STATEMENT);
  assertEquals(readIntroduction(STATEMENT.said, SPOKEN_VERSIONS), INTRODUCTION);
  assertEquals(decodeBeat(fieldsOf(encodePing(BEAT, 1.5)), "Ping"), BEAT);
  const leaderless = { ...BEAT, status: statusOf(0) };
  assertEquals(decodeBeat(fieldsOf(encodePong(leaderless)), "Pong"), leaderless);
});

Deno.test("control frames are taken for nothing else", () => {
  const headers = [
    encodeChallenge(NONCE),
    encodeProof(STATEMENT),
    encodeWelcome(STATEMENT),
    encodePing(BEAT, 0),
    encodePong(BEAT),
    encodeRefused("r"),
  ];
  const readers: readonly ((fields: Fields) => unknown)[] = [
    decodeChallenge,
    (fields) => decodeStatement(fields, "Proof"),
    (fields) => decodeStatement(fields, "Welcome"),
    (fields) => decodeBeat(fields, "Ping"),
    (fields) => decodeBeat(fields, "Pong"),
    decodeRefused,
  ];
  headers.forEach((header, at) => {
    const taken = readers.map((read) => read(fieldsOf(header)) !== undefined);
    assertEquals(taken, readers.map((_, other) => other === at), header);
  });
});

Deno.test("a status without an HTTP address is an older peer's, one with a harmful address is refused", () => {
  const { status, ...beat }: Record<string, unknown> = JSON.parse(encodePong(BEAT));
  const told = (httpAddress?: string) => {
    const header = JSON.stringify({ ...beat, status: { ...(status as Record<string, unknown>), httpAddress } });
    return decodeBeat(fieldsOf(header), "Pong")?.status.httpAddress;
  };
  assertEquals(told(), "");
  for (const fine of ["", "kv-2.internal:8000", "[::1]:8000"]) assertEquals(told(fine), fine);
  for (const harmful of ["a b:1", "a:1\r\nX: y", '"><script>', "h/path", ...NO_ADDRESSES]) {
    assertEquals(told(harmful), undefined, harmful);
  }
});

/** Of harmless characters, but not host:port; or longer than one can be. */
const NO_ADDRESSES = ["db", "db:", ":5000", "db:0", "db:65536", "::1:5000", "[db]:1", "a:b:1", `${"x".repeat(262)}:1`];

Deno.test("a greeting, a status and a list of members have addresses that a server can have, or none", () => {
  const greeted = (field: string, address: string) => {
    const { greeting, ...rest }: Record<string, unknown> = JSON.parse(STATEMENT.said);
    const said = JSON.stringify({ ...rest, greeting: { ...(greeting as Record<string, unknown>), [field]: address } });
    return readIntroduction(said, SPOKEN_VERSIONS) !== undefined;
  };
  const listed = (address: string) => {
    const acquaintance = { members: [{ id: 1, address }] };
    return readIntroduction(sayIntroduction({ ...INTRODUCTION, acquaintance }), SPOKEN_VERSIONS) !== undefined;
  };
  const beaten = (clientAddress: string) => {
    const beat = { ...BEAT, status: { ...BEAT.status, clientAddress } };
    return decodeBeat(fieldsOf(encodePing(beat, 1)), "Ping") !== undefined;
  };
  const fields = ["clientAddress", "peerAddress", "httpAddress"];
  for (const fine of ["", "db_1.internal:5000", "[fe80::1%eth0]:15000"]) {
    assertEquals(
      [...fields.map((field) => greeted(field, fine)), listed(fine), beaten(fine)],
      Array(5).fill(true),
      fine,
    );
  }
  for (const bad of [...NO_ADDRESSES, "$(x):1", "a;b:1", "h\u00fcgel:1"]) {
    assertEquals([...fields.map((field) => greeted(field, bad)), listed(bad), beaten(bad)], Array(5).fill(false), bad);
  }
});

/** Each field of a JSON object and of the objects in it, replaced by something wrong. */
function spoiled(value: Record<string, unknown>): Record<string, unknown>[] {
  return Object.entries(value).flatMap(([name, part]) => {
    const inner = typeof part === "object" && part !== null ? spoiled(part as Record<string, unknown>) : [];
    return [...inner, [], -1, 0.5, "x".repeat(1_025)].map((wrong) => ({ ...value, [name]: wrong }));
  });
}

Deno.test("a wrong field anywhere spoils an introduction and a Ping", () => {
  for (const wrong of spoiled(JSON.parse(STATEMENT.said))) {
    const read = readIntroduction(JSON.stringify(wrong), SPOKEN_VERSIONS);
    assert(read === undefined || "otherVersions" in read, JSON.stringify(wrong));
  }
  for (const said of ["", "{", "[]", "null", '"x"']) {
    assertEquals(readIntroduction(said, SPOKEN_VERSIONS), undefined, said);
  }
  const { sentAt: _, ...ping }: Record<string, unknown> = JSON.parse(encodePing(BEAT, 1));
  for (const wrong of spoiled(ping)) {
    assertEquals(decodeBeat(fieldsOf(JSON.stringify(wrong)), "Ping"), undefined, JSON.stringify(wrong));
  }
});

Deno.test("the introduction of who speaks no version of ours is recognised whatever else is in it", () => {
  const own = { oldest: 6, newest: 7 };
  assertEquals(readIntroduction('{"version":5}', own), { otherVersions: { oldest: 5, newest: 5 } });
  assertEquals(readIntroduction('{"version":2,"newest":5}', own), { otherVersions: { oldest: 2, newest: 5 } });
  assertEquals(readIntroduction('{"version":8,"newest":9}', own), { otherVersions: { oldest: 8, newest: 9 } });
  for (const wrong of ['{"version":7,"newest":6}', '{"newest":6}', '{"version":8,"newest":"9"}']) {
    assertEquals(readIntroduction(wrong, own), undefined, wrong);
  }
});

Deno.test("two sides use the newest version that both speak, and who speaks none of the other's is told whom to upgrade", () => {
  const range = (oldest: number, newest: number) => ({ oldest, newest });
  const cases: readonly (readonly [VersionRange, VersionRange, number | undefined])[] = [
    [range(6, 7), range(6, 7), 7],
    [range(6, 7), range(6, 6), 6],
    [range(6, 7), range(7, 9), 7],
    [range(6, 9), range(7, 8), 8],
    [range(6, 7), range(8, 9), undefined],
    [range(6, 6), range(7, 7), undefined],
  ];
  for (const [one, other, agreed] of cases) {
    assertEquals([agreedVersion(one, other), agreedVersion(other, one)], [agreed, agreed]);
  }
  assertEquals(
    describeDisagreement({ nodeId: 3, versions: range(6, 7) }, range(8, 8)),
    "node 3 speaks protocol versions 6 to 7, its peer version 8: upgrade node 3",
  );
  assertEquals(
    describeDisagreement({ nodeId: 3, versions: range(8, 9) }, range(6, 7)),
    "node 3 speaks protocol versions 8 to 9, its peer versions 6 to 7: upgrade the peer",
  );
});

Deno.test("a refusal's reason is short and harmless on a terminal", () => {
  assertEquals(decodeRefused(fieldsOf(encodeRefused("no \x1b[31m\n\u202e\u00fc"))), "no ?[31m??\u00fc");
  assertEquals(decodeRefused(fieldsOf(encodeRefused("x".repeat(5_000))))?.length, 700);
});
