/** The OpenAPI document: complete, consistent, and about the routes that are served. */

import { assert, assertEquals } from "@std/assert";
import { FakeNode } from "../../support/fake_node.ts";
import { ALL_ROUTES, ask, serviceOf } from "./support/ask.ts";
import { openApiComplaints } from "../../support/openapi_rules.ts";

async function document(): Promise<Readonly<Record<string, unknown>>> {
  const { json, status, headers } = await ask(serviceOf(new FakeNode()), "GET /openapi.json");
  assertEquals([status, headers.get("content-type")], [200, "application/json"]);
  assert(json !== undefined);
  return json;
}

Deno.test("openapi: the document keeps the rules of OpenAPI 3.1", async () => {
  assertEquals(openApiComplaints(await document()), []);
});

Deno.test("openapi: every route is described, and nothing else", async () => {
  const { paths } = await document();
  const described = Object.entries(paths as Record<string, Record<string, unknown>>)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const served = ALL_ROUTES.flatMap(({ method, path }) =>
    (method === "GET" ? ["GET", "HEAD"] : [method]).map((one) => `${one} ${path}`)
  );
  assertEquals(described.sort(), served.sort());
});

Deno.test("openapi: the rules find what is wrong", async () => {
  const good = await document();
  const spoil = (change: (copy: Record<string, Record<string, Record<string, Record<string, unknown>>>>) => void) => {
    const copy = structuredClone(good) as Record<string, Record<string, Record<string, Record<string, unknown>>>>;
    change(copy);
    return openApiComplaints(copy).length;
  };
  const operation = (copy: Record<string, Record<string, Record<string, Record<string, unknown>>>>) =>
    copy["paths"]?.["/v1/kv/{key}"]?.["get"] ?? {};
  assert(spoil((copy) => operation(copy)["operationId"] = "putKey") > 0);
  assert(spoil((copy) => operation(copy)["parameters"] = []) > 0);
  assert(spoil((copy) => operation(copy)["responses"] = {}) > 0);
  assert(spoil((copy) => operation(copy)["responses"] = { "200": { $ref: "#/components/responses/Nothing" } }) > 0);
  assert(spoil((copy) => operation(copy)["responses"] = { "999": { description: "x" } }) > 0);
  assert(spoil((copy) => operation(copy)["responses"] = { "200": {} }) > 0);
  assert(spoil((copy) => operation(copy)["unknown"] = 1) > 0);
});
