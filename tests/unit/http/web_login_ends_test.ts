/** Logins on the page: what is said of those that fail, and what ends those that succeed. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LOGINS_PER_ADDRESS_MAX } from "../../../lib/access/gate.ts";
import { FREE_FAILURES } from "../../../lib/access/login_delays.ts";
import { hashPassword } from "../../../lib/access/passwords.ts";
import { WEB_SESSION_MS } from "../../../lib/access/web_sessions.ts";
import { LOGIN_FORM_BYTES_MAX } from "../../../lib/dashboard/login_routes.ts";
import { NO_RIGHTS } from "../../../lib/kv/rights.ts";
import type { AuditEvent } from "../../../lib/observe/audit.ts";
import { removeUser, rightsOf, setUser } from "../../support/users.ts";
import { HASH, type Headers, HOST, OWN, PASSWORD, Stage } from "./support/web_login_stage.ts";

const OTHER_HASH = await hashPassword("another password");

Deno.test("what is wrong with a login is said in a line on the page, with the name that was given and never with a password", async () => {
  const stage = await Stage.open();
  const told = async (fields: Headers) => {
    const { status, body, headers } = await stage.post(fields);
    assertEquals(headers.get("set-cookie"), undefined);
    assert(!body.includes("wrong horse") && !body.includes("<script"), body);
    return [status, /role="alert">([^<]*)</.exec(body)?.[1] ?? "", /name="user"[^>]* value="([^"]*)"/.exec(body)?.[1]];
  };
  assertEquals(await told({ user: "root", password: "wrong horse" }), [401, "Wrong user or password.", "root"]);
  assertEquals(await told({ user: "nobody", password: "wrong horse" }), [401, "Wrong user or password.", "nobody"]);
  const hostile = '"><script>alert(1)</script>';
  assertEquals(await told({ user: hostile, password: "wrong horse" }), [401, "Wrong user or password.", ""]);
  assertEquals((await told({ user: "root", word: "wrong horse" }))[0], 400);
  assertEquals((await told({ user: "root" }))[1], "Wrong user or password.");
  for (let count = 2; count < FREE_FAILURES; count++) await told({ user: "root", password: "wrong horse" });
  assertMatch(String((await told({ user: "alice", password: "wrong horse" }))[1]), /^Wrong user or password\.$/);
  const slowed = "Wrong user or password. After so many wrong ones the next attempt takes up to 1 s.";
  const attempt = told({ user: "root", password: "wrong horse" });
  await stage.service.clock.advance(1_000);
  assertEquals((await attempt)[1], slowed);
  stage.node.leaderId = undefined;
  const leaderless = "Wrong user or password. This node knows no leader: it may not know what was changed last.";
  assertEquals((await told({ user: "alice", password: "wrong horse" }))[1], leaderless);
});

Deno.test("a login that finds too many waiting, or no users yet, is told to try again, and was not judged", async () => {
  const stage = await Stage.open();
  stage.node.holding = true;
  const waiting = Array.from({ length: LOGINS_PER_ADDRESS_MAX }, (_, at) => {
    return stage.post({ user: `u${at}`, password: "wrong horse" });
  });
  const busy = await stage.post({ user: "root", password: PASSWORD });
  assertEquals([busy.status, busy.headers.get("retry-after")], [429, "1"]);
  assertStringIncludes(busy.body, "Too many logins are waiting. Yours was not looked at");
  stage.node.holding = false;
  while (stage.node.waiting.length > 0) stage.node.release();
  assertEquals(new Set((await Promise.all(waiting)).map(({ status }) => status)), new Set([401]));
  const early = new Stage();
  early.node.hasUsers = () => true;
  const answer = await early.post({ user: "root", password: PASSWORD });
  assertEquals([answer.status, answer.headers.get("retry-after")], [503, "1"]);
  assertStringIncludes(answer.body, "does not know the users yet");
});

Deno.test("a form is read as far as the longest name and password are long, and every byte of them counts", async () => {
  const stage = await Stage.open();
  const password = "ä+€ %&=".repeat(25);
  const bytes = Array.from(new TextEncoder().encode(password), (byte) => String.fromCharCode(byte)).join("");
  await stage.do(
    setUser("r".repeat(64), {
      hash: await hashPassword(bytes),
      change: { revoked: NO_RIGHTS, granted: rightsOf("admin") },
    }),
  );
  const answer = await stage.post({ user: "r".repeat(64), password });
  assertEquals(answer.status, 303, answer.body);
  const longest = new URLSearchParams({ user: "\u0080".repeat(32), password: "\u0080".repeat(128) }).toString();
  assert(longest.length <= LOGIN_FORM_BYTES_MAX, String(longest.length));
  const head = {
    ...{ method: "POST", path: "/login", query: "", remote: "127.0.0.1:1", id: "r1" },
    headers: new Map([["host", HOST], ["origin", OWN]]),
  };
  assertEquals(stage.service.handler.judge(head), LOGIN_FORM_BYTES_MAX);
});

Deno.test("a session ends at log out, with its streams and no others, and the cookie is taken back", async () => {
  const stage = await Stage.open();
  const [cookie, other] = [await stage.logIn(), await stage.logIn()];
  const [own, strange] = [
    await stage.stream("/v1/events", { cookie }),
    await stage.stream("/v1/events", { cookie: other }),
  ];
  const out = await stage.ask("POST /logout", { cookie, origin: OWN });
  assertEquals([out.status, out.headers.get("location")], [303, "/"]);
  assertEquals(out.headers.get("set-cookie"), "kvstore-8000=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
  assertEquals([own.ended, strange.ended], [["ended"], []]);
  assertEquals((await stage.ask("GET /v1/users", { cookie })).status, 401);
  assertEquals((await stage.ask("GET /v1/users", { cookie: other })).status, 200);
  assertEquals((await stage.ask("POST /logout", { cookie, origin: OWN })).status, 303);
  own.body.closed();
  strange.body.closed();
});

Deno.test("a stream that is opened after its session has ended is ended at once", async () => {
  const stage = await Stage.open();
  const cookie = await stage.logIn();
  const reply = await stage.service.handler.handle({
    ...{ method: "GET", path: "/v1/events", query: "", body: "", remote: "127.0.0.1:1", id: "r1" },
    headers: new Map([["host", HOST], ["cookie", cookie]]),
  });
  await stage.ask("POST /logout", { cookie, origin: OWN });
  const ended: string[] = [];
  assert(typeof reply.body !== "string");
  reply.body.opened({ unsentBytes: 0, send: () => {}, finish: () => {}, abort: () => void ended.push("ended") });
  reply.body.closed();
  assertEquals(ended, ["ended"]);
});

Deno.test("a session ends after 12 hours, with the removal of its user, and with another password", async () => {
  const stage = await Stage.open();
  const cookies = [await stage.logIn("alice"), await stage.logIn("root")];
  assertEquals(stage.gate.webSessions.size, 2);
  await stage.do(removeUser("alice"));
  assertEquals(stage.gate.webSessions.size, 1);
  assertEquals((await stage.ask("GET /v1/cluster", { cookie: cookies[0] ?? "" })).status, 401);
  assertEquals((await stage.ask("GET /v1/cluster", { cookie: cookies[1] ?? "" })).status, 200);
  await stage.do(setUser("root", { hash: OTHER_HASH }));
  assertEquals(stage.gate.webSessions.size, 0);
  assertEquals((await stage.ask("GET /v1/cluster", { cookie: cookies[1] ?? "" })).status, 401);
  await stage.do(setUser("root", { hash: HASH }));
  const late = await stage.logIn();
  const stream = await stage.stream("/v1/events", { cookie: late });
  await stage.service.clock.advance(WEB_SESSION_MS - 1);
  assertEquals([(await stage.ask("GET /v1/cluster", { cookie: late })).status, stream.ended], [200, []]);
  await stage.service.clock.advance(1);
  assertEquals([(await stage.ask("GET /v1/cluster", { cookie: late })).status, stream.ended], [401, ["ended"]]);
  stream.body.closed();
});

Deno.test("logins and log outs of pages are recorded as such, with the user and without the password", async () => {
  const stage = await Stage.open();
  const events: AuditEvent[] = [];
  Object.assign(stage.gate, { audit: { record: (event: AuditEvent) => events.push(event) } });
  const cookie = await stage.logIn();
  await stage.post({ user: "alice", password: "wrong horse" });
  await stage.post({ user: PASSWORD, password: "wrong horse" });
  await stage.ask("POST /logout", { cookie, origin: OWN });
  await stage.ask("POST /logout", { cookie, origin: OWN });
  const shown = events.map((
    { type, user, from, protocol, command, outcome },
  ) => [type, user, from, protocol, command, outcome]);
  assertEquals(shown, [
    ["Login", "root", "127.0.0.1", "page", "login", "LoggedIn"],
    ["Login", "alice", "127.0.0.1", "page", "login", "WrongPassword"],
    ["Login", "", "127.0.0.1", "page", "login", "UnknownUser"],
    ["Login", "root", "127.0.0.1", "page", "logout", "LoggedOut"],
  ]);
});

Deno.test("another login of the same browser takes the place of the one before", async () => {
  const stage = await Stage.open();
  const before = await stage.logIn();
  const after = await stage.logIn("alice", { origin: OWN, cookie: before });
  assertEquals((await stage.ask("GET /v1/cluster", { cookie: before })).status, 401);
  assertEquals((await stage.ask("GET /v1/login", { cookie: after })).json?.["user"], "alice");
  assertEquals(stage.gate.webSessions.size, 1);
});
