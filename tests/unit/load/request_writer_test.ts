import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { type RequestPlan, RequestWriter } from "../../../lib/load/request_writer.ts";
import { readRequests } from "../../support/resp/requests.ts";

const PLAN: RequestPlan = {
  command: "set",
  keys: 1_000,
  valueBytes: 64,
  keyOrder: "random",
  readShare: 0,
  seed: 7,
};

function write(plan: Partial<RequestPlan>, count: number): readonly (readonly string[])[] {
  const writer = new RequestWriter({ ...PLAN, ...plan });
  const buffer = new Uint8Array(count * writer.requestBytesMax);
  let end = 0;
  for (let done = 0; done < count; done++) end = writer.append(buffer, end);
  const { requests, rest } = readRequests(bytesToString(buffer, 0, end));
  assertEquals(rest, "");
  assertEquals(requests.length, count);
  return requests;
}

Deno.test("requests are valid RESP with keys below the bound and printable values of the length asked for", () => {
  for (const valueBytes of [0, 1, 64, 96, 97, 5_000]) {
    const values = new Set<string>();
    for (const [name, key = "", value = "", ...more] of write({ valueBytes }, 200)) {
      assertEquals(name, "SET");
      assertMatch(key, /^key:000000000\d{3}$/);
      assertMatch(value, /^[0-9a-zA-Z]*$/);
      assertEquals(value.length, valueBytes);
      assertEquals(more, []);
      values.add(value);
    }
    if (valueBytes >= 64) assert(values.size > 190, `${values.size} different values`);
  }
});

Deno.test("each command has its own form", () => {
  assertEquals(write({ command: "get", keys: 1 }, 1), [["GET", "key:000000000000"]]);
  assertEquals(write({ command: "incr", keys: 1 }, 1), [["INCR", "counter:000000000000"]]);
  const [mset = []] = write({ command: "mset", valueBytes: 3 }, 1);
  assertEquals(mset.length, 21);
  assertEquals(mset[0], "MSET");
  for (let at = 1; at < 21; at += 2) assertMatch(`${mset[at]} ${mset[at + 1]}`, /^key:\d{12} \w{3}$/);
});

Deno.test("random keys reach the whole space evenly, sequential ones come in order and begin again", () => {
  const counts = new Array<number>(10).fill(0);
  for (const [, key = ""] of write({ command: "get", keys: 2 ** 32 }, 5_000)) {
    const part = Math.floor(Number(key.slice(4)) / 2 ** 32 * 10);
    counts[part] = (counts[part] ?? 0) + 1;
  }
  assert(counts.every((count) => count > 400 && count < 600), counts.join(" "));
  const keys = write({ keys: 3, keyOrder: "sequential" }, 7).map(([, key = ""]) => Number(key.slice(4)));
  assertEquals(keys, [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("the share of reads is kept, and a seed gives the same requests again", () => {
  const requests = write({ readShare: 0.25 }, 4_000);
  const reads = requests.filter(([name]) => name === "GET").length;
  assert(reads > 850 && reads < 1_150, `${reads} reads`);
  assertEquals(write({ readShare: 0.25 }, 4_000), requests);
  assert(JSON.stringify(write({ readShare: 0.25, seed: 8 }, 4_000)) !== JSON.stringify(requests));
});
