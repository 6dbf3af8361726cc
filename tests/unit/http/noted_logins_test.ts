/** A connection hears of every login that its credentials are worth, and of nothing else; what is known of it before a request is handled. */

import { assertEquals } from "@std/assert";
import type { Login } from "../../../lib/access/login.ts";
import { makePass, PASS_SCHEME } from "../../../lib/access/node_pass.ts";
import { httpLoginsOf } from "../../../lib/http/logins.ts";
import { removeUser, setUser } from "../../support/users.ts";
import type { Extras } from "./support/ask.ts";
import { HASH, type Headers, HOST, PASSWORD, Stage } from "./support/web_login_stage.ts";

function basic(name: string, password = PASSWORD): Headers {
  return { authorization: `Basic ${btoa(`${name}:${password}`)}` };
}

Deno.test("a connection is told of a login by password, cookie, pass, certificate and form, and of no attempt that fails", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn();
  const { node } = stage;
  const login = node.users.find("root")?.login ?? 0;
  const subject = { to: node.id, method: "GET", path: "/v1/users", body: "" };
  const pass = makePass(`\n${HASH}`, { subject, login, nowMs: node.timeMs() });
  const form = new URLSearchParams({ user: "root", password: PASSWORD }).toString();
  const cases: readonly (readonly [line: string, headers: Headers, told: string | undefined, extras?: Extras])[] = [
    ["GET /v1/users", basic("root"), "root"],
    ["GET /v1/users", basic("alice"), "alice"],
    ["GET /v1/users", basic("root", "wrong horse"), undefined],
    ["GET /v1/users", basic("nobody"), undefined],
    ["GET /v1/users", {}, undefined],
    ["GET /v1/users", { cookie }, "root"],
    ["GET /v1/users", { cookie: `${cookie}x` }, undefined],
    ["GET /v1/users", { authorization: `${PASS_SCHEME} ${pass}` }, ""],
    ["GET /v1/users", { authorization: `${PASS_SCHEME} ${pass}` }, undefined],
    ["GET /v1/users", {}, "root", { certified: { name: "root", login: undefined } }],
    ["GET /v1/login", basic("alice"), "alice"],
    ["GET /v1/login", { cookie }, "root"],
    ["GET /v1/login", {}, undefined],
    ["GET /livez", basic("root"), undefined],
    ["POST /login", { origin: `http://${HOST}` }, "root", { body: form }],
    ["POST /login", { origin: `http://${HOST}` }, undefined, { body: form.replace("correct", "wrong") }],
  ];
  for (const [line, headers, told, extras] of cases) {
    const noted: Login[] = [];
    await stage.ask(line, headers, { ...extras, noteLogin: (each) => void noted.push(each) });
    assertEquals(noted.map(({ name }) => name), told === undefined ? [] : [told], `${line} ${JSON.stringify(headers)}`);
  }
});

Deno.test("what is needed and what is known follows the users", async () => {
  const stage = await Stage.open();
  const logins = httpLoginsOf(stage.gate);
  const cookie = await stage.logIn();
  const known = (headers: Headers) =>
    logins.known({
      ...{ method: "PUT", path: "/v1/kv/k", query: "", remote: "127.0.0.1:1", id: "r1" },
      headers: new Map(Object.entries({ host: HOST, ...headers })),
    });
  assertEquals(known(basic("alice")), undefined, "its password has not been worked on yet");
  assertEquals((await stage.ask("GET /v1/login", basic("alice"))).status, 200);
  const alice = known(basic("alice"));
  assertEquals([alice?.name, known({ cookie })?.name], ["alice", "root"]);
  assertEquals([known({}), known(basic("alice", "wrong horse")), known({ authorization: "x" })], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals([logins.isNeeded(undefined, undefined), logins.isNeeded(alice, undefined)], [true, false]);
  assertEquals([
    logins.isNeeded(undefined, { name: "root", login: undefined }),
    logins.isNeeded(undefined, { name: "x", login: undefined }),
  ], [
    false,
    true,
  ]);
  await stage.do(removeUser("alice"));
  assertEquals([logins.isNeeded(alice, undefined), known(basic("alice"))], [true, undefined]);
  await stage.do(setUser("alice", { hash: HASH }));
  assertEquals(logins.isNeeded(alice, undefined), true, "another one of that name");
});

Deno.test("without users nobody has to log in", () => {
  assertEquals(httpLoginsOf(new Stage().gate).isNeeded(undefined, undefined), false);
});
