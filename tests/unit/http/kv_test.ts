/** Single keys over HTTP: codes, headers, conditions, deadlines, sessions. */

import { assert, assertEquals } from "@std/assert";
import type { NotDoneReason } from "../../../lib/node/api.ts";
import { StateNode } from "../../support/state_node.ts";
import { ask, serviceOf } from "./support/ask.ts";

Deno.test("kv: created, read, replaced, deleted, gone", async () => {
  const service = serviceOf(new StateNode());
  const created = await ask(service, "PUT /v1/kv/a", { body: "\x00\xff raw" });
  assertEquals([created.status, created.headers.get("etag"), created.headers.get("x-kv-revision")], [201, '"1"', "1"]);
  const read = await ask(service, "GET /v1/kv/a");
  assertEquals([read.status, read.body, read.headers.get("etag")], [200, "\x00\xff raw", '"1"']);
  assertEquals(read.headers.get("content-type"), "application/octet-stream");
  assertEquals((await ask(service, "PUT /v1/kv/a", { body: "" })).status, 200);
  assertEquals((await ask(service, "GET /v1/kv/a")).body, "");
  assertEquals((await ask(service, "HEAD /v1/kv/a")).status, 200);
  assertEquals((await ask(service, "DELETE /v1/kv/a")).status, 200);
  const missing = await ask(service, "DELETE /v1/kv/a");
  assertEquals([missing.status, missing.code], [404, "key_not_found"]);
  assertEquals((await ask(service, "GET /v1/kv/a")).code, "key_not_found");
});

Deno.test("kv: every reply names node, leader, term and revision", async () => {
  const service = serviceOf(new StateNode());
  for (const line of ["PUT /v1/kv/a", "GET /v1/kv/a", "GET /v1/kv/nothing", "GET /nowhere", "OPTIONS /v1/kv/a"]) {
    const { headers } = await ask(service, line);
    assertEquals(
      [headers.get("x-kv-node"), headers.get("x-kv-leader"), headers.get("x-kv-term")],
      ["0", "0", "3"],
      line,
    );
    assert(/^\d+$/.test(headers.get("x-kv-revision") ?? ""), line);
  }
});

Deno.test("kv: a node in quarantine tells nothing of its state, not even with ?level=stale", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  await ask(service, "PUT /v1/kv/a", { body: "1" });
  assertEquals((await ask(service, "GET /v1/kv/a?level=stale")).status, 200);
  node.isQuarantined = true;
  for (const line of ["GET /v1/kv/a?level=stale", "GET /v1/kv?level=stale"]) {
    const { status, code } = await ask(service, line);
    assertEquals([status, code], [503, "quarantined"], line);
  }
});

Deno.test("kv: JSON only for those who ask for it by name", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/caf%C3%A9", { body: "\xff" });
  const json = await ask(service, "GET /v1/kv/caf%C3%A9", { headers: { accept: "text/html, application/json;q=0.5" } });
  assertEquals(json.headers.get("content-type"), "application/json");
  assertEquals(json.json, {
    key: "café",
    value_base64: "/w==",
    mod_revision: 1,
    create_revision: 1,
    version: 1,
    expires_at: null,
    ttl_ms: null,
  });
  for (const accept of ["*/*", "text/html", "application/json;q=0", "application/*"]) {
    assertEquals((await ask(service, "GET /v1/kv/caf%C3%A9", { headers: { accept } })).body, "\xff", accept);
  }
});

Deno.test("kv: If-None-Match: * makes a key once", async () => {
  const service = serviceOf(new StateNode());
  const headers = { "if-none-match": "*" };
  assertEquals((await ask(service, "PUT /v1/kv/a", { headers, body: "1" })).status, 201);
  const second = await ask(service, "PUT /v1/kv/a", { headers, body: "2" });
  assertEquals([second.status, second.code, second.headers.get("etag")], [412, "compare_failed", '"1"']);
  assertEquals((await ask(service, "GET /v1/kv/a")).body, "1");
});

