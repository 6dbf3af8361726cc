/** Long values in JSON: piece by piece, in turns of the event loop, and the same text as all at once. */

import { assert, assertEquals } from "@std/assert";
import { bytesToString, stringToBytes, textToByteString } from "../../../lib/base/bytes.ts";
import type { Clock, Timer } from "../../../lib/base/clock.ts";
import { JsonValue } from "../../../lib/http/json_body.ts";
import {
  byteField,
  byteFieldInTurns,
  bytesInTurns,
  LONG_VALUE_BYTES,
  recordFields,
  recordFieldsInTurns,
} from "../../../lib/http/record_json.ts";
import { LONG_BODY_BYTES } from "../../../lib/http/server/limits.ts";
import { fakeRecord } from "../../support/fake_node.ts";
import { StateNode } from "../../support/state_node.ts";
import { type Answer, ask, type Extras, type Service, serviceOf } from "./support/ask.ts";

/** Every timer fires at once, and is counted. */
class CountingClock implements Clock {
  turns = 0;

  now(): number {
    return 0;
  }

  after(_delayMs: number, action: () => void): Timer {
    this.turns += 1;
    queueMicrotask(action);
    return { cancel: () => {} };
  }

  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }
}

const RANDOM = bytesToString(crypto.getRandomValues(new Uint8Array(65_521)));
const MIXED = textToByteString('a"\\\n\x01\x7fö€𝄞');

Deno.test("a long value is put into JSON in as many turns as it has pieces, and nothing else comes of it", async () => {
  for (const part of [RANDOM, MIXED, "\x01", "x", textToByteString("é")]) {
    const value = part.repeat(Math.ceil(LONG_VALUE_BYTES * 3.4 / part.length));
    const clock = new CountingClock();
    assert(await byteFieldInTurns("value", value, clock) === byteField("value", value), "another field");
    assertEquals(clock.turns, 4);
    const shown = await bytesInTurns(value, clock);
    const read: unknown = JSON.parse(textOf(shown));
    const expected = part === RANDOM ? { base64: btoa(value) } : textOf(value);
    assert(JSON.stringify(read) === JSON.stringify(expected), "another value");
    const record = fakeRecord(value, 3);
    assert(await recordFieldsInTurns("k", record, clock) === recordFields("k", record), "another record");
  }
});

Deno.test("records, pages and transactions give long values whole", async () => {
  const service = serviceOf(new StateNode());
  for (const value of ["\x01é".repeat(LONG_VALUE_BYTES), RANDOM.repeat(9)]) {
    const isText = value !== RANDOM.repeat(9);
    const field = isText ? "value" : "value_base64";
    const shown = isText ? value : btoa(value);
    const put = textToByteString(shown.replaceAll("\x01", "\\u0001"));
    await askLong(service, "POST /v1/txn", { body: `{"then":[{"put":{"key":"long","${field}":"${put}"}}]}` });
    const record = await askLong(service, "GET /v1/kv/long", { headers: { accept: "application/json" } });
    assertEquals([record.json?.["key"], record.json?.["ttl_ms"], record.json?.[field] === shown], ["long", null, true]);
    const page = await askLong(service, "GET /v1/kv");
    const items = page.json?.["items"] as readonly Readonly<Record<string, unknown>>[];
    assertEquals(items.map((item) => [item["key"], item["ttl_ms"], item[field] === shown]), [["long", null, true]]);
    const calls = [{ put: { key: "long", [field]: shown } }, { get: { key: "long" } }, { command: ["GET", "long"] }];
    const done = await askLong(service, "POST /v1/txn", { body: textToByteString(JSON.stringify({ then: calls })) });
    const [stored, get, reply] = done.json?.["results"] as readonly Readonly<Record<string, unknown>>[];
    assertEquals([stored, get?.["found"], get?.[field] === shown], [{ put: true }, true, true]);
    assertEquals(JSON.stringify(reply) === JSON.stringify({ reply: isText ? shown : { base64: shown } }), true);
  }
});

Deno.test("a long body is read in turns, and as any other", async () => {
  const clock = new CountingClock();
  const short = await JsonValue.readInTurns('{"a":1}', clock);
  assertEquals([short.field("a").integer({ least: 0, most: 9 }), clock.turns], [1, 0]);
  const long = await JsonValue.readInTurns(`{"a":"${"b".repeat(LONG_BODY_BYTES)}"}`, clock);
  assertEquals([long.field("a").text().length, long.complaint, clock.turns], [LONG_BODY_BYTES, undefined, 2]);
  for (const broken of ["\xff", "{"]) {
    const read = await JsonValue.readInTurns(broken.repeat(LONG_BODY_BYTES), clock);
    assertEquals(read.complaint, JsonValue.read(broken).complaint);
  }
});

Deno.test("base64 is padded and has no white space", () => {
  const taken = [["", ""], ["AAAA", "\0\0\0"], ["/+8=", "\xff\xef"], ["YQ==", "a"]] as const;
  for (const [base64, bytes] of taken) assertEquals(readBase64(base64), { bytes, complaint: undefined });
  const refused = [
    "YQ",
    "YQ=",
    "YWI",
    "Y===",
    "====",
    "YQ==YQ==",
    "YW Jj",
    "AAA AAA ",
    "AA =",
    "AA\n=",
    "YWJ-",
    "YWJ€",
    "\ud800AAA",
  ];
  for (const base64 of refused) {
    assertEquals(readBase64(base64), { bytes: "", complaint: "/v_base64 must be base64" }, base64);
  }
});

/** Asks, and lets turns pass until there is an answer. */
async function askLong(service: Service, line: string, extras: Extras = {}): Promise<Answer> {
  let answer: Answer | undefined;
  const asking = ask(service, line, extras).then((given) => answer = given);
  await service.clock.until(() => answer !== undefined, 10_000, "an answer");
  return await asking;
}

function readBase64(base64: string): { readonly bytes: string; readonly complaint: string | undefined } {
  const root = JsonValue.read(textToByteString(JSON.stringify({ v_base64: base64 })));
  const bytes = root.bytes("v");
  return { bytes, complaint: root.complaint };
}

function textOf(bytes: string): string {
  return new TextDecoder().decode(stringToBytes(bytes));
}
