/** Rights over HTTP: every operation against every role, what is shown in part, streams, and the rights of users themselves. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { textToByteString } from "../../../lib/base/bytes.ts";
import { LAUNCHER } from "../../../lib/access/login.ts";
import { makePass, PASS_SCHEME } from "../../../lib/access/node_pass.ts";
import { hashPassword } from "../../../lib/access/passwords.ts";
import type { BodySink, BodyStream } from "../../../lib/http/http.ts";
import { NO_RIGHTS, writeRights } from "../../../lib/kv/rights.ts";
import { TEST_SECRET } from "../../support/gate.ts";
import { suffices } from "../../support/rights_table.ts";
import { StateNode } from "../../support/state_node.ts";
import { changeOf, rightsOf, setUser } from "../../support/users.ts";
import { ALL_ROUTES, type Answer, ask, type Extras, type Service, serviceOf } from "./support/ask.ts";
import { RIGHTS_ROWS, ROLE_WORDS } from "./support/rights_rows.ts";

const PASSWORD = "correct horse: battery";
const HASH = await hashPassword(PASSWORD);
function basic(name: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${btoa(`${name}:${PASSWORD}`)}` };
}

async function serviceOfRoles(): Promise<{ node: StateNode; service: Service }> {
  const node = new StateNode();
  const service = serviceOf(node);
  await submit(node, setUser("root", { hash: HASH }));
  for (const [name, words] of Object.entries(ROLE_WORDS)) {
    await submit(node, setUser(name, { hash: HASH, change: { revoked: NO_RIGHTS, granted: rightsOf(...words) } }));
  }
  for (const key of ["p:a", "p:b", "q:a"]) await submit(node, { type: "Put", key, value: `v${key}` });
  return { node, service };
}

async function submit(node: StateNode, command: Parameters<StateNode["submit"]>[0]): Promise<void> {
  const login = node.users.find("root")?.login ?? 0;
  const outcome = await new Promise((resolve) => node.submit(command, resolve, { login }));
  assert(/"type":"(Reply|Put)"/.test(JSON.stringify(outcome)), JSON.stringify(outcome));
}

function askAs(service: Service, name: string, line: string, { headers, ...extras }: Extras = {}): Promise<Answer> {
  return ask(service, line, { ...extras, headers: { ...headers, ...basic(name) } });
}

/** The stream of a reply, or the code and status of another one. */
async function open(service: Service, name: string, line: string): Promise<BodyStream | string> {
  const [method = "", target = ""] = line.split(" ");
  const [path = "", query = ""] = target.split("?");
  const headers = new Map(Object.entries({ host: "127.0.0.1:8000", ...basic(name) }));
  const reply = await service.handler.handle({
    method,
    path,
    query,
    headers,
    body: "",
    remote: "127.0.0.1:1",
    id: "r1",
  });
  return typeof reply.body === "string" ? `${reply.status} ${JSON.parse(reply.body)["code"]}` : reply.body;
}

/** What a stream has sent, and whether it was cut off. */
class Sink implements BodySink {
  readonly unsentBytes = 0;
  text = "";
  aborted = false;

  send(bytes: string): void {
    if (!this.aborted) this.text += bytes;
  }

  finish(): void {}

  abort(): void {
    this.aborted = true;
  }

  get keys(): readonly string[] {
    return [...this.text.matchAll(/"key":"([^"]*)"/g)].map(([, key = ""]) => key);
  }
}

Deno.test("every operation is asked for by every role, inside and outside of its prefix, and answers what the role may", async () => {
  for (const { id, method, path } of ALL_ROUTES) {
    const rows = RIGHTS_ROWS[id];
    assert(rows !== undefined, `${method} ${path} (${id}) has no row: say who may ask for it`);
    for (const [line, needs, extras] of rows) {
      const { service } = await serviceOfRoles();
      for (const role of Object.keys(ROLE_WORDS)) {
        for (const isInside of [true, false]) {
          const outside = (text: string) => isInside ? text : text.replaceAll("p:", "q:");
          const said = { ...extras, ...extras?.body === undefined ? {} : { body: outside(extras.body) } };
          const streams = ["watchEvents", "watchNode", "getBackup"].includes(id);
          const opened = streams ? await open(service, role, outside(line)) : undefined;
          // The launcher has a 403 of its own.
          const code = opened === undefined
            ? (await askAs(service, role, outside(line), said)).code
            : typeof opened === "string"
            ? opened.split(" ")[1]
            : undefined;
          if (typeof opened === "object") opened.closed();
          const may = role === "admin" || needs === "" ||
            (needs === "s" ? role === "writer" || role === "both" : needs !== "A" && isInside && suffices(role, needs));
          assertEquals(code === "forbidden", !may, `${role}: ${outside(line)} ${said.body ?? ""}: ${code}`);
        }
      }
    }
  }
});

