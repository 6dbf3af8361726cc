/** The login page and its cookie: what is shown, what the cookie opens, and who may not use either. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { WEB_SESSION_MS } from "../../../lib/access/web_sessions.ts";
import { StateNode } from "../../support/state_node.ts";
import { ALL_ROUTES, ask, type Extras, serviceOf } from "./support/ask.ts";
import { type Headers, HOST, OWN, PASSWORD, Stage } from "./support/web_login_stage.ts";

const HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

Deno.test("who wants a page and has not logged in is shown the login page, whatever is asked for, and it tells nothing", async () => {
  const stage = await Stage.open();
  for (const line of ["GET /", "GET /metrics", "GET /nothing", "HEAD /v1/kv/p:a", "GET /assets/main.js"]) {
    const { status, headers, body } = await stage.ask(line, { accept: HTML });
    assertEquals([status, headers.get("content-type")], [401, "text/html; charset=utf-8"], line);
    assertEquals(headers.get("www-authenticate"), 'Cookie realm="KVStore"');
    assertEquals([...headers.keys()].filter((name) => name.startsWith("x-kv-")), []);
    assertEquals(headers.get("cache-control"), "no-store");
    const policy = headers.get("content-security-policy") ?? "";
    assertStringIncludes(policy, "default-src 'none'; style-src 'self'; img-src 'self'; ");
    assertStringIncludes(policy, "form-action 'self'; frame-ancestors 'none'");
    assert(!policy.includes("script-src") && !policy.includes("connect-src"), policy);
    // Without it browsers would say that the form comes from nowhere.
    assertEquals(headers.get("referrer-policy"), "same-origin");
    assertEquals(/<script|\bon[a-z]+=|\bstyle=|https?:\/\/|127\.0\.0\.1/.test(body), false);
    assertMatch(body, /<form method="post" action="\/login"/);
    assertMatch(body, /<label for="user">.*\n.*<input id="user"[^>]* autocomplete="username"[^>]* autofocus>/);
    assertMatch(body, /<input id="password"[^>]* type="password" autocomplete="current-password" required>/);
  }
});

Deno.test("programs are told what they were told: 401 with Basic; so is whoever writes, and nobody where there are no users", async () => {
  const stage = await Stage.open();
  for (const [line, accept] of [["GET /", "*/*"], ["GET /", "application/json"], ["PUT /v1/kv/k", HTML]] as const) {
    const answer = await stage.ask(line, { accept });
    assertEquals([answer.status, answer.code], [401, "not_logged_in"], `${line} ${accept}`);
    assertStringIncludes(answer.headers.get("www-authenticate") ?? "", "Basic realm=");
  }
  const wrong = await stage.ask("GET /", { accept: HTML, authorization: `Basic ${btoa("root:wrong horse")}` });
  assertStringIncludes(wrong.headers.get("www-authenticate") ?? "", "Basic realm=");
  const open = serviceOf(new StateNode());
  assertStringIncludes((await ask(open, "GET /", { headers: { accept: HTML } })).body, "The nodes and who leads");
  assertEquals((await ask(open, "GET /v1/login")).json, {
    login_needed: false,
    user: null,
    admin: false,
    by_cookie: false,
  });
  const early = await ask(open, "POST /login", { headers: { origin: OWN }, body: "user=a&password=b" });
  assertEquals([early.status, early.headers.get("set-cookie")], [303, undefined]);
});

Deno.test("what an open page asks for makes no browser ask for a password: by the mode, and by a cookie of whatever session", async () => {
  const stage = await Stage.open();
  const pages: readonly Headers[] = [
    { "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin" },
    { "sec-fetch-mode": "no-cors", "sec-fetch-site": "same-origin" },
    { cookie: "other=1; kvstore-8000=gone" },
    { cookie: "__Host-kvstore-8000=", authorization: `Basic ${btoa("root:wrong horse")}` },
  ];
  for (const headers of pages) {
    for (const line of ["GET /v1/live", "GET /v1/kv/k", "PUT /v1/kv/k"]) {
      const answer = await stage.ask(line, headers);
      assertEquals([answer.status, answer.code], [401, "not_logged_in"], line);
      assertEquals(
        answer.headers.get("www-authenticate"),
        'Cookie realm="KVStore"',
        `${line} ${JSON.stringify(headers)}`,
      );
    }
  }
  // Node's `fetch` tells a mode, too.
  const programs: readonly Headers[] = [{}, { cookie: "kvstore-8001=gone" }, { "sec-fetch-mode": "cors" }];
  for (const headers of [...programs, { "sec-fetch-mode": "navigate", "sec-fetch-site": "none" }]) {
    const answer = await stage.ask("GET /v1/kv/k", headers);
    assertStringIncludes(answer.headers.get("www-authenticate") ?? "", "Basic realm=");
  }
});

