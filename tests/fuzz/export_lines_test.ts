/** Lines of exports and what stands in their place: a line, or what is wrong with it, and nothing is read as something else. */

import { LineError, readLine, recordLine } from "../../lib/cli/transfer/record_line.ts";
import { textToByteString } from "../../lib/base/bytes.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../lib/kv/commands.ts";
import type { Random } from "../../lib/base/random.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, anyText, mutate, numberText, OTHER_JSON } from "./mutators.ts";

fuzz("keys as lines of an export", {
  make: (random) => ({
    key: random.chance(0.5) ? anyBytes(random, 40) : textToByteString(anyText(random, 20)),
    value: random.chance(0.5) ? anyBytes(random, 200) : textToByteString(anyText(random, 60)),
    deadline: random.chance(0.5) ? 0 : random.between(1_000, 2_000_000),
  }),
  check: (record) => {
    const line = recordLine(record, { timeMs: 999 });
    require(line.indexOf("\n") === line.length - 1, "One line");
    const said = readLine(line);
    require(said.type === "Record", "A key");
    const { key, value, expiresAt = 0, ttlMs = 0 } = said.record;
    requireSame({ key, value, deadline: expiresAt }, record, "What was written");
    require(expiresAt === 0 || ttlMs === expiresAt - 999, "What was left");
    return line.includes("_base64") ? "bytes" : "text";
  },
  outcomes: ["bytes", "text"],
});

const WHOLE: readonly string[] = [
  '{"key":"a","value":"b"}',
  '{"kvstore_export":1}',
  '{"kvstore_export_end":true,"keys":3}',
];

function anyLine(random: Random): string {
  const fields = [
    `"${random.pick(["key", "key_base64", "value"])}":${random.pick(['"a"', '"YQ=="', "1", "null"])}`,
    `"${random.pick(["value", "value_base64", "expires_at", "x"])}":${
      random.pick(['"b"', '"Yg=="', numberText(random)])
    }`,
    `"${random.pick(["ttl_ms", "version", "key", "kvstore_export", "kvstore_export_end", "keys"])}":${
      random.pick(["1", "true", '"c"', numberText(random)])
    }`,
  ];
  const whole = `{${fields.slice(0, random.between(1, 3)).join(",")}}`;
  if (random.chance(0.05)) return textToByteString(random.pick(OTHER_JSON));
  if (random.chance(0.4)) return random.pick(WHOLE);
  return random.chance(0.5) ? textToByteString(mutate(whole, random)) : whole;
}

fuzz("odd lines of an export", {
  make: (random) => random.chance(0.2) ? mutate(anyLine(random), random) : anyLine(random),
  check: (line) => {
    try {
      const said = readLine(line);
      if (said.type === "Record") {
        const { key, value } = said.record;
        require(key.length <= KEY_BYTES_MAX && value.length <= VALUE_BYTES_MAX, "Lengths");
      }
      return said.type;
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      require(error.message !== "", "An error for people");
      return "refused";
    }
  },
  outcomes: ["Record", "Head", "End", "refused"],
});