Deno.test("a refusal is a problem that names the right and the key, and nothing is done", async () => {
  const { node, service } = await serviceOfRoles();
  const refused = await askAs(service, "reader", "PUT /v1/kv/p:a", { body: "new" });
  assertEquals([refused.status, refused.code, refused.json?.["right"]], [403, "forbidden", "write"]);
  assertStringIncludes(refused.body, 'the right to write \\"p:a\\" is missing');
  const admin = await askAs(service, "both", "DELETE /v1/cluster/members/2");
  assertEquals([admin.code, admin.json?.["right"]], ["forbidden", "admin"]);
  assertEquals([node.machine.get("p:a")?.value, node.memberChanges.length], ["vp:a", 0]);
  const body = JSON.stringify({ then: [{ put: { key: "p:a", value: "x" } }, { put: { key: "q", value: "x" } }] });
  assertEquals((await askAs(service, "both", "POST /v1/txn", { body })).code, "forbidden");
  assertEquals(node.machine.get("p:a")?.value, "vp:a");
});

Deno.test("a page of keys has those that may be read, and its cursor goes on there", async () => {
  const { service } = await serviceOfRoles();
  const keys = async (name: string, query = "") => {
    const { json } = await askAs(service, name, `GET /v1/kv${query}`);
    assert(Array.isArray(json?.["items"]));
    return [json["items"].map(({ key }) => key), json["cursor"]];
  };
  assertEquals(await keys("reader"), [["p:a", "p:b"], null]);
  assertEquals(await keys("admin"), [["p:a", "p:b", "q:a"], null]);
  assertEquals(await keys("writer"), [[], null]);
  const [first, cursor] = await keys("reader", "?limit=1");
  assertEquals([first, await keys("reader", `?limit=1&cursor=${cursor}`)], [["p:a"], [["p:b"], null]]);
  assertEquals(await keys("reader", "?prefix=q"), [[], null]);
});

