/** The files of the dashboard as they are served. */

import { assert, assertEquals } from "@std/assert";
import { DASHBOARD_FILES } from "../../../lib/dashboard/files.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { ask, serviceOf } from "../http/support/ask.ts";

Deno.test("dashboard: the page allows nothing from elsewhere and nothing inline", async () => {
  const { status, headers, body } = await ask(serviceOf(new FakeNode()), "GET /");
  assertEquals([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  const policy = headers.get("content-security-policy") ?? "";
  assert(!policy.includes("unsafe"), policy);
  assert(policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self'; "), policy);
  assert(policy.includes("; connect-src 'self' http://127.0.0.1:* http://localhost:*; "), policy);
  assert(policy.includes("frame-ancestors 'none'"), policy);
  assertEquals(headers.get("x-content-type-options"), "nosniff");
  assertEquals(/<script(?![^>]*\bsrc=)|\bon[a-z]+=|\bstyle=|https?:\/\//.test(body), false);
});

Deno.test("dashboard: the page may connect to members on any port of theirs, also to those not heard of yet", async () => {
  const node = new FakeNode();
  const members = node.members();
  const addresses = [["10.0.0.5:8000", ""], ["", "db-1.example.com:5000"], ["", "[::1]:5000"], [
    "",
    "x; script-src *:1",
  ]];
  node.members = () =>
    addresses.flatMap(([httpAddress = "", clientAddress = ""], id) =>
      members.slice(0, 1).map((member) => ({ ...member, id, httpAddress, clientAddress }))
    );
  const policy = (await ask(serviceOf(node), "GET /")).headers.get("content-security-policy") ?? "";
  const [, allowed] = /connect-src ([^;]*);/.exec(policy) ?? [];
  const own = "'self' http://127.0.0.1:* http://localhost:*";
  assertEquals(allowed, `${own} http://10.0.0.5:* http://db-1.example.com:*`);
  assertEquals(policy.match(/script-src [^;]*/g), ["script-src 'self'"]);
});

Deno.test("dashboard: where members serve HTTPS the page connects to that alone", async () => {
  const https = { caCerts: [], serverName: undefined };
  const policy = (await ask(serviceOf(new FakeNode(), undefined, { https }), "GET /")).headers.get(
    "content-security-policy",
  );
  assertEquals(/connect-src ([^;]*);/.exec(policy ?? "")?.[1], "'self' https://127.0.0.1:* https://localhost:*");
});

Deno.test("dashboard: every file that the page and its modules name is served", async () => {
  const service = serviceOf(new FakeNode());
  const { body } = await ask(service, "GET /");
  const named = new Set(Array.from(body.matchAll(/"\/assets\/([^"]+)"/g), ([, name = ""]) => name));
  for (const name of DASHBOARD_FILES.filter((file) => file.endsWith(".js") && file !== "uplot.js")) {
    const script = await ask(service, `GET /assets/${name}`);
    assertEquals([script.status, script.headers.get("content-type")], [200, "text/javascript; charset=utf-8"], name);
    for (const [, imported = ""] of script.body.matchAll(/from "\.\/([^"]+)"/g)) named.add(imported);
    named.add(name);
  }
  for (const name of named) assertEquals((await ask(service, `GET /assets/${name}`)).status, 200, name);
  assertEquals([...named].sort(), DASHBOARD_FILES.filter((file) => file !== "index.html").toSorted());
});

Deno.test("dashboard: a browser that has a file is told so, and other names are not there", async () => {
  const service = serviceOf(new FakeNode());
  const first = await ask(service, "GET /assets/uplot.js");
  assert(first.body.length > 10_000);
  const tag = first.headers.get("etag") ?? "";
  const again = await ask(service, "GET /assets/uplot.js", { headers: { "if-none-match": tag } });
  assertEquals([again.status, again.body], [304, ""]);
  for (const name of ["nothing.js", "../files.ts", "..%2Ffiles.ts", "", "index.html/"]) {
    assertEquals((await ask(service, `GET /assets/${name}`)).status, 404, name);
  }
});