Deno.test("the cookie of a login opens what its user may see, as a password does, and says who that is", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn();
  const page = await stage.ask("GET /", { cookie, accept: HTML });
  assertEquals(page.status, 200);
  assertStringIncludes(page.body, "The nodes and who leads");
  const who = (isByCookie: boolean) => ({ login_needed: true, user: "root", admin: true, by_cookie: isByCookie });
  assertEquals((await stage.ask("GET /v1/login", { cookie })).json, who(true));
  const basic = { authorization: `Basic ${btoa(`root:${PASSWORD}`)}` };
  assertEquals((await stage.ask("GET /v1/login", basic)).json, who(false));
  assertEquals((await stage.ask("GET /v1/login")).json, {
    login_needed: true,
    user: null,
    admin: false,
    by_cookie: false,
  });
  assertEquals((await stage.ask("GET /v1/login", { authorization: "Basic !" })).status, 401);
  assertEquals((await stage.ask("GET /v1/users", { cookie })).status, 200);
  assertEquals((await stage.ask("GET /nothing", { cookie })).status, 404);
  for (
    const wrong of [cookie.slice(0, -1), `${cookie}A`, cookie.replace("8000", "8001"), `x${cookie}`, "kvstore-8000="]
  ) {
    assertEquals((await stage.ask("GET /v1/users", { cookie: wrong })).status, 401, wrong);
  }
  const among = { cookie: `a=1;${cookie}; kvstore-8001=x` };
  assertEquals((await stage.ask("GET /v1/users", among)).status, 200);
});

Deno.test("a user who is no administrator hears so on a page, may log out there, and has his own rights", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn("alice");
  const page = await stage.ask("GET /", { cookie, accept: HTML });
  assertEquals([page.status, page.headers.get("content-type")], [403, "text/html; charset=utf-8"]);
  assertStringIncludes(page.body, "<strong>alice</strong>, who is no administrator");
  assertStringIncludes(page.body, '<form method="post" action="/logout">');
  const basic = await stage.ask("GET /", { authorization: `Basic ${btoa(`alice:${PASSWORD}`)}` });
  assertEquals([basic.status, basic.body.includes("/logout")], [403, false]);
  assertEquals((await stage.ask("GET /v1/live", { cookie })).code, "forbidden");
  assertEquals((await stage.ask("GET /v1/kv/q:a", { cookie })).code, "forbidden");
  assertEquals((await stage.ask("GET /v1/kv/p:a", { cookie })).status, 404);
  assertEquals((await stage.ask("GET /v1/login", { cookie })).json?.["admin"], false);
});

Deno.test("the cookie is for this host, port and path alone, out of reach for scripts, and over HTTPS for HTTPS alone", async () => {
  const stage = await Stage.open();
  const setBy = async (headers: Headers, extras: Extras = {}) => {
    const answer = await stage.post({ user: "root", password: PASSWORD }, headers, extras);
    return (answer.headers.get("set-cookie") ?? "").replace(/=[A-Za-z0-9_-]{43};/, "=SECRET;");
  };
  const rest = "Path=/; HttpOnly; SameSite=Strict; Max-Age=43200";
  assertEquals(WEB_SESSION_MS, 43_200 * 1_000);
  assertEquals(await setBy({ origin: OWN }), `kvstore-8000=SECRET; ${rest}`);
  assertEquals(await setBy({ host: "localhost", origin: "http://localhost" }), `kvstore-80=SECRET; ${rest}`);
  const secure = `__Host-kvstore-8443=SECRET; ${rest}; Secure`;
  const https = { host: "localhost:8443", origin: "https://localhost:8443" };
  assertEquals(await setBy(https, { isTls: true }), secure);
  // TLS may end at a proxy before this node.
  assertEquals(await setBy(https), secure);
  assertEquals(
    await setBy({ host: "localhost", origin: "https://localhost" }),
    `__Host-kvstore-443=SECRET; ${rest}; Secure`,
  );
});

