/** What holds replies to their schemas notices each way in which one can differ. */

import { assertEquals, assertThrows } from "@std/assert";
import { schemaComplaint } from "../../support/json_schema.ts";

const document = {
  components: {
    schemas: {
      Item: {
        type: "object",
        properties: {
          name: { type: "string", pattern: "^[a-z]+$" },
          count: { type: ["integer", "null"], minimum: 1, maximum: 5 },
          bytes: { type: "string", contentEncoding: "base64" },
          kind: { enum: ["a", "b"] },
          either: { oneOf: [{ type: "string" }, { type: "array", items: { type: "boolean" }, minItems: 1 }] },
        },
        required: ["name"],
        additionalProperties: false,
        maxProperties: 3,
      },
    },
  },
};
const schema = { type: "array", items: { $ref: "#/components/schemas/Item" } };

Deno.test("values that fit a schema have no complaint", () => {
  const value = [{ name: "x" }, { name: "y", count: null, either: [true] }, { name: "z", bytes: "YWI=", kind: "b" }];
  assertEquals(schemaComplaint(value, { schema, document }), undefined);
});

const MISTAKES: readonly (readonly [value: unknown, place: string, keyword: string])[] = [
  [{}, "the body", "type"],
  [[{}], "the body/0", "required"],
  [[{ name: "x" }, { name: 1 }], "the body/1/name", "type"],
  [[{ name: "X" }], "the body/0/name", "pattern"],
  [[{ name: "x", count: 0 }], "the body/0/count", "minimum"],
  [[{ name: "x", count: 6 }], "the body/0/count", "maximum"],
  [[{ name: "x", count: 1.5 }], "the body/0/count", "type"],
  [[{ name: "x", bytes: "?" }], "the body/0/bytes", "contentEncoding"],
  [[{ name: "x", kind: "c" }], "the body/0/kind", "enum"],
  [[{ name: "x", either: [] }], "the body/0/either", "oneOf"],
  [[{ name: "x", other: 1 }], "the body/0", "additionalProperties"],
  [[{ name: "x", count: 1, kind: "a", bytes: "" }], "the body/0", "maxProperties"],
];

for (const [value, place, keyword] of MISTAKES) {
  Deno.test(`${JSON.stringify(value)} breaks ${keyword}`, () => {
    const complaint = schemaComplaint(value, { schema, document }) ?? "";
    assertEquals([complaint.split(" is ")[0], complaint.split("against its ")[1]], [place, keyword]);
  });
}

Deno.test("a keyword that nobody knows, and a reference that leads nowhere, are errors", () => {
  assertThrows(() => schemaComplaint(1, { schema: { multipleOf: 2 }, document }), Error, "multipleOf");
  assertThrows(() => schemaComplaint(1, { schema: { $ref: "#/no/where" }, document }), Error, "leads nowhere");
});