Deno.test("kv: If-Match replaces exactly the revision it names", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/a", { body: "1" });
  const good = await ask(service, "PUT /v1/kv/a", { headers: { "if-match": '"1"' }, body: "2" });
  assertEquals([good.status, good.headers.get("etag")], [200, '"2"']);
  const stale = await ask(service, "PUT /v1/kv/a", { headers: { "if-match": '"1"' }, body: "3" });
  assertEquals([stale.status, stale.headers.get("etag"), stale.json?.["mod_revision"]], [412, '"2"', 2]);
  assertEquals((await ask(service, "DELETE /v1/kv/a", { headers: { "if-match": '"1"' } })).status, 412);
  assertEquals((await ask(service, "DELETE /v1/kv/a", { headers: { "if-match": '"2"' } })).status, 200);
  const missing = await ask(service, "PUT /v1/kv/a", { headers: { "if-match": "*" }, body: "4" });
  assertEquals([missing.status, missing.headers.has("etag"), missing.json?.["mod_revision"]], [412, false, 0]);
  assertEquals((await ask(service, "DELETE /v1/kv/a", { headers: { "if-match": "*" } })).status, 412);
  assertEquals((await ask(service, "DELETE /v1/kv/a", { headers: { "if-none-match": '"9"' } })).status, 404);
});

Deno.test("kv: a client that has the value gets 304, one that has another gets it", async () => {
  const service = serviceOf(new StateNode());
  await ask(service, "PUT /v1/kv/a", { body: "1" });
  for (const tag of ['"1"', 'W/"1"', '"7", "1"', "*"]) {
    const known = await ask(service, "GET /v1/kv/a", { headers: { "if-none-match": tag } });
    assertEquals([known.status, known.body, known.headers.get("etag")], [304, "", '"1"'], tag);
  }
  assertEquals((await ask(service, "GET /v1/kv/a", { headers: { "if-none-match": '"2"' } })).body, "1");
  assertEquals((await ask(service, "GET /v1/kv/a", { headers: { "if-match": '"2"' } })).status, 412);
  assertEquals((await ask(service, "GET /v1/kv/a", { headers: { "if-match": '"1"' } })).status, 200);
  assertEquals((await ask(service, "GET /v1/kv/b", { headers: { "if-match": "*" } })).status, 412);
});

Deno.test("kv: malformed conditions and parameters are refused by name", async () => {
  const service = serviceOf(new StateNode());
  const cases: readonly (readonly [line: string, headers: Record<string, string>, code: string])[] = [
    ["PUT /v1/kv/a", { "if-match": "1" }, "bad_request"],
    ["PUT /v1/kv/a", { "if-match": '"0"' }, "bad_request"],
    ["PUT /v1/kv/a", { "if-match": '"1", "2"' }, "bad_request"],
    ["PUT /v1/kv/a", { "if-none-match": "" }, "bad_request"],
    ["GET /v1/kv/a", { "if-none-match": Array(65).fill('"1"').join(",") }, "bad_request"],
    ["PUT /v1/kv/a?ttl=10", {}, "bad_request"],
    ["PUT /v1/kv/a?ttl=0s", {}, "bad_request"],
    ["PUT /v1/kv/a?ttl=-1s", {}, "bad_request"],
    ["PUT /v1/kv/a?ttl=999999999999999d", {}, "bad_request"],
    ["PUT /v1/kv/a?ttl=1s&ttl=2s", {}, "bad_request"],
    ["PUT /v1/kv/a?tll=1s", {}, "unknown_parameter"],
    ["PUT /v1/kv/a?%00=1", {}, "unknown_parameter"],
    ["PUT /v1/kv/a?%ff=1", {}, "unknown_parameter"],
    ["PUT /v1/kv/a?ttl=%zz", {}, "bad_request"],
    ["GET /v1/kv/%4", {}, "bad_request"],
    ["GET /v1/kv/a?level=newest", {}, "bad_request"],
    ["GET /v1/kv/a?min_revision=-1", {}, "bad_request"],
    ["GET /v1/kv/a?min_revision=99999999999999999", {}, "bad_request"],
    ["PUT /v1/kv/a", { "idempotency-key": "1" }, "bad_request"],
    ["PUT /v1/kv/a", { "idempotency-key": "0:1" }, "bad_request"],
    ["PUT /v1/kv/a", { "idempotency-key": "1:1:1" }, "bad_request"],
  ];
  for (const [line, headers, code] of cases) {
    const answer = await ask(service, line, { headers });
    assertEquals([answer.status, answer.code], [400, code], line);
  }
  assertEquals((await ask(service, "GET /v1/kv/a")).status, 404);
});