Deno.test("over TLS no cookie counts that could have been given without it, and none under the name of the other kind", async () => {
  const stage = await Stage.open();
  const plain = await stage.logIn();
  const [, plainSecret = ""] = plain.split("=");
  const secure = await stage.logIn("root", { origin: `https://${HOST}` }, { isTls: true });
  const [, secureSecret = ""] = secure.split("=");
  const status = async (cookie: string, isTls: boolean) =>
    (await stage.ask("GET /v1/users", { cookie }, { isTls })).status;
  assertEquals([await status(plain, false), await status(plain, true)], [200, 401]);
  assertEquals([await status(secure, false), await status(secure, true)], [200, 200]);
  assertEquals(await status(`__Host-kvstore-8000=${plainSecret}`, true), 401);
  assertEquals(await status(`kvstore-8000=${secureSecret}`, false), 401);
  assertEquals(await status(`${plain}; ${secure}`, true), 200);
});

Deno.test("a form is taken from a page of the very address alone: nobody is logged in or out by others", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn();
  const strange: readonly (readonly [Headers, boolean?])[] = [
    [{}],
    [{ origin: "null" }],
    [{ origin: "http://evil.test" }],
    [{ origin: "http://127.0.0.1:8001" }],
    [{ origin: "http://localhost:8000" }],
    [{ origin: `${OWN}0` }],
    [{ "sec-fetch-site": "same-origin" }],
    [{ origin: "http://evil.test", "sec-fetch-site": "same-origin" }],
    [{ origin: OWN }, true],
  ];
  for (const [headers, isTls = false] of strange) {
    const answer = await stage.post({ user: "root", password: PASSWORD }, headers, { isTls });
    assertEquals([answer.status, answer.code], [403, "bad_origin"], JSON.stringify(headers));
    assertEquals(answer.headers.get("set-cookie"), undefined);
    const out = await stage.ask("POST /logout", { ...headers, cookie }, { isTls });
    assertEquals(out.status, 403, JSON.stringify(headers));
  }
  assertEquals((await stage.ask("GET /v1/users", { cookie })).status, 200);
});

Deno.test("with a cookie nothing is changed without the token and the origin of an own page", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn();
  const token = await stage.tokenOf(cookie);
  const put = async (headers: Headers) => {
    const { status, code } = await stage.ask("PUT /v1/kv/p:a", { cookie, ...headers }, { body: "v" });
    return code ?? status;
  };
  assertEquals(await put({}), "bad_origin");
  assertEquals(await put({ "x-kv-token": token }), "bad_origin");
  assertEquals(await put({ origin: OWN }), "bad_token");
  assertEquals(
    await put({ origin: OWN, "x-kv-token": token.replace(/./, (digit) => digit === "0" ? "1" : "0") }),
    "bad_token",
  );
  assertEquals(await put({ origin: "http://evil.test", "x-kv-token": token }), "bad_origin");
  assertEquals(stage.node.machine.get("p:a"), undefined);
  assertEquals(await put({ origin: OWN, "x-kv-token": token }), 201);
});

Deno.test("the page of another node reads and does nothing with a cookie, though it may with a password", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn();
  const token = await stage.tokenOf(cookie);
  const members = stage.node.members();
  stage.node.members = () => members.map((member) => ({ ...member, httpAddress: "127.0.0.1:8001" }));
  const headers = { origin: "http://127.0.0.1:8001", "x-kv-token": token };
  const basic = { authorization: `Basic ${btoa(`root:${PASSWORD}`)}` };
  for (const line of ["GET /v1/users", "PUT /v1/kv/p:a"]) {
    assertEquals((await stage.ask(line, { ...headers, cookie })).status, 401, line);
    const known = await stage.ask(line, { ...headers, ...basic });
    assertEquals([known.status < 300, known.headers.get("access-control-allow-credentials")], [true, undefined]);
  }
});

Deno.test("credentials count for more than a cookie, right or wrong", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn();
  const as = async (name: string, password = PASSWORD) => {
    const headers = { cookie, authorization: `Basic ${btoa(`${name}:${password}`)}` };
    return (await stage.ask("GET /v1/users", headers)).status;
  };
  assertEquals([await as("root"), await as("alice"), await as("root", "wrong horse")], [200, 403, 401]);
});

Deno.test("behind a link of another site the page asks once more, for then the browser sends its cookie", async () => {
  const stage = await Stage.open();
  const link = { accept: HTML, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  const refresh = async (site: string) =>
    (await stage.ask("GET /", { ...link, "sec-fetch-site": site })).headers.get("refresh");
  assertEquals(await refresh("cross-site"), "0");
  for (const site of ["none", "same-origin", "same-site"]) assertEquals(await refresh(site), undefined, site);
});

Deno.test("no operation but to log in and to log out takes a form in the place of a token", () => {
  assertEquals(ALL_ROUTES.filter(({ isForm }) => isForm === true).map(({ id }) => id), ["logIn", "logOut"]);
});
