/** Who may ask: a table of what browsers and others send. */

import { assertEquals } from "@std/assert";
import { type GuardFacts, judgeOrigin } from "../../../lib/http/guard.ts";
import { StateNode } from "../../support/state_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const FACTS: GuardFacts = {
  httpAddresses: ["127.0.0.1:8000", "127.0.0.1:8001", "kv2.internal:8000", ""],
  hosts: ["127.0.0.1", "kv2.internal", ""],
  token: TOKEN,
};

type Headers = Readonly<Record<string, string>>;

function judge(method: string, headers: Headers): string {
  const head = { method, path: "/v1/kv/a", query: "", headers: new Map(Object.entries(headers)), remote: "", id: "" };
  const judgement = judgeOrigin(head, () => FACTS);
  if (judgement.type === "Refused") return judgement.reply.problem.code;
  return judgement.sharedWith === undefined ? "ok" : `ok for ${judgement.sharedWith}`;
}

const own = { host: "127.0.0.1:8000" };
const local = { host: "localhost:8000" };

const CASES: readonly (readonly [what: string, method: string, headers: Headers, verdict: string])[] = [
  ["curl", "PUT", own, "ok"],
  ["HTTP/1.0 without Host", "GET", {}, "ok"],
  ["localhost", "GET", local, "ok"],
  ["a name below localhost", "GET", { host: "kv.localhost:8000" }, "ok"],
  ["an address of another interface", "GET", { host: "192.168.7.9:8000" }, "ok"],
  ["IPv6", "GET", { host: "[::1]:8000" }, "ok"],
  ["the name of a member, in capitals", "GET", { host: "KV2.internal:8000" }, "ok"],
  ["a rebound name", "GET", { host: "evil.test:8000" }, "bad_host"],
  ["a rebound name, own origin", "GET", { host: "evil.test:8000", origin: "http://evil.test:8000" }, "bad_host"],
  ["a name that looks like an address", "GET", { host: "127.0.0.1.evil.test:8000" }, "bad_host"],
  ["a name that ends like localhost", "GET", { host: "evillocalhost:8000" }, "bad_host"],
  ["an empty Host", "GET", { host: "" }, "ok"],
  ["own page reads", "GET", { ...own, origin: "http://127.0.0.1:8000" }, "ok"],
  ["own page writes with the token", "PUT", { ...own, origin: "http://127.0.0.1:8000", "x-kv-token": TOKEN }, "ok"],
  ["own page behind TLS", "GET", { host: "kv2.internal", origin: "https://kv2.internal" }, "ok"],
  ["own page writes without a token", "PUT", { ...own, origin: "http://127.0.0.1:8000" }, "bad_token"],
  ["own page writes with a wrong token", "PUT", {
    ...own,
    origin: "http://127.0.0.1:8000",
    "x-kv-token": TOKEN.replace("0", "1"),
  }, "bad_token"],
  ["a member's page reads", "GET", { ...own, origin: "http://127.0.0.1:8001" }, "ok for http://127.0.0.1:8001"],
  [
    "a member's page by its other name",
    "GET",
    { ...own, origin: "http://localhost:8001" },
    "ok for http://localhost:8001",
  ],
  ["a member elsewhere", "GET", { ...own, origin: "http://kv2.internal:8000" }, "ok for http://kv2.internal:8000"],
  [
    "a member's page asks first",
    "OPTIONS",
    { ...own, origin: "http://127.0.0.1:8001" },
    "ok for http://127.0.0.1:8001",
  ],
  ["a member's page writes", "DELETE", { ...own, origin: "http://127.0.0.1:8001" }, "bad_token"],
  ["another port of this machine", "GET", { ...own, origin: "http://127.0.0.1:9999" }, "bad_origin"],
  ["another port by name", "GET", { ...local, origin: "http://localhost:9999" }, "bad_origin"],
  ["another site", "GET", { ...own, origin: "https://evil.test" }, "bad_origin"],
  ["another site, with a token", "PUT", { ...own, origin: "https://evil.test", "x-kv-token": TOKEN }, "bad_origin"],
  ["a sandboxed frame or file", "POST", { ...own, origin: "null" }, "bad_origin"],
  ["an origin that is none", "GET", { ...own, origin: "http://127.0.0.1:8001/x" }, "bad_origin"],
  ["an empty origin", "GET", { ...own, origin: "" }, "bad_origin"],
  ["a preflight of another site", "OPTIONS", { ...own, origin: "https://evil.test" }, "bad_origin"],
  ["the address bar", "GET", { ...own, "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, "ok"],
  ["own script", "GET", { ...own, "sec-fetch-site": "same-origin" }, "ok"],
  [
    "an image on another site",
    "GET",
    { ...own, "sec-fetch-site": "cross-site", "sec-fetch-dest": "image" },
    "bad_origin",
  ],
  [
    "a script on another port",
    "GET",
    { ...own, "sec-fetch-site": "same-site", "sec-fetch-dest": "script" },
    "bad_origin",
  ],
  ["a frame", "GET", {
    ...own,
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "iframe",
  }, "bad_origin"],
  ["a link", "GET", {
    ...own,
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
  }, "ok"],
  ["a form of another site", "POST", {
    ...own,
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
  }, "bad_origin"],
];

for (const [what, method, headers, verdict] of CASES) {
  Deno.test(`guard: ${what}`, () => assertEquals(judge(method, headers), verdict));
}

Deno.test("guard: who comes from elsewhere learns nothing of the cluster", async () => {
  const service = serviceOf(new StateNode());
  const elsewhere = [[{ origin: "https://evil.test" }, "bad_origin"], [
    { host: "evil.test:8000" },
    "bad_host",
  ]] as const;
  for (const [headers, code] of elsewhere) {
    for (const line of ["GET /v1/kv/a", "OPTIONS /v1/kv/a", "GET /nowhere"]) {
      const answer = await ask(service, line, { headers });
      assertEquals([answer.status, answer.code, answer.json?.["members"]], [403, code, undefined], line);
      const names = Array.from(answer.headers.keys());
      assertEquals(names.filter((name) => name.startsWith("access-control")), []);
      // Its browser keeps the headers from a page of another origin, and cannot know that a name is not ours.
      assertEquals(names.some((name) => name.startsWith("x-kv")), code === "bad_origin");
    }
  }
});

Deno.test("guard: a member's page gets what its browser asks for", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  const origin = `http://${node.members().find(({ id }) => id === 1)?.httpAddress}`;
  const preflight = await ask(service, "OPTIONS /v1/kv/a", {
    headers: { origin, "access-control-request-method": "PUT" },
  });
  assertEquals(preflight.status, 204);
  assertEquals(preflight.headers.get("access-control-allow-origin"), origin);
  assertEquals(preflight.headers.get("access-control-allow-methods"), "GET, HEAD, PUT, DELETE, OPTIONS");
  assertEquals(preflight.headers.get("access-control-allow-headers")?.includes("X-KV-Token"), true);
  const read = await ask(service, "GET /v1/kv/a", { headers: { origin } });
  assertEquals([read.status, read.headers.get("access-control-allow-origin"), read.headers.get("vary")], [
    404,
    origin,
    "Origin",
  ]);
  const stale = await ask(service, "GET /v1/kv/a?level=stale", { headers: { origin } });
  const exposed = (stale.headers.get("access-control-expose-headers") ?? "").toLowerCase().split(", ");
  const told = [...stale.headers.keys()].filter((name) => name.startsWith("x-kv-"));
  assertEquals(told.filter((name) => !exposed.includes(name)), [], "headers that a member's page cannot read");
  const plain = await ask(service, "GET /v1/kv/a");
  assertEquals(plain.headers.has("access-control-allow-origin"), false);
});
