/** What the keys of a prefix were at a revision, over HTTP: differences, pages, bounds, and who may ask. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CHANGED_KEYS_MAX, HISTORY_PAGE_BYTES_TARGET } from "../../../lib/http/routes/history.ts";
import { StateNode } from "../../support/state_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

function makeGround() {
  const node = new StateNode();
  const service = serviceOf(node);
  const apply = (...call: readonly string[]) => node.submit({ type: "Call", call }, () => {});
  const items = async (query: string) => {
    const { status, json } = await ask(service, `GET /v1/history?${query}`);
    assertEquals(status, 200);
    assert(Array.isArray(json?.["items"]));
    return json["items"].map(({ key, "mod_revision": revision, before }) => {
      return [key, revision, before === null ? null : before.value];
    });
  };
  return { node, service, apply, items };
}

Deno.test("history: keys that differ are told with what they were, others and those of other prefixes are not", async () => {
  const { node, apply, items } = makeGround();
  apply("MSET", "p:kept", "1", "p:gone", "1", "p:changed", "1", "p:back", "1", "q:a", "1");
  apply("SET", "p:timed", "1", "PXAT", String(node.wallClockMs + 60_000));
  apply("DEL", "p:gone", "q:a");
  apply("SET", "p:changed", "2");
  apply("SET", "p:new", "2");
  apply("SET", "p:brief", "2");
  apply("DEL", "p:brief", "p:back");
  apply("SET", "p:back", "1");
  apply("PERSIST", "p:timed");
  assertEquals(await items("prefix=p:&since=2"), [
    ["p:changed", 4, "1"],
    ["p:gone", 0, "1"],
    ["p:new", 5, null],
    ["p:timed", 9, "1"],
  ]);
  assertEquals(await items("since=2&prefix=q"), [["q:a", 0, "1"]]);
  assertEquals(await items("since=2&after=p:new"), [["p:timed", 9, "1"], ["q:a", 0, "1"]]);
  assertEquals(await items("since=9"), []);
});

Deno.test("history: a deadline comes with what was, and what has passed was not there", async () => {
  const { node, service, apply, items } = makeGround();
  const soon = node.wallClockMs + 50;
  apply("SET", "p:later", "1", "PXAT", String(soon + 60_000));
  apply("SET", "p:soon", "1", "PXAT", String(soon));
  apply("MSET", "p:later", "2", "p:soon", "2");
  const { json } = await ask(service, "GET /v1/history?prefix=p:&since=2");
  const found = json?.["items"];
  assert(Array.isArray(found));
  assertEquals(found.map(({ before }) => before["expires_at"]), [soon + 60_000, soon]);
  node.wallClockMs += 60;
  assertEquals(await items("prefix=p:&since=2"), [["p:later", 3, "1"], ["p:soon", 3, null]]);
});

Deno.test("history: pages end by bytes, and go on behind their last key", async () => {
  const { node, service } = makeGround();
  const value = "v".repeat(HISTORY_PAGE_BYTES_TARGET / 4);
  for (let at = 0; at < 10; at++) node.submit({ type: "Put", key: `p${at}`, value }, () => {});
  for (let at = 0; at < 10; at++) node.submit({ type: "Delete", key: `p${at}` }, () => {});
  const keys: string[] = [];
  let pages = 0;
  for (let more = true; more; pages++) {
    const after = keys.length === 0 ? "" : `&after=${keys.at(-1)}`;
    const { json } = await ask(service, `GET /v1/history?since=10${after}`);
    assert(Array.isArray(json?.["items"]));
    keys.push(...json["items"].map(({ key }) => key));
    more = json["more"] === true;
  }
  assertEquals([keys, pages], [Array.from({ length: 10 }, (_, at) => `p${at}`), 3]);
});

Deno.test("history: too many keys, what is forgotten, what lies ahead and nonsense are refused", async () => {
  const { node, service, apply } = makeGround();
  // Keys that are what they were count as well: each is looked at.
  const pairs = Array.from({ length: CHANGED_KEYS_MAX }, (_, at) => [`p${at}`, "v"]).flat();
  apply("MSET", ...pairs);
  apply("MSET", ...pairs);
  assertEquals((await ask(service, "GET /v1/history?since=1&prefix=p")).json?.["items"], []);
  apply("SET", "p", "v");
  const refused = await ask(service, "GET /v1/history?since=1&prefix=p");
  assertEquals([refused.status, refused.code], [413, "too_large"]);
  assertStringIncludes(refused.body, "give a longer prefix");
  assertEquals((await ask(service, "GET /v1/history?since=1&prefix=p1")).status, 200);
  for (const query of ["since=4", "since=x", "prefix=p", "since="]) {
    assertEquals((await ask(service, `GET /v1/history?${query}`)).code, "bad_request", query);
  }
  node.changes.jumped(3);
  const gone = await ask(service, "GET /v1/history?since=2");
  assertEquals([gone.status, gone.code, gone.json?.["oldest"]], [410, "compacted", 3]);
});
