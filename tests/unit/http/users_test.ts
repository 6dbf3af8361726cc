/** Users over HTTP: nothing without a login but health, Basic and passes, streams that end, and the users themselves. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makePass, PASS_SCHEME } from "../../../lib/access/node_pass.ts";
import { RequestRates } from "../../../lib/access/request_rates.ts";
import { hashPassword, isPassword } from "../../../lib/access/passwords.ts";
import { textToByteString } from "../../../lib/base/bytes.ts";
import type { BodySink } from "../../../lib/http/http.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { StateNode } from "../../support/state_node.ts";
import { removeUser, setUser } from "../../support/users.ts";
import { ALL_ROUTES, type Answer, ask, type Extras, type Service, serviceOf } from "./support/ask.ts";

const PASSWORD = "correct horse: battery";
const HASH = await hashPassword(PASSWORD);
/** Operations that anybody may ask for. */
const OPEN: readonly string[] = ["getLivez", "getReadyz", "getHealth", "getLogin", "getLoginPage", "logIn", "logOut"]
  .concat("getStyle", "getIcon");

function basic(name: string, password = PASSWORD): Readonly<Record<string, string>> {
  return { authorization: `Basic ${btoa(`${name}:${password}`)}` };
}

/** A service whose node has users with `PASSWORD`. */
async function serviceWith(...names: readonly string[]): Promise<{ node: StateNode; service: Service }> {
  const node = new StateNode();
  const service = serviceOf(node);
  for (const name of names) await change(node, setUser(name, { hash: HASH }));
  return { node, service };
}

async function change(node: StateNode, command: Parameters<StateNode["submit"]>[0]): Promise<void> {
  const login = node.users.list().at(-1)?.login ?? 0;
  await new Promise((resolve) => node.submit(command, resolve, { login }));
}

/** Asks as a user. */
function askAs(service: Service, name: string, line: string, { headers, ...extras }: Extras = {}): Promise<Answer> {
  return ask(service, line, { ...extras, headers: { ...headers, ...basic(name) } });
}

Deno.test("every operation is refused before a login but for health and the login page, whatever is asked for, and tells nothing of the cluster", async () => {
  const { node, service } = await serviceWith("root");
  const before = [node.machine.digest, node.asked.length, node.memberChanges.length, node.transfers.length];
  const wrongs = [{}, basic("root", "wrong horse"), basic("nobody"), { authorization: "Bearer x" }, {
    authorization: "Basic !",
  }];
  for (const { method, path, id, body } of ALL_ROUTES) {
    const line = `${method} ${path.replaceAll(/\{\w+\}/g, "1")}`;
    const isOpen = OPEN.includes(id);
    for (
      const headers of isOpen ? wrongs.slice(0, 1) : wrongs.slice(0, `${method} ${path}` === "GET /v1/kv/{key}" ? 5 : 1)
    ) {
      const answer = await ask(service, line, { headers, body: body === undefined ? "" : "{}" });
      assertEquals(answer.code === "not_logged_in", !isOpen, line);
      if (isOpen) continue;
      assertEquals([answer.status, answer.headers.get("x-kv-leader"), answer.json?.["members"]], [
        401,
        undefined,
        undefined,
      ]);
      assertStringIncludes(answer.headers.get("www-authenticate") ?? "", "Basic realm=");
    }
  }
  for (const [at, line] of ["GET /nothing", "PATCH /v1/kv/k", "GET /v1/kv/%zz"].entries()) {
    for (const headers of [{}, basic(`nobody${at}`)]) {
      assertEquals((await ask(service, line, { headers })).status, 401, line);
    }
  }
  assertEquals((await ask(service, "OPTIONS /v1/kv/k")).status, 204);
  const logins = node.asked.filter((type) => type === "Read").length;
  assertEquals([node.machine.digest, node.memberChanges.length, node.transfers.length], [
    before[0],
    before[2],
    before[3],
  ]);
  assert(logins > 0 && node.asked.every((type, at) => at === 0 || type === "Read"), "nothing but logins was asked for");
});

Deno.test("a user and a password that are right open everything, and the second time without work", async () => {
  const { node, service } = await serviceWith("root");
  assertEquals((await askAs(service, "root", "PUT /v1/kv/k", { body: "v" })).status, 201);
  const reads = node.asked.length;
  assertEquals((await askAs(service, "root", "PUT /v1/kv/k", { body: "w" })).status, 200);
  assertEquals(node.asked.slice(reads), ["Write"]);
  const { status, body, headers } = await askAs(service, "root", "GET /v1/kv/k");
  assertEquals([status, body, headers.get("x-kv-leader")], [200, "w", "0"]);
  assertEquals((await askAs(service, "root", "GET /nothing")).status, 404);
});

