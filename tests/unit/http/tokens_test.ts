/** Tokens over HTTP: `Bearer` in the place of a password, what ends with a token, and the tokens themselves. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hashPassword } from "../../../lib/access/passwords.ts";
import type { BodySink } from "../../../lib/http/http.ts";
import { readTokenTtl } from "../../../lib/http/routes/tokens.ts";
import { NO_RIGHTS } from "../../../lib/kv/rights.ts";
import { NEVER, TOKEN_TTL_MS } from "../../../lib/kv/tokens.ts";
import { StateNode } from "../../support/state_node.ts";
import { addToken, removeToken, tokenOf } from "../../support/tokens.ts";
import { rightsOf, setUser } from "../../support/users.ts";
import { type Answer, ask, type Extras, type Service, serviceOf } from "./support/ask.ts";

const PASSWORD = "correct horse: battery";
const HASH = await hashPassword(PASSWORD);
const DAY_MS = 86_400_000;

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

/** A node with the administrator root and alice, who may read and write `p:` and has the token ci. */
class Stage {
  readonly node = new StateNode();
  readonly service: Service = serviceOf(this.node);
  token = "";

  static async open(): Promise<Stage> {
    const stage = new Stage();
    await stage.do(setUser("root", { hash: HASH }));
    await stage.do(setUser("alice", { hash: HASH, change: { revoked: NO_RIGHTS, granted: rightsOf("both:p:") } }));
    await stage.do(addToken("alice", "ci"));
    stage.token = tokenOf(stage.node.machine.lastApplied);
    return stage;
  }

  async do(command: Parameters<StateNode["submit"]>[0]): Promise<void> {
    const login = this.node.users.find("root")?.login ?? 0;
    await new Promise((resolve) => this.node.submit(command, resolve, { login }));
  }

  as(name: string, line: string, { headers, ...extras }: Extras = {}): Promise<Answer> {
    const authorization = `Basic ${btoa(`${name}:${PASSWORD}`)}`;
    return ask(this.service, line, { ...extras, headers: { ...headers, authorization } });
  }

  by(token: string, line: string, { headers, ...extras }: Extras = {}): Promise<Answer> {
    return ask(this.service, line, { ...extras, headers: { ...headers, ...bearer(token) } });
  }

  /** Asks for a token as that user. */
  async make(name: string, body: unknown, user = name): Promise<Answer> {
    return await this.as(name, `POST /v1/users/${user}/tokens`, { body: JSON.stringify(body) });
  }
}

Deno.test("a token does what its user may do, and no more, however it is sent", async () => {
  const { service, node, token } = await Stage.open();
  const forms = [
    `Bearer ${token}`,
    `bearer  ${token}`,
    `Basic ${btoa(`__token__:${token}`)}`,
    `Basic ${btoa(`alice:${token}`)}`,
  ];
  for (const authorization of forms) {
    const headers = { authorization };
    const put = await ask(service, "PUT /v1/kv/p:a", { headers, body: "v" });
    assert([200, 201].includes(put.status), put.body);
    assertEquals((await ask(service, "GET /v1/kv/p:a", { headers })).body, "v", authorization);
    assertEquals((await ask(service, "GET /v1/kv/q:a", { headers })).code, "forbidden");
    assertEquals((await ask(service, "GET /v1/users", { headers })).code, "forbidden");
  }
  const wrong = [
    "Bearer",
    "Bearer ",
    `Bearer ${token}0`,
    `Bearer ${tokenOf(999)}`,
    `Bearer ${PASSWORD}`,
    `Token ${token}`,
  ];
  wrong.push(`Basic ${btoa(`root:${token}`)}`, `Bearer ${btoa(`alice:${PASSWORD}`)}`, `Bearer ${"x".repeat(9_999)}`);
  const before = node.machine.digest;
  for (const authorization of wrong) {
    const answer = await ask(service, "PUT /v1/kv/p:a", { headers: { authorization }, body: "w" });
    assertEquals([answer.status, answer.code, answer.headers.get("x-kv-leader")], [401, "not_logged_in", undefined]);
    // Three are free for an address.
    await service.clock.advance(20_000);
  }
  assertEquals(node.machine.digest, before);
});