Deno.test("kv: a key may hold any byte, and is bounded", async () => {
  const service = serviceOf(new StateNode());
  for (let byte = 0; byte < 256; byte++) {
    const path = `/v1/kv/x%${byte.toString(16).padStart(2, "0")}/y`;
    assertEquals((await ask(service, `PUT ${path}`, { body: String(byte) })).status, 201);
  }
  for (let byte = 0; byte < 256; byte++) {
    const path = `/v1/kv/x%${byte.toString(16).padStart(2, "0")}%2Fy`;
    assertEquals((await ask(service, `GET ${path}`)).body, String(byte));
  }
  const long = await ask(service, `PUT /v1/kv/${"k".repeat(65)}`);
  assertEquals([long.status, long.code], [413, "too_large"]);
  assertEquals((await ask(service, `PUT /v1/kv/${"k".repeat(64)}`)).status, 201);
  assertEquals((await ask(service, "PUT /v1/kv/", { body: "empty" })).status, 201);
});

Deno.test("kv: a time to live ends the key, and a plain write takes it off", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  assertEquals((await ask(service, "PUT /v1/kv/a?ttl=10s", { body: "1" })).status, 201);
  const alive = await ask(service, "GET /v1/kv/a", { headers: { accept: "application/json" } });
  assertEquals([alive.headers.get("x-kv-ttl-ms"), alive.json?.["ttl_ms"]], ["10000", 10_000]);
  assertEquals(alive.json?.["expires_at"], node.wallClockMs + 10_000);
  assertEquals((await ask(service, "PUT /v1/kv/a?ttl=500ms", { body: "2" })).status, 200);
  assertEquals((await ask(service, "PUT /v1/kv/b?ttl=1d", { body: "2" })).status, 201);
  node.wallClockMs += 501;
  assertEquals((await ask(service, "PUT /v1/kv/c", { body: "moves the time on" })).status, 201);
  assertEquals((await ask(service, "GET /v1/kv/a")).status, 404);
  await ask(service, "PUT /v1/kv/b", { body: "3" });
  assertEquals((await ask(service, "GET /v1/kv/b")).headers.has("x-kv-ttl-ms"), false);
});

Deno.test("kv: a write can keep the time to live that there is", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  assertEquals((await ask(service, "PUT /v1/kv/a?ttl=keep", { body: "1" })).status, 201);
  assertEquals((await ask(service, "GET /v1/kv/a")).headers.has("x-kv-ttl-ms"), false);
  assertEquals((await ask(service, "PUT /v1/kv/a?ttl=10s", { body: "2" })).status, 200);
  node.wallClockMs += 4_000;
  const kept = await ask(service, "PUT /v1/kv/a?ttl=keep", { headers: { "if-match": '"2"' }, body: "3" });
  assertEquals([kept.status, kept.headers.get("etag")], [200, '"3"']);
  const read = await ask(service, "GET /v1/kv/a");
  assertEquals([read.body, read.headers.get("x-kv-ttl-ms")], ["3", "6000"]);
});

Deno.test("kv: readings are confirmed, unless they may be stale", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  await ask(service, "GET /v1/kv/a");
  assertEquals(node.asked, ["Read"]);
  await ask(service, "GET /v1/kv/a?level=stale");
  assertEquals(node.asked, ["Read"]);
});

