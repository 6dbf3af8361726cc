/** The past of a key over HTTP: `?revision=` and `?history=`, their bounds, and what is not remembered. */

import { assert, assertEquals } from "@std/assert";
import { SHOWN_CHANGES_BYTES_TARGET, SHOWN_CHANGES_MAX } from "../../../lib/http/routes/key_history.ts";
import { StateNode } from "../../support/state_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

/** Revisions: 1 a=one, 2 b, 3 a=two, 4 a removed, 5 a=three with a deadline. */
async function serviceWithPast() {
  const node = new StateNode();
  const service = serviceOf(node);
  await ask(service, "PUT /v1/kv/a", { body: "one" });
  await ask(service, "PUT /v1/kv/b", { body: "x" });
  await ask(service, "PUT /v1/kv/a", { body: "two" });
  await ask(service, "DELETE /v1/kv/a");
  await ask(service, "PUT /v1/kv/a?ttl=50ms", { body: "three" });
  return { node, service };
}

Deno.test("past: a key is shown as a revision left it, with the headers of then", async () => {
  const { service } = await serviceWithPast();
  const shown = [];
  for (let revision = 0; revision <= 5; revision++) {
    const { status, code, body, headers } = await ask(service, `GET /v1/kv/a?revision=${revision}`);
    shown.push(status === 200 ? [body, headers.get("etag"), headers.get("x-kv-version")] : [status, code]);
  }
  assertEquals(shown, [
    [404, "key_not_found"],
    ["one", '"1"', "1"],
    ["one", '"1"', "1"],
    ["two", '"3"', "2"],
    [404, "key_not_found"],
    ["three", '"5"', "1"],
  ]);
  const json = await ask(service, "GET /v1/kv/a?revision=3", { headers: { accept: "application/json" } });
  assertEquals([json.json?.["value"], json.json?.["mod_revision"], json.json?.["create_revision"]], ["two", 3, 1]);
  const part = await ask(service, "GET /v1/kv/a?revision=3", { headers: { range: "bytes=1-" } });
  assertEquals([part.status, part.body], [206, "wo"]);
});

Deno.test("past: conditions are judged against the key of then, not of now", async () => {
  const { service } = await serviceWithPast();
  const status = async (headers: Readonly<Record<string, string>>, revision: number) => {
    return (await ask(service, `GET /v1/kv/a?revision=${revision}`, { headers })).status;
  };
  assertEquals(await status({ "if-none-match": '"3"' }, 3), 304);
  assertEquals(await status({ "if-none-match": '"5"' }, 3), 200);
  assertEquals(await status({ "if-match": '"5"' }, 3), 412);
  assertEquals(await status({ "if-match": '"3"' }, 3), 200);
  assertEquals(await status({ "if-match": "*" }, 4), 412);
});

Deno.test("past: a key whose deadline has come is there at each revision until an entry removes it", async () => {
  const { node, service } = await serviceWithPast();
  node.wallClockMs += 60;
  assertEquals((await ask(service, "GET /v1/kv/a")).status, 404);
  const before = await ask(service, "GET /v1/kv/a?revision=5");
  assertEquals([before.status, before.body, before.headers.get("x-kv-ttl-ms")], [200, "three", "0"]);
  await ask(service, "PUT /v1/kv/b", { body: "y" });
  assertEquals((await ask(service, "GET /v1/kv/a?revision=5")).body, "three");
  assertEquals((await ask(service, "GET /v1/kv/a?revision=6")).status, 404);
  const { json } = await ask(service, "GET /v1/kv/a?history=1");
  assertEquals(json?.["changes"], [{ type: "expire", key: "a", mod_revision: 6, previous_revision: 5 }]);
});

Deno.test("past: the last changes come newest first, in the form of events", async () => {
  const { service } = await serviceWithPast();
  const all = await ask(service, "GET /v1/kv/a?history=10");
  assertEquals([all.status, all.headers.get("content-type")], [200, "application/json"]);
  const changes = all.json?.["changes"];
  assert(Array.isArray(changes));
  assertEquals(changes.map(({ type, value, mod_revision }) => [type, value, mod_revision]), [
    ["put", "three", 5],
    ["delete", undefined, 4],
    ["put", "two", 3],
    ["put", "one", 1],
  ]);
  assertEquals(changes.at(1), { type: "delete", key: "a", mod_revision: 4, previous_revision: 3 });
  assertEquals(
    JSON.stringify(changes.at(-1)),
    '{"type":"put","key":"a","value":"one","mod_revision":1,"create_revision":1,"version":1,"expires_at":null,"previous_revision":null}',
  );
  assertEquals([all.json?.["more"], all.json?.["oldest"], all.json?.["revision"]], [false, 0, 5]);
  const two = await ask(service, "GET /v1/kv/a?history=2");
  assertEquals(two.json?.["changes"], changes.slice(0, 2));
  assertEquals(two.json?.["more"], true);
  const none = await ask(service, "GET /v1/kv/nothing?history=2");
  assertEquals([none.status, none.json?.["changes"], none.json?.["more"]], [200, [], false]);
});

Deno.test("past: a reply of changes is bounded by their number and by the bytes of their values", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  const value = "v".repeat(300_000);
  for (let at = 0; at < 8; at++) node.submit({ type: "Put", key: "a", value }, () => {});
  await Promise.resolve();
  const { json } = await ask(service, `GET /v1/kv/a?history=${SHOWN_CHANGES_MAX}`);
  const changes = json?.["changes"];
  assert(Array.isArray(changes));
  assertEquals([changes.length, json?.["more"]], [Math.ceil(SHOWN_CHANGES_BYTES_TARGET / value.length), true]);
  for (const count of [0, SHOWN_CHANGES_MAX + 1, "x", "-1", ""]) {
    assertEquals((await ask(service, `GET /v1/kv/a?history=${count}`)).code, "bad_request", `${count}`);
  }
});

Deno.test("past: what is not remembered is 410 with the oldest revision, what lies ahead and nonsense 400", async () => {
  const { node, service } = await serviceWithPast();
  for (const revision of ["6", "x", "-1", "", "1.5", "99999999999999999"]) {
    const { status, code } = await ask(service, `GET /v1/kv/a?revision=${revision}`);
    assertEquals([status, code], [400, "bad_request"], revision);
  }
  assertEquals((await ask(service, "GET /v1/kv/a?revision=1&history=1")).code, "bad_request");
  node.changes.jumped(5);
  const gone = await ask(service, "GET /v1/kv/a?revision=4");
  assertEquals([gone.status, gone.code, gone.json?.["oldest"], gone.json?.["newest"]], [410, "compacted", 5, 5]);
  assertEquals((await ask(service, "GET /v1/kv/a?revision=5")).body, "three");
  const { json } = await ask(service, "GET /v1/kv/a?history=5");
  assertEquals([json?.["changes"], json?.["oldest"]], [[], 5]);
});

Deno.test("past: it is read like any key: confirmed first, or at once with level=stale", async () => {
  const { node, service } = await serviceWithPast();
  node.asked.length = 0;
  await ask(service, "GET /v1/kv/a?revision=3");
  await ask(service, "GET /v1/kv/a?history=3");
  assertEquals(node.asked, ["Read", "Read"]);
  const stale = await ask(service, "GET /v1/kv/a?revision=3&level=stale");
  assertEquals([stale.body, stale.headers.get("x-kv-stale-age-ms"), node.asked.length], ["two", "0", 2]);
});
