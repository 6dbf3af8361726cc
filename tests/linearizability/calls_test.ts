/** The rules for calls on one key, held against the state machine: two ways to the same answers. */

import { assertEquals, assertGreater } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { encodeCommand } from "../../lib/kv/commands.ts";
import { replyToJson } from "../../lib/kv/replies.ts";
import { makeCallOnOneKey, makeQueryOnOneKey } from "../sim/call_maker.ts";
import { CALLS_ON_ONE_KEY, judgeCall } from "./calls.ts";
import { emptyState, spanOf } from "../support/state.ts";

const CALLS = 20_000;

Deno.test(`${CALLS} calls of the workload give what their rules say`, () => {
  const random = new Random(7);
  const machine = emptyState();
  const values = new Map<string, string>();
  const seen = new Set<string>();
  let count = 0;
  const words = {
    random,
    now: () => 0,
    key: (family: string) => `${family}${random.below(3)}`,
    value: () => `${count}.`,
  };
  for (let index = 1; count < CALLS; count++) {
    const isQuery = random.chance(0.3);
    const call = isQuery ? makeQueryOnOneKey(words) : makeCallOnOneKey(words);
    const [name = "", key = ""] = call;
    seen.add(name);
    const { answer, effect } = judgeCall(values.get(key), call);
    if (isQuery) {
      assertEquals(replyToJson(machine.read(call, { random: () => 0 })), answer, JSON.stringify(call));
      assertEquals(effect, "None");
      continue;
    }
    const result = machine.apply(index++, spanOf(encodeCommand({ type: "Call", call })));
    assertEquals(result.type === "Reply" ? replyToJson(result.reply) : result, answer, JSON.stringify(call));
    if (effect === "Remove") values.delete(key);
    else if (effect !== "None") values.set(key, effect.value);
    assertEquals(machine.get(key)?.value, values.get(key), JSON.stringify(call));
  }
  assertGreater(seen.size, CALLS_ON_ONE_KEY.length - 3);
});
