/** The service around the routes: finding them, refusing, and what a bug looks like. */

import { assert, assertEquals } from "@std/assert";
import type { Route } from "../../../lib/http/route.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

function route(method: Route["method"], path: string, handle: Route["handle"]): Route {
  return {
    method,
    path,
    id: `${method} ${path}`,
    tag: "Keys",
    summary: "",
    query: [],
    headers: [],
    responses: {},
    handle,
  };
}

const OK = { status: 200, headers: [], body: "ok" } as const;

Deno.test("service: templates, methods and what is not there", async () => {
  const seen: string[] = [];
  const note = (name: string) =>
    route("GET", name, ({ path }) => {
      seen.push(`${name} ${JSON.stringify([...path])}`);
      return OK;
    });
  const service = serviceOf(new FakeNode(), [
    note("/a"),
    note("/a/{rest}"),
    note("/b/{id}/c"),
    route("PUT", "/a", () => OK),
  ]);
  for (const path of ["/a", "/a/x/y%2fz", "/a/", "/b/1%2F2/c"]) await ask(service, `GET ${path}`);
  assertEquals(seen, ["/a []", '/a/{rest} [["rest","x/y/z"]]', '/a/{rest} [["rest",""]]', '/b/{id}/c [["id","1/2"]]']);
  for (const path of ["/", "/A", "/b/1/d", "/b/1/c/d", "/b/1", "//a"]) {
    const missing = await ask(service, `GET ${path}`);
    assertEquals([missing.status, missing.code], [404, "not_found"], path);
  }
  const wrong = await ask(service, "DELETE /a");
  assertEquals([wrong.status, wrong.code, wrong.headers.get("allow")], [
    405,
    "method_not_allowed",
    "GET, HEAD, PUT, OPTIONS",
  ]);
  assertEquals((await ask(service, "PATCH /a/b")).headers.get("allow"), "GET, HEAD, OPTIONS");
  const options = await ask(service, "OPTIONS /a");
  assertEquals([options.status, options.headers.get("allow")], [204, "GET, HEAD, PUT, OPTIONS"]);
  assertEquals((await ask(service, "GET /a/%")).status, 400);
});

Deno.test("service: a bug is answered with 500 and told to the log with the request's name", async () => {
  const service = serviceOf(new FakeNode(), [
    route("GET", "/now", () => {
      throw new Error("bug one");
    }),
    route("GET", "/later", () => Promise.reject(new Error("bug two"))),
  ]);
  for (const [path, bug] of [["/now", "bug one"], ["/later", "bug two"]] as const) {
    const answer = await ask(service, `GET ${path}`);
    assertEquals([answer.status, answer.code], [500, "internal"]);
    assert(!answer.body.includes(bug));
    assert(service.logged.some((line) => line.startsWith("error") && line.includes(bug)), path);
  }
});

Deno.test("service: every answer is counted by operation and code", async () => {
  const node = new FakeNode();
  const service = serviceOf(node, [route("GET", "/a", () => OK)]);
  for (const line of ["GET /a", "HEAD /a", "GET /a?x=1", "GET /b", "PUT /a"]) await ask(service, line);
  const counts = node.metrics.counterFamily(METRIC.httpRequests, ["route", "code"]);
  const count = (name: string, code: string) => counts.counter([name, code]).value;
  assertEquals(count("GET /a", "200"), 2);
  assertEquals(count("GET /a", "400"), 1);
  assertEquals(count("none", "404"), 1);
  assertEquals(count("none", "405"), 1);
});
