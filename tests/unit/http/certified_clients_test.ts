/** Requests on connections whose certificate names a user. What TLS has proved comes with the request. */

import { assertEquals } from "@std/assert";
import type { CertifiedClient } from "../../../lib/base/certified_client.ts";
import { hashPassword } from "../../../lib/access/passwords.ts";
import { NO_RIGHTS } from "../../../lib/kv/rights.ts";
import { StateNode } from "../../support/state_node.ts";
import { removeUser, rightsOf, setUser } from "../../support/users.ts";
import { ask, type Service, serviceOf } from "./support/ask.ts";

const PASSWORD = "correct horse: battery";
const HASH = await hashPassword(PASSWORD);

function certifiedAs(name: string): CertifiedClient {
  return { name, login: undefined };
}

function basic(name: string, password = PASSWORD): Readonly<Record<string, string>> {
  return { authorization: `Basic ${btoa(`${name}:${password}`)}` };
}

function submit(node: StateNode, command: Parameters<StateNode["submit"]>[0]): Promise<unknown> {
  const login = node.users.find("root")?.login ?? 0;
  return new Promise((resolve) => node.submit(command, resolve, { login }));
}

async function serviceOfUsers(): Promise<{ readonly node: StateNode; readonly service: Service }> {
  const node = new StateNode();
  const service = serviceOf(node);
  await submit(node, setUser("root", { hash: HASH }));
  const change = { revoked: NO_RIGHTS, granted: rightsOf("both:p:") };
  await submit(node, setUser("alice", { hash: HASH, change }));
  return { node, service };
}

Deno.test("each request is its user's, with his rights, as long as there is one of that name", async () => {
  const { node, service } = await serviceOfUsers();
  const certified = certifiedAs("alice");
  const statusOf = async (line: string, body?: string) => {
    const { status } = await ask(service, line, { certified, ...body === undefined ? {} : { body } });
    return status;
  };
  assertEquals(await statusOf("PUT /v1/kv/p:a", "v"), 201);
  assertEquals([await statusOf("GET /v1/kv/p:a"), await statusOf("GET /v1/kv/q:a")], [200, 403]);
  assertEquals(await statusOf("GET /v1/users"), 403);
  await submit(node, removeUser("alice"));
  assertEquals(await statusOf("GET /v1/kv/p:a"), 401);
  await submit(node, setUser("alice", { hash: HASH, change: { revoked: NO_RIGHTS, granted: NO_RIGHTS } }));
  assertEquals(await statusOf("GET /v1/kv/p:a"), 403, "who is made again has his own rights alone");
});

Deno.test("a name that no user has logs nobody in", async () => {
  const { service } = await serviceOfUsers();
  for (const name of ["carol", "", "alice, CN=root", "__proto__"]) {
    const answer = await ask(service, "GET /v1/kv/p:a", { certified: certifiedAs(name) });
    assertEquals([answer.status, answer.headers.has("www-authenticate")], [401, true], name);
  }
});

Deno.test("what a request says of itself goes before the certificate, right or wrong", async () => {
  const { service } = await serviceOfUsers();
  const certified = certifiedAs("root");
  const answer = async (headers: Readonly<Record<string, string>>) => {
    const { status } = await ask(service, "GET /v1/users", { certified, headers });
    return status;
  };
  assertEquals([await answer({}), await answer(basic("root"))], [200, 200]);
  assertEquals(await answer(basic("alice")), 403);
  assertEquals([await answer(basic("root", "wrong")), await answer({ authorization: "KVStore-Pass x" })], [401, 401]);
});