Deno.test("kv: a stale reading says how old it is at most, whatever it finds, and no other does", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  await ask(service, "PUT /v1/kv/a", { body: "1" });
  node.holding = true;
  const agesOf = async (line: string, headers = {}) => {
    const reply = await ask(service, line, { headers });
    return [reply.status, reply.headers.get("x-kv-stale-age-ms")];
  };
  node.age = 350;
  assertEquals(await agesOf("GET /v1/kv/a?level=stale"), [200, "350"]);
  assertEquals(await agesOf("HEAD /v1/kv/a?level=stale"), [200, "350"]);
  assertEquals(await agesOf("GET /v1/kv/a?level=stale", { accept: "application/json" }), [200, "350"]);
  assertEquals(await agesOf("GET /v1/kv/a?level=stale", { "if-none-match": "*" }), [304, "350"]);
  assertEquals(await agesOf("GET /v1/kv/b?level=stale"), [404, "350"]);
  assertEquals(await agesOf("GET /v1/kv?level=stale"), [200, "350"]);
  node.age = undefined;
  assertEquals(await agesOf("GET /v1/kv/a?level=stale"), [200, "unknown"]);
  node.holding = false;
  for (const line of ["GET /v1/kv/a", "GET /v1/kv/b", "GET /v1/kv", "PUT /v1/kv/a"]) {
    assertEquals((await agesOf(line))[1], undefined, line);
  }
});

Deno.test("kv: min_revision waits until it is applied, and not for ever", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  const waiting = ask(service, "GET /v1/kv/a?level=stale&min_revision=1");
  await ask(service, "PUT /v1/kv/a", { body: "1" });
  await service.clock.advance(0);
  assertEquals((await waiting).body, "1");
  const late = ask(service, "GET /v1/kv/a?min_revision=99");
  await Promise.resolve();
  await Promise.resolve();
  await service.clock.advance(5_000);
  const answer = await late;
  assertEquals([answer.status, answer.code], [504, "revision_not_reached"]);
});

Deno.test("kv: what was not done, and what is not known", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  const cases = [
    ["NoLeader", 503, "no_leader", true],
    ["Overloaded", 429, "overloaded", true],
    ["NoSpace", 507, "no_space", false],
    ["OutOfMemory", 507, "out_of_memory", false],
    ["TooLarge", 413, "too_large", false],
    ["Stopping", 503, "stopping", true],
    ["Timeout", 503, "no_quorum", true],
  ] as const;
  for (const [reason, status, code, mayRetry] of cases) {
    node.refusal = reason;
    for (const line of ["PUT /v1/kv/a", "DELETE /v1/kv/a", "GET /v1/kv/a", "PUT /v1/kv/a?ttl=1s"]) {
      // A reading needs no room.
      if ((reason === "NoSpace" || reason === "OutOfMemory") && line.startsWith("GET")) continue;
      const answer = await ask(service, line);
      assertEquals([answer.status, answer.code, answer.headers.has("retry-after")], [status, code, mayRetry], line);
      assertEquals(answer.headers.get("content-type"), "application/problem+json");
      assertEquals([answer.json?.["leader"], answer.json?.["term"]], [0, 3]);
      assert(Array.isArray(answer.json?.["members"]));
    }
  }
  node.refusal = undefined;
  node.unknown = true;
  const unknown = await ask(service, "PUT /v1/kv/a");
  assertEquals([unknown.status, unknown.code], [504, "outcome_unknown"]);
});

Deno.test("kv: a node that is alone says whom it reaches, what to start and how to read what it has", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  node.reachable = 1;
  node.leaderId = undefined;
  const alone = "reachable 1 of 3 nodes, need 2; no other node answers; start node 1 (127.0.0.1:5001), or mend the " +
    "network; ?level=stale shows what this node has";
  const details: readonly (readonly [NotDoneReason, string])[] = [
    ["NoLeader", "No leader is known here; nothing was done"],
    ["NotLeader", "This node does not lead"],
    ["Timeout", "No majority confirmed in time that this node is up to date"],
  ];
  for (const [reason, detail] of details) {
    node.refusal = reason;
    for (const line of ["PUT /v1/kv/a", "GET /v1/kv/a", "GET /v1/kv"]) {
      assertEquals((await ask(service, line)).json?.["detail"], `${detail}; ${alone}`, line);
    }
  }
  node.refusal = "Stopping";
  assertEquals((await ask(service, "PUT /v1/kv/a")).json?.["detail"], "This node is stopping; nothing was done");
});