Deno.test("with the entry that ends a token its requests that have begun show nothing and do nothing, and its streams end", async () => {
  const stage = await Stage.open();
  const { node, service, token } = stage;
  await stage.do({ type: "Put", key: "p:a", value: "v" });
  assertEquals((await ask(service, "GET /v1/kv/p:a", { headers: bearer(token) })).status, 200);
  const reply = await service.handler.handle({
    ...{ method: "GET", path: "/v1/events", query: "prefix=p:", body: "", remote: "127.0.0.1:1", id: "r1" },
    headers: new Map(Object.entries({ host: "127.0.0.1:8000", ...bearer(token) })),
  });
  assert(typeof reply.body !== "string");
  let aborted = false;
  const sink: BodySink = { unsentBytes: 0, send: () => {}, finish: () => {}, abort: () => aborted = true };
  reply.body.opened(sink);
  node.holding = true;
  const begun = [
    ask(service, "GET /v1/kv/p:a", { headers: bearer(token) }),
    ask(service, "PUT /v1/kv/p:a", { headers: bearer(token), body: "late" }),
    ask(service, "GET /v1/users/alice/tokens", { headers: bearer(token) }),
    ask(service, "POST /v1/users/alice/tokens", { headers: bearer(token), body: '{"name":"late"}' }),
  ];
  for (let wait = 0; node.waiting.length < begun.length && wait < 1_000; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(node.waiting.length, begun.length);
  const revoked = stage.do(removeToken("alice", "ci"));
  node.waiting.pop()?.();
  await revoked;
  assertEquals(aborted, true);
  while (node.waiting.length > 0) node.release();
  node.holding = false;
  assertEquals((await Promise.all(begun)).map(({ code }) => code), begun.map(() => "not_logged_in"));
  assertEquals(node.machine.get("p:a")?.value, "v");
  reply.body.closed();
});

Deno.test("tokens are made with a life, told once, listed without a word of them, and revoked", async () => {
  const stage = await Stage.open();
  const { node } = stage;
  const made = await stage.make("alice", { name: "new", ttl: "7d" });
  assertEquals(made.status, 201, made.body);
  assertEquals([made.headers.get("cache-control"), made.json?.["name"]], ["no-store", "new"]);
  const token = String(made.json?.["token"]);
  assertMatch(token, /^kvs_[1-9][0-9]*_[0-9a-f]{40}$/);
  assertEquals(made.json?.["expires_at"], node.timeMs() + 7 * DAY_MS);
  assertEquals((await stage.by(token, "GET /v1/kv?prefix=p:")).status, 200);
  assertEquals(
    (await stage.make("root", { name: "given" }, "alice")).json?.["expires_at"],
    node.timeMs() + 90 * DAY_MS,
  );
  assertEquals((await stage.make("alice", { name: "always", ttl: "never" })).json?.["expires_at"], null);
  const listed = await stage.by(token, "GET /v1/users/alice/tokens");
  const tokens = listed.json?.["tokens"];
  assert(Array.isArray(tokens));
  assertEquals(tokens.map(({ name, expires_at: at }) => [name, at === null ? null : (at - node.timeMs()) / DAY_MS]), [
    ["always", null],
    ["ci", null],
    ["given", 90],
    ["new", 7],
  ]);
  assert(!/kvs_|sha256|[0-9a-f]{40}/.test(listed.body), listed.body);
  assertEquals((await stage.as("root", "GET /v1/users/alice/tokens")).body, listed.body);
  assertEquals((await stage.as("alice", "DELETE /v1/users/alice/tokens/new")).status, 200);
  assertEquals((await stage.by(token, "GET /v1/kv?prefix=p:")).status, 401);
});

Deno.test("a user may look after his own tokens alone, a token makes none, and what cannot be is refused with a reason", async () => {
  const stage = await Stage.open();
  const { node, service, token } = stage;
  const before = node.machine.digest;
  const body = JSON.stringify({ name: "x" });
  const make = (said: unknown) => stage.make("alice", said);
  const refused: readonly (readonly [Answer, number, string])[] = [
    [await stage.make("alice", { name: "x" }, "root"), 403, "forbidden"],
    [await stage.make("alice", { name: "x" }, "nobody"), 403, "forbidden"],
    [await stage.as("alice", "GET /v1/users/root/tokens"), 403, "forbidden"],
    [await stage.as("alice", "GET /v1/users/nobody/tokens"), 403, "forbidden"],
    [await stage.as("alice", "DELETE /v1/users/root/tokens/x"), 403, "forbidden"],
    [await stage.by(token, "POST /v1/users/alice/tokens", { body }), 403, "password_needed"],
    [await stage.by(token, "POST /v1/users/root/tokens", { body }), 403, "forbidden"],
    [await stage.as("root", "GET /v1/users/nobody/tokens"), 404, "no_such_user"],
    [await stage.make("root", { name: "x" }, "nobody"), 409, "no_such_user"],
    [await make({ name: "ci" }), 409, "token_exists"],
    [await stage.as("alice", "DELETE /v1/users/alice/tokens/none"), 409, "no_such_token"],
    [await stage.as("alice", "DELETE /v1/users/alice/tokens/"), 409, "no_such_token"],
    [await make({ name: "a b" }), 400, "bad_request"],
    [await make({ name: "x", ttl: "5ms" }), 400, "bad_request"],
    [await make({ name: "x", ttl: "3651d" }), 400, "bad_request"],
    [await make({ name: "x", ttl: "soon" }), 400, "invalid_body"],
    [await make({ name: "x", ttl: 5 }), 400, "invalid_body"],
    [await make({ ttl: "5d" }), 400, "invalid_body"],
    [await make({ name: "x", life: "5d" }), 400, "invalid_body"],
    [await ask(service, "POST /v1/users/alice/tokens", { body }), 401, "not_logged_in"],
  ];
  for (const [answer, status, code] of refused) assertEquals([answer.status, answer.code], [status, code], answer.body);
  assertEquals(node.machine.digest, before);
  for (let at = 1; at < 16; at++) assertEquals((await make({ name: `t${at}` })).status, 201);
  assertEquals((await make({ name: "more" })).code, "too_many_tokens");
  assertEquals((await stage.by(token, "DELETE /v1/users/alice/tokens/ci")).status, 200, "it may revoke itself");
  node.refusal = "TooOld";
  assertEquals((await make({ name: "x" })).code, "not_known_to_all");
  const password = await stage.as("root", "PUT /v1/users/bob", { body: JSON.stringify({ password: tokenOf(7) }) });
  assertEquals(password.status, 400);
  assertStringIncludes(password.body, "form of a token");
});

Deno.test("lives in words", () => {
  assertEquals(["90d", "never", "36h", "1s", "", "90", "d", "-1d", "1w"].map(readTokenTtl), [
    ...[TOKEN_TTL_MS.otherwise, NEVER, 129_600_000, 1_000],
    ...Array(5).fill(undefined),
  ]);
});
