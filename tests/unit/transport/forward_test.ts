/** Forwarded commands and their outcomes on the wire. */

import { assert, assertEquals } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { decodeMessage, encodeMessage } from "../../../lib/transport/codec.ts";
import { parseFields } from "../../../lib/transport/fields.ts";
import { type Forward, type ForwardResult, isForwarding, type PeerMessage } from "../../../lib/transport/forward.ts";
import { seededRandom } from "./support.ts";

const EVERY_BYTE = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
const FORWARD: Forward = {
  type: "Forward",
  from: 1,
  to: 2,
  incarnation: 7,
  id: 3,
  after: 2,
  commands: ["1;A", EVERY_BYTE],
};
const RESULT: ForwardResult = {
  type: "ForwardResult",
  from: 2,
  to: 1,
  incarnation: 7,
  id: 3,
  first: 1,
  outcomes: ["U", EVERY_BYTE],
};

function decode(header: string, body: string): PeerMessage | undefined {
  const fields = parseFields(header);
  return fields === undefined ? undefined : decodeMessage(fields, stringToBytes(body));
}

Deno.test("forwarded commands and outcomes survive the way there", () => {
  for (const message of [FORWARD, RESULT]) {
    const { header, body } = encodeMessage(message);
    assertEquals(decode(header, bytesToString(body)), message);
  }
});

Deno.test("what is no forwarded command reaches nobody", () => {
  const { header } = encodeMessage(FORWARD);
  for (const body of ["", "[]", "{}", "[1]", "[null]", '["\\u0141"]', '["a"', '"a"']) {
    assertEquals(decode(header, body), undefined, body);
  }
  for (const field of ["from", "to", "incarnation", "id", "after"]) {
    assertEquals(decode(header.replace(new RegExp(`"${field}":\\d+`), `"${field}":-1`), '["a"]'), undefined, field);
  }
});

Deno.test("20 000 mutated forwarded messages decode to well-formed ones or to nothing", () => {
  const random = seededRandom(77);
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const { header, body } = encodeMessage(round % 2 === 0 ? FORWARD : RESULT);
    const texts = [header, bytesToString(body)].map((text) => {
      const at = Math.floor(random() * text.length);
      return random() < 0.6
        ? text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1)
        : text;
    });
    const message = decode(texts[0] ?? "", texts[1] ?? "");
    if (message === undefined) continue;
    taken += 1;
    assert(isForwarding(message), "The kind of a frame is in its header");
    const items = message.type === "Forward" ? message.commands : message.outcomes;
    assert(items.length > 0 && items.every((item) => !/[\u0100-\uffff]/.test(item)), "Items are byte strings");
    assert([message.from, message.to, message.id, message.incarnation].every((n) => Number.isSafeInteger(n) && n >= 0));
  }
  assert(taken > 200 && taken < 19_000, `${taken} of 20000 taken`);
});