Deno.test("what a connection or a user sends beyond its rate is 429 and not begun, but for health; a pass is not counted", async () => {
  const { node, service } = await serviceWith("root");
  const rates = new RequestRates({ userRequestsPerSecond: 5, connectionRequestsPerSecond: 3 }, node);
  const connect = () => rates.connection(service.clock.now());
  const put = async (rate: Extras["rate"], headers: Extras["headers"] = basic("root")) => {
    const { status, code, headers: told } = await ask(service, "PUT /v1/kv/k", {
      headers: headers ?? {},
      body: "v",
      rate,
    });
    return status === 429 ? [code, told.get("retry-after"), told.get("x-kv-leader")].join(" ") : status;
  };
  const [one, other, third] = [connect(), connect(), connect()];
  assertEquals([await put(one), await put(one), await put(one)], [201, 200, 200]);
  const asked = node.asked.length;
  assertEquals([await put(one), await put(one)], Array(2).fill("rate_limited 1 "));
  assertEquals(node.asked.length, asked);
  assertEquals([await put(other), await put(other), await put(other)], [200, 200, "rate_limited 1 "]);
  assertEquals([await put(third, {}), await put(third, {}), await put(third, {})], [401, 401, 401]);
  assertEquals(await put(third, {}), "rate_limited 1 ", "whoever has not come in is counted too, and learns nothing");
  assertEquals((await ask(service, "GET /livez", { rate: third })).status, 200);
  const user = node.users.find("root");
  const passed = { method: "PUT", path: "/v1/kv/k", body: "v" };
  const pass = makePass(`\n${user?.hash}`, {
    subject: { ...passed, to: node.id },
    login: user?.login ?? 0,
    nowMs: node.timeMs(),
  });
  assertEquals(await put(third, { authorization: `${PASS_SCHEME} ${pass}` }), 200);
  const count = (limit: string) =>
    node.metrics.counterFamily(METRIC.requestsOverRate, ["limit"]).counter([limit]).value;
  assertEquals([count("connection"), count("user")], [3, 1]);
  await service.clock.advance(1_000);
  assertEquals(await put(one), 200);
});

Deno.test("what is answered before a login counts for the connection, but for health: the login page, its files, and what is refused", async () => {
  const { service } = await serviceWith("root");
  const rates = new RequestRates({ userRequestsPerSecond: undefined, connectionRequestsPerSecond: 2 }, new StateNode());
  const origin = { origin: "http://127.0.0.1:8000" };
  const form = new URLSearchParams({ user: "root", password: PASSWORD }).toString();
  const cases: readonly (readonly [line: string, extras: Extras])[] = [
    ["GET /v1/login", {}],
    ["GET /v1/login", { headers: basic("root") }],
    ["GET /login", {}],
    ["POST /login", { headers: origin, body: form }],
    ["POST /login", { headers: { origin: "http://elsewhere.example" }, body: form }],
    ["POST /logout", { headers: origin }],
    ["GET /assets/style.css", {}],
    ["GET /assets/icon.svg", {}],
    ["GET /", { headers: { accept: "text/html" } }],
    ["GET /v1/users", { headers: { host: "elsewhere.example" } }],
    ["OPTIONS /v1/users", { headers: origin }],
  ];
  for (const [line, extras] of cases) {
    const rate = rates.connection(service.clock.now());
    const answers = [1, 2, 3].map(() => ask(service, line, { ...extras, rate }));
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assertEquals([statuses.slice(0, 2).includes(429), statuses[2]], [false, 429], line);
    for (const health of ["/livez", "/readyz", "/health"]) {
      assertEquals((await ask(service, `GET ${health}`, { rate })).status, 200, health);
    }
  }
});

Deno.test("a request whose user is removed before its read is done shows nothing, and its write is refused", async () => {
  const { node, service } = await serviceWith("root", "alice");
  await askAs(service, "alice", "PUT /v1/kv/k", { body: "v" });
  node.holding = true;
  const read = askAs(service, "alice", "GET /v1/kv/k");
  const write = askAs(service, "alice", "PUT /v1/kv/k", { body: "late" });
  const removed = change(node, removeUser("alice"));
  node.waiting.splice(2, 1)[0]?.();
  await removed;
  while (node.waiting.length > 0) node.release();
  assertEquals([(await read).code, (await write).code], ["not_logged_in", "not_logged_in"]);
  assertEquals(node.machine.get("k")?.value, "v");
});

