/** Pages of keys: order, bounds, cursors, limits. */

import { assert, assertEquals } from "@std/assert";
import { StateNode } from "../../support/state_node.ts";
import { ask, type Service, serviceOf } from "./support/ask.ts";

interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly cursor: string | null;
  readonly revision: number;
}

async function page(service: Service, query: string): Promise<Page> {
  const answer = await ask(service, `GET /v1/kv?${query}`);
  assertEquals(answer.status, 200, answer.body);
  return answer.json as unknown as Page;
}

async function fill(service: Service, keys: readonly string[]): Promise<void> {
  for (const key of keys) await ask(service, `PUT /v1/kv/${key}`, { body: `<${key}>` });
}

function keysOf({ items }: Page): readonly unknown[] {
  return items.map(({ key }) => key);
}

Deno.test("scan: keys in the order of their bytes, bounded by prefix, start and end", async () => {
  const service = serviceOf(new StateNode());
  await fill(service, ["b/2", "a", "b/1", "b/3", "c", "b"]);
  assertEquals(keysOf(await page(service, "")), ["a", "b", "b/1", "b/2", "b/3", "c"]);
  assertEquals(keysOf(await page(service, "prefix=b/")), ["b/1", "b/2", "b/3"]);
  assertEquals(keysOf(await page(service, "prefix=b%2F&start=b/2")), ["b/2", "b/3"]);
  assertEquals(keysOf(await page(service, "start=b&end=b/2")), ["b", "b/1"]);
  assertEquals(keysOf(await page(service, "prefix=b/&end=b/3")), ["b/1", "b/2"]);
  assertEquals(keysOf(await page(service, "start=c&end=b")), []);
  assertEquals((await page(service, "prefix=zz")).cursor, null);
});

Deno.test("scan: items carry what is known of a key, bytes as base64 where they are no text", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/%ff%00?ttl=5s", { body: "\x80" });
  await ask(service, "PUT /v1/kv/caf%C3%A9", { body: "na\xc3\xafve" });
  const { items, revision } = await page(service, "");
  assertEquals(revision >= 0, true);
  assertEquals(items, [
    { key: "café", value: "naïve", mod_revision: 2, create_revision: 2, version: 1, expires_at: null, ttl_ms: null },
    {
      key_base64: "/wA=",
      value_base64: "gA==",
      mod_revision: 1,
      create_revision: 1,
      version: 1,
      expires_at: 1_700_000_005_123,
      ttl_ms: 5_000,
    },
  ]);
  const [first = {}] = (await page(service, "keys_only=true&limit=1")).items;
  assertEquals(Object.keys(first).includes("value"), false);
  assertEquals(first["key"], "café");
});

Deno.test("scan: a cursor goes on behind the last key, whatever was changed meanwhile", async () => {
  const service = serviceOf(new StateNode());
  const keys = Array.from({ length: 25 }, (_, at) => `k${String(at).padStart(2, "0")}`);
  await fill(service, keys);
  const first = await page(service, "prefix=k&limit=10");
  assertEquals(keysOf(first), keys.slice(0, 10));
  // What was on the page may go, and what comes before it is not shown any more.
  await ask(service, "DELETE /v1/kv/k09");
  await fill(service, ["k00a", "k10a"]);
  const second = await page(service, `prefix=k&limit=10&cursor=${first.cursor}`);
  assertEquals(keysOf(second), ["k10", "k10a", ...keys.slice(11, 19)]);
  const third = await page(service, `prefix=k&limit=10&cursor=${second.cursor}`);
  assertEquals(keysOf(third), keys.slice(19));
  assertEquals(third.cursor, null);
  const exact = await page(service, "prefix=k1&limit=11");
  assertEquals([exact.items.length, exact.cursor], [11, null]);
});

Deno.test("scan: a cursor works behind keys of any bytes", async () => {
  const service = serviceOf(new StateNode());
  for (let byte = 0; byte < 256; byte++) await ask(service, `PUT /v1/kv/%${byte.toString(16).padStart(2, "0")}`);
  let [cursor, seen] = ["", 0];
  do {
    const got: Page = await page(service, `limit=7&keys_only${cursor === "" ? "" : `&cursor=${cursor}`}`);
    seen += got.items.length;
    cursor = got.cursor ?? "";
  } while (cursor !== "");
  assertEquals(seen, 256);
});

Deno.test("scan: a page of long values ends early and goes on", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  const value = "v".repeat(400_000);
  for (const key of ["a", "b", "c", "d"]) {
    await new Promise<void>((resolve) => node.submit({ type: "Put", key, value }, () => resolve()));
  }
  const first = await page(service, "");
  assertEquals(keysOf(first), ["a", "b", "c"]);
  assertEquals(keysOf(await page(service, `cursor=${first.cursor}`)), ["d"]);
  assertEquals(keysOf(await page(service, "keys_only=1")), ["a", "b", "c", "d"]);
});

Deno.test("scan: bad parameters are refused", async () => {
  const service = serviceOf(new StateNode());
  const queries = [
    "limit=0",
    "limit=1001",
    "limit=x",
    "cursor=2abc",
    "cursor=1%2B",
    "cursor=1A",
    "keys_only=maybe",
    "Prefix=a",
  ];
  for (const query of queries) {
    const answer = await ask(service, `GET /v1/kv?${query}`);
    assertEquals(answer.status, 400, query);
    assert(typeof answer.json?.["detail"] === "string");
  }
});