Deno.test("a right that goes is gone for a request that has begun", async () => {
  const { node, service } = await serviceOfRoles();
  const login = node.users.find("root")?.login ?? -1;
  for (const name of ["both", "admin"]) assertEquals((await askAs(service, name, "GET /v1/cluster")).status, 200);
  node.holding = true;
  const asked = [askAs(service, "both", "GET /v1/kv/p:a"), askAs(service, "both", "PUT /v1/kv/p:a", { body: "late" })];
  asked.push(askAs(service, "both", "GET /v1/events?prefix=p:"), askAs(service, "admin", "POST /v1/cluster/leader"));
  asked.push(askAs(service, "admin", "GET /v1/users"));
  for (let wait = 0; node.waiting.length < asked.length && wait < 1_000; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(node.waiting.length, asked.length);
  const begun = node.waiting.splice(0);
  const changes = [changeOf("both", { revoked: "All" }), changeOf("admin", { revoked: "All" })];
  const changed = changes.map((change) => new Promise((resolve) => node.submit(change, resolve, { login })));
  node.release();
  node.release();
  await Promise.all(changed);
  for (const release of begun) release();
  node.holding = false;
  while (node.waiting.length > 0) node.release();
  for (const answer of await Promise.all(asked)) assertEquals(answer.code, "forbidden");
  assertEquals([node.machine.get("p:a")?.value, node.transfers.length], ["vp:a", 0]);
});

Deno.test("watchers see what may be read, from the state on, and nothing more once a right for it goes", async () => {
  const { node, service } = await serviceOfRoles();
  const { clock } = service;
  await submit(node, changeOf("reader", { granted: rightsOf("read:r:", "write:q:") }));
  const follow = async (name: string, query = "") => {
    const stream = await open(service, name, `GET /v1/events${query}`);
    assert(typeof stream !== "string", String(stream));
    const sink = new Sink();
    stream.opened(sink);
    await clock.advance(1_000);
    return { sink, stream };
  };
  const put = async (...keys: readonly string[]) => {
    for (const key of keys) await submit(node, { type: "Put", key, value: "v" });
    await clock.advance(1_000);
  };
  const all = await follow("reader", "?snapshot=1");
  const part = await follow("reader", "?prefix=p:a");
  const admin = await follow("admin");
  assertEquals(all.sink.keys, ["p:a", "p:b"], "the state");
  await put("a", "p", "p:a", "p:c", "q:a", "r:a", "s", "xp:");
  assertEquals(all.sink.keys, ["p:a", "p:b", "p:a", "p:c", "r:a"]);
  assertEquals([part.sink.keys, admin.sink.keys.length], [["p:a"], 8]);
  const since = await follow("reader", `?since=${node.changes.newest - 8}`);
  assertEquals(since.sink.keys, ["p:a", "p:c", "r:a"], "the history");
  await submit(node, changeOf("reader", { revoked: rightsOf("read:r:") }));
  assertEquals([all.sink.aborted, since.sink.aborted, part.sink.aborted, admin.sink.aborted], [
    true,
    true,
    false,
    false,
  ]);
  await put("p:a", "r:a");
  assertEquals([part.sink.keys, all.sink.keys.length], [["p:a", "p:a"], 5]);
  assertEquals(await open(service, "reader", "GET /v1/events?prefix=r:"), "403 forbidden");
  assertEquals(await open(service, "none", "GET /v1/events"), "403 forbidden");
  const live = await open(service, "admin", "GET /v1/live");
  assert(typeof live !== "string");
  const liveSink = new Sink();
  live.opened(liveSink);
  await submit(node, changeOf("admin", { revoked: rightsOf("admin"), granted: rightsOf("read:p:") }));
  assertEquals([liveSink.aborted, admin.sink.aborted, part.sink.aborted], [true, true, false]);
  const late = await open(service, "reader", "GET /v1/events?prefix=p:");
  assert(typeof late !== "string");
  await submit(node, changeOf("reader", { revoked: rightsOf("read:p:") }));
  const lateSink = new Sink();
  late.opened(lateSink);
  assertEquals([lateSink.aborted, lateSink.text, part.sink.aborted], [true, "", true]);
  for (const stream of [all.stream, part.stream, admin.stream, since.stream, live, late]) stream.closed();
});

/** A node with root, and what root asks for about users. */
function groundOfRoot() {
  const node = new StateNode();
  const service = serviceOf(node);
  const put = (name: string, body: unknown) =>
    askAs(service, "root", `PUT /v1/users/${name}`, { body: JSON.stringify(body) });
  const post = (name: string, body: unknown) =>
    askAs(service, "root", `POST /v1/users/${name}`, { body: textToByteString(JSON.stringify(body)) });
  const rights = (name: string) => writeRights(node.users.find(name)?.rights ?? rightsOf("admin", "read:nobody"));
  return { node, service, put, post, rights };
}

Deno.test("rights are given with a user and after, taken, and listed", async () => {
  const { node, service, put, post, rights } = groundOfRoot();
  const early = await ask(service, "PUT /v1/users/root", {
    body: JSON.stringify({ password: PASSWORD, grants: [{ prefix: "", read: true }] }),
  });
  assertEquals([early.status, early.code], [409, "last_admin"], "the first is an administrator");
  assertEquals(
    (await ask(service, "PUT /v1/users/root", { body: JSON.stringify({ password: PASSWORD }) })).status,
    200,
  );
  assertEquals(rights("root"), "a");
  const steps: readonly (readonly [answer: () => Promise<Answer>, rights: string])[] = [
    [() => put("u", { password: PASSWORD }), ""],
    [
      () =>
        post("u", {
          grant: { grants: [{ prefix: "p:", read: true, write: true }, { prefix_base64: "/w==", read: true }] },
        }),
      "b2:p:r1:\xff",
    ],
    [() => put("u", { password: PASSWORD }), "b2:p:r1:\xff"],
    [() => post("u", { revoke: { grants: [{ prefix: "p:", write: true }] } }), "r2:p:r1:\xff"],
    [() => post("u", { revoke: { grants: [{ prefix: "", read: true }] }, grant: { admin: true } }), "a"],
    [() => post("u", { revoke: { admin: true }, grant: { grants: [{ prefix: "x", write: true }] } }), "w1:x"],
    [() => put("u", { password: PASSWORD, grants: [{ prefix: "y", read: true }] }), "r1:y"],
    [() => put("u", { password: PASSWORD, admin: false }), ""],
    [() => put("u", { password: PASSWORD, admin: true, rule: "change" }), "a"],
  ];
  for (const [step, expected] of steps) {
    const answer = await step();
    assertEquals([answer.status, rights("u")], [200, expected], answer.body);
  }
  await post("u", {
    revoke: { admin: true },
    grant: { grants: [{ prefix: "\xff", read: true }, { prefix_base64: "/w==", read: true }] },
  });
  assertEquals((await askAs(service, "root", "GET /v1/users")).json?.["users"], [
    { name: "root", created: 2, changed: 2, admin: true, grants: [] },
    {
      ...{ name: "u", created: 3, changed: node.users.find("u")?.login, admin: false },
      grants: [{ prefix: "ÿ", read: true, write: false }, { prefix_base64: "/w==", read: true, write: false }],
    },
  ]);
});

Deno.test("rights that cannot be given or taken are refused with a reason", async () => {
  const { service, put, post } = groundOfRoot();
  await ask(service, "PUT /v1/users/root", { body: JSON.stringify({ password: PASSWORD }) });
  assertEquals((await put("u", { password: PASSWORD })).status, 200);
  const refused = [
    [await post("u", { revoke: { grants: [{ prefix: "z", read: true }] } }), 409, "no_such_right"],
    [await post("root", { revoke: { grants: [{ prefix: "", read: true }] } }), 409, "wider_right"],
    [await post("root", { revoke: { admin: true } }), 409, "last_admin"],
    [await post("nobody", { grant: { admin: true } }), 409, "no_such_user"],
    [await post("u", { grant: { grants: [{ prefix: "z" }] } }), 400, "invalid_body"],
    [await post("u", { grant: { grants: [{ prefix: "z", read: 1 }] } }), 400, "invalid_body"],
    [await post("u", { grant: { grants: [{ read: true }] } }), 400, "invalid_body"],
    [await post("u", { grant: { keys: [] } }), 400, "invalid_body"],
    [await post("u", { give: {} }), 400, "invalid_body"],
    [await put("u", { password: PASSWORD, admin: "yes" }), 400, "invalid_body"],
    [await put("u", { password: PASSWORD, grants: [{ prefix: "x".repeat(257), read: true }] }), 400, "invalid_body"],
    [await askAs(service, "root", "DELETE /v1/users/root"), 409, "last_admin"],
  ] as const;
  for (const [answer, status, code] of refused) assertEquals([answer.status, answer.code], [status, code], answer.body);
  const many = Array.from({ length: 20 }, (_, at) => ({ prefix: `${at}:`, read: true }));
  assertEquals((await post("u", { grant: { grants: many } })).status, 200);
  const more = await post("u", {
    grant: { grants: many.map(({ prefix }) => ({ prefix: `more${prefix}`, read: true })) },
  });
  assertEquals([more.status, more.code], [409, "too_many_grants"]);
});

Deno.test("the launcher administers by its pass and sees no key", async () => {
  const { node, service } = await serviceOfRoles();
  const asLauncher = (method: string, path: string) => {
    const subject = { to: node.id, method, path, body: "" };
    const pass = makePass(TEST_SECRET, { subject, login: LAUNCHER.id, nowMs: node.timeMs() });
    return ask(service, `${method} ${path}`, { headers: { authorization: `${PASS_SCHEME} ${pass}` } });
  };
  node.changeOutcome = { type: "Done", id: 2 };
  assertEquals((await asLauncher("DELETE", "/v1/cluster/members/2")).status, 200);
  for (const path of ["/v1/kv/p:a", "/v1/kv", "/v1/events", "/v1/users"]) {
    assertEquals((await asLauncher("GET", path)).code, "not_logged_in", path);
  }
});

Deno.test("the session of a user is refused to others by 403 not_owner, and an administrator ends it", async () => {
  const { service } = await serviceOfRoles();
  const opened = await askAs(service, "both", "POST /v1/sessions");
  const { id } = JSON.parse(opened.body);
  const put = (name: string, sequence: number): Promise<Answer> =>
    askAs(service, name, "PUT /v1/kv/p:a", { body: "v", headers: { "idempotency-key": `${id}:${sequence}` } });
  assertEquals((await put("both", 1)).status, 200);
  const refused = [await put("writer", 1), await put("writer", 2), await put("admin", 2)];
  for (const line of [`POST /v1/sessions/${id}/keepalive`, `DELETE /v1/sessions/${id}`]) {
    refused.push(await askAs(service, "writer", line));
  }
  assertEquals(refused.map(({ status, code }) => [status, code]), Array(5).fill([403, "not_owner"]));
  assertEquals((await put("both", 2)).status, 200);
  assertEquals((await askAs(service, "admin", `DELETE /v1/sessions/${id}`)).status, 200);
  assertEquals((await put("both", 3)).code, "no_session");
});