Deno.test("a request that is under way when the first user is made is answered as that of the user whom it names", async () => {
  const { node, service } = await serviceWith();
  node.holding = true;
  const put = (headers: Extras["headers"]) => ask(service, "PUT /v1/kv/k", { body: "v", headers: headers ?? {} });
  const answers = [put(basic("root")), put(basic("root", "wrong horse")), put({})];
  const made = change(node, setUser("root", { hash: HASH }));
  node.waiting.splice(-1, 1)[0]?.();
  await made;
  node.holding = false;
  while (node.waiting.length > 0) node.release();
  assertEquals((await Promise.all(answers)).map(({ status }) => status), [201, 401, 401]);
  assertEquals(node.machine.get("k")?.value, "v");
});

Deno.test("a stream ends with its login, and one of nobody when there are users", async () => {
  const { node, service } = await serviceWith("root", "alice");
  const open = async (headers: Readonly<Record<string, string>>) => {
    const head = {
      method: "GET",
      path: "/v1/events",
      query: "",
      headers: new Map(Object.entries({ host: "127.0.0.1:8000", ...headers })),
      remote: "127.0.0.1:1",
      id: "r1",
    };
    const reply = await service.handler.handle({ ...head, body: "" });
    assert(typeof reply.body !== "string", `A stream was expected, not ${reply.status}`);
    return reply.body;
  };
  const sinkOf = (ended: string[], name: string): BodySink => ({
    unsentBytes: 0,
    send: () => {},
    finish: () => {},
    abort: () => void ended.push(name),
  });
  const ended: string[] = [];
  const streams = [await open(basic("alice")), await open(basic("root"))];
  streams[0]?.opened(sinkOf(ended, "alice"));
  streams[1]?.opened(sinkOf(ended, "root"));
  const late = await open(basic("alice"));
  await change(node, removeUser("alice"));
  assertEquals(ended, ["alice"]);
  late.opened(sinkOf(ended, "late"));
  assertEquals(ended, ["alice", "late"]);
  for (const stream of [...streams, late]) stream.closed();
  const other = await serviceWith();
  const anonymous = await other.service.handler.handle({
    method: "GET",
    path: "/v1/events",
    query: "",
    headers: new Map([["host", "127.0.0.1:8000"]]),
    body: "",
    remote: "127.0.0.1:1",
    id: "r1",
  });
  assert(typeof anonymous.body !== "string");
  anonymous.body.opened(sinkOf(ended, "nobody"));
  await change(other.node, setUser("root", { hash: HASH }));
  assertEquals(ended, ["alice", "late", "nobody"]);
  anonymous.body.closed();
});

Deno.test("what another node passes on is taken by its pass, for the user who asked there and only as long as he is one", async () => {
  const { node, service } = await serviceWith("root", "alice");
  const path = "/v1/cluster/members/2";
  const login = node.users.find("alice")?.login ?? -5;
  const passed = (method: string, on: string) => {
    const pass = makePass(`\n${HASH}`, {
      subject: { to: node.id, method: "DELETE", path, body: "" },
      login,
      nowMs: node.timeMs(),
    });
    return ask(service, `${method} ${on}`, { headers: { authorization: `${PASS_SCHEME} ${pass}` } });
  };
  node.changeOutcome = { type: "Done", id: 2 };
  assertEquals((await passed("DELETE", path)).status, 200);
  assertEquals((await passed("DELETE", "/v1/cluster/members/1")).status, 401);
  assertEquals((await passed("GET", path)).status, 401);
  await change(node, removeUser("alice"));
  assertEquals((await passed("DELETE", path)).status, 401);
  assertEquals(node.memberChanges.length, 1);
});

