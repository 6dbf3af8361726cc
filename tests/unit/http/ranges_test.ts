/** Parts of values, previews in pages, and compressed replies. */

import { assert, assertEquals } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { GZIP_BYTES_MIN } from "../../../lib/http/compression.ts";
import { PREVIEW_BYTES_MAX } from "../../../lib/http/routes/scan.ts";
import { StateNode } from "../../support/state_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

/** Stores a value beyond the limit of the service. */
function put(node: StateNode, key: string, value: string): Promise<void> {
  return new Promise((resolve) => node.submit({ type: "Put", key, value }, () => resolve()));
}

Deno.test("kv: a range gives these bytes with 206, and what is no range the whole value", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/k", { body: "0123456789" });
  const cases: readonly (readonly [range: string, status: number, body: string, contentRange: string | undefined])[] = [
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=4-4", 206, "4", "bytes 4-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=0-9007199254740991", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=3-2", 200, "0123456789", undefined],
    ["bytes=0-1,3-4", 200, "0123456789", undefined],
    ["bytes=-", 200, "0123456789", undefined],
    ["bytes=a-b", 200, "0123456789", undefined],
    ["lines=0-3", 200, "0123456789", undefined],
  ];
  for (const [range, status, body, contentRange] of cases) {
    const reply = await ask(service, "GET /v1/kv/k", { headers: { range } });
    assertEquals([reply.status, reply.body, reply.headers.get("content-range")], [status, body, contentRange], range);
  }
  for (const range of ["bytes=10-", "bytes=10-12", "bytes=-0"]) {
    const reply = await ask(service, "GET /v1/kv/k", { headers: { range } });
    assertEquals([reply.status, reply.code, reply.headers.get("content-range")], [
      416,
      "range_not_satisfiable",
      "bytes */10",
    ], range);
  }
  assertEquals((await ask(service, "GET /v1/kv/k")).headers.get("accept-ranges"), "bytes");
});

Deno.test("kv: a range means nothing for HEAD, whose headers are those of the whole value", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/k", { body: "0123456789" });
  for (const range of ["bytes=0-3", "bytes=10-"]) {
    const reply = await ask(service, "HEAD /v1/kv/k", { headers: { range } });
    assertEquals([reply.status, reply.headers.get("content-range"), reply.headers.get("accept-ranges")], [
      200,
      undefined,
      "bytes",
    ], range);
  }
});

Deno.test("kv: If-Range keeps all parts of one revision: after a change the whole new value comes", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/k", { body: "old value" });
  const first = await ask(service, "GET /v1/kv/k", { headers: { range: "bytes=0-2" } });
  const tag = first.headers.get("etag") ?? "";
  const part = (ifRange: string) =>
    ask(service, "GET /v1/kv/k", { headers: { range: "bytes=4-", "if-range": ifRange } });
  assertEquals([first.body, (await part(tag)).body], ["old", "value"]);
  await ask(service, "PUT /v1/kv/k", { body: "new value" });
  for (const ifRange of [tag, `W/${tag}`, "Sat, 28 Nov 2026 00:00:00 GMT"]) {
    const changed = await part(ifRange);
    assertEquals([changed.status, changed.body], [200, "new value"], ifRange);
  }
  const refused = await ask(service, "GET /v1/kv/k", { headers: { range: "bytes=4-", "if-match": tag } });
  assertEquals([refused.status, refused.code], [412, "compare_failed"]);
});

Deno.test("scan: a preview has the beginning of each value and its whole length, and cuts no character", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  await put(node, "a", "x".repeat(3_000_000));
  await ask(service, "PUT /v1/kv/b", { body: "gr\xc3\xbcn" });
  await ask(service, "PUT /v1/kv/c", { body: "\xff\xfe\xfd\xfc" });
  const page = await ask(service, "GET /v1/kv?preview=3");
  const items = page.json?.["items"];
  assert(Array.isArray(items));
  assertEquals(items.map(({ value, value_base64: coded, value_bytes: bytes }) => [value ?? coded, bytes]), [
    ["xxx", 3_000_000],
    ["gr", 5],
    [btoa("\xff\xfe\xfd"), 4],
  ]);
  assert(page.body.length < 1_000);
  const none = await ask(service, "GET /v1/kv?preview=0&limit=1");
  assertEquals(none.json?.["items"], [{ ...items[0], value: "" }]);
  for (const preview of ["", "x", "-1", String(PREVIEW_BYTES_MAX + 1)]) {
    assertEquals((await ask(service, `GET /v1/kv?preview=${preview}`)).code, "bad_request", preview);
  }
});

Deno.test("scan: a page of previews holds many large values, since it ends by what it sends", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  for (let at = 0; at < 8; at++) await put(node, `k${at}`, "x".repeat(500_000));
  const whole = await ask(service, "GET /v1/kv");
  const previewed = await ask(service, "GET /v1/kv?preview=64");
  const count = (json: typeof whole.json) => Array.isArray(json?.["items"]) ? json["items"].length : 0;
  assert(count(whole.json) < 8, `${count(whole.json)} whole values`);
  assertEquals([count(previewed.json), previewed.json?.["cursor"]], [8, null]);
});

Deno.test("compression: text is compressed where the client takes it, values and short replies are not", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  const value = "x".repeat(GZIP_BYTES_MIN * 2);
  await put(node, "k", value);
  const plain = await ask(service, "GET /v1/kv");
  assertEquals([plain.headers.get("content-encoding"), plain.headers.get("vary")], [undefined, "Accept-Encoding"]);
  for (const accepted of ["gzip", "deflate, gzip;q=0.5", "*", "GZIP"]) {
    const packed = await ask(service, "GET /v1/kv", { headers: { "accept-encoding": accepted } });
    assertEquals(packed.headers.get("content-encoding"), "gzip", accepted);
    assertEquals(bytesToString(new Uint8Array(gunzipSync(stringToBytes(packed.body)))), plain.body);
    assert(packed.body.length < plain.body.length / 4);
  }
  for (const accepted of ["gzip;q=0", "br", "*;q=0", "identity"]) {
    const reply = await ask(service, "GET /v1/kv", { headers: { "accept-encoding": accepted } });
    assertEquals(reply.headers.get("content-encoding"), undefined, accepted);
  }
  const headers = { "accept-encoding": "gzip" };
  for (const line of ["GET /v1/kv/k", "GET /v1/cluster", "HEAD /v1/kv"]) {
    assertEquals((await ask(service, line, { headers })).headers.get("content-encoding"), undefined, line);
  }
  const record = await ask(service, "GET /v1/kv/k", { headers: { ...headers, accept: "application/json" } });
  assertEquals([record.headers.get("content-encoding"), record.headers.get("etag")?.startsWith("W/")], ["gzip", true]);
  // So is a file that the browser got compressed and asks for again.
  const file = await ask(service, "GET /assets/uplot.js", { headers });
  const tag = file.headers.get("etag") ?? "";
  assert(tag.startsWith("W/"), tag);
  for (const known of [tag, tag.slice(2), `"other", ${tag}`, "*"]) {
    const again = await ask(service, "GET /assets/uplot.js", { headers: { ...headers, "if-none-match": known } });
    assertEquals([again.status, again.body], [304, ""], known);
  }
  // The weak tag is as good as the other one for a condition of this server.
  const condition = { "if-match": record.headers.get("etag") ?? "" };
  assertEquals((await ask(service, "PUT /v1/kv/k", { headers: condition, body: "new" })).status, 200);
});