Deno.test("kv: a read that the node's own disk kept from being served says how far the node is behind, and why", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  node.refusal = "Timeout";
  node.entriesBehind = 1_234;
  node.healthNow = { stopping: false, failed: false, hasSpace: false };
  const answer = await ask(service, "GET /v1/kv/a");
  assertEquals([answer.status, answer.code, answer.headers.get("retry-after")], [503, "lagging", "1"]);
  assertEquals(answer.json?.["detail"], "This node is 1234 entries behind: its disk is full (/data/node-0)");
});

Deno.test("kv: redirect leads to the leader only on request", async () => {
  const node = new StateNode();
  const service = serviceOf(node);
  assertEquals((await ask(service, "GET /v1/kv/a?redirect")).status, 404);
  node.leaderId = 1;
  assertEquals((await ask(service, "PUT /v1/kv/a?ttl=1s")).status, 201);
  const moved = await ask(service, "PUT /v1/kv/a%00b?ttl=1s&redirect");
  assertEquals(moved.status, 307);
  const leader = node.members().find(({ id }) => id === 1)?.httpAddress;
  assertEquals(moved.headers.get("location"), `http://${leader}/v1/kv/a%00b?ttl=1s&redirect`);
  const secure = serviceOf(node, undefined, { https: { caCerts: [], serverName: undefined } });
  assertEquals((await ask(secure, "PUT /v1/kv/a?redirect")).headers.get("location")?.startsWith("https://"), true);
  node.leaderId = undefined;
  assertEquals((await ask(service, "PUT /v1/kv/a?redirect")).code, "no_leader");
});

Deno.test("kv: in a session a write is done once and answered alike", async () => {
  const service = serviceOf(new StateNode());
  const session = await ask(service, "POST /v1/sessions?ttl=30s");
  assertEquals([session.status, session.json?.["ttl_ms"]], [201, 30_000]);
  const id = String(session.json?.["id"]);
  assertEquals(session.headers.get("location"), `/v1/sessions/${id}`);
  const headers = { "idempotency-key": `${id}:1` };
  const first = await ask(service, "PUT /v1/kv/a", { headers, body: "1" });
  const again = await ask(service, "PUT /v1/kv/a", { headers, body: "1" });
  assertEquals([first.status, again.status, again.headers.get("etag")], [201, 201, first.headers.get("etag")]);
  for (const [line, body] of [["DELETE /v1/kv/a", ""], ["PUT /v1/kv/a", "2"], ["PUT /v1/kv/b", "1"]] as const) {
    const reused = await ask(service, line, { headers, body });
    assertEquals([reused.status, reused.code, reused.headers.has("etag")], [422, "sequence_reused", false], line);
  }
  assertEquals((await ask(service, "GET /v1/kv/a")).body, "1");
  assertEquals((await ask(service, "GET /v1/kv/b")).status, 404);
  assertEquals((await ask(service, `POST /v1/sessions/${id}/keepalive`)).status, 200);
  assertEquals((await ask(service, `DELETE /v1/sessions/${id}`)).status, 200);
  for (const line of [`POST /v1/sessions/${id}/keepalive`, `DELETE /v1/sessions/${id}`]) {
    assertEquals((await ask(service, line)).code, "no_session", line);
  }
  const late = await ask(service, "PUT /v1/kv/a", { headers, body: "1" });
  assertEquals([late.status, late.code], [410, "no_session"]);
  assertEquals((await ask(service, "DELETE /v1/sessions/x")).status, 404);
  assertEquals((await ask(service, "POST /v1/sessions?ttl=1ms")).status, 400);
  assertEquals((await ask(service, "POST /v1/sessions")).json?.["ttl_ms"], 60_000);
});