Deno.test("users are listed, made, changed and removed, and what is refused says why and changes nothing", async () => {
  const { node, service } = await serviceWith();
  assertEquals((await ask(service, "GET /v1/users")).json, { users: [] });
  const put = (name: string, body: unknown, as?: string) => {
    const extras = { body: JSON.stringify(body) };
    return as === undefined
      ? ask(service, `PUT /v1/users/${name}`, extras)
      : askAs(service, as, `PUT /v1/users/${name}`, extras);
  };
  assertEquals((await put("root", { password: PASSWORD, rule: "create" })).status, 200);
  assertEquals((await ask(service, "GET /v1/users")).status, 401);
  assertEquals((await put("alice", { password: PASSWORD }, "root")).status, 200);
  const listed = (await askAs(service, "root", "GET /v1/users")).json;
  assertEquals(listed, {
    users: [
      { name: "alice", created: 2, changed: 2, admin: false, grants: [] },
      { name: "root", created: 1, changed: 1, admin: true, grants: [] },
    ],
  });
  const refused = [
    [await put("alice", { password: PASSWORD, rule: "create" }, "root"), 409, "user_exists"],
    [await put("bob", { password: PASSWORD, rule: "change" }, "root"), 409, "no_such_user"],
    [await put("b:b", { password: PASSWORD }, "root"), 400, "bad_request"],
    [await put("bob", { password: "short" }, "root"), 400, "bad_request"],
    [await put("bob", { password: PASSWORD, rule: "never" }, "root"), 400, "invalid_body"],
    [await put("bob", { secret: PASSWORD }, "root"), 400, "invalid_body"],
    [await askAs(service, "root", "DELETE /v1/users/bob"), 409, "no_such_user"],
    [await askAs(service, "root", "DELETE /v1/users/alice"), 200, undefined],
    [await askAs(service, "root", "DELETE /v1/users/root"), 409, "last_user"],
  ] as const;
  for (const [answer, status, code] of refused) assertEquals([answer.status, answer.code], [status, code], answer.body);
  assertEquals(node.users.list().map(({ name }) => name), ["root"]);
  node.refusal = "TooOld";
  assertEquals((await put("bob", { password: PASSWORD }, "root")).code, "not_known_to_all");
});

Deno.test("a request of nobody that waits while the first user is made shows nothing and does nothing", async () => {
  const { node, service } = await serviceWith();
  assertEquals((await ask(service, "PUT /v1/kv/k", { body: "v" })).status, 201);
  node.holding = true;
  const waiting = [
    ask(service, "GET /v1/kv/k"),
    ask(service, "GET /v1/kv/k?min_revision=2"),
    ask(service, "GET /v1/kv?prefix=k"),
    ask(service, "GET /v1/users"),
    ask(service, "PUT /v1/kv/k", { body: "late" }),
  ];
  const made = change(node, setUser("root", { hash: HASH }));
  node.waiting.pop()?.();
  await made;
  while (node.waiting.length > 0) node.release();
  assertEquals((await Promise.all(waiting)).map(({ code, body }) => code ?? body), waiting.map(() => "not_logged_in"));
  assertEquals(node.machine.get("k")?.value, "v");
});

Deno.test("a password has every letter that there is, and comes in with it everywhere", async () => {
  const { node, service } = await serviceWith();
  const password = 'pässwörd "€" \\n';
  const body = textToByteString(JSON.stringify({ password }));
  assertEquals((await ask(service, "PUT /v1/users/root", { body })).status, 200);
  const bytes = textToByteString(password);
  assertEquals(await isPassword(bytes, node.users.find("root")?.hash), true);
  assertEquals((await ask(service, "GET /v1/users", { headers: basic("root", bytes) })).status, 200);
});

Deno.test("nobody is asked for a password by a name or in a page of others, and health tells nothing of the cluster", async () => {
  const { service } = await serviceWith("root");
  const origins: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ host: "evil.test:8000" }, "bad_host"],
    [{ origin: "http://evil.test" }, "bad_origin"],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, "bad_origin"],
  ];
  for (const [headers, code] of origins) {
    for (const line of ["GET /v1/kv/k", "GET /nothing", "POST /v1/cluster/snapshot"]) {
      const answer = await ask(service, line, { headers });
      assertEquals([answer.status, answer.code], [403, code], line);
      assertEquals([answer.headers.get("www-authenticate"), answer.headers.get("x-kv-leader")], [undefined, undefined]);
      assertEquals((await ask(service, line, { headers: { ...headers, ...basic("root") } })).code, code);
    }
  }
  for (const line of ["GET /livez", "GET /readyz?verbose", "GET /health", "OPTIONS /v1/kv/k"]) {
    const told = [...(await ask(service, line)).headers.keys()].filter((name) => name.startsWith("x-kv-"));
    assertEquals(told, [], line);
  }
  const other = await serviceWith();
  assertEquals((await ask(other.service, "GET /livez")).headers.get("x-kv-leader"), "0");
});
