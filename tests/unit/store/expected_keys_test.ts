import { assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { encodeCommand } from "../../../lib/kv/commands.ts";
import { EXPECTED_KEY_BYTES_MAX, EXPECTED_KEYS_MAX } from "../../../lib/store/expected_keys.ts";
import { Store } from "../../../lib/store/store.ts";
import { emptyState, spanOf } from "../../support/state.ts";
import { span } from "./bytes.ts";
import { recordOf } from "./model.ts";

function write(value: string) {
  return { value: span(value), revision: 1, deadline: 0, type: 0 };
}

Deno.test("keys that are expected are found where they are, whatever was stored and removed, and nothing changes by it", () => {
  const random = new Random(11);
  const store = new Store({ seed: [1, 2], shards: 4 });
  const there = new Set<string>();
  const view = store.makeView();
  const key = () => `key:${random.below(3_000)}`;
  for (let round = 0; round < 2_000; round++) {
    for (let change = 0; change < 5; change++) {
      const changed = key();
      if (random.chance(round < 1_000 ? 0.8 : 0.3)) {
        store.put(span(changed), write("v".repeat(random.below(300))));
        there.add(changed);
      } else if (store.find(span(changed), view)) {
        store.remove(view);
        there.delete(changed);
      }
    }
    const expected = Array.from({ length: random.below(EXPECTED_KEYS_MAX + 1) }, key);
    for (const one of expected) store.expected.add(span(one));
    const digest = store.digest;
    const isThere = store.find(span("key:7"), view);
    const before = isThere ? recordOf(view) : undefined;
    assertEquals(store.expected.fetch(), expected.filter((one) => there.has(one)).length);
    // The view holds until something changes.
    assertEquals([store.digest, isThere ? recordOf(view) : undefined], [digest, before]);
  }
  store.clear();
  store.expected.add(span("key:7"));
  assertEquals(store.expected.fetch(), 0);
});

Deno.test("no more keys are expected than there is room for, none that is long, and each for one time", () => {
  const store = new Store({ seed: [1, 2] });
  const long = "k".repeat(EXPECTED_KEY_BYTES_MAX);
  for (const key of ["k", long, `${long}k`]) store.put(span(key), write("v"));
  assertEquals(store.expected.fetch(), 0);
  for (const key of ["k", long, `${long}k`]) store.expected.add(span(key));
  assertEquals([store.expected.fetch(), store.expected.fetch()], [2, 0]);
  for (let key = 0; key < EXPECTED_KEYS_MAX + 5; key++) store.expected.add(span("k"));
  assertEquals([store.expected.fetch(), store.expected.fetch()], [EXPECTED_KEYS_MAX, 0]);
});

Deno.test("of the commands the plain ones are expected, and their state stays as it is", () => {
  const state = emptyState();
  const commands = [
    encodeCommand({ type: "Put", key: "k", value: "5" }),
    encodeCommand({ type: "Call", call: ["INCR", "k"] }),
    encodeCommand({ type: "Call", call: ["APPEND", "k", "1"] }),
    encodeCommand({ type: "Put", key: "other", value: "5" }),
    "what is this",
  ];
  state.apply(1, spanOf(commands[0] ?? ""));
  const { digest } = state;
  for (const command of commands) state.expect(spanOf(command));
  assertEquals([state.fetchExpected(), state.digest, state.lastApplied], [2, digest, 1]);
});
